"""What notebook 00 states as numbers is so."""

import re
from collections import Counter
from pathlib import Path

import pytest

from lessons_lib.corpus import DataError, load_multi30k

SOURCE = Path(__file__).resolve().parents[1] / "notebooks" / "source" / "00_start_here.py"


def counted(texts: list[str]) -> Counter[str]:
    """How often each word stands in the texts, upper and lower case together."""
    return Counter(word for text in texts for word in re.findall(r"[^\W\d_]+", text.lower()))


@pytest.mark.multi30k
def test_the_table_of_words_in_the_captions_is_counted() -> None:
    try:
        pairs = load_multi30k("train")
    except DataError as error:
        pytest.skip(str(error).splitlines()[0])
    english, german = counted([pair.source for pair in pairs]), counted([pair.target for pair in pairs])
    rows = re.findall(r"^# \| (.+) \| ([\d,]+) \|$", SOURCE.read_text(encoding="utf-8"), re.MULTILINE)
    assert len(rows) == 7
    for words, times in rows:
        named = re.findall(r"\*(\w+)\*", words)
        found = [english[word.lower()] for word in named] or [sum(pair.source.rstrip().endswith("?") for pair in pairs)]
        assert set(found) == {int(times.replace(",", ""))}, f"{words}: counted {found}"
    assert [german[word] for word in ("rechnung", "bezahlen", "gestern")] == [0, 0, 0]
    assert english["passport"] == 0
