"""The framework of the exercises: what each kind of answer is told, whatever a learner hands in."""

import json
import math
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from lessons_lib.exercises import verdicts
from lessons_lib.exercises.comparing import describe, difference, kind
from lessons_lib.exercises.framework import (
    Case,
    Exercise,
    Slip,
    UnknownExercise,
    check,
    find,
    function_exercise,
    register,
    right,
)

SCORES = torch.tensor([[1.0, 2.0], [3.0, 5.0]])
LARGE = torch.tensor([[1000.0, 0.0]])
pytestmark = pytest.mark.usefixtures("own_registry")


def softmax(scores: torch.Tensor) -> torch.Tensor:
    return torch.softmax(scores, dim=-1)


def by_columns(scores: torch.Tensor) -> torch.Tensor:
    return torch.softmax(scores, dim=0)


def by_sum(scores: torch.Tensor) -> torch.Tensor:
    return scores / scores.sum(-1, keepdim=True)


def unshifted(scores: torch.Tensor) -> torch.Tensor:
    return scores.exp() / scores.exp().sum(-1, keepdim=True)


SLIPS = (
    Slip("softmax runs down the columns", by_columns, "dim=-1 is the last axis."),
    Slip("the scores are divided by their sum", by_sum),
    Slip("the maximum is not subtracted first", unshifted),
)


@pytest.fixture
def coding() -> Exercise:
    return function_exercise("demo.softmax", [(SCORES,), (LARGE,)], softmax, SLIPS, "each row sums to 1.")


def test_a_right_function_passes_whatever_carries_its_result(coding: Exercise) -> None:
    assert coding.verdict(softmax).text == "Right: each row sums to 1."
    assert coding.verdict(lambda scores: softmax(scores).tolist()).status == "right"
    assert coding.verdict(lambda scores: softmax(scores.requires_grad_())).status == "right"
    assert coding.verdict(torch.nn.Softmax(dim=-1)).status == "right"


@pytest.mark.parametrize("slip", SLIPS, ids=lambda slip: slip.function.__name__)
def test_a_slip_is_answered_by_its_name_on_the_input_that_tells(coding: Exercise, slip: Slip) -> None:
    text = coding.verdict(slip.function).text
    assert f"that is what comes out when {slip.says}" in text
    assert slip.look in text
    assert ("scores = [[1000, 0]]" if slip.function is unshifted else "scores = [[1, 2], [3, 5]]") in text


def forgets_return(scores: torch.Tensor) -> None:
    softmax(scores)


def only_docstring(scores: torch.Tensor) -> None:
    """Each row sums to 1."""
    ...


def half_stub(scores: torch.Tensor) -> Any:
    total = ...
    return scores / total


def raises_stub(scores: torch.Tensor) -> None:
    raise NotImplementedError


@pytest.mark.parametrize("function", [lambda scores: ..., only_docstring, half_stub, raises_stub])
def test_an_untouched_function_is_not_attempted(coding: Exercise, function: Callable[..., Any]) -> None:
    assert coding.verdict(function).status == "not attempted"
    assert coding.verdict(function).text == "Not attempted yet."


def test_a_forgotten_return_is_hinted_at(coding: Exercise) -> None:
    assert coding.verdict(forgets_return).status == "not attempted"
    assert "return missing" in coding.verdict(forgets_return).text


def test_a_forgotten_case_is_told_by_its_input() -> None:
    exercise = function_exercise("demo.cases", [(1.0,), (-1.0,)], abs, [], "why.")
    verdict = exercise.verdict(lambda x: x if x > 0 else None)
    assert verdict.status == "wrong" and "= -1 your function gives back None: is a return missing there?" in verdict.text


def test_an_argument_changed_into_none_or_another_text_is_noticed() -> None:
    def cut_off(words: list[str], by: str | None) -> int:
        words[0] = by
        return len(words)

    exercise = function_exercise("demo.words", [(["der", "Hund"], None), (["der"], "die")], lambda words, by: len(words), [], "why.")
    assert "changes what it was given (words = ['der', 'Hund']" in exercise.verdict(cut_off).text
    assert "changes" in exercise.verdict(lambda words, by: cut_off(words, by) if by else len(words)).text


def wrong_shapes(scores: torch.Tensor) -> torch.Tensor:
    weights = scores.exp()
    return weights @ torch.ones(7)


