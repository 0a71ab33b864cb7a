"""The training loop: given a loss, batches and what to do with results; it knows neither decoding, scores nor plots."""

import copy
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn

from lessons_lib.batching import Batch
from lessons_lib.checkpoints import STATE, CheckpointError, load_tensors, load_weights, save_tensors
from lessons_lib.config import Budget, ModelConfig, TrainingConfig
from lessons_lib.optim import decay, parameter_groups, update_average, warmup
from lessons_lib.runtime import first_says, hand_back_memory, join_processes

Loss = Callable[[nn.Module, Batch], Tensor]
Validate = Callable[[nn.Module], dict[str, float]]


@dataclass
class Position:
    """Where a run stands; written into its state and read back on resume."""

    step: int = 0
    pass_number: int = 0
    group: int = 0
    tokens: int = 0
    seconds: float = 0.0
    best: float = float("-inf")
    bad_validations: int = 0


@dataclass
class Trainer:
    """One run. A step takes `micro_batches` batches, shared among processes, and gives the gradient of their mean loss a token.

    Randomness is drawn anew for each micro-batch from (seed, step, micro-batch), so that a resumed run, and one on several
    processes, draws the same dropout as one that went through alone. With `bf16` a worker in bfloat16 computes loss and gradients, and the
    model keeps float32 weights: in bfloat16 1 + 1/256 is 1, and small steps would be lost. A worker may also be built of faster pieces.

    Attributes:
        model: trained in place.
        loss: (model, batch) → the sum of the loss over the batch's target tokens.
        batches: pass number → the micro-batches of that pass, in order; must give the same for the same number.
        config, budget: how, and how long.
        device: where; the model is moved there.
        folder: where the state is kept; None keeps none, and the run cannot be resumed.
        validate: model → scores; the first is watched for early stopping, the higher the better.
        on_log: called with each metrics row.
        quicken: changes the modules of the worker in place and leaves its parameters as they are; None changes nothing.
        facts: what has to be equal on resume besides the training configuration (model, data, tokenizer).
    """

    model: nn.Module
    loss: Loss
    batches: Callable[[int], Sequence[Batch]]
    config: TrainingConfig
    budget: Budget
    device: torch.device = torch.device("cpu")
    folder: Path | None = None
    validate: Validate | None = None
    on_log: Callable[[dict[str, Any]], None] = lambda row: None
    quicken: Callable[[nn.Module], None] | None = None
    facts: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.rank, self.world_size = join_processes(self.device)
        if self.config.micro_batches % self.world_size:
            raise ValueError(f"{self.config.micro_batches} micro-batches cannot be shared by {self.world_size} processes: use a multiple")
        self.model.to(self.device)
        groups = parameter_groups(self.model, self.config.weight_decay)
        self.optimizer = torch.optim.AdamW(groups, lr=0.0, betas=self.config.betas, fused=True)
        self.averaged = copy.deepcopy(self.model) if self.config.ema_decay else self.model
        self.worker = self._make_worker()
        self.best_weights: dict[str, Tensor] | None = None
        self.at = Position()

    def _make_worker(self) -> nn.Module:
        if self.config.precision == "fp32" and self.quicken is None:
            return self.model
        worker = copy.deepcopy(self.model)
        if self.config.precision == "bf16":
            worker.bfloat16()
        if self.quicken is not None:
            self.quicken(worker)
        return worker

    @property
    def result(self) -> nn.Module:
        """The model to keep: the averaged weights where there is an average."""
        return self.averaged

    def run(self) -> nn.Module:
        """Train until the budget is used or patience is lost, and return the model to keep, in evaluation mode.

        Raises ValueError if a gradient is not finite; the last saved state is then still good.
        """
        started, already = time.perf_counter(), self.at.seconds
        sums, since = torch.zeros(2, dtype=torch.float64), (self.at.tokens, already)
        batches, loaded = [], -1
        while not self._is_over():
            if loaded != self.at.pass_number:
                batches, loaded = self.batches(self.at.pass_number), self.at.pass_number
            first = self.at.group * self.config.micro_batches
            sums += self._step(batches[first : first + self.config.micro_batches])
            self.at.group += 1
            if self.at.group * self.config.micro_batches >= len(batches):
                self.at.pass_number, self.at.group = self.at.pass_number + 1, 0
            self.at.seconds = self._agree(already + time.perf_counter() - started)
            if self._is_due(self.config.log_every) or self._validates():
                self._log(sums, since)
                until = self._agree(already + time.perf_counter() - started)  # the next row does not count a validation's time
                sums, since = torch.zeros(2, dtype=torch.float64), (self.at.tokens, until)
            if self._is_due(self.config.checkpoint_every):
                self.save()  # at the end before the best weights come back: a longer budget goes on from the last
                hand_back_memory()
        self._take_best()
        return self.result.eval()

    def _is_over(self) -> bool:
        lost_patience = 0 < self.config.patience <= self.at.bad_validations
        return lost_patience or self.budget.progress(self.at.step, self.at.seconds) >= 1

    def _is_due(self, every: int) -> bool:
        return self.at.step % every == 0 or self._is_over()

    def _validates(self) -> bool:
        return self.validate is not None and self.config.validate_every > 0 and self._is_due(self.config.validate_every)

    def _agree(self, seconds: float) -> float:
        """The seconds of the first process, so that all stop at the same step."""
        return seconds if self.budget.seconds is None else first_says(seconds, self.device)

    def learning_rate(self) -> float:
        """The rate of the step about to be made."""
        config, step = self.config, self.at.step + 1
        progress = self.budget.progress(self.at.step, self.at.seconds)
        return config.learning_rate * warmup(step, config.warmup_steps) * decay(config.decay, progress, step, config.warmup_steps)

    def _step(self, group: Sequence[Batch]) -> Tensor:
        """One update from these micro-batches → (sum of the loss, target tokens) of this process, float64 (2,)."""
        self.worker.train()
        n_tokens = sum(batch.n_target for batch in group)
        total, mine = torch.zeros((), dtype=torch.float64), 0
        for i in range(self.rank, len(group), self.world_size):
            torch.manual_seed((self.config.seed * 1_000_003 + self.at.step) * 1_009 + i)
            batch = group[i].to(self.device)
            loss = self.loss(self.worker, batch)
            (loss / n_tokens).backward()
            total, mine = total + loss.detach().double().cpu(), mine + batch.n_target
        self._collect_gradients()
        norm = nn.utils.clip_grad_norm_(self.model.parameters(), self.config.clip_norm)
        if not norm.isfinite():  # it would make every weight NaN, and the next saved state
            raise ValueError(f"step {self.at.step + 1}: the gradient's norm is {norm:g}, from which nothing can be learned")
        for parameters in self.optimizer.param_groups:
            parameters["lr"] = self.learning_rate()
        self.optimizer.step()
        self.optimizer.zero_grad()
        self._refresh_worker()
        self.at.step += 1
        self.at.tokens += n_tokens + sum(batch.n_source for batch in group)
        if self.config.ema_decay:
            update_average(self.averaged.parameters(), self.model.parameters(), self.config.ema_decay, self.at.step)
        return torch.stack((total, torch.tensor(float(mine), dtype=torch.float64)))

    def _collect_gradients(self) -> None:
        """Bring the worker's gradients to the model in float32, and add up those of all processes.

        Each process has divided by the tokens of the whole step already, so the sum is the gradient of the mean.
        """
        if self.worker is not self.model:
            for parameter, working in zip(self.model.parameters(), self.worker.parameters(), strict=True):
                parameter.grad = None if working.grad is None else working.grad.float()
                working.grad = None
        if self.world_size > 1:
            gradients = [p.grad if p.grad is not None else torch.zeros_like(p) for p in self.model.parameters()]
            flat = torch.cat([g.flatten() for g in gradients])
            dist.all_reduce(flat)
            for parameter, piece in zip(self.model.parameters(), flat.split([g.numel() for g in gradients]), strict=True):
                parameter.grad = piece.view_as(parameter)

    @torch.no_grad()
    def _refresh_worker(self) -> None:
        if self.worker is not self.model:
            torch._foreach_copy_(list(self.worker.parameters()), list(self.model.parameters()))

    def _log(self, sums: Tensor, since: tuple[int, float]) -> None:
        if self.world_size > 1:
            shared = sums.to(self.device)
            dist.all_reduce(shared)
            sums = shared.cpu()
        row: dict[str, Any] = {
            "step": self.at.step,
            "loss": round(float(sums[0] / sums[1]), 4),
            "lr": float(f"{self.optimizer.param_groups[0]['lr']:.4g}"),
            "tokens": self.at.tokens,
            "seconds": round(self.at.seconds, 2),
            "tokens_per_second": round((self.at.tokens - since[0]) / max(self.at.seconds - since[1], 1e-9)),
            "passes": self.at.pass_number,
        }
        if self._validates():
            row["validation"] = self._validate()
        if self.rank == 0:
            self.on_log(row)

    def _validate(self) -> dict[str, float]:
        assert self.validate is not None
        scores = self.validate(self.result.eval())
        watched = next(iter(scores.values()))
        if watched > self.at.best:
            self.at.best, self.at.bad_validations = watched, 0
            if self.config.patience:
                self.best_weights = {name: t.detach().clone() for name, t in self.result.state_dict().items()}
        else:
            self.at.bad_validations += 1
        return scores

    def _take_best(self) -> None:
        if self.best_weights is not None:
            self.result.load_state_dict(self.best_weights)

    def save(self) -> None:
        """Write the state of the run, whole or not at all; without a folder, or in a process other than the first, do nothing.

        Raises:
            OSError: if the disk refuses; the last good state is then still there.
        """
        if self.folder is None or self.rank:
            return
        tensors = {f"model.{name}": t for name, t in self.model.state_dict().items()}
        if self.config.ema_decay:
            tensors |= {f"average.{name}": t for name, t in self.averaged.state_dict().items()}
        if self.best_weights is not None:
            tensors |= {f"best.{name}": t for name, t in self.best_weights.items()}
        for name, parameter in self.model.named_parameters():
            tensors |= {f"optimizer.{key}.{name}": t for key, t in self.optimizer.state[parameter].items()}
        save_tensors(self.folder / STATE, tensors, {"at": vars(self.at), "training": self.config.to_json(), **self.facts})

    def resume(self) -> bool:
        """Go back to the state in the folder, if there is one.

        Returns:
            True if there was.

        Raises:
            CheckpointError: if it is damaged, or of a run with another configuration, model or data. What did not exist yet when it was
                written is not compared.
        """
        path = None if self.folder is None else self.folder / STATE
        if path is None or not path.exists():
            return False
        tensors, found = load_tensors(path)
        at = found.pop("at", {})
        for key, kind in (("training", TrainingConfig), ("model", ModelConfig)):
            if key in found:
                found[key] = _in_todays_fields(kind, found[key])
        for key, wanted in {"training": self.config.to_json(), **self.facts}.items():
            if found.get(key, wanted) != wanted:
                raise CheckpointError(f"{path} is of another run: its {_difference(key, found[key], wanted)}. Use another folder")
        part = {kind: _strip(tensors, f"{kind}.") for kind in ("model", "average", "best", "optimizer")}
        load_weights(self.model, part["model"], path)
        if self.config.ema_decay:
            load_weights(self.averaged, part["average"], path)
        self.best_weights = part["best"] or None
        for name, parameter in self.model.named_parameters():
            state = {key: part["optimizer"].get(f"{key}.{name}") for key in ("step", "exp_avg", "exp_avg_sq")}
            self.optimizer.state[parameter] = {key: t.to(self.device) for key, t in state.items() if t is not None}
        self._refresh_worker()
        try:
            self.at = Position(**at)
        except TypeError as error:
            raise CheckpointError(f"{path} was written by another version of the course: {error}. Use another folder") from error
        return True


def _strip(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): t for name, t in tensors.items() if name.startswith(prefix)}


def _in_todays_fields(kind: type[TrainingConfig] | type[ModelConfig], text: Any) -> Any:
    """A configuration as today's library writes it: one written before a field existed had its default."""
    try:
        return kind.from_json(text).to_json()
    except (TypeError, ValueError):
        return text


def _difference(key: str, was: Any, now: Any) -> str:
    """What changed, in a few words: of two JSON objects the first field that differs, anything else whole."""
    try:
        before, after = json.loads(was), json.loads(now)
        name = next(name for name in after if before.get(name) != after[name])
    except (TypeError, ValueError, AttributeError, StopIteration):
        return f"{key} was {was}, now it is {now}"
    return f"{key} had {name} {before.get(name)!r}, now it is {after[name]!r}"
