"""Exercises of notebook 06 on the loss: smoothing and perplexity by pencil, targets, the mean over tokens, and the gallery of bugs."""

import math
from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from lessons_lib.exercises.coding import wave
from lessons_lib.exercises.framework import Case, Exercise, Slip, Verdict, function_exercise, judge_parts, number_exercise, register, wrong
from lessons_lib.exercises.verdicts import as_wrong_answers
from lessons_lib.tokenization import PAD_ID

number_exercise(
    "training.perplexity",
    4,
    tolerance=0.005,
    why="costs 1, 3, 1, 3 bits, mean 2, and 2² = 4: as unsure as a fair choice among four words.",
    slips={
        3.2: "You divided 1 by the mean probability. Take the logarithms first: average the bits, then raise 2 to them.",
        5: "You averaged 1/p: 2, 8, 2, 8. Average the bits, 1, 3, 1, 3, and raise 2 to the mean.",
        256: "That is 2 to the sum of the bits. Divide the sum, 8, by the four tokens first.",
        7.39: "That is e², but 2 is a number of bits: raise 2 to it. (e goes with nats.)",
        2.61: "That is 2 raised to nats, 1.39. Nats go with e, bits with 2.",
        2: "That is the mean cost in bits. The perplexity is 2 raised to it.",
    },
    first_step="how many bits does each of ½, ⅛, ½, ⅛ cost?",
)

number_exercise(
    "training.smoothed_loss",
    1.125,
    tolerance=0.004,
    why="0.9 · 1 + 0.025 · (1 + 2 + 3 + 3) = 0.9 + 0.225 bits.",
    slips={
        1.167: "You shared ε among the other three words only. Here each of the four gets ε/4 = 0.025, den too.",
        1.225: "You left den its whole weight of 1. It gives ε away: 0.9, and gets 0.025 back with the others.",
        1.8: "You gave ε to each word. It is shared out: ε/4 = 0.025 each.",
        0.622: "That is the divergence: the entropy of the smoothed target is taken off. The loss keeps it.",
        0.780: "That is right in nats. The question is in bits.",
        1.1: "den too gets ε/4: 0.9 · 1 and 0.025 · (1 + 2 + 3 + 3), the first 1 included.",
        1.15: "You counted den's share twice: 0.925 holds it already. Either 0.9 and a share for all four, or 0.925 and three shares.",
        1.0: "That is the loss without smoothing. Give ε/4 = 0.025 to each of the four words.",
        0.9: "That is the right word's part. The share ε/4 that every word gets is missing: 0.025 · (1 + 2 + 3 + 3).",
        0.225: "That is what smoothing adds. The right word's own part, 0.9 · 1 bit, is missing.",
    },
    first_step="den has weight 0.9, and each of the four words gets ε/4 = 0.025 more. What do 1, 2, 3, 3 cost so?",
)


def shift(padded: Tensor) -> tuple[Tensor, Tensor, int]:
    """Decoder input (B, T), targets (B, T) and how many targets count, of padded sentences int64 (B, T + 1) with BOS and EOS."""
    targets = padded[:, 1:]
    return padded[:, :-1], targets, int((targets != PAD_ID).sum())


def _shifted(targets: Callable[[Tensor], Tensor], count: Callable[[Tensor, Tensor], Tensor]) -> Callable[[Tensor], tuple[Any, ...]]:
    """`shift` with targets and count made in another way; count gets (input, targets)."""

    def answer(padded: Tensor) -> tuple[Any, ...]:
        given, wanted = padded[:, :-1], targets(padded)
        return given, wanted, int(count(given, wanted).sum())

    return answer


def _next(padded: Tensor) -> Tensor:
    return padded[:, 1:]


TWO_ROWS = torch.tensor([[1, 3, 5, 7, 4, 6, 2], [1, 3, 6, 7, 2, 0, 0]])
THREE_ROWS = torch.tensor([[1, 8, 9, 2, 0, 0], [1, 5, 6, 2, 0, 0], [1, 4, 4, 6, 7, 2]])

