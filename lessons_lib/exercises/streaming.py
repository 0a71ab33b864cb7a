"""The stretch exercise of notebook 02: attention of one query over blocks of keys, without ever holding all weights."""

import math
from collections.abc import Callable

import torch
from torch import Tensor

from lessons_lib.attention import scaled_dot_product_attention
from lessons_lib.exercises.framework import Case, Slip, function_exercise, wave


def streamed_attention(q: Tensor, K: Tensor, V: Tensor, block: int) -> Tensor:
    """Output (d_v,) of one query (d_head,) over keys (S, d_head) and values (S, d_v), `block` keys at a time."""
    return _stream()(q, K, V, block)


def _stream(
    rescale_l: bool = True,
    rescale_o: bool = True,
    is_upside_down: bool = False,
    is_taken_off: bool = True,
    start: float = -math.inf,
    peak: Callable[[Tensor, Tensor], Tensor] = lambda m, scores: torch.maximum(m, scores.max()),
    is_divided: bool = True,
    has_remainder: bool = True,
    root: bool = True,
    hands_on: Callable[[Tensor, Tensor, Tensor], Tensor] = lambda m, higher, scores: higher,
) -> Callable[[Tensor, Tensor, Tensor, int], Tensor]:
    """Streamed attention, by default right; each argument makes one slip."""

    def attend(q: Tensor, K: Tensor, V: Tensor, block: int) -> Tensor:
        m, ell, o = torch.tensor(start), torch.zeros(()), torch.zeros(V.shape[-1])
        end = len(K) if has_remainder else len(K) // block * block
        for first in range(0, end, block):
            scores = K[first : first + block] @ q / (math.sqrt(len(q)) if root else 1.0)
            higher = peak(m, scores)
            power = (scores - higher if is_taken_off else scores).exp()
            factor = (higher - m if is_upside_down else m - higher).exp()
            ell = ell * (factor if rescale_l else 1.0) + power.sum()
            o = o * (factor if rescale_o else 1.0) + power @ V[first : first + block]
            m = hands_on(m, higher, scores)
        return o / ell if is_divided else o

    return attend


def _mean_of_blocks(q: Tensor, K: Tensor, V: Tensor, block: int) -> Tensor:
    pairs = zip(K.split(block), V.split(block), strict=True)
    return torch.stack([scaled_dot_product_attention(q[None], keys, values)[0][0] for keys, values in pairs]).mean(dim=0)


QUERY, SEVEN_KEYS, SEVEN_VALUES = torch.tensor([1.0, 1.0]), wave(7, 2, pace=1.3, size=3), wave(7, 3, pace=0.5, size=3)
HIGH, LOW = SEVEN_KEYS + 100, SEVEN_KEYS - 100  # scores near +140 and −140: exp of them is infinite or 0

function_exercise(
    "streaming.attention",
    cases=[
        Case(
            (
                torch.tensor([1.0, 0.0]),
                torch.tensor([[0.0, 1.0], [2.0, 0.0], [3.0, 2.0]]),
                torch.tensor([[0.0, 0.0], [0.0, 10.0], [10.0, 0.0]]),
                1,
            )
        ),
        Case(  # the largest score first: what the stream has seen, it must not forget
            (
                torch.tensor([1.0, 0.0]),
                torch.tensor([[3.0, 2.0], [0.0, 1.0], [2.0, 0.0]]),
                torch.tensor([[10.0, 0.0], [0.0, 0.0], [0.0, 10.0]]),
                1,
            )
        ),
        Case((QUERY, SEVEN_KEYS, SEVEN_VALUES, 3), says="seven keys in blocks of 3"),
        Case((wave(4, pace=0.9), wave(5, 4, pace=1.3, size=2), wave(5, 3, pace=0.5, size=3), 2), says="five keys with d_head = 4"),
        Case((QUERY, HIGH, SEVEN_VALUES, 2), says="seven keys with scores near 140, in blocks of 2"),
        Case((QUERY, LOW, SEVEN_VALUES, 4), says="seven keys with scores near −140, in blocks of 4"),
        Case(
            (torch.tensor([1.0]), torch.tensor([[100.0], [0.0]]), torch.eye(2), 1),
            says="two keys with scores 100 and 0, in blocks of 1",
        ),
    ],
    reference=streamed_attention,
    slips=[
        Slip(
            "m follows every block's maximum, down as well as up",
            _stream(peak=lambda m, scores: scores.max()),
            "m is the largest so far: torch.maximum(m, scores.max()). What it has seen, it must not forget.",
        ),
        Slip(
            "m stays at its start",
            _stream(hands_on=lambda m, higher, scores: m),
            "The factor is e^(−∞) = 0 then, and each block wipes out those before it. Last line of the loop: m = higher.",
        ),
        Slip(
            "o is not rescaled when m rises",
            _stream(rescale_o=False),
            "o was summed against the old m: multiply it by e^(m_old − m_new) too.",
        ),
        Slip(
            "l is not rescaled when m rises",
            _stream(rescale_l=False),
            "l was summed against the old m: multiply it by e^(m_old − m_new) too.",
        ),
        Slip(
            "the maximum of the last block is handed on as m",
            _stream(hands_on=lambda m, higher, scores: scores.max()),
            "m is the largest so far. Last line of the loop: m = higher.",
        ),
        Slip(
            "neither l nor o is rescaled when m rises",
            _stream(rescale_l=False, rescale_o=False),
            "Multiply both by e^(m_old − m_new), and only then give m its new value: in the last line of the loop.",
        ),
        Slip(
            "each block takes off its own maximum and nothing is rescaled",
            _stream(rescale_l=False, rescale_o=False, peak=lambda m, scores: scores.max()),
            "Keep the largest score so far, max(m, block's maximum), and rescale what you have.",
        ),
        Slip(
            "the factor is upside down, or the new powers are measured against the old m",
            _stream(is_upside_down=True),
            "The old powers have to shrink when m rises, by e^(m_old − m_new), at most 1; the new ones are e^(scores − m_new).",
        ),
        Slip(
            "the blocks' outputs are averaged",
            _mean_of_blocks,
            "A block with large scores counts for more: add up o and l, divide at the end.",
        ),
        Slip(
            "o is not divided by l at the end",
            _stream(is_divided=False),
            "o is a sum of powers times values: divide by l, the sum of powers.",
        ),
        Slip(
            "the last, shorter block is left out",
            _stream(has_remainder=False),
            "for first in range(0, len(K), block): slices stop by themselves at the end.",
        ),
        Slip(
            "the function returns after its first block",
            lambda q, K, V, block: scaled_dot_product_attention(q[None], K[:block], V[:block])[0][0],
            "The return stands after the loop, not in it.",
        ),
        Slip("m is not taken off the new scores", _stream(is_taken_off=False), "The new powers are e^(scores − m_new)."),
        Slip("m starts at 0", _stream(start=0.0), "With scores near −140 all powers are 0 then, and 0 / 0 is nan. Start at −∞."),
        Slip("no maximum is taken off", _stream(start=0.0, peak=lambda m, scores: m), "e¹⁴⁰ is infinite. Take the running maximum off."),
        Slip(
            "the divisor stays √2",
            lambda q, K, V, block: streamed_attention(q * (len(q) / 2) ** 0.5, K, V, block),
            "With d_head = 4 it is 2: take len(q)**0.5.",
        ),
        Slip("the scores are not divided", _stream(root=False), "Divide by the square root of len(q)."),
    ],
    tolerance=1e-3,
    why="the numbers are those of the whole row, whatever the block. What a stream carries from block to block is m, l and o.",
)
