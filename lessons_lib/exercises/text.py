"""Exercises of notebook 03 on text: a rule's precision, garbled letters."""

import re
from collections.abc import Callable, Sequence
from typing import Any

from lessons_lib.cleaning import plain
from lessons_lib.corpus import load_dirty
from lessons_lib.exercises.coding import nothing_given
from lessons_lib.exercises.framework import (
    Exercise,
    Verdict,
    kind,
    number_exercise,
    register,
    right,
    wrong,
)
from lessons_lib.exercises.verdicts import as_wrong_answers

number_exercise(
    "text.precision",
    0.72,
    tolerance=0.006,
    why="13 of the 18 pairs that were left out deserved it: 13 / 18 = 0.72, the precision of the rules together.",
    slips={
        0.33: "That is 13 / 39: how many of all spoiled pairs were left out, the recall. The question is about the 18 left out.",
        0.28: "That is 5 / 18, what was left out wrongly, or 18 / 64, a share of all pairs. Asked: of the 18, how many rightly?",
        0.2: "That is 5 / 25, of the good pairs, or 13 / 64, of all. Asked is a share of the 18 pairs that were left out.",
        0.49: "That is 19 / 39, with the mended pairs. They stayed in: count only what was left out.",
        **{given: f"In per cent it is {given}. Asked is a share, a number between 0 and 1." for given in (72, 72.2, 72.22)},
        0.52: "That is 13 / 25 or 33 / 64. Neither good pairs nor all pairs are asked about: 13 + 5 pairs were left out.",
    },
    first_step="how many pairs were left out in all, rightly or wrongly?",
)

GARBLED = "garbled letters"


def is_garbled(text: str) -> bool:
    """Whether the text is UTF-8 that somebody read as Windows-1252: read back the other way it is another, valid text."""
    try:
        return text.encode("cp1252").decode("utf-8") != text
    except UnicodeError:
        return False


# What no rule that was cut to the file's own rows would pass: (text, whether it is garbled).
BESIDES = (
    ("Er fährt nach Köln.".encode().decode("cp1252"), True),
    ("Sie sagt: „Ja“.".encode().decode("cp1252"), True),
    ("Łódź liegt in Polen.", False),
    ("Das Café heißt „Größe“.", False),
    ("Es sind 25 °C.".encode().decode("cp1252"), True),
    ("IRMÃ, PÃO", False),
)


def judge_garbled(rule: Any) -> Verdict:
    """Run the rule on every text of the dirty file, made uniform, and on a few more; count hits and false alarms."""
    if not callable(rule):
        return wrong(f"Not yet. Give the function itself, its name without brackets; this is {kind(rule)}.")
    rows = load_dirty()
    texts = [(plain(row.given.source), plain(row.given.target)) for row in rows]
    asked = [text for pair in texts for text in pair] + [text for text, _ in BESIDES]
    found = [_ask(rule, text) for text in asked]
    if all(answer is ... or answer is None for answer in found):
        return nothing_given(rule, found[0])
    for text, answer in zip(asked, found, strict=True):
        if isinstance(answer, Exception):
            return wrong(_stopped(text, answer))
        if not isinstance(answer, bool):
            return wrong(f"Not yet. Return True or False; on '{text[:40]}' your function gives {kind(answer)}.")
    caught = [any(found[2 * i : 2 * i + 2]) for i in range(len(rows))]
    hits = sum(flag for flag, row in zip(caught, rows, strict=True) if GARBLED in row.wrong)
    # Of a pair the side that is flagged.
    alarms = [texts[i][not found[2 * i]] for i, row in enumerate(rows) if caught[i] and GARBLED not in row.wrong]
    wanted = sum(GARBLED in row.wrong for row in rows)
    if hits == wanted and not alarms:
        return _on_other_texts(found[2 * len(rows) :])
    if found == [_garbles_again(text) for text in asked]:
        return wrong(f"Not yet. {OTHER_WAY}")
    if found == [not is_garbled(text) for text in asked]:
        return wrong("Not yet. Your rule says True of what is good and False of what is garbled: turn it round.")
    told = f"Your rule finds {hits} of the {wanted} garbled pairs, with {len(alarms)} false alarm{'s' * (len(alarms) != 1)}."
    missed = [next(filter(is_garbled, texts[i])) for i, row in enumerate(rows) if not caught[i] and GARBLED in row.wrong]
    return wrong(f"Not yet. {told} {_look(missed, wanted, alarms, len(rows) - wanted)}")


def _ask(rule: Callable[[str], Any], text: str) -> Any:
    try:
        answer = rule(text)
    except NotImplementedError:
        return ...
    except Exception as error:  # whatever the learner's rule raises is told in words
        return error
    return bool(answer) if type(answer).__name__ in ("bool", "bool_") else answer


OTHER_WAY = 'You garble the text once more. Undo it: back to the bytes with text.encode("cp1252"), and read these as UTF-8.'


