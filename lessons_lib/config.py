"""What defines a model and a training run: frozen, checked when made, saved beside the checkpoint as JSON."""

import dataclasses
import json
from dataclasses import dataclass
from typing import Any, Literal, Self

LARGEST_SEED = 2**32 - 1
SPEEDUPS = ("mask_pool", "packed_attention", "one_pass_loss")
"""Names of the pieces in `speedups` that replace plain ones while training on a processor."""


def _demand(holds: bool, message: str) -> None:
    if not holds:
        raise ValueError(message)


def _demand_count(name: str, given: object) -> None:
    is_count = isinstance(given, int) and not isinstance(given, bool) and given > 0
    _demand(is_count, f"{name} is {given!r}: it must be a whole number above 0")


def _demand_share(name: str, given: float) -> None:
    _demand(0 <= given < 1, f"{name} is {given!r}: it must be at least 0 and below 1")


def _demand_choice(name: str, given: str, allowed: tuple[str, ...]) -> None:
    _demand(given in allowed, f"{name} is {given!r}: it must be one of {', '.join(allowed)}")


@dataclass(frozen=True)
class JsonConfig:
    """A frozen dataclass that can be saved as JSON and made again from it."""

    def to_json(self) -> str:
        """The fields as a JSON object, one a line."""
        return json.dumps(dataclasses.asdict(self), indent=1, ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> Self:
        """The configuration that `to_json` wrote.

        Raises:
            ValueError: if the text is no JSON object, or a field is missing, unknown or not allowed.
        """
        try:
            return cls.from_fields(json.loads(text))
        except json.JSONDecodeError as error:
            raise ValueError(f"this is not a {cls.__name__} in JSON: {error}") from error

    @classmethod
    def from_fields(cls, fields: Any) -> Self:
        """The configuration with these fields, a dictionary; those left out have their defaults. Raises ValueError as `from_json`."""
        _demand(isinstance(fields, dict), f"a {cls.__name__} is a JSON object, not {type(fields).__name__}")
        known = {field.name for field in dataclasses.fields(cls)}
        unknown = sorted(set(fields) - known)
        _demand(not unknown, f"{cls.__name__} has no field {', '.join(unknown)}; it has {', '.join(sorted(known))}")
        fields = {name: tuple(value) if isinstance(value, list) else value for name, value in fields.items()}
        try:
            return cls(**fields)
        except TypeError as error:
            raise ValueError(f"{cls.__name__}: {error}") from error


@dataclass(frozen=True)
class ModelConfig(JsonConfig):
    """Shape of an encoder–decoder Transformer. Widths in numbers a token, lengths in tokens, probabilities between 0 and 1.

    `activation_dropout` is that inside the feed-forward layers; None takes `dropout`. `attention_gain` scales the first weights of queries,
    keys and values: 1 is Glorot and Bengio's scale for each, 0.71 for the three as one matrix, as `nn.MultiheadAttention` has it.
    """

    vocabulary_size: int
    d_model: int = 128
    n_heads: int = 4
    d_ff: int = 256
    n_encoder_layers: int = 4
    n_decoder_layers: int = 4
    dropout: float = 0.1
    attention_dropout: float = 0.0
    activation_dropout: float | None = None
    attention_gain: float = 1.0
    norm_placement: Literal["pre", "post"] = "pre"
    activation: Literal["relu", "gelu"] = "relu"
    positions: Literal["sinusoidal", "learned", "rotary"] = "sinusoidal"
    max_length: int = 256
    pad_id: int = 0

    def __post_init__(self) -> None:
        for name in ("vocabulary_size", "d_model", "n_heads", "d_ff", "n_encoder_layers", "n_decoder_layers", "max_length"):
            _demand_count(name, getattr(self, name))
        _demand(self.d_model % self.n_heads == 0, f"d_model {self.d_model} is no multiple of n_heads {self.n_heads}")
        d_head = self.d_model // self.n_heads
        _demand(self.positions != "rotary" or d_head % 2 == 0, f"a head has {d_head} numbers: rotary positions turn them in pairs")
        for name in ("dropout", "attention_dropout"):
            _demand_share(name, getattr(self, name))
        if self.activation_dropout is not None:
            _demand_share("activation_dropout", self.activation_dropout)
        _demand(self.attention_gain > 0, f"attention_gain is {self.attention_gain!r}: it must be above 0")
        _demand_choice("norm_placement", self.norm_placement, ("pre", "post"))
        _demand_choice("activation", self.activation, ("relu", "gelu"))
        _demand_choice("positions", self.positions, ("sinusoidal", "learned", "rotary"))
        _demand(0 <= self.pad_id < self.vocabulary_size, f"pad_id {self.pad_id} lies outside the vocabulary of {self.vocabulary_size}")

    @property
    def feed_forward_dropout(self) -> float:
        """The dropout inside the feed-forward layers."""
        return self.dropout if self.activation_dropout is None else self.activation_dropout


@dataclass(frozen=True)
class TrainingConfig(JsonConfig):
    """How a model is trained. A step is one update of the weights; it sees `micro_batches` batches of `batch_tokens` places a side.

    `r_drop` is the weight α of R-Drop's divergence, 0 for none (`losses.r_drop_cross_entropy`); with it each batch passes twice,
    and the loss that a run logs holds the divergence.
    """

    learning_rate: float = 1e-3
    warmup_steps: int = 400
    decay: Literal["constant", "linear", "cosine", "inverse_sqrt"] = "cosine"
    betas: tuple[float, float] = (0.9, 0.98)
    weight_decay: float = 0.01
    clip_norm: float = 1.0
    label_smoothing: float = 0.1
    r_drop: float = 0.0
    batch_tokens: int = 4096
    micro_batches: int = 1
    ema_decay: float = 0.0
    precision: Literal["fp32", "bf16"] = "fp32"
    speedups: tuple[str, ...] = ()
    log_every: int = 20
    validate_every: int = 0
    checkpoint_every: int = 500
    patience: int = 0
    seed: int = 1

    def __post_init__(self) -> None:
        for name in ("learning_rate", "clip_norm"):
            _demand(getattr(self, name) > 0, f"{name} is {getattr(self, name)!r}: it must be above 0")
        is_seed = isinstance(self.seed, int) and 0 <= self.seed <= LARGEST_SEED
        _demand(is_seed, f"seed is {self.seed!r}: it must be a whole number from 0 to {LARGEST_SEED}")
        for name in ("warmup_steps", "weight_decay", "r_drop", "validate_every", "patience"):
            _demand(getattr(self, name) >= 0, f"{name} is {getattr(self, name)!r}: it must not be negative")
        _demand(not self.patience or self.validate_every > 0, f"patience is {self.patience!r} and validate_every 0: it would never be lost")
        for name in ("batch_tokens", "micro_batches", "log_every", "checkpoint_every"):
            _demand_count(name, getattr(self, name))
        for name in ("label_smoothing", "ema_decay"):
            _demand_share(name, getattr(self, name))
        _demand(len(self.betas) == 2 and all(0 <= beta < 1 for beta in self.betas), f"betas are {self.betas!r}: two numbers in [0, 1)")
        _demand_choice("decay", self.decay, ("constant", "linear", "cosine", "inverse_sqrt"))
        _demand_choice("precision", self.precision, ("fp32", "bf16"))
        for name in self.speedups:
            _demand_choice("speedups", name, SPEEDUPS)


@dataclass(frozen=True)
class Budget:
    """How long a run lasts: a number of steps, or seconds. The learning rate reaches its end with the budget.

    A run with `steps` repeats exactly; one with `seconds` does as many steps as the machine allows.
    """

    steps: int | None = None
    seconds: float | None = None

    def __post_init__(self) -> None:
        if (self.steps is None) == (self.seconds is None):
            raise ValueError(f"a budget has steps or seconds, one of the two: got steps={self.steps}, seconds={self.seconds}")
        if self.steps is not None:
            _demand_count("steps", self.steps)
        else:
            _demand(self.seconds > 0, f"seconds is {self.seconds!r}: it must be above 0")  # NaN is not

    def progress(self, step: int, seconds: float) -> float:
        """Share of the budget that is used, 0 to 1 and beyond."""
        return step / self.steps if self.steps is not None else seconds / self.seconds
