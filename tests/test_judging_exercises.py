"""Notebook 07's exercises on judging: the numbers are sacreBLEU's, and the bootstrap is judged by its shape, not by its draws."""

import math
import random
from itertools import product
from statistics import pstdev

import pytest
import torch
from sacrebleu.metrics import BLEU

from lessons_lib.exercises.bootstrap import DIFFERENCES, EIGHT, A, B, bootstrap
from lessons_lib.exercises.framework import Verdict, find
from lessons_lib.exercises.judging import clipped_matches

REFERENCES = ["der Hund beißt den Mann", "der Mann beißt den Hund"]
HYPOTHESES = ["der Hund beißt den Hund", "der Mann beißt der Hund"]
PLAIN = BLEU(tokenize="none", smooth_method="none")


def verdict(key: str, answer: object) -> Verdict:
    return find(key).verdict(answer)


def test_the_pencil_numbers_are_sacrebleus() -> None:
    assert PLAIN.corpus_score(HYPOTHESES, [REFERENCES]).score == pytest.approx(find("judging.bleu_by_hand").solution)
    cut = PLAIN.corpus_score(["der Hund beißt den", HYPOTHESES[1]], [REFERENCES]).score
    assert cut == pytest.approx(find("judging.brevity").solution, abs=0.05)


def test_the_slips_of_bleu_are_what_the_slips_give() -> None:
    texts = [word.answer for word in find("judging.bleu_by_hand").wrong]
    unclipped = 100 * (10 * 5 * 3 * 1 / 1920) ** 0.25
    single = [PLAIN.corpus_score([h], [[r]]).score for h, r in zip(HYPOTHESES, REFERENCES, strict=True)]
    smooth = [BLEU(effective_order=True).sentence_score(h, [r]).score for h, r in zip(HYPOTHESES, REFERENCES, strict=True)]
    for number in (unclipped, sum(single) / 2, sum(smooth) / 2, 100 * (0.8 + 0.625 + 0.5 + 0.25) / 4):
        assert min(abs(number - slip) for slip in texts) < 0.05, number


def test_the_slips_of_brevity_are_what_the_slips_give() -> None:
    texts = [word.answer for word in find("judging.brevity").wrong]
    root = 100 * (120 / 945) ** 0.25
    penalties = (1, math.exp(1 - 9 / 10), math.exp(10 / 9 - 1), 9 / 10, (math.exp(1 - 5 / 4) + 1) / 2, math.exp(1 - 5 / 4))
    for number in [root * penalty for penalty in penalties] + [50 * math.exp(1 - 10 / 9)]:
        assert min(abs(number - slip) for slip in texts) < 0.06, number


def test_clipped_matches_are_sacrebleus_counts() -> None:
    second = ["den Mann beißt der Hund", "den Hund beißt der Mann"]
    result = PLAIN.corpus_score(HYPOTHESES, [REFERENCES, second])
    for n in (1, 2, 3, 4):
        rows = zip(HYPOTHESES, REFERENCES, second, strict=True)
        assert result.counts[n - 1] == sum(clipped_matches(h.split(), [r.split(), s.split()], n) for h, r, s in rows)


def test_the_shapes_that_the_check_knows_are_right() -> None:
    means = [sum(draw) / 5 for draw in product(DIFFERENCES, repeat=5)]
    assert pstdev(means) == pytest.approx(0.894, abs=0.001)
    assert math.sqrt((pstdev(A) ** 2 + pstdev(B) ** 2) / 5) == pytest.approx(6.11, abs=0.02)
    assert pstdev(DIFFERENCES) == pytest.approx(2.0)


def one_by_one(draw: random.Random, first: list[float], second: list[float]) -> float:
    places = [draw.randrange(len(first)) for _ in first]
    return sum(first[i] - second[i] for i in places) / len(first)


@pytest.mark.parametrize("seed", range(5))
def test_a_right_bootstrap_passes_whatever_it_draws(seed: int) -> None:
    draw = random.Random(seed)
    answer = [
        lambda first, second, n: bootstrap(first, second, n),
        lambda first, second, n: [one_by_one(draw, first, second) for _ in range(n)],
        lambda first, second, n: (torch.tensor(first) - torch.tensor(second))[torch.randint(len(first), (n, len(first)))].mean(dim=1),
    ]
    assert [verdict("bootstrap.draws", one).status for one in answer] == ["right"] * 3


def test_the_check_leaves_the_readers_chance_alone() -> None:
    random.seed(3)
    torch.manual_seed(3)
    expected = random.Random(3).random(), torch.rand(1, generator=torch.Generator().manual_seed(3))
    verdict("bootstrap.draws", bootstrap)
    assert (random.random(), torch.rand(1)) == expected


def test_a_stub_is_not_attempted() -> None:
    def stub(first: list[float], second: list[float], n_draws: int) -> None: ...

    assert verdict("bootstrap.draws", stub).status == "not attempted"
    assert verdict("bootstrap.draws", ...).status == "not attempted"
    assert "return missing" in verdict("bootstrap.draws", lambda first, second, n_draws: print("drawn")).text


def test_the_eight_sentences_have_the_mean_and_spread_that_the_check_knows() -> None:
    differences = [a - b for a, b in zip(*EIGHT, strict=True)]
    assert sum(differences) / 8 == 2 and pstdev(differences) / 8**0.5 == pytest.approx(1.335, abs=0.001)
    hard_coded = verdict("bootstrap.draws", lambda first, second, n: bootstrap(A, B, n)).text
    assert "On these five sentences all is well" in hard_coded


def test_a_wrong_share_is_not_called_right() -> None:
    assert "Right as a share" in verdict("judging.bleu_by_hand", 0.5).text and "Right as a share" in verdict("judging.brevity", 0.534).text
    for key, wrong in (("judging.bleu_by_hand", 0.529), ("judging.brevity", 0.537), ("judging.brevity", 0.5)):
        assert "Right" not in verdict(key, wrong).text, (key, wrong)
