"""Notebook 01's exercises beyond what holds for all: other right answers pass, half answers are told apart, numbers are the thread's."""

import pytest
import torch
import torch.nn.functional as F

from lessons_lib.exercises.attention import KEYS, QUERIES, VALUES, causal_attention, softmax_gradient, stable_softmax
from lessons_lib.exercises.comparing import as_tensor
from lessons_lib.exercises.framework import Verdict, find
from lessons_lib.exercises.riddle import RIDDLE

X = torch.tensor([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.0, 1.0, 0.0]])


def verdict(key: str, answer: object) -> Verdict:
    return find(key).verdict(answer)


@pytest.mark.parametrize("query", [[1, -1], (0.0, -1.0), torch.tensor([2.0, -3.0]), [4, -4]])
def test_any_query_that_finds_man_passes(query: object) -> None:
    assert verdict("attention.bend_the_query", query).status == "right"


@pytest.mark.parametrize("query", ["(1, -1)", 3, [float("nan"), 1.0], [[1.0, -1.0]]])
def test_what_is_no_query_is_refused_in_words(query: object) -> None:
    assert "list of two numbers" in verdict("attention.bend_the_query", query).text


@pytest.mark.parametrize("output", [[8.7, 9.7], (8.65, 9.73), torch.tensor([8.7031, 9.7464]), [8.6, 9.8]])
def test_the_werewolf_by_pencil_shortcut_or_exactly(output: object) -> None:
    assert verdict("attention.werewolf", output).status == "right"


def test_the_werewolf_is_what_attention_gives() -> None:
    werewolf = torch.tensor([[1.0, 1.0, 0.0]])
    x = torch.cat((werewolf, X[1:]))
    w_k, w_v = torch.tensor([[3.0, 2.0], [2.0, 0.0], [0.0, 1.0]]), torch.tensor([[10.0, 0.0], [0.0, 10.0], [0.0, 0.0]])
    output = F.scaled_dot_product_attention(QUERIES[1:2], x @ w_k, x @ w_v)
    torch.testing.assert_close(output, torch.tensor([find("attention.werewolf").solution]), atol=0.05, rtol=0)
    torch.testing.assert_close(X @ w_k, KEYS)
    torch.testing.assert_close(X @ w_v, VALUES)


def test_the_references_are_pytorchs() -> None:
    scores = torch.tensor([[1000.0, 998.0], [-3.0, 2.0]])
    torch.testing.assert_close(stable_softmax(scores), torch.softmax(scores, dim=-1))
    ours, theirs = causal_attention(QUERIES, KEYS, VALUES), F.scaled_dot_product_attention(QUERIES, KEYS, VALUES, is_causal=True)
    torch.testing.assert_close(ours, theirs)
    jacobian = torch.autograd.functional.jacobian(lambda z: torch.softmax(z, dim=-1), torch.tensor([2.1, 0.0, 1.4]))
    torch.testing.assert_close(softmax_gradient(torch.softmax(torch.tensor([2.1, 0.0, 1.4]), dim=-1)), jacobian)


def test_other_right_ways_pass() -> None:
    def zeroed_and_shared_again(Q: torch.Tensor, K: torch.Tensor, V: torch.Tensor) -> torch.Tensor:
        weights = torch.softmax(Q @ K.T / Q.shape[-1] ** 0.5, dim=-1).tril()
        return weights / weights.sum(dim=-1, keepdim=True) @ V

    def by_pytorch(Q: torch.Tensor, K: torch.Tensor, V: torch.Tensor) -> torch.Tensor:
        return F.scaled_dot_product_attention(Q, K, V, is_causal=True)

    assert verdict("attention.causal_attention", zeroed_and_shared_again).status == "right"
    assert verdict("attention.causal_attention", by_pytorch).status == "right"
    assert verdict("attention.stable_softmax", lambda scores: torch.log_softmax(scores, dim=-1).exp()).status == "right"
    assert verdict("attention.softmax_gradient", lambda w: w[:, None] * (torch.eye(len(w)) - w)).status == "right"


def test_the_riddles_stub_and_halves() -> None:
    key = "riddle.three_readings"
    assert verdict(key, {"a": ..., "b": ..., "c": ...}).status == "not attempted"
    assert verdict(key, {**RIDDLE, "a": ..., "b": ...}).text == "So far right: c. Still open: a, b."
    assert verdict(key, {"a": (0.27, 0.73), "b": [1], "c": torch.tensor([0.5, 0.5])}).status == "right"
    assert "as many weights as there are keys, 2" in verdict(key, {**RIDDLE, "c": [1.0]}).text


def test_the_riddles_answers_are_what_attention_gives() -> None:
    one, zero = [1.0], [0.0]
    first = {
        "a": torch.softmax(torch.tensor([one]) @ torch.tensor([zero, one]).T, dim=-1),
        "b": torch.softmax(torch.tensor([[1.0, 0.0]]) @ torch.tensor([[0.0, 1.0]]).T / 2**0.5, dim=-1),
        "c": torch.softmax(torch.tensor([[1.0, 0.0]]) @ torch.tensor([[0.0, 1.0]] * 2).T / 2**0.5, dim=-1),
    }
    for name, weights in first.items():
        assert RIDDLE[name] == pytest.approx(weights[0].tolist(), abs=0.0005)


def test_a_plain_number_keeps_its_digits() -> None:
    assert as_tensor(0.1).item() == 0.1 and as_tensor(0.1).dtype == torch.float64
    assert as_tensor([0.1, 0.3]).tolist() == [0.1, 0.3]


def test_a_maximum_without_its_values_is_told_to_take_them() -> None:
    text = verdict("attention.stable_softmax", lambda scores: (scores - scores.max(dim=-1, keepdim=True)).exp()).text
    assert "take .values" in text, text


def test_a_right_shape_is_not_held_against_the_answer() -> None:
    def root_of_two(Q: torch.Tensor, K: torch.Tensor, V: torch.Tensor) -> torch.Tensor:
        scores = (Q @ K.T / 2**0.5).masked_fill(~torch.ones(len(Q), len(K), dtype=torch.bool).tril(), float("-inf"))
        return scores.softmax(dim=-1) @ V

    text = verdict("attention.causal_attention", root_of_two).text
    assert "kind and shape are right" in text and "the divisor stays √2" in text and "Expected" not in text
