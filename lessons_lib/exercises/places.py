"""Exercises of notebook 03 on positions: clock hands and quarter turns with a pencil, the sinusoidal table, rotary scores."""

import math
from collections.abc import Callable

import torch
from torch import Tensor

from lessons_lib.exercises.framework import Case, Slip, function_exercise, numbers_exercise
from lessons_lib.positions import sinusoidal_table

FAST = "The fast hand is right. The slow one is not."
numbers_exercise(
    "places.next_hour",
    [1, 0, 0.5, -0.87],
    tolerance=0.006,
    why="the fast hand swaps and negates, (0, 1) becomes (1, 0); the slow one stands at 150°: (0.5, −0.87).",
    slips={
        (-1, 0, 1, 0): "That is place 3: you turned back. One step on is (s, c) → (c, −s), not (−c, s).",
        (1, 0, 0.87, -0.5): "The fast hand is right. The slow one has not moved: from 120° it goes to 150°.",
        (0, 1, -0.87, 0.5): "Right numbers, but the sine comes first in each pair.",
        (0, 1, 0.87, -0.5): "That is place 4 still. Take one step on.",
        (0, -1, 0, -1): "That is place 6. From 4 it is one step.",
        (-1, 0, 0.5, -0.87): "The slow hand is right. The fast one stands at 450°, which is 90°: its sine is 1.",
        (1, 0, -0.87, 0.5): f"{FAST} Its numbers changed places: the sine comes first, and at 150° it is above 0.",
        (1, 0, -0.5, -0.87): f"{FAST} You swapped and negated here, too: that is a quarter turn. This hand goes 30° on, from 120° to 150°.",
        (1, 0, 0.87, 0.5): f"{FAST} At 150° it points to five o'clock: half way to the right, and nearly all the way down.",
        (1, 0, 0.5, 0.87): "That is the slow hand at 30°, one step from 0. At place 5 it stands at 150°: the cosine is negative.",
    },
    first_step="fast hand: swap (0, 1) and negate the second number. Slow hand: from 120° to 150°; how far right, how far up is its tip?",
)


def position_table(n: int, d_model: int) -> Tensor:
    """The sinusoidal table, (n, d_model)."""
    return sinusoidal_table(n, d_model)


