"""English inflection by rule: plural, third person, participle, *a* or *an*."""

from __future__ import annotations

VOWELS = "aeiou"


def regular_plural(word: str) -> str:
    """*dog* → *dogs*. Irregular plurals stand in the lexicon."""
    return word + "s"


def third_person(base: str) -> str:
    """*read* → *reads*, *watch* → *watches*, *carry* → *carries*, *have* → *has*, *go* → *goes*."""
    irregular = {"have": "has", "go": "goes", "do": "does", "be": "is"}
    if base in irregular:
        return irregular[base]
    if base.endswith(("s", "x", "z", "ch", "sh")):
        return base + "es"
    if base.endswith("y") and base[-2] not in VOWELS:
        return base[:-1] + "ies"
    return base + "s"


def regular_participle(base: str) -> str:
    """*help* → *helped*, *bake* → *baked*, *carry* → *carried*."""
    if base.endswith("e"):
        return base + "d"
    if base.endswith("y") and base[-2] not in VOWELS:
        return base[:-1] + "ied"
    return base + "ed"


def indefinite_article(next_word: str) -> str:
    """*a* or *an*, by the first letter: no word of the lexicon begins with a mute h or a spoken y."""
    return "an" if next_word[0] in VOWELS else "a"
