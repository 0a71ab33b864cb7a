"""Exercises of notebook 04: parameters to count, pre and post by hand, a block, a scale to start from. Layer norm itself: `norms`."""

from collections.abc import Callable

import torch
from torch import Tensor

from lessons_lib.exercises.framework import Case, Slip, function_exercise, number_exercise, numbers_exercise
from lessons_lib.exercises.norms import layer_norm

Sublayer = Callable[[Tensor], Tensor]

number_exercise(
    "blocks.count_parameters",
    148,
    tolerance=0,
    why="4·16 + 16 to expand, 16·4 + 4 to contract: 80 + 68 = 148, however long the sentence is.",
    slips={
        128: "Those are the two matrices, 4·16 + 16·4. Each linear layer also adds a bias to every number it puts out: 16, then 4.",
        144: "Nearly: the second layer has a bias too, one for each of the 4 numbers it puts out.",
        132: "Nearly: the first layer has a bias too, one for each of the 16 numbers it puts out.",
        152: "A bias belongs to what a layer puts out, not to what it reads: 16 and 4, not 4, 4 and 16.",
        80: "That is the first layer. The second leads back from 16 numbers to 4.",
        740: "That is five times too many: all five words share the same 148 numbers.",
        640: "All words share the same matrices, so do not multiply by five; and each layer has a bias.",
        96: "That is 4·16 + 16 + 16: where is the second matrix, 16·4? And its bias has 4 numbers.",
    },
    first_step="the first layer makes 16 numbers out of 4. How many weights is that, and how many biases?",
)

_BOTH_WAYS = "the ReLU was left out, or the norm was put on the sublayer's output"

numbers_exercise(
    "blocks.pre_by_hand",
    [-1.0, 3.0, 0.0, 4.0],
    tolerance=0.03,
    why="the norm gives (−1, 1, −1, 1), f makes (0, 0, 1, 1) of it, and that is added to the x that came in.",
    slips={
        (-1.0, 1.0, 0.0, 2.0): "You added to the normed x. The way around carries x as it came in, (−1, 3, −1, 3).",
        (-2.0, 2.0, 0.0, 4.0): f"That comes out where {_BOTH_WAYS}: x + f(norm(x)), norm first, then swap, then ReLU.",
        (0.0, 0.0, 1.0, 1.0): "That is what f answers. Add it to x: the way around is missing.",
        (-1.0, 3.0, 2.0, 6.0): "That is x + f(x), without any norm. f reads the normed x, (−1, 1, −1, 1).",
        (-1.4, 0.2, -0.2, 1.4): "That is post-norm, the norm after the addition. Here it stands before f, and nothing is normed after it.",
        (-1.0, 4.0, -1.0, 4.0): "The swap is missing: f swaps the middle two of (−1, 1, −1, 1) first.",
        (-1.0, 3.0, -0.13, 3.87): "Your norm divides by n − 1. The squares 4, 4, 4, 4 have mean 4, root 2.",
        (-1.0, 3.0, -0.5, 3.5): "Your norm divides by the variance, 4. Divide by its root, 2.",
        (-1.0, 3.0, 0.34, 4.34): "Your norm keeps the mean (RMSNorm). Subtract 1 first.",
        (-1.0, 1.0, -1.0, 1.0): "That is the norm alone. Let f work on it, then add x.",
    },
    first_step="norm (−1, 3, −1, 3): its mean is 1, its standard deviation 2.",
)

numbers_exercise(
    "blocks.post_by_hand",
    [-1.4, 0.2, -0.2, 1.4],
    tolerance=0.015,
    why="f(x) = (0, 0, 3, 3), the sum is (−1, 3, 2, 6) with mean 2.5 and standard deviation 2.5, and it is normed last.",
    slips={
        (-1.0, 3.0, 2.0, 6.0): "That is x + f(x). The norm comes last: mean 2.5, standard deviation 2.5.",
        (-1.0, 3.0, 0.0, 4.0): "That is pre-norm. Here f reads x as it comes, and the norm follows the addition.",
        (-1.0, -1.0, 1.0, 1.0): "The way around is missing: norm x + f(x), not f(x).",
        (-2.0, 2.0, 0.0, 4.0): "The norm stands on the sublayer's output there. Add f(x) to x first, then norm the sum.",
        (-1.21, 0.17, -0.17, 1.21): "You divided the sum of squares, 25, by n − 1 = 3. Divide by 4: variance 6.25, root 2.5.",
        (-0.56, 0.08, -0.08, 0.56): "You divided by the variance, 6.25. Divide by its root, 2.5.",
        (-0.28, 0.85, 0.57, 1.7): "That is RMSNorm: the mean, 2.5, was not taken off.",
        (-1.41, 0.0, 0.0, 1.41): "The ReLU is missing: f(x) has no negative number, so it is (0, 0, 3, 3).",
        (-1.0, 1.0, -1.0, 1.0): "Did you norm x alone, or leave the swap out? f(x) is (0, 0, 3, 3); add x, then norm.",
        (-1.21, 0.73, -0.73, 1.21): "You normed before f as well as after the sum. In post-norm f reads x as it comes.",
        (-3.5, 0.5, -0.5, 3.5): "The mean is off. Divide by the standard deviation, 2.5.",
    },
    first_step="f(x): swap the middle two of (−1, 3, −1, 3), then set what is negative to 0.",
)


