"""Notebook 06's exercises beyond what holds for all: other right answers pass, numbers are PyTorch's, the gallery hangs in order."""

import math
import random
import re
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F

from lessons_lib.exercises.framework import Verdict, find
from lessons_lib.exercises.optimising import adamw_step, clip
from lessons_lib.exercises.training import BUGS, GALLERY, costs_in_bits, shift, token_mean

SOURCE = Path(__file__).resolve().parents[1] / "notebooks" / "source" / "06_training_loop.py"


def verdict(key: str, answer: object) -> Verdict:
    return find(key).verdict(answer)


def test_the_smoothed_loss_is_pytorchs() -> None:
    logits, den = torch.tensor([[0.5, 0.25, 0.125, 0.125]]).log(), torch.tensor([0])
    nats = F.cross_entropy(logits, den, label_smoothing=0.1).item()
    assert nats / math.log(2) == pytest.approx(find("training.smoothed_loss").solution, abs=1e-4)


def test_perplexity_may_be_a_whole_number_or_not() -> None:
    assert verdict("training.perplexity", 4.0).status == "right"
    assert "mean probability" in verdict("training.perplexity", 3.2).text


def test_the_batch_of_two_has_ten_targets() -> None:
    padded = torch.tensor([[1, 3, 5, 7, 4, 6, 2], [1, 3, 6, 7, 2, 0, 0]])
    given, wanted, count = shift(padded)
    assert given.tolist() == [[1, 3, 5, 7, 4, 6], [1, 3, 6, 7, 2, 0]]
    assert wanted.tolist() == [[3, 5, 7, 4, 6, 2], [3, 6, 7, 2, 0, 0]]
    assert count == 10


def test_the_mean_over_tokens_is_fourteen_tenths_of_a_bit() -> None:
    logits, targets = costs_in_bits()
    assert token_mean(logits, targets).item() / math.log(2) == pytest.approx(1.4, abs=1e-5)
    torch.testing.assert_close(logits.exp().sum(dim=-1), torch.ones(2, 6))


def test_other_ways_to_the_mean_pass() -> None:
    def ignoring(logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        return F.cross_entropy(logits.transpose(1, 2), targets, ignore_index=0)

    assert verdict("training.token_mean", ignoring).status == "right"
    assert verdict("training.shift", lambda padded: [padded[:, :-1], padded[:, 1:], (padded[:, 1:] > 0).sum()]).status == "right"


def test_a_batch_that_was_not_flattened_is_told_what_cross_entropy_wants() -> None:
    said = verdict("training.token_mean", lambda logits, targets: F.cross_entropy(logits, targets)).text
    assert "cross_entropy wants (N, V) and (N,): flatten both" in said


def test_adamw_follows_pytorchs_for_five_steps() -> None:
    parameter = torch.nn.Parameter(torch.tensor([1.0], dtype=torch.float64))
    optimizer = torch.optim.AdamW([parameter], lr=0.1, betas=(0.9, 0.999), weight_decay=0.1)
    w, m, v = 1.0, 0.0, 0.0
    for t, gradient in enumerate((4.0, -4.0, 0.5, 4000.0, 0.01), 1):
        parameter.grad = torch.tensor([gradient], dtype=torch.float64)
        optimizer.step()
        w, m, v = adamw_step(w, gradient, m, v, t, 0.1, 0.1)
        assert w == pytest.approx(parameter.item(), abs=1e-6)


def test_clipping_is_pytorchs() -> None:
    gradients = [torch.tensor([3.0, 4.0]), torch.tensor([12.0])]
    weights = [torch.nn.Parameter(torch.zeros_like(g)) for g in gradients]
    for weight, gradient in zip(weights, gradients, strict=True):
        weight.grad = gradient.clone()
    torch.nn.utils.clip_grad_norm_(weights, 2.6)
    for ours, weight in zip(clip(gradients, 2.6), weights, strict=True):
        torch.testing.assert_close(ours, weight.grad)


def test_the_gallery_hangs_in_the_notebooks_order() -> None:
    (seed,) = re.findall(r"random\.Random\((\d+)\)\.sample\(BUGS, 6\)", SOURCE.read_text(encoding="utf-8"))
    assert dict(zip("ABCDEF", random.Random(int(seed)).sample(BUGS, 6), strict=True)) == GALLERY


def test_the_gallerys_stub_and_halves() -> None:
    assert verdict("training.gallery", dict.fromkeys("ABCDEF", ...)).status == "not attempted"
    assert (
        verdict("training.gallery", {**dict.fromkeys("ABCDEF", ...), "C": "healthy"}).text == "So far right: C. Still open: A, B, D, E, F."
    )
    assert "C: no shift has to repeat" in verdict("training.gallery", {**GALLERY, "C": "no shift"}).text


def as_typed(decay: str = "rate * weight_decay * w", square: str = "g**2", t: str = "t") -> Callable[..., tuple[float, float, float]]:
    """The notebook's `adamw_step` with pieces as a learner may type them."""
    lines = (
        "def adamw_step(w, g, m, v, t, rate, weight_decay):",
        "    m = 0.9 * m + 0.1 * g",
        f"    v = 0.999 * v + 0.001 * {square}",
        f"    step = (m / (1 - 0.9**{t})) / (v / (1 - 0.999**{t}))**0.5",
        f"    return w - rate * step - {decay}, m, v",
    )
    names: dict[str, Callable[..., tuple[float, float, float]]] = {}
    exec("\n".join(lines), names)
    return names["adamw_step"]


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (as_typed(decay="0"), "is left out"),
        (as_typed(decay="rate * weight_decay * (w - rate * step)"), "taken of the new w"),
        (as_typed(decay="weight_decay * w"), "not multiplied by the rate"),
        (as_typed(square="g"), "g where g² belongs"),
        (as_typed(t="1"), "corrections of the first step"),
    ],
)
def test_slips_of_an_adamw_step_have_their_names(answer: Callable[..., tuple[float, float, float]], words: str) -> None:
    assert verdict("optimising.adamw_step", as_typed()).status == "right"
    assert words in verdict("optimising.adamw_step", answer).text