def _table(
    exponent: Callable[[Tensor, int], Tensor] = lambda i, d: -2 * i / d,
    scale: float = 1.0,
    first: int = 0,
    order: Callable[[Tensor, Tensor], Tensor] = lambda sine, cosine: torch.stack((sine, cosine), dim=-1).flatten(1),
) -> Callable[[int, int], Tensor]:
    """The table with one thing about it changed."""

    def build(n: int, d_model: int) -> Tensor:
        frequency = 10000.0 ** exponent(torch.arange(d_model // 2, dtype=torch.float64), d_model)
        angle = torch.arange(first, first + n, dtype=torch.float64)[:, None] * frequency * scale
        return order(angle.sin(), angle.cos()).float()

    return build


def _one_frequency_a_column(n: int, d_model: int) -> Tensor:
    column = torch.arange(d_model, dtype=torch.float64)
    angle = torch.arange(n, dtype=torch.float64)[:, None] * 10000.0 ** (-column / d_model)
    return torch.where(column % 2 == 0, angle.sin(), angle.cos()).float()


function_exercise(
    "places.position_table",
    cases=[Case((2, 4), says="n = 2, d_model = 4"), Case((7, 6), says="n = 7, d_model = 6"), Case((3, 10), says="n = 3, d_model = 10")],
    reference=position_table,
    tolerance=2e-3,  # so that the wrong sign, whose angles are large, is recognised in 32 bits, too
    slips=[
        Slip(
            "every column has a frequency of its own",
            _one_frequency_a_column,
            "Sine and cosine of a hand belong together: two columns, one angle.",
        ),
        Slip("the exponent is doubled twice", _table(lambda i, d: -4 * i / d), "i counts hands, 2i counts columns: 2i / d_model, not 4i."),
        Slip(
            "the exponent lacks its 2", _table(lambda i, d: -i / d), "It is 2i / d_model: with d_model = 4 the second hand, i = 1, has −½."
        ),
        Slip("the angles are taken as degrees", _table(scale=math.pi / 180), "torch.sin wants radians, and the formula gives them."),
        Slip("the exponent has the wrong sign", _table(lambda i, d: 2 * i / d), "Later hands are slower: the exponent is negative."),
        Slip(
            "all sines come first, then all cosines",
            _table(order=lambda sine, cosine: torch.cat((sine, cosine), dim=1)),
            "A hand's two numbers stand side by side: stack them along a new last side, then flatten(1).",
        ),
        Slip(
            "the cosine comes first",
            _table(order=lambda sine, cosine: torch.stack((cosine, sine), dim=-1).flatten(1)),
            "Sine first.",
        ),
        Slip("the places are counted from 1", _table(first=1), "The first word has place 0: all sines 0, all cosines 1."),
        Slip(
            "places and hands are turned round",
            lambda n, d_model: position_table(n, d_model).T.contiguous(),
            "A row a place.",
        ),
    ],
    why="a row a place, two columns a hand, and each hand slower than the one before it.",
)

numbers_exercise(
    "places.quarter_turns",
    [-2, -6],
    tolerance=0,
    why="(1, −3) · (−2, 0) = −2, as for every word that looks two back; (3, 1) · (−2, 0) = −6, as for every word that looks one ahead.",
    slips={
        (-6, 2): "Only the query is turned. Turn the key too, by its own place: k at 1 is (−2, 0).",
        (-2, 6): "The first is right. In the second (3, 1) stays, and (0, 2) is turned once, against the clock: to (−2, 0).",
        (4, 7): "You added sine and cosine of the place. Rotary positions turn the vector instead.",
        (2, 2): "That is the score without any turn.",
        (-2, 2): "The first is right. For the second the query stays, q = (3, 1), but the key at place 1 is turned once.",
        (-2, -2): "The first is right. For the second you turned the key twice; at place 1 it is turned once, (−2, 0), and q not at all.",
        (-2, 0): "The first is right. For the second turn the key once, (−2, 0), and the query not at all, (3, 1).",
        (6, -6): "The second is right. The first: three quarter turns of (3, 1) give (1, −3), one of (0, 2) gives (−2, 0).",
        (-6, -6): "The second is right. The first: turn both, (3, 1) three times, to (1, −3), and (0, 2) once, to (−2, 0).",
        (2, -6): "The second is right. The first: three quarter turns make (1, −3) of (3, 1), one makes (−2, 0) of (0, 2).",
    },
    first_step="for the first score turn q = (3, 1) three times, (x, y) → (−y, x), and k = (0, 2) once; for the second turn k alone, once.",
)


def rotary_scores(Q: Tensor, K: Tensor, angles: Tensor) -> Tensor:
    """Scores (n, n) of turned queries and keys, each (n, d_head); pair i, columns i and i + d_head / 2, turns by angles[i] a place."""
    return _turned(Q, angles) @ _turned(K, angles).T


def _turned(x: Tensor, angles: Tensor) -> Tensor:
    angle = torch.arange(len(x))[:, None] * angles
    left, right = x.chunk(2, dim=-1)
    return torch.cat((left * angle.cos() - right * angle.sin(), right * angle.cos() + left * angle.sin()), dim=-1)


def _neighbours(x: Tensor, angles: Tensor) -> Tensor:
    angle = torch.arange(len(x))[:, None] * angles
    left, right = x[:, ::2], x[:, 1::2]
    return torch.stack((left * angle.cos() - right * angle.sin(), right * angle.cos() + left * angle.sin()), dim=-1).flatten(1)


def _added(x: Tensor, angles: Tensor) -> Tensor:
    angle = torch.arange(len(x))[:, None] * angles
    return x + torch.cat((angle.sin(), angle.cos()), dim=-1)


def _half_turned(x: Tensor, angles: Tensor) -> Tensor:
    angle = torch.arange(len(x))[:, None] * angles
    left, right = x.chunk(2, dim=-1)
    return torch.cat((left * angle.cos(), right * angle.sin()), dim=-1)


def _turned_as_one_pair(x: Tensor, angles: Tensor) -> Tensor:
    """The notebook's `turn`: it takes the first two columns, and place p gets p times angles[p]."""
    angle = torch.arange(len(x)) * angles
    left, right = x[:, 0], x[:, 1]
    return torch.stack((left * angle.cos() - right * angle.sin(), right * angle.cos() + left * angle.sin()), dim=1)


ALIKE = (torch.tensor([[3.0, 1.0]] * 3), torch.tensor([[0.0, 2.0]] * 3), torch.tensor([math.pi / 2]))
# As many words as angles, so that the notebook's `turn` gives something wrong instead of stopping.
FOUR = (torch.tensor([[3.0, 1.0, 0.0, 0.0]] * 2), torch.tensor([[0.0, 2.0, 1.0, 0.0]] * 2), torch.tensor([math.pi / 2, 0.0]))
_STEPS = torch.arange(30.0).reshape(5, 6)
FIVE = ((_STEPS * 0.7).sin() * 2, (_STEPS * 1.3).cos() * 2, torch.tensor([1.0, 0.3, 0.05]))

function_exercise(
    "places.rotary_scores",
    cases=[
        Case(ALIKE, says="three equal words with d_head = 2 and a quarter turn a place"),
        Case(FOUR, says="two equal words with d_head = 4, whose second pair does not turn,"),
        Case(FIVE, says="five words with d_head = 6"),
    ],
    reference=rotary_scores,
    slips=[
        Slip("only the queries are turned", lambda Q, K, angles: _turned(Q, angles) @ K.T, "Turn the keys too, each by its own place."),
        Slip(
            "queries and keys are turned in opposite directions",
            lambda Q, K, angles: _turned(Q, angles) @ _turned(K, -angles).T,
            "Then the sum of the places speaks, not their difference: turn both the same way.",
        ),
        Slip(
            "both are turned clockwise",
            lambda Q, K, angles: _turned(Q, -angles) @ _turned(K, -angles).T,
            "(x, y) becomes (x cos − y sin, y cos + x sin).",
        ),
        Slip(
            "neighbouring columns are paired",
            lambda Q, K, angles: _neighbours(Q, angles) @ _neighbours(K, angles).T,
            "That is rotary too, but not what is asked: here column i goes with column i + d_head / 2, as x.chunk(2, dim=-1) cuts it.",
        ),
        Slip(
            "sine and cosine are added instead of turning",
            lambda Q, K, angles: _added(Q, angles) @ _added(K, angles).T,
            "Turn.",
        ),
        Slip(
            "the mixed terms are missing",
            lambda Q, K, angles: _half_turned(Q, angles) @ _half_turned(K, angles).T,
            "A turn mixes the two numbers of a pair: x cos − y sin and y cos + x sin.",
        ),
        Slip(
            "the notebook's turn is given all columns",
            lambda Q, K, angles: _turned_as_one_pair(Q, angles) @ _turned_as_one_pair(K, angles).T,
            "`turn` is for one pair, and one angle: cut x into halves, and turn each pair of columns by its own angle.",
        ),
        Slip(
            "the angles are taken as degrees",
            lambda Q, K, angles: rotary_scores(Q, K, angles.deg2rad()),
            "They are radians already, as cos and sin want them.",
        ),
        Slip("queries and keys change sides", lambda Q, K, angles: rotary_scores(Q, K, angles).T, "A row a query: Q @ K.T."),
        Slip(
            "nothing is turned, or every word by the same angle",
            lambda Q, K, angles: Q @ K.T,
            "The scores do not know a place yet: word p turns by p times the angle.",
        ),
        Slip(
            "the scores are divided by √d_head",
            lambda Q, K, angles: rotary_scores(Q, K, angles) / Q.shape[-1] ** 0.5,
            "That belongs into attention; give the plain products.",
        ),
    ],
    why="each score depends on the two vectors and on how far apart they stand, nothing else.",
)