def pre_norm_block(x: Tensor, attention: Sublayer, feed_forward: Sublayer, norm_1: Sublayer, norm_2: Sublayer) -> Tensor:
    """x (S, d_model) through both sublayers, each behind its norm and with its way around (Xiong et al. 2020, figure 1b)."""
    x = x + attention(norm_1(x))
    return x + feed_forward(norm_2(x))


def _second_from_the_start(x: Tensor, attention: Sublayer, feed_forward: Sublayer, norm_1: Sublayer, norm_2: Sublayer) -> Tensor:
    return x + feed_forward(norm_2(x + attention(norm_1(x))))


def _from_the_normed(x: Tensor, attention: Sublayer, feed_forward: Sublayer, norm_1: Sublayer, norm_2: Sublayer) -> Tensor:
    x = norm_1(x) + attention(norm_1(x))
    return norm_2(x) + feed_forward(norm_2(x))


def _not_around(x: Tensor, attention: Sublayer, feed_forward: Sublayer, norm_1: Sublayer, norm_2: Sublayer) -> Tensor:
    return feed_forward(norm_2(attention(norm_1(x))))


def _around_both(x: Tensor, attention: Sublayer, feed_forward: Sublayer, norm_1: Sublayer, norm_2: Sublayer) -> Tensor:
    return x + feed_forward(norm_2(attention(norm_1(x))))


def _post_norm(x: Tensor, attention: Sublayer, feed_forward: Sublayer, norm_1: Sublayer, norm_2: Sublayer) -> Tensor:
    x = norm_1(x + attention(x))
    return norm_2(x + feed_forward(x))


def _norm_on_the_answers(x: Tensor, attention: Sublayer, feed_forward: Sublayer, norm_1: Sublayer, norm_2: Sublayer) -> Tensor:
    x = x + norm_1(attention(x))
    return x + norm_2(feed_forward(x))


def _side_by_side(x: Tensor, attention: Sublayer, feed_forward: Sublayer, norm_1: Sublayer, norm_2: Sublayer) -> Tensor:
    return x + attention(norm_1(x)) + feed_forward(norm_2(x))


def mix(x: Tensor) -> Tensor:
    """A stand-in for attention: each word of (S, d_model) gets the mean of all and half of the word at the mirrored place."""
    return x.mean(dim=0, keepdim=True) + 0.5 * x.flip(0)


def bend(x: Tensor) -> Tensor:
    """A stand-in for the feed-forward network: each word's numbers moved on by one place, negative ones set to 0."""
    return 2 * x.roll(1, dims=-1).relu()


def quiet_norm(x: Tensor) -> Tensor:
    """Layer norm with gain 1."""
    return layer_norm(x)


def loud_norm(x: Tensor) -> Tensor:
    """Layer norm with gain 2 and bias 1, so that it is told apart from `quiet_norm`."""
    return 2 * layer_norm(x) + 1


for _stand_in, _name in ((mix, "attention"), (bend, "feed_forward"), (quiet_norm, "norm_1"), (loud_norm, "norm_2")):
    _stand_in.__qualname__ = _name  # an error then speaks of what the reader knows