def test_a_mean_in_bits_is_right_in_bits() -> None:
    def in_bits(logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        return F.cross_entropy(logits.flatten(0, 1), targets.flatten(), ignore_index=0) / torch.tensor(2.0).log()

    assert "1.4" in (said := verdict("training.token_mean", in_bits).text)
    assert "right in bits" in said
    assert "leave out the division by ln 2" in said


def test_a_mean_without_its_sign_or_of_a_softmax_is_named() -> None:
    def bare(logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        return logits.log_softmax(-1)[targets != 0].gather(1, targets[targets != 0][:, None]).mean()

    def twice(logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        return F.cross_entropy(logits.softmax(-1).transpose(1, 2), targets, ignore_index=0)

    assert "the sign is forgotten" in verdict("training.token_mean", bare).text
    assert "go through softmax first" in verdict("training.token_mean", twice).text


def test_half_of_one_over_the_width_is_no_root() -> None:
    wrong = verdict("optimising.schedule", lambda step, d_model, warmup: d_model**-1 / 2 * min(step**-0.5, step * warmup**-1.5))
    assert "`**` binds before `/`" in wrong.text


def test_lengths_are_not_added_up() -> None:
    def added(gradients: list[torch.Tensor], most: float) -> list[torch.Tensor]:
        length = sum((g**2).sum() ** 0.5 for g in gradients)
        return [g * min(1.0, most / float(length)) for g in gradients]

    assert "13 is √(25 + 144), not 5 + 12" in verdict("optimising.clip", added).text


def test_a_share_counted_twice_is_not_taken_for_a_softmax() -> None:
    assert "counted den's share twice" in verdict("training.smoothed_loss", 0.925 * 1 + 0.025 * (1 + 2 + 3 + 3)).text


def test_the_gallery_reads_names_whatever_their_capitals_and_hyphens() -> None:
    loose = {letter: f" {name.upper().replace('-', ' ')} " for letter, name in GALLERY.items()}
    assert verdict("training.gallery", loose).status == "right"
    text = verdict("training.gallery", dict.fromkeys(GALLERY, "dropout")).text
    assert text.count("healthy, no causal mask") == 1 and "no run called 'dropout'" in text


@pytest.mark.parametrize(
    ("w_left", "words"),
    [
        (lambda w, step, rate, decay: w - rate * step - rate * 0.1 * w, "the weight decay is 0.1 whatever"),
        (lambda w, step, rate, decay: w - 0.1 * step - 0.1 * decay * w, "the rate is 0.1 whatever"),
        (lambda w, step, rate, decay: w - rate * step - 0.01 * w, "your function gives"),
    ],
)
def test_numbers_of_the_table_are_no_arguments(w_left: Callable[..., float], words: str) -> None:
    def answer(w: float, g: float, m: float, v: float, t: int, rate: float, weight_decay: float) -> tuple[float, float, float]:
        m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g * g
        step = (m / (1 - 0.9**t)) / (v / (1 - 0.999**t)) ** 0.5
        return w_left(w, step, rate, weight_decay), m, v

    assert words in verdict("optimising.adamw_step", answer).text
