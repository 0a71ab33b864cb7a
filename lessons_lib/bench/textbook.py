"""The textbook's translator: `torch.nn.Transformer`, trained as the tutorials train it."""

import itertools
import math
import time
from collections.abc import Callable, Iterable, Iterator

import torch
from torch import Tensor, nn

from lessons_lib.attention import projections
from lessons_lib.batching import Batch
from lessons_lib.bench.contest import Turn
from lessons_lib.bench.material import Material
from lessons_lib.bench.weights import Match, copy_back, copy_to, demand_sinusoidal, linear, stacks
from lessons_lib.config import Budget
from lessons_lib.models import EncoderDecoder
from lessons_lib.optim import decay, warmup
from lessons_lib.positions import sinusoidal_table

Groups = Callable[[int], Iterator[list[Batch]]]
"""Pass number → the batches of each step of that pass."""

Home = Callable[[EncoderDecoder], Iterable[Match]]
"""A model of ours → which of the trained model's tensors holds which of its."""

Loss = Callable[[nn.Module, Batch], Tensor]
"""(model, batch) → the mean loss a target token, a scalar in nats."""


class Textbook(nn.Module):
    """Embedding, positions, `nn.Transformer`, output: our model's shape and dropout, one table for both languages and the output."""

    def __init__(self, ours: EncoderDecoder) -> None:
        """Take shape and weights from a model of ours.

        Raises:
            ValueError: if its positions are not sinusoidal.
        """
        super().__init__()
        demand_sinusoidal(ours)
        c = self.config = ours.config
        shape = dict(dropout=c.dropout, activation=c.activation, batch_first=True, norm_first=c.norm_placement == "pre")
        encoder_layer = nn.TransformerEncoderLayer(c.d_model, c.n_heads, c.d_ff, **shape)
        decoder_layer = nn.TransformerDecoderLayer(c.d_model, c.n_heads, c.d_ff, **shape)
        for layer in (encoder_layer, decoder_layer):
            layer.dropout.p = c.feed_forward_dropout  # its one dropout inside the feed-forward part
        final = [nn.LayerNorm(c.d_model) if c.norm_placement == "pre" else None for _ in range(2)]
        encoder = nn.TransformerEncoder(encoder_layer, c.n_encoder_layers, final[0], enable_nested_tensor=False)
        decoder = nn.TransformerDecoder(decoder_layer, c.n_decoder_layers, final[1])
        self.transformer = nn.Transformer(c.d_model, c.n_heads, custom_encoder=encoder, custom_decoder=decoder, batch_first=True)
        for module in self.transformer.modules():
            if isinstance(module, nn.MultiheadAttention):
                module.dropout = c.attention_dropout
        self.table = nn.Embedding(c.vocabulary_size, c.d_model, padding_idx=c.pad_id)
        self.dropout = nn.Dropout(c.dropout)
        self.output = nn.Linear(c.d_model, c.vocabulary_size, bias=False)
        self.output.weight = self.table.weight
        self.register_buffer("positions", sinusoidal_table(c.max_length, c.d_model), persistent=False)
        copy_to(self.matches(ours))

    def embed(self, ids: Tensor) -> Tensor:
        """ids int64 (B, n) → (B, n, d_model)."""
        return self.dropout(self.table(ids) * math.sqrt(self.config.d_model) + self.positions[: ids.shape[1]])

    def forward(self, source: Tensor, target: Tensor) -> Tensor:
        """source int64 (B, S), target int64 (B, T) → logits (B, T, V). PyTorch's masks are True where attention is forbidden."""
        source_padding, target_padding = source == self.config.pad_id, target == self.config.pad_id
        future = torch.ones(target.shape[1], target.shape[1], dtype=torch.bool).triu(1)
        hidden = self.transformer(
            self.embed(source), self.embed(target), tgt_mask=future, src_key_padding_mask=source_padding,
            tgt_key_padding_mask=target_padding, memory_key_padding_mask=source_padding,
        )  # fmt: skip
        return self.output(hidden)

    def matches(self, ours: EncoderDecoder) -> Iterator[Match]:
        """Which of its tensors holds which of ours."""
        yield [ours.table.weight], self.table.weight
        for name, number, layer in stacks(ours):
            theirs = getattr(self.transformer, name).layers[number]
            blocks = [(layer.self_attention, theirs.self_attn)]
            norms = [layer.around_attention.norm]
            if name == "decoder":
                blocks.append((layer.cross_attention, theirs.multihead_attn))
                norms.append(layer.around_cross.norm)
            for mine, their in blocks:
                layers = projections(mine)
                yield [p.weight for p in layers], their.in_proj_weight
                yield [p.bias for p in layers], their.in_proj_bias
                yield from linear(mine.project_out, their.out_proj)
            yield from linear(layer.feed_forward.expand, theirs.linear1)
            yield from linear(layer.feed_forward.contract, theirs.linear2)
            for i, norm in enumerate([*norms, layer.around_feed_forward.norm], 1):
                yield from linear(norm, getattr(theirs, f"norm{i}"))
        if self.config.norm_placement == "pre":
            yield from linear(ours.encoder.final_norm, self.transformer.encoder.norm)
            yield from linear(ours.decoder.final_norm, self.transformer.decoder.norm)


