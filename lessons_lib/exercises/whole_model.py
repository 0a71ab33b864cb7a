"""Exercises of notebook 05: the bits of a sentence, the shape of cross-attention, the paper's decoder layer, what moved."""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from lessons_lib.attention import causal_mask, scaled_dot_product_attention
from lessons_lib.exercises.framework import Case, Slip, function_exercise, numbers_exercise

Predictor = Callable[[Tensor], Tensor]  # ids int64 (n,) → outputs (n, columns)

numbers_exercise(
    "whole_model.mirror_bits",
    [8, 16],
    0.0005,
    why="1 + 2 + 1 + 1 + 2 + 1 = 8 bits against 4, and four bits are four halvings: 2 · 2 · 2 · 2 = 16 times less likely.",
    slips={
        (7, 8): "You left ⟨EOS⟩ out. To stop there is a choice like any other, and costs 1 bit here.",
        (8, 2): "8 bits are right. But bits are exponents: divide the probabilities, 1/16 by 1/256, not 4 and 8.",
        (8, 4): "8 bits are right, and they are 4 more than 4. Each bit more halves the probability: what do four halvings make?",
        (8, 8): "8 bits are right. Each bit more is a factor of 2, and there are four more: 2 · 2 · 2 · 2.",
        (8, 0.0625): "8 bits are right, and the mirror has 1/16 of the other's probability. Then it is *how many* times less likely?",
        (8, 256): "8 bits are right, and 1/256 is the mirror's own probability. How many times does 1/256 go into 1/16?",
        (4, 1): "You multiplied the bits: 1 · 2 · 1 · 1 · 2 · 1. Probabilities multiply, so bits, which are exponents, add.",
        (2.5, 1.6): "You added the probabilities. They multiply; it is the bits that add.",
        (1.333, 16): "That is the mean a word, 8 / 6. A whole sentence costs the sum.",
    },
    first_step="turn each probability into bits: ½ is 1, ¼ is 2. Then add the six. Each bit more than 4 halves the probability.",
)

numbers_exercise(
    "whole_model.shapes",
    [2, 4, 3, 5],
    0,
    why="2 sentences, 4 heads, a row for each of the 3 words written, a column for each of the 5 words read.",
    slips={
        (2, 4, 5, 3): "Turned round: the words being written ask, so they are the rows.",
        (2, 4, 3, 3): "That is the decoder's self-attention, written words asking written words. Here the memory is asked.",
        (2, 4, 5, 5): "That is the encoder's self-attention. Here the 3 words written ask.",
        (2, 3, 5, 4): "Right numbers, other order: heads stand before the words, (B, H, T, S).",
        (2, 4, 3, 128): "The last axis runs over what is asked. Weights say how much of each source word, not of each column.",
        (2, 4, 3, 32): "Those are queries, 32 = 128 / 4 numbers each. A weight belongs to a pair of words.",
    },
    first_step="who asks, and who is asked? Askers are rows, the asked are columns; sentences and heads come before.",
)


def attend(q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None = None) -> Tensor:
    """One head of attention, (T, d), as in notebook 01."""
    return scaled_dot_product_attention(q, k, v, mask)[0]


def norm(x: Tensor) -> Tensor:
    """Each row with mean 0 and variance 1."""
    return F.layer_norm(x, x.shape[-1:])


def think(x: Tensor) -> Tensor:
    """What stands in for the feed-forward layer: negative numbers become 0."""
    return x.relu()


def paper_layer(x: Tensor, memory: Tensor, mask: Tensor) -> Tensor:
    """The decoder's layer with post-norm, x (T, d), memory (S, d), mask bool (T, T)."""
    x = norm(x + attend(x, x, x, mask))
    x = norm(x + attend(x, memory, memory))
    return norm(x + think(x))


def _pre_norm(x: Tensor, memory: Tensor, mask: Tensor) -> Tensor:
    n = norm(x)
    x = x + attend(n, n, n, mask)
    x = x + attend(norm(x), memory, memory)
    return x + think(norm(x))


def _no_residual(x: Tensor, memory: Tensor, mask: Tensor) -> Tensor:
    x = norm(attend(x, x, x, mask))
    return norm(think(norm(attend(x, memory, memory))))


def _cross_first(x: Tensor, memory: Tensor, mask: Tensor) -> Tensor:
    x = norm(x + attend(x, memory, memory))
    x = norm(x + attend(x, x, x, mask))
    return norm(x + think(x))


def _asking(second: Callable[[Tensor, Tensor, Tensor], Tensor]) -> Callable[[Tensor, Tensor, Tensor], Tensor]:
    """The paper's layer whose second part answers (x, memory, mask) in another way."""

    def layer(x: Tensor, memory: Tensor, mask: Tensor) -> Tensor:
        x = norm(x + attend(x, x, x, mask))
        x = norm(x + second(x, memory, mask))
        return norm(x + think(x))

    return layer


