"""The dirty file is what its README and notebook 03 say: known faults, visible escapes, and rules that hit, miss and err as told."""

import unicodedata
from collections import Counter
from pathlib import Path

import pytest

from lessons_lib import corpus
from lessons_lib.cleaning import KEPT, Limits, clean, fates, plain
from lessons_lib.corpus import DataError, DirtyPair, Pair, load_dirty, load_grammar
from lessons_lib.exercises.text import GARBLED, is_garbled
from lessons_lib.runtime import data_dir

ROWS = load_dirty()
FAULTS = {
    "mistranslation": 4, "garbled letters": 4, "decomposed letters": 2, "exact duplicate": 3, "not translated": 3, "cut off": 3,
    "added text": 3, "sides swapped": 3, "empty side": 2, "odd spaces": 2, "invisible characters": 2, "control characters": 2,
    "page remnants": 2, "near duplicate": 2, "third language": 2,
}  # fmt: skip


def with_fault(name: str) -> list[DirtyPair]:
    return [row for row in ROWS if row.wrong and row.wrong[0] == name]


def left_out(limits: Limits | None = None) -> set[int]:
    found = fates([row.given for row in ROWS], limits)
    return {i for i, (_, fate) in enumerate(found) if fate != KEPT}


def test_the_file_has_the_faults_that_it_says() -> None:
    assert Counter(row.wrong[0] for row in ROWS if row.wrong) == FAULTS
    assert len(ROWS) == 64 and sum(not row.wrong for row in ROWS) == 25
    assert sum(bool(row.note) for row in ROWS if not row.wrong) == 8


def test_what_cannot_be_seen_is_written_as_an_escape() -> None:
    text = (data_dir() / "dirty" / "pairs.jsonl").read_text(encoding="utf-8")
    hidden = [c for c in text if c not in "\n " and (unicodedata.combining(c) or unicodedata.category(c) in ("Cc", "Cf", "Zs"))]
    assert hidden == [] and "\\u200b" in text and "\\u0308" in text


def test_each_fault_is_really_there() -> None:
    assert all(unicodedata.normalize("NFC", row.given.target) != row.given.target for row in with_fault("decomposed letters"))
    assert all("" in (plain(row.given.source), plain(row.given.target)) for row in with_fault("empty side"))
    assert all(row.given.source == row.given.target for row in with_fault("not translated"))
    for row in with_fault("control characters"):
        assert any(unicodedata.category(c) == "Cc" for c in row.given.source + row.given.target)
    for row in with_fault("invisible characters"):
        assert any(unicodedata.category(c) == "Cf" for c in row.given.source + row.given.target)
    for row in with_fault(GARBLED):
        assert row.given.target.encode("cp1252").decode("utf-8") == row.meant.target
    earlier = [plain(row.given.source) for row in ROWS]
    for fault in ("exact duplicate", "near duplicate"):
        for row in with_fault(fault):
            same = [text for text in earlier if text.strip(".").lower() == plain(row.given.source).strip(".").lower()]
            assert len(same) > 1, row


def test_what_is_meant_is_clean_and_what_is_good_stays_as_it_is() -> None:
    meant = [row.meant for row in ROWS if row.meant is not None]
    assert all(Pair(plain(pair.source), plain(pair.target)) == pair for pair in meant)
    assert not any(is_garbled(text) for pair in meant for text in pair)
    assert all(row.meant == row.given for row in ROWS if not row.wrong)
    assert not any("<br>" in text or "&amp;" in text for pair in meant for text in pair)


def test_the_rules_do_what_the_notebook_counts() -> None:
    found = fates(row.given for row in ROWS)
    ends = Counter()
    for row, (pair, fate) in zip(ROWS, found, strict=True):
        ends[bool(row.wrong), "left out" if fate != KEPT else "right" if pair == row.meant else "got through"] += 1
    assert ends == {(True, "right"): 6, (True, "left out"): 13, (True, "got through"): 20, (False, "right"): 20, (False, "left out"): 5}
    alarms = [row.given.source for row, (_, fate) in zip(ROWS, found, strict=True) if fate != KEPT and not row.wrong]
    assert [text.split()[0] for text in alarms] == ["Berlin", "No", "We", "ID", "The"]


def test_each_rule_catches_and_errs_as_the_notebook_tells() -> None:
    ends: dict[str, list[int]] = {}
    for row, (_, fate) in zip(ROWS, fates(row.given for row in ROWS), strict=True):
        ends.setdefault(fate, [0, 0])[not row.wrong] += 1
    assert ends.pop(KEPT) == [26, 20]
    assert ends == {
        "empty": [2, 0],
        "source and target identical": [3, 1],
        "lengths too different": [3, 2],
        "probably another language": [2, 2],
        "duplicate": [3, 0],
    }


def test_a_looser_limit_trades_an_alarm_for_a_miss() -> None:
    freed = [ROWS[i] for i in sorted(left_out() - left_out(Limits(max_ratio=5)))]
    assert [bool(row.wrong) for row in freed] == [True, False]
    assert freed[0].wrong == ("cut off",) and freed[1].given.source == "No way."


def test_fates_and_clean_agree() -> None:
    pairs = [row.given for row in ROWS]
    kept, counts = clean(iter(pairs))
    found = fates(pairs)
    assert kept == [pair for pair, fate in found if fate == KEPT]
    assert sum(counts.values()) - counts["made uniform"] == len(pairs) - len(kept) == len(left_out())


def test_no_sentence_comes_from_the_grammar_corpus_but_the_threads_own() -> None:
    known = {pair.source for split in ("train", "test", "validation") for pair in load_grammar(split)}
    shared = {row.given.source for row in ROWS} & known
    assert shared <= {"The dog bites the man.", "The man bites the dog."}, shared


@pytest.mark.parametrize("content", [None, "{}\n", '{"en": "a", "de": "b"}\n', "no json\n"])
def test_a_missing_or_damaged_file_says_how_to_get_it_back(content: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(corpus, "data_dir", lambda: tmp_path)
    if content is not None:
        (tmp_path / "dirty").mkdir()
        (tmp_path / "dirty" / "pairs.jsonl").write_text(content)
    with pytest.raises(DataError, match="git checkout -- data/dirty"):
        load_dirty()
