"""Schedules and AdamW with the numbers of the pencil example, groups, the moving average."""

import pytest
import torch
from tiny_models import tiny_model
from torch import nn

from lessons_lib.batching import Batch
from lessons_lib.config import Budget, TrainingConfig
from lessons_lib.optim import decay, paper_learning_rate, parameter_groups, update_average, warmup
from lessons_lib.training import Trainer


def test_the_papers_schedule_of_the_pencil_example() -> None:
    """Width 64, warm-up 4: 1/64, 1/16, 1/32 at steps 1, 4, 16; the peak is at the end of the warm-up."""
    assert [paper_learning_rate(t, 64, 4) for t in (1, 4, 16, 64)] == pytest.approx([1 / 64, 1 / 16, 1 / 32, 1 / 64])
    with pytest.raises(ValueError, match="steps count from 1"):
        paper_learning_rate(0, 64, 4)
    with pytest.raises(ValueError, match="warmup_steps is 0"):
        paper_learning_rate(1, 64, 0)


def test_warmup_and_inverse_root_make_the_papers_schedule() -> None:
    peak = paper_learning_rate(40, 128, 40)
    for step in (1, 7, 39, 40, 41, 160, 999):
        ours = peak * warmup(step, 40) * decay("inverse_sqrt", 0.5, step, 40)
        assert ours == pytest.approx(paper_learning_rate(step, 128, 40))


def test_warmup_by_hand() -> None:
    assert [warmup(t, 4) for t in (1, 2, 4, 5, 100)] == [0.25, 0.5, 1, 1, 1]
    assert warmup(1, 0) == 1


def test_decay_by_hand() -> None:
    assert [decay("linear", p) for p in (0, 0.25, 1, 1.2)] == [1, 0.75, 0, 0]
    assert [decay("cosine", p) for p in (0, 0.5, 1, 1.2)] == pytest.approx([1, 0.5, 0, 0])
    assert decay("cosine", 0.25) == pytest.approx(0.8536, abs=1e-4)
    assert [decay("constant", p) for p in (0, 1)] == [1, 1]
    with pytest.raises(ValueError, match="no schedule 'step': use constant, linear, cosine or inverse_sqrt"):
        decay("step", 0.1)


class Weights(nn.Module):
    """One matrix and one bias, both ones."""

    def __init__(self) -> None:
        super().__init__()
        self.matrix, self.bias = nn.Parameter(torch.ones(1, 1)), nn.Parameter(torch.ones(1))


def one_step(gradient: float, weight_decay: float = 0.1, n_steps: int = 1, **changes: object) -> tuple[float, float]:
    """Matrix and bias after Trainer's own steps from 1 with this gradient, learning rate .1, β (.9, .999)."""
    fields = dict(learning_rate=0.1, warmup_steps=0, decay="constant", betas=(0.9, 0.999), clip_norm=1e9, weight_decay=weight_decay)
    batch = Batch(torch.ones(1, 1, dtype=torch.int64), torch.ones(1, 1, dtype=torch.int64), torch.ones(1, 1, dtype=torch.int64), 1, 1)
    model = Weights()
    config = TrainingConfig(**(fields | changes))
    Trainer(model, lambda m, b: gradient * (m.matrix.sum() + m.bias.sum()), lambda n: [batch], config, Budget(steps=n_steps)).run()
    return model.matrix.item(), model.bias.item()


@pytest.mark.parametrize("gradient", [4, 4000])
def test_adamw_of_the_pencil_example(gradient: float) -> None:
    """A step of .1 whatever the gradient's size, and .01 of decay, which biases are spared."""
    assert one_step(gradient) == pytest.approx((0.89, 0.9), abs=1e-5)


def test_adamw_decays_without_a_gradient() -> None:
    assert one_step(0) == pytest.approx((0.99, 1), abs=1e-6)


def test_a_second_equal_step_is_as_long() -> None:
    assert one_step(4, weight_decay=0, n_steps=2) == pytest.approx((0.8, 0.8), abs=1e-5)


def test_the_warm_up_shortens_the_first_step() -> None:
    assert one_step(4, weight_decay=0, warmup_steps=4) == pytest.approx((0.975, 0.975), abs=1e-5)


def test_every_parameter_is_in_one_group_and_only_matrices_decay() -> None:
    model = tiny_model(positions="learned")
    decaying, others = parameter_groups(model, 0.3)
    assert (decaying["weight_decay"], others["weight_decay"]) == (0.3, 0.0)
    grouped = [id(p) for group in (decaying, others) for p in group["params"]]
    assert sorted(grouped) == sorted(id(p) for p in model.parameters())
    names = {id(p): name for name, p in model.named_parameters()}
    assert all(names[id(p)].endswith("bias") or ".norm." in names[id(p)] or "final_norm" in names[id(p)] for p in others["params"])
    assert not any("bias" in names[id(p)] for p in decaying["params"])


def test_the_average_follows_the_weights() -> None:
    average, weights = [torch.zeros(2)], [torch.ones(2)]
    update_average(average, weights, 0.9, step=1000)
    torch.testing.assert_close(average[0], torch.full((2,), 0.1))
    update_average(average, weights, 0.9, step=1000)
    torch.testing.assert_close(average[0], torch.full((2,), 0.19))


def test_the_average_forgets_its_start() -> None:
    average = [torch.zeros(1)]
    update_average(average, [torch.ones(1)], 0.999, step=1)
    assert average[0].item() == pytest.approx(1 - 2 / 11)