def _norm_inside(x: Tensor, memory: Tensor, mask: Tensor) -> Tensor:
    x = x + norm(attend(x, x, x, mask))
    x = x + norm(attend(x, memory, memory))
    return x + norm(think(x))


def _residual_of_the_start(x: Tensor, memory: Tensor, mask: Tensor) -> Tensor:
    y = norm(x + attend(x, x, x, mask))
    y = norm(x + attend(y, memory, memory))
    return norm(x + think(y))


def _no_thinking(x: Tensor, memory: Tensor, mask: Tensor) -> Tensor:
    x = norm(x + attend(x, x, x, mask))
    return norm(x + attend(x, memory, memory))


def _first_rows(x: Tensor, memory: Tensor, mask: Tensor) -> Tensor:
    x = norm(x + attend(x, x, x, mask)[0])
    x = norm(x + attend(x, memory, memory)[0])
    return norm(x + think(x))


def _one_norm(x: Tensor, memory: Tensor, mask: Tensor) -> Tensor:
    x = x + attend(x, x, x, mask)
    x = x + attend(x, memory, memory)
    return norm(x + think(x))


WAVES = torch.arange(24.0).reshape(6, 4)
THREE, FIVE = (WAVES[:3] * 0.9).sin() * 2, (WAVES[1:] * 1.7).cos() * 2
FOUR, TWO = (WAVES[2:] * 1.1).cos() * 2, (WAVES[:2] * 0.4).sin() * 3

function_exercise(
    "whole_model.paper_layer",
    cases=[  # as many read as written first: there a mask or a query in the wrong place runs, and its numbers give it away
        Case((FOUR, FIVE[1:], causal_mask(4)), says="4 words written, 4 read, d = 4"),
        Case((THREE, FIVE, causal_mask(3)), says="3 words written, 5 read, d = 4"),
        Case((FOUR, TWO, causal_mask(4)), says="4 words written, 2 read, d = 4"),
    ],
    reference=paper_layer,
    slips=[
        Slip("the norms stand before, as in pre-norm", _pre_norm, "The paper's order is norm(x + f(x)), three times."),
        Slip("nothing is masked", lambda x, m, mask: paper_layer(x, m, torch.ones_like(mask)), "Give the first attention the mask."),
        Slip("the mask is turned round", lambda x, m, mask: paper_layer(x, m, ~mask), "It is True where looking is allowed: no ~ here."),
        Slip(
            "the second attention asks the words written",
            _asking(lambda x, m, mask: attend(x, x, x)),
            "Keys and values come from the memory.",
        ),
        Slip(
            "the second attention has the mask, too",
            _asking(lambda x, m, mask: attend(x, m, m, mask)),
            "Here S = T, else it would not even run: the mask is (T, T), these weights are (T, S). What was read may be seen to its end.",
        ),
        Slip(
            "the memory asks and the words written are asked",
            _asking(lambda x, m, mask: attend(m, x, x)),
            "Who asks? The words written: queries come from x.",
        ),
        Slip("the values are those of the words written", _asking(lambda x, m, mask: attend(x, m, x)), "They come from the memory, too."),
        Slip("the norm stands inside the sum", _norm_inside, "x + norm(f(x)) leaves the sum as it is. Add first: norm(x + f(x))."),
        Slip("the memory is asked first", _cross_first, "First what has been written, then what was read."),
        Slip("the way around is missing", _no_residual, "Add x to what each part answers."),
        Slip(
            "each part's answer is added to the first x",
            _residual_of_the_start,
            "Each part starts from what the part before has left: put the result back into x.",
        ),
        Slip("the second answer is normalised before it is added", _asking(lambda x, m, mask: norm(attend(x, m, m))), "Add first."),
        Slip("think's answer is not added", lambda *given: norm(think(_no_thinking(*given))), "The third sum is norm(x + think(x))."),
        Slip("the last norm is missing", lambda *given: (x := _no_thinking(*given)) + think(x), "Each of the three sums gets its norm."),
        Slip(
            "attend(…)[0] is taken",
            _first_rows,
            "The library's attention gives a pair; `attend` here gives the rows alone, and [0] takes the first of them.",
        ),
        Slip("the last part, think, is missing", _no_thinking, "There are three parts, each with its norm."),
        Slip("there is one norm, at the end", _one_norm, "Each of the three sums gets its norm."),
    ],
    why="self-attention under the mask, then the memory is asked, then each word thinks alone; each time the sum is normalised.",
)


