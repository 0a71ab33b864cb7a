"""Notebook 02's exercises beyond what holds for all: other right answers pass, numbers are PyTorch's, half answers are told apart."""

from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lessons_lib.exercises import heads, masks, streaming
from lessons_lib.exercises.framework import Verdict, find


def verdict(key: str, answer: object) -> Verdict:
    return find(key).verdict(answer)


def test_the_shapes_are_those_of_real_tensors() -> None:
    x, ids = torch.zeros(5, 7, 16), torch.ones(5, 7, dtype=torch.int64)
    q, v = x @ torch.zeros(16, 4), x @ torch.zeros(16, 3)
    mask = (ids != 0)[:, None, :]
    scores = (q @ q.transpose(-2, -1)).masked_fill(~mask, 0.0)
    made = {"X": x, "Q": q, "scores": scores, "mask": mask, "output": scores @ v}
    assert {name: tuple(tensor.shape) for name, tensor in made.items()} == masks.SHAPES


def test_shapes_in_any_carrier_and_half_done() -> None:
    key = "masks.shapes_of_a_batch"
    assert verdict(key, {name: list(shape) for name, shape in masks.SHAPES.items()}).status == "right"
    assert verdict(key, {name: torch.zeros(shape).shape for name, shape in masks.SHAPES.items()}).status == "right"
    assert verdict(key, dict.fromkeys(masks.SHAPES, ...)).status == "not attempted"
    text = verdict(key, {**masks.SHAPES, "mask": (5, 7), "Q": ...}).text
    assert "5 sentences would lie along the 7 queries" in text and "Right so far: X, scores, output" in text


def test_padded_attention_is_pytorchs() -> None:
    q, k, v, ids = masks.TWO_SENTENCES
    wanted = F.scaled_dot_product_attention(q, k, v, attn_mask=(ids != 0)[:, None, :].expand(-1, 5, -1))
    torch.testing.assert_close(masks.padded_attention(q, k, v, ids), wanted)


def test_sentence_by_sentence_without_a_mask_is_right_too() -> None:
    def cut(Q: Tensor, K: Tensor, V: Tensor, ids: Tensor) -> Tensor:
        lengths = (ids != 0).sum(dim=1).tolist()
        return torch.cat([F.scaled_dot_product_attention(Q[i : i + 1], K[i : i + 1, :n], V[i : i + 1, :n]) for i, n in enumerate(lengths)])

    assert verdict("masks.padded_attention", cut).status == "right"


@pytest.mark.parametrize("answer", [[-3.1, 3.1], (-3.14, 3.14), torch.tensor([-3.1429, 3.1429]), [-3.08, 3.08]])
def test_the_mirror_by_pencil_or_exactly(answer: object) -> None:
    assert verdict("heads.mirror", answer).status == "right"


def test_the_mirrors_numbers_and_slips_are_what_the_heads_give() -> None:
    def bites(x: Tensor, root: float = 2**0.5) -> tuple[Tensor, Tensor]:
        halves = [torch.softmax(x[1] @ heads.W_Q[:, c] @ (x @ heads.W_K[:, c]).T / root, dim=-1) @ x @ heads.W_V[:, c] for c in columns]
        return halves[0], halves[1]

    columns = (slice(0, 2), slice(2, 4))
    mirror, slips = heads.MAN_BITES_DOG[0], [wrong.answer for wrong in find("heads.mirror").wrong]
    a, b = bites(mirror)
    torch.testing.assert_close(torch.cat([a, b]) @ heads.W_O, torch.tensor([-3.1, 3.1, 0.0, 0.0]), atol=0.05, rtol=0)
    nowhere = bites(mirror * torch.tensor([1.0, 1.0, 1.0, 0.0]))
    other = bites(heads.DOG_BITES_MAN[0])
    undivided, halved = bites(mirror, 1.0), bites(mirror, 2.0)
    of_other = (other[0] - b, a - other[1])
    placeless = (nowhere[0] - b, a - nowhere[1])
    for made in ((a + b) / 2, a + b, a, b, *(x - y for x, y in (other, nowhere, undivided, halved)), *of_other, *placeless):
        assert any(torch.allclose(made, torch.tensor(slip), atol=0.06) for slip in slips), made


def test_the_head_of_the_wrong_sentence_is_named_from_rounded_outputs_too() -> None:
    assert verdict("heads.mirror", [2.3, -2.1]).text.startswith("Head A is that of dog bites man")
    assert verdict("heads.mirror", [2.1, -2.3]).text.startswith("Head B is that of dog bites man")


def test_splitting_in_other_ways_is_right_too() -> None:
    def sliced(x: Tensor, n_heads: int) -> Tensor:
        return torch.stack(x.chunk(n_heads, dim=-1), dim=1)

    assert verdict("heads.split_heads", sliced).status == "right"
    assert "Swap sides 1 and 2" in verdict("heads.split_heads", lambda x, n_heads: x.unflatten(-1, (n_heads, -1))).text


