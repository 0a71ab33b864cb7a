"""The loop: what a step is, what is logged, when it stops. Numbers of the pencil examples where there are some."""

import math
import time
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from tiny_models import tiny_model
from torch import Tensor, nn
from two_processes import batches

from lessons_lib import training
from lessons_lib.batching import Batch, make_batch
from lessons_lib.config import Budget, TrainingConfig
from lessons_lib.losses import translation_loss
from lessons_lib.optim import update_average
from lessons_lib.training import Trainer

ONE = Batch(*(torch.ones(1, 1, dtype=torch.int64) for _ in range(3)), n_source=1, n_target=1)
PLAIN: dict[str, Any] = dict(warmup_steps=0, decay="constant", clip_norm=1e9, weight_decay=0.0)


class Weights(nn.Module):
    """Weights that a test may give any gradient."""

    def __init__(self, *sizes: int) -> None:
        super().__init__()
        self.tensors = nn.ParameterList(torch.ones(size) for size in sizes)


def push(*gradients: list[float]) -> Any:
    """A loss with these gradients, tensor by tensor."""
    return lambda model, batch: sum((p * torch.tensor(g)).sum() for p, g in zip(model.tensors, gradients, strict=True))


def trainer(model: nn.Module, loss: Any, steps: int = 1, n_batches: int = 4, **changes: Any) -> Trainer:
    names = ("validate", "on_log", "folder", "budget", "batches")
    outside = {name: changes.pop(name) for name in names if name in changes}
    arguments: dict[str, Any] = dict(batches=lambda number: [ONE] * n_batches, budget=Budget(steps=steps)) | outside
    return Trainer(model=model, loss=loss, config=TrainingConfig(**(PLAIN | changes)), **arguments)


def gradients_of_first_step(run: Trainer) -> list[Tensor]:
    kept: list[Tensor] = []
    update = run.optimizer.step
    run.optimizer.step = lambda: (kept.extend(p.grad.clone() for p in run.model.parameters()) if not kept else None, update())[1]
    run.run()
    return kept


@pytest.mark.parametrize(("clip_norm", "wanted"), [(2.6, [[0.6, 0.8], [2.4]]), (26, [[3, 4], [12]]), (13.1, [[3, 4], [12]])])
def test_clipping_of_the_pencil_example(clip_norm: float, wanted: list[list[float]]) -> None:
    """(3, 4) and (12) have norm 13 together; what is short enough stays."""
    found = gradients_of_first_step(trainer(Weights(2, 1), push([3, 4], [12]), clip_norm=clip_norm))
    for gradient, numbers in zip(found, wanted, strict=True):
        torch.testing.assert_close(gradient, torch.tensor(numbers, dtype=torch.float32), atol=1e-4, rtol=0)


def test_micro_batches_give_the_gradient_of_one_large_batch() -> None:
    """The mean over all tokens, not of the micro-batches' means: one holds three tokens, another sixty."""
    rows = [([5, 6], [7, 8]), ([9] * 9, [10, 11] * 10), ([12] * 8, [13, 14, 15] * 6), ([16], [17])]
    smalls = [make_batch([source], [target], 0, 1, 2) for source, target in rows]
    large = make_batch(*map(list, zip(*rows, strict=True)), 0, 1, 2)
    loss = partial(translation_loss, smoothing=0.1)
    small = trainer(tiny_model(), loss, batches=lambda number: smalls, micro_batches=4)
    whole = trainer(tiny_model(), loss, batches=lambda number: [large])
    losses: list[float] = []
    small.on_log = whole.on_log = lambda row: losses.append(row["loss"])
    for ours, wanted in zip(gradients_of_first_step(small), gradients_of_first_step(whole), strict=True):
        torch.testing.assert_close(ours, wanted, atol=1e-6, rtol=1e-4)
    assert losses[0] == pytest.approx(losses[1], abs=2e-4)
    assert losses[0] == pytest.approx(loss(tiny_model(), large).item() / large.n_target, abs=1e-4)


def test_passes_go_on_where_the_last_ended_and_every_batch_is_seen() -> None:
    seen: list[int] = []
    asked: list[int] = []
    ids = [Batch(torch.tensor([[i]]), ONE.target_in, ONE.target_out, 1, 1) for i in range(5)]

    def loss(model: Weights, batch: Batch) -> Tensor:
        seen.append(int(batch.source))
        return model.tensors[0].sum()

    run = trainer(Weights(1), loss, steps=5, micro_batches=2, batches=lambda number: (asked.append(number), ids)[1])
    run.run()
    assert seen == [0, 1, 2, 3, 4, 0, 1, 2, 3]
    assert asked == [0, 1] and run.at.pass_number == 1 and run.at.group == 2


