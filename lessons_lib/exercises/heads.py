"""Exercises of notebook 02 on heads: two heads by hand, the split of one matrix, and the whole of multi-head attention."""

import math
from collections.abc import Callable

import torch
from torch import Tensor

from lessons_lib.attention import scaled_dot_product_attention
from lessons_lib.exercises.framework import Case, Slip, function_exercise, numbers_exercise, wave

# The hand-made heads of the notebook, A in columns 1 and 2, B in 3 and 4, and two sentences with places −1, 0, 1.
W_Q = torch.tensor([[-1.0, 1.0, 0.0, 1.0], [0.0, 1.0, -1.0, 1.0], [1.0, 0.0, 1.0, 0.0], [0.0, 0.0, 0.0, 0.0]])
W_K = torch.tensor([[3.0, 2.0, 2.0, 0.0], [2.0, 0.0, 3.0, 2.0], [0.0, 1.0, 0.0, 1.0], [-1.0, 0.0, 1.0, 0.0]])
W_V = torch.tensor([[10.0, 0.0, 10.0, 0.0], [0.0, 10.0, 0.0, 10.0], [0.0, 0.0, 0.0, 0.0], [0.0, 0.0, 0.0, 0.0]])
W_O = torch.tensor([[1.0, 0.0, 0.0, 0.0], [0.0, 1.0, 0.0, 0.0], [-1.0, 0.0, 0.0, 0.0], [0.0, -1.0, 0.0, 0.0]])
DOG_BITES_MAN = torch.tensor([[[1.0, 0.0, 0.0, -1.0], [0.0, 0.0, 1.0, 0.0], [0.0, 1.0, 0.0, 1.0]]])
MAN_BITES_DOG = torch.tensor([[[0.0, 1.0, 0.0, -1.0], [0.0, 0.0, 1.0, 0.0], [1.0, 0.0, 0.0, 1.0]]])

numbers_exercise(
    "heads.mirror",
    [-3.1, 3.1],
    tolerance=0.105,
    why="A hears (3.1, 6.2), B (6.2, 3.1), and their difference is (−3.1, 3.1): now the human bites.",
    slips={
        (7.5, -7.5): "That is dog bites man. In man bites dog, man stands at place −1 and dog at place 1.",
        (3.1, -3.1): "The sign is turned round: either head A is subtracted from B, or the places were left at 0. It is A minus B.",
        (3.1, 6.2): "That is head A's output. W_o subtracts head B's from it.",
        (6.2, 3.1): "That is head B's output. W_o subtracts it from head A's.",
        (4.65, 4.65): "You averaged the heads. Their numbers stand side by side, and W_o subtracts.",
        (9.3, 9.3): "You added the heads. W_o has −1 in its lower two rows.",
        (-4.5, 4.5): "That is without the square root. Divide the scores by √2, or let each point of score double the weight.",
        (-2.2, 2.2): "You divided by d_head = 2. Divide by its square root, 1.41.",
        (-3.95, 3.6): "That is head A with the square root and head B without. Divide B's scores by √2, too.",
        (-2.4, 2.9): "That is head A with the square root and head B divided by d_head = 2. Divide B's scores by √2, too.",
        (2.3, -2.05): "Head A is that of dog bites man, (8.5, 1.0), or its places are reversed: in A a word on the left gains a point.",
        (2.05, -2.3): "Head B is that of dog bites man, (1.0, 8.5), or its places are reversed: in B a word on the right gains a point.",
        (-3.6, 2.9): "You gave score 0 no weight. But e⁰ is 1.",
        (0.0, 0.0): "One of the heads has no places: then both hear the same. In B, man has 3 − 1 and dog 2 + 1.",
        (-0.31, 0.31): "Those are differences of weights. The values hold tens.",
    },
    first_step="the keys of head B: man at place −1 has (3, 2) + (−1) · (1, 0), dog at place 1 has (2, 0) + 1 · (1, 0). Which scores?",
)


