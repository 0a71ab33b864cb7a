"""German inflection by rule from the principal parts: articles, adjective endings, nouns, verbs."""

from __future__ import annotations

from lessons_lib.grammar.words import Case, Determiner, Gender, Modal, Noun, Numerus, Verb

GENDER_COLUMN = {"m": 0, "f": 1, "n": 2}
PLURAL_COLUMN = 3
DER: dict[Case, tuple[str, str, str, str]] = {
    "nom": ("der", "die", "das", "die"),
    "acc": ("den", "die", "das", "die"),
    "dat": ("dem", "der", "dem", "den"),
}
DER_WORD_ENDINGS: dict[Case, tuple[str, str, str, str]] = {
    "nom": ("er", "e", "es", "e"),
    "acc": ("en", "e", "es", "e"),
    "dat": ("em", "er", "em", "en"),
}
EIN_WORD_ENDINGS: dict[Case, tuple[str, str, str, str]] = {
    "nom": ("", "e", "", "e"),
    "acc": ("en", "e", "", "e"),
    "dat": ("em", "er", "em", "en"),
}
WEAK: dict[Case, tuple[str, str, str, str]] = {
    "nom": ("e", "e", "e", "en"),
    "acc": ("en", "e", "e", "en"),
    "dat": ("en", "en", "en", "en"),
}
MIXED: dict[Case, tuple[str, str, str, str]] = {
    "nom": ("er", "e", "es", "en"),
    "acc": ("en", "e", "es", "en"),
    "dat": ("en", "en", "en", "en"),
}
STRONG = DER_WORD_ENDINGS
DER_WORDS: dict[Determiner, str] = {"this": "dies", "every": "jed"}
EIN_WORDS: dict[Determiner, str] = {"a": "ein", "no": "kein", "my": "mein", "his": "sein", "her": "ihr", "our": "unser", "their": "ihr"}
UNINFLECTED: dict[Determiner, str] = {"two": "zwei", "three": "drei", "bare": ""}
INSEPARABLE = ("be", "er", "ver", "zer", "ent", "emp", "ge")
CONTRACTIONS = {
    ("in", "dem"): "im",
    ("in", "das"): "ins",
    ("an", "dem"): "am",
    ("zu", "dem"): "zum",
    ("zu", "der"): "zur",
    ("von", "dem"): "vom",
}


def column(gender: Gender, number: Numerus) -> int:
    """Column of the tables above: m, f, n, plural."""
    return PLURAL_COLUMN if number == "pl" else GENDER_COLUMN[gender]


def article(determiner: Determiner, gender: Gender, number: Numerus, case: Case) -> str:
    """The inflected determiner (*den*, *meiner*, *viele*), or an empty string where there is none."""
    where = column(gender, number)
    if determiner == "the":
        return DER[case][where]
    if determiner in DER_WORDS:
        return DER_WORDS[determiner] + DER_WORD_ENDINGS[case][where]
    if determiner in EIN_WORDS:
        return EIN_WORDS[determiner] + EIN_WORD_ENDINGS[case][where]
    if determiner == "many":
        return "viel" + STRONG[case][where]
    return UNINFLECTED[determiner]


def adjective_ending(determiner: Determiner, gender: Gender, number: Numerus, case: Case) -> str:
    """Weak after *der* words, mixed after *ein* words, strong where the determiner shows no case."""
    where = column(gender, number)
    if determiner == "the" or determiner in DER_WORDS:
        return WEAK[case][where]
    if determiner in EIN_WORDS:
        return MIXED[case][where]
    return STRONG[case][where]


def inflected_adjective(stem: str, ending: str) -> str:
    """*alt* + *en*; an adjective in *-e* loses it (*müde* + *en* → *müden*)."""
    return stem.removesuffix("e") + ending


def noun_form(noun: Noun, number: Numerus, case: Case) -> str:
    """The noun in a case: weak nouns take their plural form in the accusative and dative, plurals add *-n* in the dative."""
    if number == "sg":
        return noun.de_plural if noun.weak and case != "nom" and noun.de_plural else noun.de
    if noun.de_plural is None:
        raise ValueError(f"{noun.de!r} has no plural in the lexicon; use number 'sg'")
    if case == "dat" and not noun.de_plural.endswith(("n", "s")):
        return noun.de_plural + "n"
    return noun.de_plural


def relative_pronoun(gender: Gender, number: Numerus, case: Case) -> str:
    """*der, die, das* as a relative pronoun: like the article, but *denen* in the dative plural."""
    return "denen" if number == "pl" and case == "dat" else DER[case][column(gender, number)]


def verb_stem(infinitive: str) -> str:
    """*lesen* → *les*, *lächeln* → *lächel*."""
    return infinitive.removesuffix("en") if infinitive.endswith("en") else infinitive.removesuffix("n")


def needs_e(stem: str) -> bool:
    """True where an *e* parts stem and *t*: after d, t, and m, n behind most consonants (*arbeitet*, *öffnet*, *zeichnet*, but *wohnt*)."""
    if stem.endswith(("d", "t")):
        return True
    return len(stem) > 1 and stem[-1] in "mn" and (stem[-2] not in "aeiouäöülrmnh" or stem.endswith("chn"))


def regular_participle(infinitive: str, prefix: str) -> str:
    """*kaufen* → *gekauft*, *auf* + *räumen* → *aufgeräumt*, *besuchen* → *besucht*, *reparieren* → *repariert*."""
    stem = verb_stem(infinitive)
    without_ge = infinitive.endswith("ieren") or (infinitive.startswith(INSEPARABLE) and not prefix)
    return prefix + ("" if without_ge else "ge") + stem + ("et" if needs_e(stem) else "t")


def present(verb: Verb, person: int, number: Numerus) -> str:
    """Finite present form without the separable prefix: *steht* of *aufstehen*."""
    if number == "pl":
        return verb.de
    stem = verb_stem(verb.de)
    if person == 1:
        if verb.de == "wissen":
            return verb.de_changed_stem
        return (stem[:-2] + "l" if verb.de.endswith("eln") else stem) + "e"
    changed = verb.de_changed_stem
    if verb.de == "wissen" or (changed != stem and changed.endswith("t")):
        return changed
    return changed + ("et" if changed == stem and needs_e(stem) else "t")


def auxiliary(name: str, person: int, number: Numerus) -> str:
    """Present of *haben* or *sein*."""
    forms = {"haben": ("habe", "hat", "haben"), "sein": ("bin", "ist", "sind")}[name]
    return forms[2] if number == "pl" else forms[0 if person == 1 else 1]


def modal(verb: Modal, number: Numerus) -> str:
    """Finite form of a modal verb; first and third person singular are alike (*kann*)."""
    return verb.de_plural if number == "pl" else verb.de_singular