def attend(Q: Tensor, K: Tensor, V: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
    """The function that section 1 of the notebook leaves in the learner's hands, with its pair."""
    scores = Q @ K.transpose(-2, -1) / Q.shape[-1] ** 0.5
    weights = torch.softmax(scores.masked_fill(~mask, float("-inf")), dim=-1)
    return weights @ V, weights


def test_attends_pair_is_named_where_the_output_alone_is_asked_for() -> None:
    text = verdict("masks.padded_attention", lambda Q, K, V, ids: attend(Q, K, V, (ids != 0)[:, None, :])).text
    assert "that is what comes out when the weights are returned as well" in text and "keep the first" in text

    def multi_head(x: Tensor, source: Tensor, W_q: Tensor, W_k: Tensor, W_v: Tensor, W_o: Tensor, n_heads: int, mask: Tensor) -> object:
        q, k, v = (heads.split_heads(rows, n_heads) for rows in (x @ W_q, source @ W_k, source @ W_v))
        output, weights = attend(q, k, v, mask)
        return output.transpose(1, 2).flatten(2) @ W_o, weights

    assert "The output alone is asked for" in verdict("heads.multi_head", multi_head).text


@pytest.mark.parametrize(
    ("cut", "named"),
    [
        (lambda rows, n_heads: rows, "nothing is cut into heads"),
        (lambda rows, n_heads: heads.split_heads(rows, 1), "there is one head as wide as the model"),
        (lambda rows, n_heads: heads.split_heads(rows, 2), "there are two heads whatever n_heads says"),
    ],
    ids=["not at all", "one head", "always two"],
)
def test_a_wrong_number_of_heads_is_named(cut: Callable[[Tensor, int], Tensor], named: str) -> None:
    def multi_head(x: Tensor, source: Tensor, W_q: Tensor, W_k: Tensor, W_v: Tensor, W_o: Tensor, n_heads: int, mask: Tensor) -> Tensor:
        rows = (cut(one, n_heads) for one in (x @ W_q, source @ W_k, source @ W_v))
        output, _ = attend(*rows, mask)
        return (output if cut(x, n_heads).dim() == 3 else output.transpose(1, 2).flatten(2)) @ W_o

    assert named in verdict("heads.multi_head", multi_head).text


def test_multi_head_is_pytorchs_module_on_the_cases_that_are_checked() -> None:
    generator = torch.Generator().manual_seed(0)
    x, source = torch.randn(2, 3, 12, generator=generator), torch.randn(2, 5, 12, generator=generator)
    matrices = [torch.randn(12, 12, generator=generator) for _ in range(4)]
    mask = torch.tensor([[True] * 5, [True] * 3 + [False] * 2])
    theirs = nn.MultiheadAttention(12, 3, bias=False, batch_first=True).requires_grad_(False)
    theirs.in_proj_weight.copy_(torch.cat(matrices[:3], dim=1).T)
    theirs.out_proj.weight.copy_(matrices[3].T)
    wanted, _ = theirs(x, source, source, key_padding_mask=~mask)
    torch.testing.assert_close(heads.multi_head(x, source, *matrices, 3, mask[:, None, None]), wanted)


def test_multi_head_by_pytorchs_formula_passes_and_gives_the_pencils_numbers() -> None:
    def by_pytorch(
        x: Tensor, source: Tensor, W_q: Tensor, W_k: Tensor, W_v: Tensor, W_o: Tensor, n_heads: int, mask: Tensor
    ) -> Tensor:  # fmt: skip
        q, k, v = ((rows @ W).unflatten(-1, (n_heads, -1)).transpose(1, 2) for rows, W in ((x, W_q), (source, W_k), (source, W_v)))
        return F.scaled_dot_product_attention(q, k, v, attn_mask=mask).transpose(1, 2).flatten(2) @ W_o

    assert verdict("heads.multi_head", by_pytorch).status == "right"
    everything = torch.ones(3, 3, dtype=torch.bool)
    x = heads.DOG_BITES_MAN
    hand = heads.multi_head(x, x, heads.W_Q, heads.W_K, heads.W_V, heads.W_O, 2, everything)
    torch.testing.assert_close(hand[0, 1], torch.tensor([7.5, -7.5, 0.0, 0.0]), atol=0.05, rtol=0)


@pytest.mark.parametrize("block", [1, 2, 3, 7, 20])
@pytest.mark.parametrize("keys", [streaming.SEVEN_KEYS, streaming.HIGH, streaming.LOW], ids=["plain", "high", "low"])
def test_streamed_attention_is_pytorchs_whatever_the_block(block: int, keys: Tensor) -> None:
    q, v = streaming.QUERY, streaming.SEVEN_VALUES
    wanted = F.scaled_dot_product_attention(q[None], keys, v)[0]
    torch.testing.assert_close(streaming.streamed_attention(q, keys, v, block), wanted, atol=1e-4, rtol=1e-4)


def test_attention_in_one_piece_passes_the_streams_check_and_is_not_praised_for_streaming() -> None:
    """The check holds the numbers, not the memory: the notebook says so by asking for blocks, and "Right" speaks of numbers."""
    given = verdict("streaming.attention", lambda q, K, V, block: F.scaled_dot_product_attention(q[None], K, V)[0])
    assert given.status == "right" and given.text.startswith("Right: the numbers are those of the whole row, whatever the block.")
