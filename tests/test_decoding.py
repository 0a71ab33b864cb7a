"""Decoding against the pencil tree, against trying every text, and against itself: beam 1 is greedy, cached is uncached."""

import itertools
import math
from collections import Counter

import pytest
import torch
from pencil_tree import Tree
from tiny_models import tiny_model
from torch import Tensor

from lessons_lib.batching import pad
from lessons_lib.decoding import Hypothesis, beam_search, filtered, greedy, sample
from lessons_lib.models import DecodingState

WORDS = ["⟨start⟩", "⟨e⟩", "der", "den", "Mann", "Hund", "beißt"]
BOS, EOS = 0, 1
TREE = {  # beginning → next word → bits
    "": {"der": 1, "den": 2},
    "der": {"Mann": 2},
    "der Mann": {"beißt": 2},
    "der Mann beißt": {"den": 1},
    "der Mann beißt den": {"Hund": 1},
    "der Mann beißt den Hund": {"⟨e⟩": 0},
    "den": {"Mann": 0},
    "den Mann": {"⟨e⟩": 1, "beißt": 2},
    "den Mann beißt": {"der": 0},
    "den Mann beißt der": {"Hund": 0},
    "den Mann beißt der Hund": {"⟨e⟩": 1, "Hund": 2},
    "den Mann beißt der Hund Hund": {"⟨e⟩": 0},
}
S, L, R, G = "den Mann", "den Mann beißt der Hund", "den Mann beißt der Hund Hund", "der Mann beißt den Hund"


def read(found: Hypothesis) -> tuple[str, float]:
    return " ".join(WORDS[i] for i in found.tokens), round(-found.log_probability / math.log(2), 4)


def test_greedy_says_that_the_man_bites_the_dog() -> None:
    assert [read(found) for found in greedy(Tree(WORDS, TREE, rows=2), BOS, EOS, [10, 10])] == [(G, 7)] * 2


@pytest.mark.parametrize(
    ("beam", "length_penalty", "winner"),
    [
        (1, 1.0, (G, 7)),
        (2, 0.0, (S, 3)),
        (2, 0.7, (S, 3)),  # L overtakes S at log₂(5/3)⁠ = .74
        (2, 0.75, (L, 5)),
        (2, 1.0, (L, 5)),
        (4, 0.0, (S, 3)),
        (4, 1.0, (L, 5)),
        (4, 1.17, (L, 5)),
        (4, 1.2, (R, 6)),  # R overtakes L at 1.18; a beam of 2 has stopped by then: two texts are finished
    ],
)
def test_beam_search_of_the_pencil_example(beam: int, length_penalty: float, winner: tuple[str, float]) -> None:
    found = beam_search(Tree(WORDS, TREE, rows=2), BOS, EOS, [10, 10], beam, length_penalty)
    assert [read(hypothesis) for hypothesis in found] == [winner] * 2


def test_every_step_is_told_as_on_paper() -> None:
    told: list[tuple[list[tuple[str, float]], list[tuple[str, float]]]] = []

    def hear(_text: int, kept: list[Hypothesis], done: list[Hypothesis]) -> None:
        told.append(([*map(read, kept)], [*map(read, done)]))

    beam_search(Tree(WORDS, TREE), BOS, EOS, [10], 2, on_step=hear)
    assert told[1] == ([("den Mann", 2), ("der Mann", 3)], [])
    assert told[2] == ([("den Mann beißt", 4), ("der Mann beißt", 5)], [(S, 3)])
    assert told[-1][1] == [(S, 3), (L, 5)]
    assert len(told) == 6


def test_a_text_at_its_longest_is_taken_as_it_stands() -> None:
    assert read(beam_search(Tree(WORDS, TREE), BOS, EOS, [4], 2, 5.0)[0]) == ("den Mann beißt der", 4)
    assert read(greedy(Tree(WORDS, TREE), BOS, EOS, [2])[0]) == ("der Mann", 3)


class Chain:
    """Next-word probabilities that depend on the last word alone; counts what is asked of it."""

    def __init__(self, rows: int, table: Tensor) -> None:
        self.rows, self.table, self.asked = rows, table, 0

    def step(self, tokens: Tensor) -> Tensor:
        assert tokens.shape == (self.rows,)
        self.asked += self.rows
        return self.table[tokens].log_softmax(dim=-1)

    def reorder(self, rows: Tensor) -> None:
        self.rows = len(rows)