def test_dropout_is_drawn_anew_each_step_and_micro_batch() -> None:
    drawn: list[float] = []

    def loss(model: Weights, batch: Batch) -> Tensor:
        drawn.append(torch.rand(1).item())
        return model.tensors[0].sum()

    trainer(Weights(1), loss, steps=3, micro_batches=2).run()
    again, drawn = drawn, []
    trainer(Weights(1), loss, steps=3, micro_batches=2).run()
    assert drawn == again and len(set(drawn)) == 6
    drawn.clear()
    trainer(Weights(1), loss, steps=3, micro_batches=2, seed=2).run()
    assert not set(drawn) & set(again)


def test_adam_has_the_betas_of_the_configuration() -> None:
    run = trainer(Weights(1), push([1.0]), betas=(0.5, 0.6))
    assert [group["betas"] for group in run.optimizer.param_groups] == [(0.5, 0.6)] * len(run.optimizer.param_groups)


def test_a_model_trains_in_training_mode_after_a_validation_too() -> None:
    modes: list[bool] = []

    def loss(model: Weights, batch: Batch) -> Tensor:
        modes.append(model.training)
        return model.tensors[0].sum()

    trainer(Weights(1).eval(), loss, steps=3, validate_every=1, validate=lambda model: {"bleu": 1.0}).run()
    assert modes == [True] * 3


def test_bf16_keeps_small_steps_in_float32() -> None:
    """The pencil example: a hundred steps of .001 from 1 leave a bf16 weight at 1."""
    model = Weights(1)
    seen: list[torch.dtype] = []

    def loss(worker: Weights, batch: Batch) -> Tensor:
        seen.append(worker.tensors[0].dtype)
        return -worker.tensors[0].sum()

    trainer(model, loss, steps=100, precision="bf16", learning_rate=1e-3).run()
    assert set(seen) == {torch.bfloat16}
    assert model.tensors[0].dtype == torch.float32 and model.tensors[0].item() == pytest.approx(1.1, abs=1e-3)
    weight = torch.ones(1, dtype=torch.bfloat16)
    for _ in range(100):
        weight += 0.001
    assert weight.item() == 1


def test_bf16_computes_with_the_newest_weights() -> None:
    seen: list[float] = []

    def loss(worker: Weights, batch: Batch) -> Tensor:
        seen.append(worker.tensors[0].item())
        return worker.tensors[0].sum()

    trainer(Weights(1), loss, steps=3, precision="bf16", learning_rate=0.25).run()
    assert seen == pytest.approx([1, 0.75, 0.5], abs=1e-3)


def test_the_averaged_weights_are_the_result_and_the_others_go_on() -> None:
    model = Weights(1)
    run = trainer(model, push([1.0]), steps=20, learning_rate=0.01, ema_decay=0.9)
    result = run.run()
    average, weight = [torch.ones(1)], 1.0
    for step in range(1, 21):
        weight -= 0.01
        update_average(average, [torch.tensor([weight])], 0.9, step)
    assert model.tensors[0].item() == pytest.approx(0.8, abs=1e-4)
    assert result.tensors[0].item() == pytest.approx(average[0].item(), abs=1e-4)
    assert result.tensors[0].item() > 0.815


def test_the_learning_rate_rises_and_reaches_its_end_with_the_budget() -> None:
    rates: list[float] = []
    settings = dict(warmup_steps=2, decay="linear", learning_rate=0.8, log_every=1)
    trainer(Weights(1), push([1.0]), steps=8, on_log=lambda row: rates.append(row["lr"]), **settings).run()
    assert rates == pytest.approx([0.4, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1], abs=1e-3)


def test_a_row_says_where_the_run_stands() -> None:
    rows: list[dict[str, Any]] = []
    run = trainer(tiny_model(), partial(translation_loss, smoothing=0.1), steps=5, batches=batches, log_every=2, on_log=rows.append)
    run.run()
    assert [row["step"] for row in rows] == [2, 4, 5]
    assert set(rows[0]) == {"step", "loss", "lr", "tokens", "seconds", "tokens_per_second", "passes"}
    assert rows[-1]["tokens"] == sum(batch.n_source + batch.n_target for batch in batches(0))
    assert rows[-1]["passes"] == 1 and 3 < rows[0]["loss"] < 6


def test_a_validation_takes_no_time_from_the_speed_of_the_next_row() -> None:
    def validate(model: nn.Module) -> dict[str, float]:
        time.sleep(1.1)
        return {"bleu": 1.0}

    rows: list[dict[str, Any]] = []
    trainer(Weights(1), push([1.0]), steps=4, log_every=1, validate_every=2, validate=validate, on_log=rows.append).run()
    assert [row["step"] for row in rows if "validation" in row] == [2, 4]
    assert rows[2]["seconds"] > 1 and rows[2]["tokens_per_second"] > 4  # a step has two tokens


def test_training_lowers_the_loss() -> None:
    rows: list[dict[str, Any]] = []
    loss = partial(translation_loss, smoothing=0.0)
    trainer(tiny_model(), loss, steps=40, batches=lambda n: batches(0), log_every=10, learning_rate=1e-2, on_log=rows.append).run()
    assert rows[-1]["loss"] < rows[0]["loss"] - 0.5