function_exercise(
    "blocks.pre_norm_block",
    cases=[
        Case(
            (torch.tensor([[0.0, 0.0, 4.0, 4.0], [1.0, 0.0, 2.0, 5.0], [3.0, -1.0, 0.0, 2.0]]), mix, bend, quiet_norm, loud_norm),
            says="three words, with stand-ins for the sublayers and two different norms,",
        )
    ],
    reference=pre_norm_block,
    slips=[
        Slip("the norm comes after each addition (post-norm)", _post_norm, "Here each sublayer reads the normed stream."),
        Slip(
            "the second sublayer's answer is added to the x that came in",
            _second_from_the_start,
            "Then attention's change reaches the output only through the feed-forward network. Give x its new value first.",
        ),
        Slip("the normed x is carried around", _from_the_normed, "Add to x itself, or the road is normed after all."),
        Slip(
            "attention(…)[0] is taken",
            lambda x, attention, feed_forward, norm_1, norm_2: pre_norm_block(x, lambda y: attention(y)[0], feed_forward, norm_1, norm_2),
            "The library's attention gives a pair; this one gives the rows alone, and [0] takes the first of them.",
        ),
        Slip(
            "the way around the second sublayer is missing",
            lambda x, attention, feed_forward, norm_1, norm_2: feed_forward(norm_2(x + attention(norm_1(x)))),
            "Add its answer to what it was given.",
        ),
        Slip(
            "the way around the first sublayer is missing",
            lambda x, attention, feed_forward, norm_1, norm_2: (y := attention(norm_1(x))) + feed_forward(norm_2(y)),
            "Add attention's answer to x.",
        ),
        Slip(
            "nothing is normed",
            lambda x, attention, feed_forward, norm_1, norm_2: (y := x + attention(x)) + feed_forward(y),
            "Each sublayer reads a normed stream.",
        ),
        Slip(
            "attention is left out",
            lambda x, attention, feed_forward, norm_1, norm_2: x + feed_forward(norm_2(x)),
            "The first detour is attention, behind norm_1.",
        ),
        Slip("there is no way around", _not_around, "Add each sublayer's answer to what it was given."),
        Slip("one way around leads past both sublayers", _around_both, "Each sublayer has its own."),
        Slip("the norm is put on each sublayer's answer", _norm_on_the_answers, "Norm what the sublayer reads."),
        Slip(
            "both sublayers read the x that came in",
            _side_by_side,
            "The feed-forward network reads the stream after attention's answer was added.",
        ),
        Slip(
            "norm_1 is used twice",
            lambda x, attention, feed_forward, norm_1, norm_2: pre_norm_block(x, attention, feed_forward, norm_1, norm_1),
            "Each sublayer has a norm of its own.",
        ),
        Slip(
            "the norms are exchanged",
            lambda x, attention, feed_forward, norm_1, norm_2: pre_norm_block(x, attention, feed_forward, norm_2, norm_1),
            "norm_1 stands before attention.",
        ),
        Slip(
            "the feed-forward network reads the stream without its norm",
            lambda x, attention, feed_forward, norm_1, norm_2: pre_norm_block(x, attention, feed_forward, norm_1, lambda y: y),
            "Put norm_2 before it.",
        ),
        Slip(
            "the feed-forward network comes first",
            lambda x, attention, feed_forward, norm_1, norm_2: pre_norm_block(x, feed_forward, attention, norm_1, norm_2),
            "Attention first.",
        ),
        Slip(
            "the block ends after attention",
            lambda x, attention, feed_forward, norm_1, norm_2: x + attention(norm_1(x)),
            "The feed-forward network follows, with norm_2.",
        ),
    ],
    why="two detours, each behind its own norm, each added to the stream as it stands.",
)


def starting_std(fan_in: int, depth: int | None) -> float:
    """Standard deviation 1 / √fan_in, and for a layer that leads back into a stream of `depth` blocks 1 / √(fan_in · 2 · depth)."""
    return (fan_in * (1 if depth is None else 2 * depth)) ** -0.5


function_exercise(
    "blocks.starting_std",
    cases=[(64, None), (256, None), (256, 8), (64, 32), (16, 1)],
    reference=starting_std,
    slips=[
        Slip("the root is missing", lambda fan_in, depth: 1 / (fan_in * (2 * (depth or 0.5))), "Variances add, deviations do not."),
        Slip("it is the root itself, not 1 over it", lambda fan_in, depth: (fan_in * 2 * (depth or 0.5)) ** 0.5, "Divide by it."),
        Slip(
            "a block is counted as one sublayer",
            lambda fan_in, depth: (fan_in * (depth or 1)) ** -0.5,
            "Attention and the feed-forward network each add to the stream: 2 · depth changes.",
        ),
        Slip(
            "the number of changes is divided by without its root",
            lambda fan_in, depth: fan_in**-0.5 / (2 * (depth or 0.5)),
            "2 · depth independent changes grow like √(2 · depth).",
        ),
        Slip("the depth is left out", lambda fan_in, depth: fan_in**-0.5, "A layer that leads back into the stream is one of many."),
        Slip(
            "every layer is divided by the number of changes, also where depth is not given",
            lambda fan_in, depth: (fan_in * 2 * (depth or 1)) ** -0.5,
            "Without a depth the layer does not lead back into the stream: 1 / √fan_in.",
        ),
        Slip("it is 0.02 for every layer", lambda fan_in, depth: 0.02, "It has to know fan_in and depth."),
        Slip("it is 0.02 at any width", lambda fan_in, depth: 0.02 / (2 * (depth or 0.5)) ** 0.5, "It has to know fan_in."),
    ],
    why="each layer keeps size 1, and 2 · depth changes together are as large as the stream that they are added to.",
    tolerance=1e-4,
    wrong_answers=[("depth is multiplied in although it is None", lambda fan_in, depth: (fan_in * 2 * depth) ** -0.5, "One side is None")],
)
