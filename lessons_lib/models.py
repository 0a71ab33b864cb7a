"""The encoder–decoder Transformer, whole: embeddings, stacks, output scores, and its state while it decodes."""

import math

import torch
from torch import Tensor, nn

from lessons_lib.attention import MultiHeadAttention, causal_mask, padding_mask
from lessons_lib.config import ModelConfig
from lessons_lib.layers import DecoderLayer, EncoderLayer, LayerCache, initialise, make_dropout
from lessons_lib.positions import LearnedPositions, NoPositions, RotaryPositions, SinusoidalPositions


def _added_positions(config: ModelConfig) -> nn.Module:
    if config.positions == "rotary":
        return NoPositions()
    kind = {"sinusoidal": SinusoidalPositions, "learned": LearnedPositions}[config.positions]
    return kind(config.d_model, config.max_length)


class Entrance(nn.Module):
    """What happens to word vectors before the first layer: their place is added, then dropout (Vaswani et al. 2017, 3.5 and 5.4)."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.positions = _added_positions(config)
        self.dropout = make_dropout(config.dropout)
        self.max_length = config.max_length

    def forward(self, x: Tensor, first: int = 0) -> Tensor:
        """x (B, n, d_model) of positions first … first + n − 1 → the same shape.

        Raises:
            ValueError: if a position lies beyond the model's max_length.
        """
        if first + x.shape[1] > self.max_length:
            raise ValueError(f"{first + x.shape[1]} tokens, but this model was made for at most {self.max_length}")
        return self.dropout(self.positions(x, first))


class Encoder(nn.Module):
    """A stack of encoder layers; with pre-norm the stream is normalised once more at the end."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        rotate = RotaryPositions(config.d_model // config.n_heads, config.max_length) if config.positions == "rotary" else None
        self.layers = nn.ModuleList(EncoderLayer(config, rotate) for _ in range(config.n_encoder_layers))
        self.final_norm = nn.LayerNorm(config.d_model) if config.norm_placement == "pre" else nn.Identity()

    def forward(self, x: Tensor, mask: Tensor | None) -> Tensor:
        """x (B, S, d_model), mask bool (B, 1, 1, S) → the memory (B, S, d_model), one vector a source token."""
        for layer in self.layers:
            x = layer(x, mask)
        return self.final_norm(x)


class Decoder(nn.Module):
    """A stack of decoder layers; with pre-norm the stream is normalised once more at the end."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        rotate = RotaryPositions(config.d_model // config.n_heads, config.max_length) if config.positions == "rotary" else None
        self.layers = nn.ModuleList(DecoderLayer(config, rotate) for _ in range(config.n_decoder_layers))
        self.final_norm = nn.LayerNorm(config.d_model) if config.norm_placement == "pre" else nn.Identity()

    def forward(
        self, x: Tensor, mask: Tensor | None, memory: Tensor, memory_mask: Tensor | None, caches: list[LayerCache] | None = None
    ) -> Tensor:
        """x (B, T, d_model) → (B, T, d_model); the arguments are those of `DecoderLayer.forward`, with one cache a layer."""
        for i, layer in enumerate(self.layers):
            x = layer(x, mask, memory, memory_mask, None if caches is None else caches[i])
        return self.final_norm(x)


class EncoderDecoder(nn.Module):
    """p(target | source), one token at a time: the Transformer of Vaswani et al. 2017, one table for both languages and the output."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        self.table = nn.Embedding(config.vocabulary_size, config.d_model, padding_idx=config.pad_id)
        self.source_entrance, self.target_entrance = Entrance(config), Entrance(config)
        self.encoder = Encoder(config)
        self.decoder = Decoder(config)
        self.apply(initialise)
        for module in self.modules():
            if isinstance(module, MultiHeadAttention):
                module.scale_projections(config.attention_gain)

    def embed(self, ids: Tensor) -> Tensor:
        """ids int64 (B, n) → their rows of the table times √d_model, (B, n, d_model) (Vaswani et al. 2017, 3.4)."""
        return self.table(ids) * math.sqrt(self.config.d_model)

    def encode(self, source: Tensor) -> tuple[Tensor, Tensor]:
        """source int64 (B, S) → memory (B, S, d_model) and its mask bool (B, 1, 1, S), False at padding."""
        mask = padding_mask(source, self.config.pad_id)
        return self.encoder(self.source_entrance(self.embed(source)), mask), mask

    def decode(self, target: Tensor, memory: Tensor, memory_mask: Tensor) -> Tensor:
        """target int64 (B, T), read from its first token on → hidden states (B, T, d_model); state t has seen tokens 0 … t."""
        mask = causal_mask(target.shape[1], target.device)
        return self.decoder(self.target_entrance(self.embed(target)), mask, memory, memory_mask)

    def scores(self, hidden: Tensor) -> Tensor:
        """Hidden states (…, d_model) → a logit for each word (…, V)."""
        return hidden @ self.table.weight.T

    def forward(self, source: Tensor, target: Tensor) -> Tensor:
        """source int64 (B, S), target int64 (B, T) → logits (B, T, V) for the token after each target position."""
        return self.scores(self.decode(target, *self.encode(source)))

    @property
    def n_parameters(self) -> int:
        """How many numbers training may change; the shared table counts once."""
        return sum(p.numel() for p in self.parameters())


class DecodingState:
    """A batch half-way through decoding: the memory, and each layer's cache. It is the step function that decoding asks for."""

    def __init__(self, model: EncoderDecoder, source: Tensor) -> None:
        """Encode source, int64 (B, S)."""
        self.model = model
        self.memory, self.memory_mask = model.encode(source)
        self.caches = [LayerCache() for _ in model.decoder.layers]
        self.position = 0

    def step(self, tokens: Tensor) -> Tensor:
        """Append the tokens, int64 (B,), one a row → log-probabilities of the next token, float32 (B, V)."""
        x = self.model.target_entrance(self.model.embed(tokens[:, None]), first=self.position)
        hidden = self.model.decoder(x, None, self.memory, self.memory_mask, self.caches)  # (B, 1, d_model)
        self.position += 1
        return torch.log_softmax(self.model.scores(hidden[:, 0]).float(), dim=-1)

    def reorder(self, rows: Tensor) -> None:
        """Keep the batch rows named by `rows`, int64 (B_new,), in that order."""
        self.memory, self.memory_mask = self.memory[rows], self.memory_mask[rows]
        for cache in self.caches:
            cache.reorder(rows)