def test_validation_has_its_own_rhythm_and_sees_the_model_to_keep() -> None:
    rows: list[dict[str, Any]] = []
    given: list[nn.Module] = []
    run = trainer(Weights(1), push([1.0]), steps=7, log_every=5, validate_every=3, ema_decay=0.5, on_log=rows.append)
    run.validate = lambda model: (given.append(model), {"bleu": float(len(given))})[1]
    run.run()
    assert [row["step"] for row in rows if "validation" in row] == [3, 6, 7]
    assert [row["step"] for row in rows] == [3, 5, 6, 7]
    assert all(model is run.averaged and not model.training for model in given)


@pytest.mark.parametrize("ema_decay", [0.0, 0.5])
def test_patience_ends_a_run_and_the_best_weights_are_kept(ema_decay: float) -> None:
    scores = iter([1.0, 3.0, 2.0, 3.0, 9.0, 9.0])
    best: list[float] = []
    run = trainer(Weights(1), push([1.0]), steps=50, validate_every=2, log_every=2, patience=2, learning_rate=0.01, ema_decay=ema_decay)

    def validate(model: nn.Module) -> dict[str, float]:
        score = next(scores)
        if score == 3.0 and not best:
            best.append(model.tensors[0].item())
        return {"bleu": score, "other": -score}

    run.validate = validate
    result = run.run()
    assert run.at.step == 8 and run.at.best == 3.0
    assert result.tensors[0].item() == best[0] != run.worker.tensors[0].item() or ema_decay == 0
    assert result.tensors[0].item() == best[0]


def test_what_patience_saved_goes_on_from_the_last_step(tmp_path: Path) -> None:
    """The best weights are returned; a longer budget goes on from those of the last step, as its Adam does."""
    scores = iter([3.0, 2.0])
    run = trainer(
        Weights(1),
        push([1.0]),
        steps=4,
        validate_every=2,
        log_every=2,
        patience=2,
        validate=lambda m: {"bleu": next(scores)},
        folder=tmp_path,
    )
    best = run.run().tensors[0].item()
    again = trainer(Weights(1), push([1.0]), steps=8, validate_every=2, log_every=2, patience=2, folder=tmp_path)
    assert again.resume() and again.model.tensors[0].item() < best


@pytest.mark.parametrize("gradient", [math.nan, math.inf])
def test_a_gradient_that_is_no_number_ends_the_run_before_it_spoils_anything(gradient: float, tmp_path: Path) -> None:
    gradients = iter([[1.0]] * 5 + [[gradient]])
    run = trainer(
        Weights(1), lambda model, batch: push(next(gradients))(model, batch), steps=9, checkpoint_every=2, folder=tmp_path, ema_decay=0.5
    )
    with pytest.raises(ValueError, match="step 6: the gradient's norm is (nan|inf), from which nothing can be learned"):
        run.run()
    again = trainer(Weights(1), push([1.0]), steps=9, checkpoint_every=2, folder=tmp_path, ema_decay=0.5)
    assert again.resume() and again.at.step == 4 and all(p.isfinite().all() for p in [*run.model.parameters(), *again.model.parameters()])


def test_without_patience_the_last_weights_are_kept() -> None:
    scores = iter([3.0, 2.0, 1.0])
    run = trainer(
        Weights(1), push([1.0]), steps=6, validate_every=2, log_every=2, learning_rate=0.1, validate=lambda m: {"bleu": next(scores)}
    )
    assert run.run().tensors[0].item() == pytest.approx(0.4, abs=1e-4)


def test_a_budget_of_seconds_ends_by_the_clock() -> None:
    def loss(model: Weights, batch: Batch) -> Tensor:
        time.sleep(0.02)
        return model.tensors[0].sum()

    rates: list[float] = []
    settings = dict(decay="linear", learning_rate=1.0, log_every=1)
    run = trainer(Weights(1), loss, budget=Budget(seconds=0.3), on_log=lambda row: rates.append(row["lr"]), **settings)
    run.run()
    assert 0.3 <= run.at.seconds < 5 and 1 <= run.at.step <= 15
    assert rates == sorted(rates, reverse=True) and rates[0] == 1.0 and rates[-1] > 0


def test_all_processes_go_by_the_first_ones_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """If each went by its own, one would stop a step earlier, and the others would wait for its gradients for ever."""
    monkeypatch.setattr(training, "first_says", lambda seconds, device: 99.0)
    run = trainer(Weights(1), push([1.0]), budget=Budget(seconds=50))
    run.run()
    assert run.at.step == 1 and run.at.seconds == 99


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({}, "steps or seconds"),
        ({"steps": 3, "seconds": 4.0}, "one of the two"),
        ({"steps": 0}, "above 0"),
        ({"steps": 2.5}, "steps is 2.5: it must be a whole number"),
        ({"steps": True}, "steps is True: it must be a whole number"),
        ({"seconds": -1.0}, "above 0"),
        ({"seconds": math.nan}, "above 0"),
    ],
)
def test_a_budget_that_is_none_is_refused(fields: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        Budget(**fields)