def misspelt(scores: torch.Tensor) -> torch.Tensor:
    return scoers.exp()  # noqa: F821


def changes_input(scores: torch.Tensor) -> torch.Tensor:
    return scores.sub_(scores.max()).softmax(-1)


def takes_the_pair(scores: torch.Tensor) -> torch.Tensor:
    pair = (scores, scores.exp())
    return pair.sum(dim=-1)


def runs_off_a_list(scores: torch.Tensor) -> torch.Tensor:
    rows = scores.tolist()
    return torch.tensor([rows.pop(0) if i else rows[i + 2] for i in range(2)])


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (takes_the_pair, ["AttributeError", "take the part you need, [0] or [1]"]),
        (runs_off_a_list, ["IndexError", "Did the list get shorter while a loop ran along it?"]),
        (lambda scores: torch.bmm(scores[None], torch.ones(2, 2, 2)), ["RuntimeError", "Print the shapes of what you multiply."]),
        (wrong_shapes, ["`return weights @ torch.ones(7)`", "RuntimeError", "Print the shapes", "scores = [[1, 2], [3, 5]]"]),
        (misspelt, ["NameError", "'scoers' is not defined", "spelt"]),
        (changes_input, ["changes what it was given"]),
        (lambda scores, mask: scores, ["calls your function with (scores)", "(scores, mask)"]),
        (torch.zeros(2), ["Give the function itself", "a tensor of shape (2,)"]),
        (lambda scores: softmax(scores)[0], ["its shape should be (2, 2), and is (2,)"]),
        (lambda scores: softmax(scores) > 0.5, ["should hold numbers, and holds truth values"]),
        (lambda scores: "a text", ["should be a tensor of shape (2, 2), and is a text"]),
        (lambda scores: scores * math.nan, ["is nan"]),
        (lambda scores: softmax(scores) + torch.tensor([0.0, 0.1]), ["element [0, 1] should be 0.7311, and is 0.8311"]),
    ],
)
def test_a_wrong_function_is_told_where_and_what(coding: Exercise, answer: Any, words: list[str]) -> None:
    verdict = coding.verdict(answer)
    assert verdict.status == "wrong"
    assert all(word in verdict.text for word in words), verdict.text


def test_each_call_gets_inputs_of_its_own(coding: Exercise) -> None:
    coding.verdict(changes_input)
    assert coding.verdict(softmax).status == "right"


def test_cases_that_cannot_tell_a_slip_are_refused() -> None:
    square = torch.zeros(2, 2)
    with pytest.raises(ValueError, match="gives the right result on all cases"):
        function_exercise("demo.blind", [(square,)], softmax, [SLIPS[0]], "why.")
    with pytest.raises(ValueError, match="give the same on all cases"):
        function_exercise("demo.twins", [(SCORES,)], softmax, [SLIPS[0], Slip("another name", by_columns)], "why.")
    with pytest.raises(ValueError, match="at least one case"):
        function_exercise("demo.none", [], softmax, [], "why.")


def test_a_case_can_be_named_in_words_and_take_keywords() -> None:
    def scaled(x: float, by: float = 1.0) -> float:
        return x * by

    exercise = function_exercise("demo.scaled", [Case((2.0,), "two scaled by three", {"by": 3.0})], scaled, [], "why.")
    assert exercise.verdict(scaled).status == "right"
    assert "On two scaled by three your function gives 2. Expected: 6." in exercise.verdict(lambda x, by: x).text