def split_heads(x: Tensor, n_heads: int) -> Tensor:
    """(B, T, d_model) → (B, H, T, d_head): head h takes columns h·d_head … (h + 1)·d_head − 1 of each word."""
    return x.unflatten(-1, (n_heads, -1)).transpose(1, 2)


def _view_only(x: Tensor, n_heads: int) -> Tensor:
    return x.reshape(x.shape[0], n_heads, x.shape[1], -1)


def _merge(heads: Tensor) -> Tensor:
    return heads.transpose(1, 2).flatten(2)


def _merge_by_view(heads: Tensor) -> Tensor:
    return heads.reshape(heads.shape[0], heads.shape[2], -1)


function_exercise(
    "heads.split_heads",
    cases=[
        Case((torch.tensor([[[11.0, 12, 13, 14], [21, 22, 23, 24], [31, 32, 33, 34]]]), 2)),
        Case((torch.arange(180.0).reshape(3, 5, 12), 4), says="three sentences of five words, d_model = 12, n_heads = 4"),
    ],
    reference=split_heads,
    slips=[
        Slip(
            "view alone regroups the memory, words and heads mixed",
            _view_only,
            "Cut each word first, view(B, T, H, d_head), then swap T and H with transpose(1, 2).",
        ),
        Slip("the words stay in front of the heads", lambda x, n: x.unflatten(-1, (n, -1)), "Swap sides 1 and 2: .transpose(1, 2)."),
        Slip(
            "a head takes every H-th column",
            lambda x, n: x.unflatten(-1, (-1, n)).permute(0, 3, 1, 2),
            "A head's columns lie side by side: view(B, T, H, d_head), H before d_head.",
        ),
        Slip(
            "sides 0 and 1 are swapped",
            lambda x, n: x.unflatten(-1, (n, -1)).transpose(0, 1),
            "Side 0 is the batch, and stays in front. After the view T is side 1, H side 2: .transpose(1, 2).",
        ),
        Slip(
            "H and d_head have changed places",
            lambda x, n: x.unflatten(-1, (-1, n)).transpose(1, 2),
            "view(B, T, H, d_head): H parts of d_head numbers.",
        ),
        Slip(
            "each head is turned round, (d_head, T)",
            lambda x, n: split_heads(x, n).transpose(-2, -1),
            "Swap sides 1 and 2 only; a head has a row a word.",
        ),
        Slip("the heads stand in front of the sentences", lambda x, n: torch.stack(x.chunk(n, dim=-1)), "Stack them along dim=1."),
        Slip("only the first head is returned", lambda x, n: x[..., : x.shape[-1] // n], "All heads are asked for, along side 1."),
    ],
    why="each word's row is cut into H parts, and only then do words and heads change places.",
)


def multi_head(x: Tensor, source: Tensor, W_q: Tensor, W_k: Tensor, W_v: Tensor, W_o: Tensor, n_heads: int, mask: Tensor) -> Tensor:
    """Output (B, T, d_model): the words of x (B, T, d_model) ask those of source (B, S, d_model).

    Matrices are (d_model, d_model), the mask is bool and broadcastable to (B, H, T, S), True where looking is allowed.
    """
    q, k, v = split_heads(x @ W_q, n_heads), split_heads(source @ W_k, n_heads), split_heads(source @ W_v, n_heads)
    return _merge(scaled_dot_product_attention(q, k, v, mask)[0]) @ W_o


Answer = Callable[[Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, int, Tensor], Tensor]


def _slip(
    sources: tuple[int, int, int] = (0, 1, 1),
    split: Callable[[Tensor, int], Tensor] = split_heads,
    merge: Callable[[Tensor], Tensor] = _merge,
    divisor: Callable[[int, int], float] = lambda d_head, d_model: math.sqrt(d_head),
    fill: Callable[[Tensor, Tensor], Tensor] = lambda scores, mask: scores.masked_fill(~mask, -math.inf),
    dim: int = -1,
    is_mixed: bool = True,
) -> Answer:
    """Multi-head attention with one thing about it changed; `sources` says where Q, K, V come from, 0 for x and 1 for source."""

    def attend(x: Tensor, source: Tensor, W_q: Tensor, W_k: Tensor, W_v: Tensor, W_o: Tensor, n_heads: int, mask: Tensor) -> Tensor:
        given = (x, source)
        q, k, v = (split(given[i] @ W, n_heads) for i, W in zip(sources, (W_q, W_k, W_v), strict=True))
        scores = fill(q @ k.transpose(-2, -1) / divisor(q.shape[-1], x.shape[-1]), mask)
        heads = merge(scores.softmax(dim=dim) @ v)
        return heads @ W_o if is_mixed else heads

    return attend


def _zeroed_after(x: Tensor, source: Tensor, W_q: Tensor, W_k: Tensor, W_v: Tensor, W_o: Tensor, n_heads: int, mask: Tensor) -> Tensor:
    q, k, v = (split_heads(rows, n_heads) for rows in (x @ W_q, source @ W_k, source @ W_v))
    weights = scaled_dot_product_attention(q, k, v)[1]
    return _merge(weights * mask @ v) @ W_o


def _attends_pair(
    x: Tensor, source: Tensor, W_q: Tensor, W_k: Tensor, W_v: Tensor, W_o: Tensor, n_heads: int, mask: Tensor
) -> tuple[Tensor, Tensor]:
    q, k, v = (split_heads(rows, n_heads) for rows in (x @ W_q, source @ W_k, source @ W_v))
    return scaled_dot_product_attention(q, k, v, mask)


def _with_weights(
    x: Tensor, source: Tensor, W_q: Tensor, W_k: Tensor, W_v: Tensor, W_o: Tensor, n_heads: int, mask: Tensor
) -> tuple[Tensor, Tensor]:
    output, weights = _attends_pair(x, source, W_q, W_k, W_v, W_o, n_heads, mask)
    return _merge(output) @ W_o, weights


def _uncut(x: Tensor, source: Tensor, W_q: Tensor, W_k: Tensor, W_v: Tensor, W_o: Tensor, n_heads: int, mask: Tensor) -> Tensor:
    """What attention on uncut Q, K, V gives; a mask with a side for the heads adds a side to the output."""
    return scaled_dot_product_attention(x @ W_q, source @ W_k, source @ W_v, mask)[0] @ W_o


def _turned(x: Tensor, source: Tensor, W_q: Tensor, W_k: Tensor, W_v: Tensor, W_o: Tensor, n_heads: int, mask: Tensor) -> Tensor:
    return multi_head(x, source, W_q, W_k, W_v, W_o.T, n_heads, mask)


_MATRICES = tuple(wave(12, 12, pace=pace) / 2 for pace in (0.7, 1.1, 1.9, 2.3))
_CAUSAL = torch.ones(3, 3, dtype=torch.bool).tril()
_PADDED = torch.tensor([[True, True, True, False, False], [True, True, True, True, False]])[:, None, None, :]
_BOTH = _CAUSAL & torch.tensor([[True, True, True], [True, True, False]])[:, None, None, :]

function_exercise(
    "heads.multi_head",
    cases=[
        Case(
            (DOG_BITES_MAN, DOG_BITES_MAN, W_Q, W_K, W_V, W_O, 2, torch.ones(3, 3, dtype=torch.bool)), says="dog bites man, asking itself,"
        ),
        Case(
            (wave(2, 3, 12, pace=0.3), wave(2, 3, 12, pace=0.8), *_MATRICES, 3, _BOTH),
            says="T = S = 3, two sources, three heads",
        ),
        Case(
            (wave(2, 3, 12, pace=0.3), wave(2, 5, 12, pace=0.8), *_MATRICES, 3, _PADDED),
            says="T = 3, S = 5, a padding mask",
        ),
        Case(
            (torch.full((1, 3, 4), 10.0), wave(1, 3, 4, pace=0.8) - 12, *(torch.eye(4),) * 4, 2, _CAUSAL),
            says="three words with scores of −148 and below, a causal mask",
        ),
    ],
    reference=multi_head,
    slips=[
        Slip(
            "nothing is masked",
            _slip(fill=lambda scores, mask: scores),
            "Fill where the mask is not True; masked_fill gives a copy: scores = …",
        ),
        Slip(
            "the mask is the wrong way round",
            _slip(fill=lambda scores, mask: scores.masked_fill(mask, -math.inf)),
            "True means allowed: attend takes the mask as it is. Only masked_fill writes where it finds True: give that ~mask.",
        ),
        Slip("masked scores are set to 0", _slip(fill=lambda scores, mask: scores.masked_fill(~mask, 0.0)), "e⁰ = 1: fill with −∞."),
        Slip(
            "masked scores are not low enough",
            _slip(fill=lambda scores, mask: scores.masked_fill(~mask, -30.0)),
            "Scores of words that may be seen can lie below them: fill with −∞.",
        ),
        Slip("the weights are set to 0 after the softmax", _zeroed_after, "Mask the scores, before the softmax."),
        Slip("queries, keys and values all come from x", _slip(sources=(0, 0, 0)), "The words that are asked come from source: K and V."),
        Slip("the keys come from x", _slip(sources=(0, 0, 1)), "K and V both come from source: what is found has to hand over."),
        Slip("the values come from x", _slip(sources=(0, 1, 0)), "K and V both come from source: what is found has to hand over."),
        Slip("the queries come from source too", _slip(sources=(1, 1, 1)), "The words of x ask: Q = x @ W_q."),
        Slip("source asks and x is asked", _slip(sources=(1, 0, 0)), "The words of x ask, those of source answer."),
        Slip("the heads are split by view alone", _slip(split=_view_only), "Words and heads are mixed: view, then transpose(1, 2)."),
        Slip("the heads are merged by view alone", _slip(merge=_merge_by_view), "Put the words in front again first: transpose(1, 2)."),
        Slip(
            "the heads are split and merged by view alone",
            _slip(split=_view_only, merge=_merge_by_view),
            "Words and heads are mixed: view, then transpose(1, 2), and back by transpose(1, 2), then flatten(2).",
        ),
        Slip("nothing is cut into heads", _uncut, "That is one head as wide as the model. Cut Q, K and V first: split(…, n_heads)."),
        Slip(
            "there is one head as wide as the model",
            _slip(split=lambda x, n_heads: split_heads(x, 1)),
            "Cut into n_heads: split(…, n_heads).",
        ),
        Slip(
            "there are two heads whatever n_heads says",
            _slip(split=lambda x, n_heads: split_heads(x, 2)),
            "Cut into n_heads: split(…, n_heads).",
        ),
        Slip("the weights are returned as well", _with_weights, "The output alone is asked for: output, _ = attend(…)."),
        Slip(
            "what attend gives is returned as it comes",
            _attends_pair,
            "It gives a pair: keep the output, output, _ = attend(…), then merge the heads and multiply by W_o.",
        ),
        Slip("W_o is turned round", _turned, "Here it is W_o as it comes, not W_o.T: only layers keep their matrices transposed."),
        Slip("W_o is left out", _slip(is_mixed=False), "The heads' numbers stand side by side; multiply by W_o."),
        Slip(
            "the scores are divided by the root of d_model",
            _slip(divisor=lambda d_head, d_model: math.sqrt(d_model)),
            "One head is d_head wide.",
        ),
        Slip("the scores are not divided", _slip(divisor=lambda d_head, d_model: 1.0), "Divide by the square root of d_head."),
        Slip("the softmax runs over the queries", _slip(dim=-2), "Share out each row, over the keys: dim=-1."),
        Slip("the softmax runs over the heads", _slip(dim=1), "Each head has a budget of its own: dim=-1."),
    ],
    why="one function serves self- and cross-attention, with any mask: only source and mask change.",
)