def moved(model: Predictor, ids: Tensor, place: int, new: int) -> Tensor:
    """Which outputs of `model` move when ids[place] becomes `new`: bool (n,)."""
    other = ids.clone()
    other[place] = new
    return (model(other) != model(ids)).any(dim=-1)


def _in_place(model: Predictor, ids: Tensor, place: int, new: int) -> Tensor:
    other = ids.clone()
    other[place] = new
    before = model(other)
    return (model(other) != before).any(dim=-1)


def _difference(model: Predictor, ids: Tensor, place: int, new: int) -> Tensor:
    other = ids.clone()
    other[place] = new
    return model(other) - model(ids)


def _first_column(model: Predictor, ids: Tensor, place: int, new: int) -> Tensor:
    return _difference(model, ids, place, new)[:, 0] != 0


def _nearly(model: Predictor, ids: Tensor, place: int, new: int) -> Tensor:
    return _difference(model, ids, place, new).abs().amax(dim=-1) > 1e-6


def _added_up(model: Predictor, ids: Tensor, place: int, new: int) -> Tensor:
    return _difference(model, ids, place, new).sum(dim=-1) != 0


def _columns(ids: Tensor) -> Tensor:
    """Two numbers a word, so that a change of one id shows in one of them only."""
    return torch.stack((ids.double() // 4, ids.double() % 4), dim=-1)


def looks_back(ids: Tensor) -> Tensor:
    """Each output is the mean of the words up to it."""
    return _columns(ids).cumsum(dim=0) / torch.arange(1, len(ids) + 1)[:, None]


def looks_everywhere(ids: Tensor) -> Tensor:
    """Each output is its word and the mean of all."""
    return _columns(ids) + _columns(ids).mean(dim=0)


def looks_one_back(ids: Tensor) -> Tensor:
    """Each output is its word and the word before."""
    columns = _columns(ids)
    return columns + F.pad(columns, (0, 0, 1, 0))[:-1]


def leaks(ids: Tensor) -> Tensor:
    """One more than looks_back, away from 0, where isclose would be strict, and very little, 1e-7, of all words, those ahead included."""
    return 1 + looks_back(ids) + 1e-7 * _columns(ids).sum(dim=0)


SENTENCE = torch.tensor([1, 3, 5, 7, 4, 6])

function_exercise(
    "whole_model.moved",
    cases=[
        Case((looks_back, SENTENCE, 2, 6), says="a model that looks back, place = 2"),
        Case((looks_everywhere, SENTENCE, 4, 8), says="a model that looks everywhere, place = 4"),
        Case((looks_back, SENTENCE, 1, 4), says="a model that looks back, place = 1"),
        Case((looks_one_back, SENTENCE, 1, 7), says="a model that looks one word back, place = 1"),
        Case((looks_back, SENTENCE, 2, 5), says="a model that looks back, the word replaced by itself"),
        Case((leaks, SENTENCE, 3, 2), says="a model whose mask leaks a ten-millionth, place = 3"),
        Case((looks_one_back, SENTENCE, 1, 6), says="a model whose two columns move by +1 and -1, place = 1"),
    ],
    reference=moved,
    slips=[
        Slip(
            "both runs read the same words",
            _in_place,
            "Once on ids, once on a copy: ids.clone() first, and then does the copy change, copy[place] = new?",
        ),
        Slip(
            "the outputs that stayed are reported",
            lambda model, ids, place, new: ~moved(model, ids, place, new),
            "True means that an output moved: use != and any.",
        ),
        Slip(
            "an output counts only if all of its numbers moved",
            lambda model, ids, place, new: (_difference(model, ids, place, new) != 0).all(dim=-1),
            "One number that moves is enough: any, not all.",
        ),
        Slip(
            "a small difference counts as none",
            _nearly,
            "isclose, allclose or a threshold overlook a small leak. Hidden words add exactly nothing: compare with !=.",
        ),
        Slip(
            "the differences of an output are added up, where +1 and -1 cancel",
            _added_up,
            "Compare first, then ask for any: (… != …).any(dim=-1).",
        ),
        Slip("only the first number of each output is looked at", _first_column, "Look at all of them: .any(dim=-1)."),
        Slip("the differences themselves are returned", _difference, "One True or False a position: (… != 0).any(dim=-1)."),
        Slip(
            "the answers of all positions are put together",
            lambda model, ids, place, new: moved(model, ids, place, new).any(),
            "Keep the positions apart: any along the last axis, dim=-1.",
        ),
        Slip(
            "positions and columns change places",
            lambda model, ids, place, new: (_difference(model, ids, place, new) != 0).any(dim=0),
            "Positions are rows: go along the last axis, dim=-1.",
        ),
    ],
    why="two runs, one word apart, and one True or False for each output. No claim about a mask is safe from this test.",
)