def test_a_result_of_several_parts_names_the_part() -> None:
    assert difference((SCORES, [1, 2]), (SCORES, torch.tensor([1, 3])), 1e-4) == "part 2: the element [1] should be 3, and is 2"
    assert difference({"a": 1.0}, {"b": 1.0}, 1e-4) == "it should have the keys ['b'], and has ['a']"
    assert difference([SCORES], (SCORES, SCORES), 1e-4) == "it should have 2 parts, and has 1"
    assert difference(SCORES, (SCORES, SCORES), 1e-4) == "it should be a tuple of 2, and is a tensor of shape (2, 2)"
    assert difference([SCORES, SCORES], (SCORES, SCORES), 1e-4) is None
    assert difference((1.0, None, 2.0), (1.0, 3.0, 2.0), 1e-4) == "part 2: it should be a number, and is None"
    assert difference([True, True], [True, False], 0.0) == "the element [1] should be False, and is True"
    assert difference(True, 1, 1e-4) is not None
    assert difference("ab", "ab", 0.0) is None


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (1 / 3, "0.3333"),
        (-0.0, "0"),
        (1e-7, "1e-07"),
        (12345.678, "12345.68"),
        (torch.tensor([[1, 2]]), "[[1, 2]]"),
        ((1.5, "a"), "(1.5, 'a')"),
        (torch.zeros(4, 6), "a tensor of shape (4, 6)"),
        (None, "None"),
        (object(), "an object of type object"),
        (len, "a function"),
    ],
)
def test_values_are_described_alike_everywhere(value: Any, words: str) -> None:
    assert describe(value) == words


def test_a_judge_that_fails_does_not_stop_the_notebook() -> None:
    exercise = register(Exercise("demo.fragile", lambda answer: right(answer["missing"]), {"missing": "x"}, ()))
    verdict = exercise.verdict({"a": 1})
    assert verdict.status == "wrong"
    assert "KeyError" in verdict.text


def test_check_prints_the_verdict_and_records_it(
    pencil: Exercise, capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LESSONS_VERDICTS", str(tmp_path / "verdicts.jsonl"))
    for answer in (..., 0.5, 0.731):
        assert check("demo.pencil", answer) is None
    assert capsys.readouterr().out.splitlines()[0] == "Not attempted yet."
    rows = [json.loads(line) for line in (tmp_path / "verdicts.jsonl").read_text().splitlines()]
    assert rows == [{"key": "demo.pencil", "verdict": verdict} for verdict in ("not attempted", "wrong", "right")]


def test_an_unknown_key_names_those_that_come_close(pencil: Exercise, coding: Exercise) -> None:
    with pytest.raises(UnknownExercise, match=r"There is no exercise 'demo.sofmax'. Close to it: demo.softmax"):
        find("demo.sofmax")
    with pytest.raises(KeyError, match="There are:"):
        find("nowhere.at_all")


def test_a_key_is_topic_dot_name_and_names_one_exercise(pencil: Exercise) -> None:
    with pytest.raises(ValueError, match="two exercises 'demo.pencil'"):
        register(pencil)
    for key in ("pencil", "demo.", "demo.two words", "framework.x", ""):
        with pytest.raises(ValueError, match="topic.name"):
            register(Exercise(key, lambda answer: right(""), 1, ()))


def test_a_topic_is_loaded_when_asked_for_and_a_broken_one_says_so_each_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import lessons_lib.exercises as package

    head = "from lessons_lib.exercises.framework import number_exercise\n"
    line = "number_exercise('{0}.one', 1.0, 0.1, 'why.', {{}}, 'step.')\n"
    (tmp_path / "madeup.py").write_text(head + line.format("madeup"))
    (tmp_path / "broken.py").write_text(head + line.format("broken") + "1 / 0\n")
    monkeypatch.setattr(package, "__path__", [*package.__path__, str(tmp_path)])
    monkeypatch.setattr(verdicts, "topics", lambda: ["broken", "madeup"])
    assert find("madeup.one").verdict(1.0).status == "right"
    for _ in range(2):
        with pytest.raises(ZeroDivisionError):
            find("broken.one")


def test_complex_answers_are_called_by_their_name() -> None:
    turned = torch.polar(torch.ones(3, 3), torch.zeros(3, 3))
    assert kind(turned) == "a tensor of complex numbers, shape (3, 3)"
    assert difference(turned, torch.ones(3, 3), 1e-4).endswith("is a tensor of complex numbers, shape (3, 3)")
    assert kind(turned.numpy()) == kind(turned) and kind(turned.numpy()[0, 0]) == kind(1j) == "a complex number"
    assert describe(3 + 4j) == "3+4j"
    assert "the root of a number below 0?" in difference(1j, 1.0, 1e-4)


def test_an_answer_that_ends_the_program_is_wrong_and_ends_nothing() -> None:
    echo = function_exercise("test.echo", [(1.0,)], lambda x: x, [], "the same.")
    assert "SystemExit" in echo.verdict(lambda x: sys.exit()).text
