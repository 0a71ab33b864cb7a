"""The glossary: one sentence a term, sorted, and no notebook uses a term before the notebook that defines it."""

import re
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

NOTEBOOKS = Path(__file__).resolve().parents[1] / "notebooks"
SOURCES = {source.stem[:2]: source for source in sorted((NOTEBOOKS / "source").glob("[0-9]*.py"))}
# What is not prose: code, formulas, links with their titles, the list of what the reader will be able to do, references.
NOT_PROSE = (
    r"```.*?```",
    r"`[^`]*`",
    r"\$\$.*?\$\$",
    r"\$[^$]*\$",
    r"\[[^]]*\]\([^)]*\)",
    r"\*\*You will be able to\*\*.*?\*\*Prerequisites",
    r"^## References.*",
)


class Term(NamedTuple):
    """A row; `sense` is the word in brackets behind a term that everyday English has too, such as the key of a keyboard."""

    name: str
    sense: str
    sentence: str
    notebook: str
    link: str


ROW = re.compile(r"^\| ([^|(]+?)(?: \((.+?)\))? \| ([^|]+) \| \[(\d\d)\]\((\S+)\) \|$", re.MULTILINE)
TERMS = [Term(*row) for row in ROW.findall((NOTEBOOKS / "glossary.md").read_text(encoding="utf-8"))]


@cache
def prose(number: str) -> str:
    """The markdown cells of a notebook's source, without what is not prose."""
    cells = re.split(r"^# %%", SOURCES[number].read_text(encoding="utf-8"), flags=re.MULTILINE)
    text = "\n".join(re.sub(r"^# ?", "", cell, flags=re.MULTILINE) for cell in cells if cell.startswith(" [markdown]"))
    for pattern in NOT_PROSE:
        text = re.sub(pattern, " ", text, flags=re.DOTALL | re.MULTILINE)
    return text


def uses(term: str, text: str) -> list[str]:
    """Where the term stands in the text, in the singular or plural, each with some words around it."""
    found = re.finditer(rf"(?<![\w-]){re.escape(term)}(?:s|es)?(?![\w-])", text, re.IGNORECASE)
    return [" ".join(text[max(0, hit.start() - 40) : hit.end() + 30].split()) for hit in found]


def test_the_terms_are_sorted_and_each_has_one_sentence_and_its_notebook() -> None:
    assert len(TERMS) > 60
    names = [term.name.lower() for term in TERMS]
    assert names == sorted(set(names))
    for term in TERMS:
        assert term.link == f"{SOURCES[term.notebook].stem}.ipynb"
        assert re.fullmatch(r"[A-Z√][^|]*[^.]\.", term.sentence) and ". " not in term.sentence, term


@pytest.mark.parametrize("term", TERMS, ids=lambda term: term.name)
def test_a_term_is_marked_where_it_is_defined_and_used_in_no_earlier_notebook(term: Term) -> None:
    marked = rf"\*{{1,2}}[^*\n]*(?<![\w-]){re.escape(term.name)}(?:s|es)?(?![\w-])[^*\n]*\*{{1,2}}"
    assert re.search(marked, prose(term.notebook), re.IGNORECASE), f"{term.notebook} does not mark {term.name!r} in bold or italics"
    if term.sense:
        return  # the everyday word may stand anywhere
    early = [(number, use) for number in SOURCES if number < term.notebook for use in uses(term.name, prose(number))]
    assert early == []