def test_finished_texts_are_not_continued() -> None:
    table = torch.zeros(3, 3)
    table[:, EOS] = 9
    chain = Chain(4, table)
    assert [found.tokens for found in greedy(chain, 2, EOS, [5] * 4)] == [[]] * 4
    assert chain.asked == 4


def test_impossible_everywhere_is_said() -> None:
    with pytest.raises(ValueError, match="no next token has a probability above 0"):
        beam_search(Chain(1, torch.full((3, 3), float("nan"))), 2, EOS, [5], beam=2)


def test_a_beam_below_one_is_refused() -> None:
    with pytest.raises(ValueError, match="beam is 0"):
        beam_search(Tree(WORDS, TREE), BOS, EOS, [5], 0)


SOURCES = [[5, 3, 4, 1], [3, 1], [4, 4, 4, 1]]


def small_model(seed: int) -> torch.nn.Module:
    return tiny_model(seed, sharpness=1.6, vocabulary_size=6, n_encoder_layers=1, n_decoder_layers=1, pad_id=0)


def every_text(model: torch.nn.Module, source: list[int], longest: int, length_penalty: float) -> tuple[list[int], float]:
    """The best of all texts, scored by the whole model without cache; one at its longest needs no end, as in the search."""
    best: tuple[float, list[int], float] = (-math.inf, [], 0.0)
    words = [0, 2, 3, 4, 5]
    for n in range(longest + 1):
        ids = torch.tensor([[2, *text, *([1] if n < longest else [])] for text in itertools.product(words, repeat=n)])
        log_p = model(torch.tensor([source] * len(ids)), ids[:, :-1]).log_softmax(dim=-1)
        totals = log_p.gather(-1, ids[:, 1:, None]).sum(dim=(1, 2))
        winner = int(totals.argmax())
        total = totals[winner].item()
        best = max(best, (total / (ids.shape[1] - 1) ** length_penalty, ids[winner, 1 : n + 1].tolist(), total))
    return best[1], best[2]


@pytest.mark.parametrize("length_penalty", [0.0, 1.0])
@torch.inference_mode()
def test_a_wide_beam_finds_what_trying_every_text_finds(length_penalty: float) -> None:
    """With room for all beginnings of three words, beam search is exhaustive."""
    model, source = small_model(3), pad(SOURCES, 0)
    found = beam_search(DecodingState(model, source), 2, 1, [3, 2, 3], 5**3 + 40, length_penalty)
    for hypothesis, ids, longest in zip(found, SOURCES, [3, 2, 3], strict=True):
        text, total = every_text(model, ids, longest, length_penalty)
        assert hypothesis.tokens == text
        assert hypothesis.log_probability == pytest.approx(total, abs=1e-4)


@pytest.mark.parametrize("seed", range(4))
@torch.inference_mode()
def test_beam_one_equals_greedy_and_cached_equals_uncached(seed: int) -> None:
    model = tiny_model(seed, sharpness=1.4, vocabulary_size=12)
    sources, longest = [[5, 7, 4, 2], [6, 2], [8, 8, 9, 10, 11, 2]], [9, 4, 12]
    one = beam_search(DecodingState(model, pad(sources, 0)), 1, 2, longest, beam=1)
    found = greedy(DecodingState(model, pad(sources, 0)), 1, 2, longest)
    assert [hypothesis.tokens for hypothesis in one] == [hypothesis.tokens for hypothesis in found]
    for source, hypothesis, most in zip(sources, found, longest, strict=True):
        ids = [1, *hypothesis.tokens, *([2] if len(hypothesis.tokens) < most else [])]
        log_p = model(torch.tensor([source]), torch.tensor([ids[:-1]]))[0].log_softmax(dim=-1)
        assert log_p.argmax(dim=-1).tolist() == ids[1:]
        assert hypothesis.log_probability == pytest.approx(log_p.gather(-1, torch.tensor(ids[1:])[:, None]).sum().item(), abs=1e-5)


