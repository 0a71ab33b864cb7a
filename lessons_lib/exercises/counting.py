"""Exercises of notebook 05 on what a model costs: its parameters with a pencil, its multiply–adds as a function."""

from lessons_lib.exercises.framework import Slip, function_exercise, number_exercise

number_exercise(
    "counting.parameters",
    488,
    0,
    why="172 in the encoder's layer, 260 in the decoder's, 16 in the final norms, 40 in the table: 488.",
    slips={
        400: "You left out cross-attention and its norm, 80 + 8. The decoder's layer has two attentions and three norms.",
        408: "The decoder's layer has two attentions: 80 more for the second one.",
        416: "The linear layers have biases: 4 in each of four projections, 8 + 4 in the feed-forward, 72 in all.",
        440: "The biases of the three attentions are missing: four of 4 numbers each, 16 an attention.",
        464: "The biases of the two feed-forwards are missing: 8 + 4 each.",
        268: "That is the decoder alone, its final norm included. The encoder and the table come to it.",
        472: "The final norms are missing: 8 after the encoder's stack, 8 after the decoder's.",
        516: "You counted the positions: 7 places of 4 numbers. Sinusoids are computed, not learned.",
        568: "You counted three tables. Source, target and output share one: 40.",
        528: "You counted two tables. Source, target and output share one: 40.",
        680: "You gave each head 4 × 4 matrices of its own. Heads share the width: two heads of 2 columns each.",
        728: "You gave each head an attention of its own, 80 each. Heads share the width: two heads of 2 columns each, 80 in all.",
        498: "You gave the output layer a bias, 10 numbers. Some models have one; this one has none.",
        448: "The table is missing: 10 words of 4 numbers. (448 is what PyTorch's nn.Transformer has, which knows no words.)",
        480: "Eight are missing, a norm: two in the encoder's layer, three in the decoder's, one after each stack.",
        460: "You counted 4 for each of the seven norms. A norm learns two numbers a column, a scale and a shift: 8.",
    },
    first_step="part by part: an attention has 80 (four matrices, four biases). Do you have 76 for a feed-forward, 8 for a norm?",
)


def multiply_adds(S: int, T: int, d: int, d_ff: int, V: int) -> int:
    """Multiplications (each with its addition) of one encoder layer, one decoder layer and the output."""
    return _multiply_adds(S, T, d, d_ff, V)


def _multiply_adds(
    S: int, T: int, d: int, d_ff: int, V: int, *, cross: tuple[int, int] | None = None, pairs: int | None = None, output: bool = True
) -> int:
    asking, asked = cross or (T, S)
    encoder = S * (4 * d * d + 2 * d * d_ff)
    decoder = T * (4 * d * d + 2 * d * d_ff) + asking * 2 * d * d + asked * 2 * d * d
    pairs = S * S + T * T + T * S if pairs is None else pairs
    return encoder + decoder + 2 * d * pairs + (T * d * V if output else 0)


function_exercise(
    "counting.multiply_adds",
    cases=[(5, 6, 4, 8, 10), (3, 7, 8, 16, 20), (12, 12, 4, 16, 6)],
    reference=multiply_adds,
    slips=[
        Slip(
            "scores and mixing are left out",
            lambda S, T, d, d_ff, V: _multiply_adds(S, T, d, d_ff, V, pairs=0),
            "Each pair of asker and asked costs d for the score and d for the mixing.",
        ),
        Slip(
            "scores are counted and mixing is not",
            lambda S, T, d, d_ff, V: _multiply_adds(S, T, d, d_ff, V) - d * (S * S + T * T + T * S),
            "Mixing the values costs as much again.",
        ),
        Slip(
            "the pairs of cross-attention are left out",
            lambda S, T, d, d_ff, V: _multiply_adds(S, T, d, d_ff, V, pairs=S * S + T * T),
            "T written words ask S source words: T · S pairs more.",
        ),
        Slip(
            "cross-attention's keys and values are made for the T words written",
            lambda S, T, d, d_ff, V: _multiply_adds(S, T, d, d_ff, V, cross=(T, T)),
            "They are made from the memory, which has S rows.",
        ),
        Slip(
            "cross-attention's keys and values are left out",
            lambda S, T, d, d_ff, V: _multiply_adds(S, T, d, d_ff, V, cross=(T, 0)),
            "Two matrices more, for the S rows of the memory.",
        ),
        Slip(
            "all four matrices of cross-attention work on the S words read",
            lambda S, T, d, d_ff, V: _multiply_adds(S, T, d, d_ff, V, cross=(S, S)),
            "Queries and the output have T rows.",
        ),
        Slip(
            "each pair costs 8, whatever d is",
            lambda S, T, d, d_ff, V: _multiply_adds(S, T, d, d_ff, V, pairs=0) + 8 * (S * S + T * T + T * S),
            "The table's 8 is 2 · d.",
        ),
        Slip(
            "cross-attention is left out",
            lambda S, T, d, d_ff, V: _multiply_adds(S, T, d, d_ff, V, cross=(0, 0), pairs=S * S + T * T),
            "The decoder's layer has two attentions.",
        ),
        Slip(
            "the output layer is left out",
            lambda S, T, d, d_ff, V: _multiply_adds(S, T, d, d_ff, V, output=False),
            "Each of the T states is multiplied with V rows of the table.",
        ),
        Slip(
            "the output layer scores the words read, too",
            lambda S, T, d, d_ff, V: _multiply_adds(S, T, d, d_ff, V) + S * d * V,
            "Only the T words written pass it.",
        ),
        Slip(
            "the pairs under the causal mask are left out",
            lambda S, T, d, d_ff, V: _multiply_adds(S, T, d, d_ff, V, pairs=S * S + T * (T + 1) // 2 + T * S),
            "Masked pairs are computed, too, and then hidden: T · T.",
        ),
        Slip(
            "multiplications and additions are counted apart",
            lambda S, T, d, d_ff, V: 2 * _multiply_adds(S, T, d, d_ff, V),
            "Those are FLOPs, two a multiply–add. Count pairs here.",
        ),
        Slip(
            "all S + T words pass the whole model",
            lambda S, T, d, d_ff, V: (S + T) * (12 * d * d + 4 * d * d_ff + d * V) + 2 * d * (S * S + T * T + T * S),
            "A source word passes the encoder and two of cross-attention's matrices, a written word the decoder's others.",
        ),
    ],
    why="each weight works once for each word that passes it, and each pair of words costs a score and a mixing.",
)