def _garbles_again(text: str) -> bool:
    try:
        return text.encode().decode("cp1252") != text
    except UnicodeError:
        return False


def _stopped(text: str, error: Exception) -> str:
    if isinstance(error, UnicodeDecodeError) and error.encoding != "utf-8":  # bytes of UTF-8 that the old code page lacks
        return f"Not yet. On '{text[:40]}' your function stops with {type(error).__name__}. {OTHER_WAY}"
    if isinstance(error, UnicodeError):
        return (
            f"Not yet. On '{text[:40]}' your function stops with {type(error).__name__}: this text cannot be read the other way, "
            "so it is not garbled. Catch UnicodeError and return False."
        )
    said = (str(error).splitlines() or [""])[0][:100]
    return f"Not yet. On '{text[:40]}' your function stops with {type(error).__name__}: {said}. Call it on this text in a cell of its own."


def _look(missed: Sequence[str], wanted: int, alarms: Sequence[str], others: int) -> str:
    """What to look at, by what the rule does not catch of `wanted` garbled pairs, and what it catches of the others."""
    if len(alarms) == others:
        return "It flags everything."
    if len(missed) == wanted and not alarms:
        return f"It flags nothing: try it on '{missed[0]}', which is garbled."
    if alarms and any(text.isascii() for text in alarms):
        return (
            f"'{next(text for text in alarms if text.isascii())[:40]}' is flagged: plain English letters survive the way back unchanged. "
            "Only a text that comes back *different* is garbled."
        )
    if len(alarms) > 5:
        return (
            f"'{alarms[0][:40]}' is flagged: German needs ä, ö, ü and ß, and being outside English is no fault. "
            'Is your way back text.encode("cp1252").decode("utf-8")? And where that fails, the text is good: return False.'
        )
    if alarms and "Ã" not in alarms[0]:
        return f"'{alarms[0][:40]}' is a false alarm. {_why_good(alarms[0])}"
    if alarms and missed:
        return (
            f"'{alarms[0][:40]}' is flagged, since Ã is a letter, too; and quotation marks turn into â€ž, without any Ã. "
            "Read the text back the other way instead of looking for one letter."
        )
    if alarms:
        return f"'{alarms[0][:40]}' is a false alarm: Ã is a letter of Portuguese. What follows it tells."
    return f"Look at '{missed[0]}': other letters are garbled there. (cp1252 has some that latin-1 lacks.)"


def _why_good(text: str) -> str:
    """Why a text that was flagged is not garbled."""
    try:
        text.encode("cp1252")
    except UnicodeEncodeError:
        return "cp1252 cannot even write it, so nobody has read it as cp1252: return False."
    return "Read the text back the other way: only one that comes back valid and different is garbled."


def _on_other_texts(answers: Sequence[bool]) -> Verdict:
    for (text, wanted), answer in zip(BESIDES, answers, strict=True):
        if answer != wanted:
            said = "is garbled, and your rule passes it" if wanted else "is not garbled, and your rule flags it"
            return wrong(
                f"Not yet. In the file your rule is right everywhere, but a new text, '{text}', {said}. Ask for the cause, not a list."
            )
    return right("all 4 garbled pairs are found, without a false alarm, and so are new ones: the way back through the two encodings tells.")


def _by_way_back_alone(text: str) -> bool:
    try:
        text.encode("cp1252").decode("utf-8")
    except UnicodeError:
        return False
    return True


register(
    Exercise(
        "text.is_garbled",
        judge_garbled,
        is_garbled,
        as_wrong_answers(
            (
                ("looks for Ã", lambda text: "Ã" in text, "Ã is a letter, too"),
                ("flags what is not English", lambda text: not text.isascii(), "German needs ä, ö, ü and ß"),
                ("comes back at all", _by_way_back_alone, "comes back *different*"),
                ("error not caught", lambda text: text.encode("cp1252").decode("utf-8") != text, "Catch UnicodeError"),
                ("garbles once more", lambda text: text.encode().decode("cp1252") != text, "garble the text once more"),
                ("garbles once more, errors caught", _garbles_again, "garble the text once more"),
                ("the wrong way round", lambda text: not is_garbled(text), "turn it round"),
                ("never", lambda text: False, "flags nothing"),
                ("always", lambda text: True, "flags everything"),
                ("looks for Ã with ¼", lambda text: "Ã¼" in text, "finds 2 of the 4"),
                ("a list of the file's own", lambda text: any(part in text for part in ("ÃŸ", "Ã¼", "â€ž", "Ã©")), "a new text"),
                ("patterns", lambda text: bool(re.search("Ã[^ a-zA-Z]|â€", text)), "a new text"),
                ("one pattern", lambda text: "â€" in text, "finds 1 of the 4"),
                ("gives back text", lambda text: text, "Return True or False"),
            )
        ),
    )
)