class ForgetsToReorder(DecodingState):
    """The planted bug: beams change places, their caches stay."""

    def reorder(self, rows: Tensor) -> None:
        super().reorder(torch.arange(len(rows)) % self.memory.shape[0])


@torch.inference_mode()
def hypotheses_that_contradict_the_model(kind: type[DecodingState]) -> int:
    """How many of the found totals differ from what the whole model says of the same text."""
    model, wrong = tiny_model(1, sharpness=1.4, vocabulary_size=12), 0
    sources = [[5, 7, 4, 2], [6, 2], [8, 8, 9, 10, 11, 2]]
    found = beam_search(kind(model, pad(sources, 0)), 1, 2, [6, 5, 7], beam=4)
    for source, hypothesis, most in zip(sources, found, [6, 5, 7], strict=True):
        ids = [1, *hypothesis.tokens, *([2] if len(hypothesis.tokens) < most else [])]
        log_p = model(torch.tensor([source]), torch.tensor([ids[:-1]]))[0].log_softmax(dim=-1)
        wrong += abs(log_p.gather(-1, torch.tensor(ids[1:])[:, None]).sum().item() - hypothesis.log_probability) > 1e-4
    return wrong


def test_beams_take_their_caches_along_and_a_planted_bug_is_caught() -> None:
    assert hypotheses_that_contradict_the_model(DecodingState) == 0
    assert hypotheses_that_contradict_the_model(ForgetsToReorder) > 0


LOGITS = torch.tensor([[2.0, 1.0, 0.0, -1.0, -9.0]])


def test_top_k_and_top_p_by_hand() -> None:
    p = LOGITS.softmax(dim=-1)[0]
    torch.testing.assert_close(filtered(LOGITS)[0], p)
    torch.testing.assert_close(filtered(LOGITS, top_k=2)[0], torch.cat((p[:2] / p[:2].sum(), torch.zeros(3))))
    assert (p[0].item(), (p[0] + p[1]).item()) == pytest.approx((0.644, 0.881), abs=1e-3)
    for top_p, n in ((0.6, 1), (0.7, 2), (0.88, 2), (0.9, 3), (1.0, 5)):
        kept = filtered(LOGITS, top_p=top_p)[0]
        assert int((kept > 0).sum()) == n
        torch.testing.assert_close(kept[:n], p[:n] / p[:n].sum())
    assert int((filtered(LOGITS, top_k=2, top_p=0.7)[0] > 0).sum()) == 1  # after top-2 the first word has .73


@pytest.mark.parametrize(
    ("temperature", "top_k", "top_p"), [(1.0, None, 1.0), (0.5, None, 1.0), (2.0, None, 1.0), (1.0, 2, 1.0), (1.0, None, 0.9)]
)
def test_samples_follow_the_probabilities(temperature: float, top_k: int | None, top_p: float) -> None:
    table, n = LOGITS.expand(5, 5), 6000
    found = sample(Chain(n, table), 0, 4, [1] * n, torch.Generator().manual_seed(0), temperature, top_k, top_p)
    counts = Counter(tuple(hypothesis.tokens) for hypothesis in found)
    wanted = filtered(LOGITS / temperature, top_k, top_p)[0]
    for token in range(4):
        share = counts[(token,)] / n
        assert share == pytest.approx(wanted[token].item(), abs=4.5 * (0.25 / n) ** 0.5)
    assert found[0].log_probability == pytest.approx(LOGITS.log_softmax(dim=-1)[0, found[0].tokens[0]].item(), abs=1e-5)


def test_samples_repeat_with_their_generator() -> None:
    def draw(seed: int) -> list[list[int]]:
        chain = Chain(30, torch.zeros(5, 5))
        return [found.tokens for found in sample(chain, 0, 4, [6] * 30, torch.Generator().manual_seed(seed))]

    assert draw(1) == draw(1) != draw(2)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [((0.0,), "temperature is 0.0"), ((1.0, 0), "top_k is 0"), ((1.0, None, 0.0), "top_p 0.0"), ((1.0, None, 1.5), "top_p 1.5")],
)
def test_impossible_wishes_are_refused(arguments: tuple, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        sample(Chain(1, torch.zeros(5, 5)), 0, 4, [3], torch.Generator(), *arguments)