function_exercise(
    "training.shift",
    cases=[Case((TWO_ROWS,), says="the batch of two"), Case((THREE_ROWS,), says="a batch of three")],
    reference=shift,
    slips=[
        Slip(
            "the targets are not shifted",
            _shifted(lambda padded: padded[:, :-1], lambda given, wanted: wanted != PAD_ID),
            "The word to predict is then the word just read: the loss falls to 0, and the model has learned to repeat.",
        ),
        Slip(
            "the targets are shifted twice",
            _shifted(lambda padded: padded[:, 2:], lambda given, wanted: wanted != PAD_ID),
            "The first word of each sentence is never predicted. At BOS, predict the word that follows it.",
        ),
        Slip(
            "padding is counted",
            _shifted(_next, lambda given, wanted: torch.ones_like(wanted)),
            "Nobody has to predict PAD: count where the target is not PAD.",
        ),
        Slip(
            "BOS is counted, too",
            lambda padded: (padded[:, :-1], padded[:, 1:], int((padded != PAD_ID).sum())),
            "Nobody has to predict BOS: count on the targets.",
        ),
        Slip(
            "the tokens are counted on the input",
            _shifted(_next, lambda given, wanted: given != PAD_ID),
            "The shorter row's input keeps its EOS, whose target is PAD. Count the targets.",
        ),
        Slip(
            "EOS is not counted",
            _shifted(_next, lambda given, wanted: (wanted != PAD_ID) & (wanted != 2)),
            "To stop is a prediction too; a model that is never asked for EOS never learns to stop.",
        ),
        Slip(
            "input and targets have changed places",
            lambda padded: (padded[:, 1:], padded[:, :-1], int((padded[:, 1:] != PAD_ID).sum())),
            "The decoder reads from BOS on and predicts what follows.",
        ),
    ],
    why="at each place the input says what has been written and the target what comes next; 10 predictions count in the batch of two.",
)


def token_mean(logits: Tensor, targets: Tensor) -> Tensor:
    """Mean cross-entropy of logits (B, T, V) over the targets int64 (B, T) that are not PAD."""
    return F.cross_entropy(logits[targets != PAD_ID], targets[targets != PAD_ID])


def _costs(logits: Tensor, targets: Tensor) -> Tensor:
    """The cost of each target, (B, T), padding's too."""
    return F.cross_entropy(logits.transpose(1, 2), targets, reduction="none")


