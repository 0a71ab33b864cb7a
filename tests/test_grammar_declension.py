"""Declension tables as a school grammar prints them: weak, mixed and strong endings in three cases."""

from __future__ import annotations

import pytest
from grammar_builders import np

from lessons_lib.grammar import german
from lessons_lib.grammar.words import Case

DECLENSION: dict[str, tuple[str, str, str]] = {
    "the old man": ("der alte Mann", "den alten Mann", "dem alten Mann"),
    "the old woman": ("die alte Frau", "die alte Frau", "der alten Frau"),
    "the small child": ("das kleine Kind", "das kleine Kind", "dem kleinen Kind"),
    "the old men": ("die alten Männer", "die alten Männer", "den alten Männern"),
    "this good friend": ("dieser gute Freund", "diesen guten Freund", "diesem guten Freund"),
    "every new house": ("jedes neue Haus", "jedes neue Haus", "jedem neuen Haus"),
    "a big dog": ("ein großer Hund", "einen großen Hund", "einem großen Hund"),
    "a small cat": ("eine kleine Katze", "eine kleine Katze", "einer kleinen Katze"),
    "a small pig": ("ein kleines Schwein", "ein kleines Schwein", "einem kleinen Schwein"),
    "no sad boy": ("kein trauriger Junge", "keinen traurigen Jungen", "keinem traurigen Jungen"),
    "my old friends": ("meine alten Freunde", "meine alten Freunde", "meinen alten Freunden"),
    "our tired bear": ("unser müder Bär", "unseren müden Bären", "unserem müden Bären"),
    "- hot tea": ("heißer Tee", "heißen Tee", "heißem Tee"),
    "- cold milk": ("kalte Milch", "kalte Milch", "kalter Milch"),
    "- fresh bread": ("frisches Brot", "frisches Brot", "frischem Brot"),
    "two red cars": ("zwei rote Autos", "zwei rote Autos", "zwei roten Autos"),
    "many old houses": ("viele alte Häuser", "viele alte Häuser", "vielen alten Häusern"),
    "their neighbor": ("ihr Nachbar", "ihren Nachbarn", "ihrem Nachbarn"),
}


@pytest.mark.parametrize("text", DECLENSION)
def test_declension(text: str) -> None:
    cases: tuple[Case, ...] = ("nom", "acc", "dat")
    assert tuple(german.phrase(np(text), case) for case in cases) == DECLENSION[text]