class PlainLoop:
    """The loop of a tutorial: a loss, `backward`, Adam, float32; one update a group of batches."""

    def __init__(self, material: Material, model: nn.Module, loss: Loss, groups: Groups, home: Home | None = None) -> None:
        """Args:
        material: data and steps.
        model: what is trained.
        loss: (model, batch) → the mean loss a target token.
        groups: what it is trained on.
        home: finds its weights' places in a model of ours; None if they have none.
        """
        self.material, self.model, self.loss, self.groups, self.home = material, model, loss, groups, home
        self.optimizer = torch.optim.Adam(model.parameters(), lr=1e-4, betas=material.training.betas)  # the rate of PyTorch's tutorial
        self.passes, self.steps = 0, groups(0)

    def facts(self) -> dict[str, float]:
        """`first loss`: on the first of our batches, without dropout."""
        self.model.eval()  # with gradients: without, nn.Transformer takes another path
        return {"first loss": float(self.loss(self.model, self.material.our_batches(0)[0]).detach())}

    def turn(self, seconds: float) -> Turn:
        """Train for so many seconds, at one learning rate."""
        return self._train(seconds, lambda step, progress: None)

    def learn(self, seconds: float) -> tuple[EncoderDecoder, Turn]:
        """Train for so many seconds, by the learning rates of the preset, and bring the weights home.

        Raises:
            ValueError: if they have no place in a model of ours.
        """
        if self.home is None:
            raise ValueError("its weights have no place in a model of ours: leave it out where translations are judged")
        config = self.material.training

        def set_rate(step: int, progress: float) -> None:
            factor = warmup(step, config.warmup_steps) * decay(config.decay, progress, step, config.warmup_steps)
            for parameters in self.optimizer.param_groups:
                parameters["lr"] = config.learning_rate * factor

        turn, ours = self._train(seconds, set_rate), self.material.first_model()
        copy_back(self.home(ours))
        return ours.eval(), turn

    def _train(self, seconds: float, before_step: Callable[[int, float], None]) -> Turn:
        """Train, and tell before each step its number, from 1, and what share of the time has gone."""
        self.model.train()
        began, tokens, budget = time.perf_counter(), 0, Budget(seconds=seconds)
        for step in itertools.count(1):
            before_step(step, budget.progress(step, time.perf_counter() - began))
            group = self._next()
            self.optimizer.zero_grad()
            loss = 0.0
            for batch in group:
                share = self.loss(self.model, batch) / len(group)
                share.backward()
                loss += float(share.detach())
            self.optimizer.step()
            tokens += sum(batch.n_source + batch.n_target for batch in group)
            taken = time.perf_counter() - began
            if taken >= seconds:
                return Turn(tokens, taken, {"loss": loss})

    def _next(self) -> list[Batch]:
        group = next(self.steps, None)
        if group is None:
            self.passes += 1
            self.steps = self.groups(self.passes)
            group = next(self.steps)
        return group


def cross_entropy(material: Material) -> Loss:
    """`nn.CrossEntropyLoss` over all places, padding ignored, for a model that gives logits (B, T, V)."""
    criterion = nn.CrossEntropyLoss(ignore_index=material.model.pad_id, label_smoothing=material.training.label_smoothing)
    return lambda model, batch: criterion(model(batch.source, batch.target_in).flatten(0, 1), batch.target_out.flatten())


def textbook(material: Material) -> PlainLoop:
    """`nn.Transformer` on shuffled batches of 128 sentences."""
    model = Textbook(material.first_model())
    return PlainLoop(material, model, cross_entropy(material), material.shuffled_groups, model.matches)


def bucketed(material: Material) -> PlainLoop:
    """The same model and loop on our batches, so that the batches' share of the gain is seen apart."""
    model = Textbook(material.first_model())
    return PlainLoop(material, model, cross_entropy(material), material.our_groups, model.matches)