def _counted(logits: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
    real = targets != PAD_ID
    return _costs(logits, targets) * real, real


def _mean_of_rows(logits: Tensor, targets: Tensor) -> Tensor:
    costs, real = _counted(logits, targets)
    return (costs.sum(dim=1) / real.sum(dim=1)).mean()


def costs_in_bits() -> tuple[Tensor, Tensor]:
    """Logits (2, 6, 8) and targets (2, 6): the right word costs 1 bit in row 1 and 2 bits in row 2, PAD 5 bits in row 2."""
    targets = TWO_ROWS[:, 1:]
    bits = torch.tensor([[1.0] * 6, [2.0] * 4 + [5.0] * 2])
    right_p = 2.0**-bits
    logits = ((1 - right_p) / 7).log()[..., None].repeat(1, 1, 8)
    return logits.scatter(2, targets[..., None], right_p.log()[..., None]), targets


_OTHER = (wave(3, 5, 10, pace=1.7), THREE_ROWS[:, 1:])

function_exercise(
    "training.token_mean",
    cases=[Case(costs_in_bits(), says="the batch of two (1 bit a token in row 1, 2 bits in row 2)"), Case(_OTHER, says="a batch of three")],
    reference=token_mean,
    slips=[
        Slip(
            "each row is averaged first",
            _mean_of_rows,
            "A word in the short sentence then counts for more. Each prediction has one vote: sum all costs and divide once.",
        ),
        Slip(
            "padding is set to 0 and stays in the divisor",
            lambda logits, targets: _counted(logits, targets)[0].mean(),
            "12 places, but 10 predictions: the loss looks better than it is. Divide by the targets that count.",
        ),
        Slip(
            "padding is paid for",
            lambda logits, targets: _costs(logits, targets).mean(),
            "Leave out the places whose target is PAD (0).",
        ),
        Slip(
            "the sum is divided by the number of sentences",
            lambda logits, targets: _counted(logits, targets)[0].sum() / len(targets),
            "Long sentences then weigh more, and the number is no cost of a word.",
        ),
        Slip(
            "the sum is divided by 10 whatever the batch",
            lambda logits, targets: _counted(logits, targets)[0].sum() / 10,
            "10 belongs to the batch of two: count the targets that are not PAD.",
        ),
        Slip(
            "padding is paid for, and left out of the divisor",
            lambda logits, targets: _costs(logits, targets).sum() / (targets != PAD_ID).sum(),
            "Leave PAD out of the sum as well.",
        ),
        Slip(
            "words and places are mixed, as view alone does it",
            lambda logits, targets: F.cross_entropy(logits.reshape(len(logits), logits.shape[2], -1), targets, ignore_index=PAD_ID),
            "Swap sides with transpose(1, 2), or flatten both: logits.flatten(0, 1), targets.flatten().",
        ),
        Slip("the sum is not divided", lambda logits, targets: _counted(logits, targets)[0].sum(), "Divide by the targets that count."),
        Slip(
            "the nats are turned into bits",
            lambda logits, targets: token_mean(logits, targets) / math.log(2),
            "That is right in bits. PyTorch counts in nats: leave out the division by ln 2.",
        ),
        Slip(
            "the sign is forgotten",
            lambda logits, targets: -token_mean(logits, targets),
            "A logarithm of a probability is below 0: the cost is minus it.",
        ),
        Slip(
            "the logits go through softmax first",
            lambda logits, targets: token_mean(logits.softmax(dim=-1), targets),
            "`F.cross_entropy` does that itself: give it the logits as they are.",
        ),
    ],
    why="14 bits over 10 predictions make 1.4 bits, 0.97 nats: each prediction has one vote.",
)

BUGS = (
    "healthy",
    "no causal mask",
    "no shift",
    "padding in the loss",
    "post-norm without warm-up",
    "unit-normal projections",
)
GALLERY = {
    "A": "post-norm without warm-up",
    "B": "no shift",
    "C": "healthy",
    "D": "unit-normal projections",
    "E": "padding in the loss",
    "F": "no causal mask",
}
_SYMPTOM = {
    "healthy": "falls and writes nearly all lines right, as one other run does: compare their losses early on, and what follows eos",
    "no causal mask": "sees the word it has to predict: its loss ends below the healthy one's, and it cannot write a line",
    "no shift": "has to repeat what it has just read: the loss is nothing at once, and it writes what it read first, for ever",
    "padding in the loss": "writes as well as the healthy run; its loss looks better early on, since padding is easy to predict",
    "post-norm without warm-up": "starts near ln V, then crawls: full-sized first steps into a stack that cannot bear them",
    "unit-normal projections": "starts far above ln V",
}


def _gallery_fault(letter: str, name: Any) -> str:
    """What does not fit the run of this letter; an empty string if nothing."""
    return "" if name == GALLERY[letter] else f"{name} {_SYMPTOM[name]}."


def _as_listed(name: Any) -> Any:
    """A name as `BUGS` has it, whatever its capitals and hyphens."""
    plain = str(name).strip().lower().replace("-", " ").replace("warmup", "warm up")
    return next((bug for bug in BUGS if bug.replace("-", " ") == plain), name)


def judge_gallery(answer: Any) -> Verdict:
    """A dictionary from the letters A to F to the names in BUGS."""
    if isinstance(answer, dict):
        answer = {letter: _as_listed(name) for letter, name in answer.items()}
        if unknown := [repr(name) for name in answer.values() if name not in (*BUGS, None, ...)]:
            return wrong(f"Not yet. There is no run called {', '.join(unknown)}; the six are: {', '.join(BUGS)}.")
    why = "six runs, six causes; the loss alone would have misled you twice, in B and F."
    return judge_parts(answer, GALLERY, _gallery_fault, "a name for each of the letters A to F", why)


def _swapped(one: str, other: str) -> dict[str, str]:
    letters = {name: letter for letter, name in GALLERY.items()}
    return {**GALLERY, letters[one]: other, letters[other]: one}


register(
    Exercise(
        "training.gallery",
        judge_gallery,
        GALLERY,
        as_wrong_answers(
            (
                ("healthy and padding swapped", _swapped("healthy", "padding in the loss"), "Right so far: A, B, D, F"),
                ("mask and shift swapped", _swapped("no causal mask", "no shift"), "F: no shift has to repeat"),
                ("post-norm and unit-normal swapped", _swapped("post-norm without warm-up", "unit-normal projections"), "far above ln V"),
                ("lowest loss taken for healthy", _swapped("healthy", "no shift"), "C: no shift has to repeat"),
                ("an unknown name", {**GALLERY, "A": "dropout"}, "no run called 'dropout'"),
                ("one open", {**GALLERY, "F": ...}, "Still open: F"),
                ("a list", list(GALLERY.values()), "letters A to F"),
            )
        ),
    )
)
