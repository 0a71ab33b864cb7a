"""The fast path against the plain one: the same numbers at each step, the same texts and scores at the end."""

import dataclasses
import math
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
from tiny_models import tiny_model, tiny_translator
from torch import Tensor

from lessons_lib import decoding, fast_search
from lessons_lib.batching import pad
from lessons_lib.checkpoints import find, shipped
from lessons_lib.corpus import load_grammar
from lessons_lib.fast_decoding import FastDecodingState, encode
from lessons_lib.fast_search import best_words
from lessons_lib.models import DecodingState, EncoderDecoder
from lessons_lib.runtime import side_by_side
from lessons_lib.translation import Translator

BOS, EOS = 1, 2
KINDS = [
    {},
    {"norm_placement": "post", "activation": "gelu"},
    {"positions": "learned", "n_heads": 4},
    {"positions": "rotary", "norm_placement": "post"},
]
by_kind = pytest.mark.parametrize("changes", KINDS, ids=str)


def sources(n: int = 9, longest: int = 21, seed: int = 0) -> list[list[int]]:
    """Sentences of every length from 1 on; some are longer than a register is wide, some shorter."""
    generator = torch.Generator().manual_seed(seed)
    lengths = torch.linspace(1, longest, n).long().tolist()
    return [torch.randint(3, 40, (length,), generator=generator).tolist() for length in lengths]


def assert_same(found: list[decoding.Hypothesis], wanted: list[decoding.Hypothesis]) -> None:
    assert [text.tokens for text in found] == [text.tokens for text in wanted]
    assert [text.log_probability for text in found] == pytest.approx([text.log_probability for text in wanted], abs=1e-4)


# --- the state: the same numbers ---


@by_kind
@torch.inference_mode()
def test_the_memory_is_the_models(changes: dict[str, object]) -> None:
    model, source = tiny_model(**changes), pad(sources(), 0)
    memory, hidden = encode(model, source)
    wanted, mask = model.encode(source)
    real = source != 0
    torch.testing.assert_close(memory[real], wanted[real], atol=1e-5, rtol=1e-4)
    assert torch.equal(hidden[:, 0, 0, : source.shape[1]] == 0, mask[:, 0, 0])
    assert hidden.shape[-1] == 32 and bool((hidden[..., source.shape[1] :] == -math.inf).all())


@by_kind
@torch.inference_mode()
def test_each_step_gives_what_the_plain_state_gives_whatever_beginnings_go_on(changes: dict[str, object]) -> None:
    """Thirty steps with beginnings that repeat, end and change places, and texts that are dropped: slots and room are renewed twice."""
    model, source = tiny_model(**changes), pad(sources(), 0)
    generator = torch.Generator().manual_seed(1)
    fast, plain = FastDecodingState(model, source), DecodingState(model, source)
    n_texts, parents, rows = len(source), None, None
    words = torch.full((n_texts, 1), BOS)
    for step in range(30):
        if rows is not None:
            plain.reorder(rows)
        found = torch.log_softmax(model.scores(fast.step(words, parents)), dim=-1)
        torch.testing.assert_close(found, plain.step(words.flatten()), atol=1e-4, rtol=1e-4)
        if step in (5, 11):
            kept = torch.randperm(n_texts, generator=generator)[: n_texts - 2]
            fast.keep(kept)
        else:
            kept = torch.arange(n_texts)
        width, n_texts = words.shape[1], len(kept)
        parents = torch.randint(width, (n_texts, 3 + step % 2), generator=generator)
        rows = (kept[:, None] * width + parents).flatten()
        words = torch.randint(3, 40, parents.shape, generator=generator)


@torch.inference_mode()
def test_a_text_beyond_the_models_length_is_refused() -> None:
    state = FastDecodingState(tiny_model(max_length=4), pad([[5, 2]], 0))
    for _ in range(4):
        state.step(torch.tensor([[5]]))
    with pytest.raises(ValueError, match="at most 4"):
        state.step(torch.tensor([[5]]))


# --- the best words ---


@pytest.mark.parametrize("vocabulary_size", [4, 37, 40, 1024])
@pytest.mark.parametrize("n", [1, 6])
def test_the_best_words_are_those_of_sorting_all(vocabulary_size: int, n: int) -> None:
    generator = torch.Generator().manual_seed(vocabulary_size)
    log_p = torch.randn(5 * 3, vocabulary_size, generator=generator).log_softmax(-1)
    totals = torch.randn(5, 3, generator=generator)
    totals[2, 1] = -math.inf
    every = (log_p.view(5, 3, -1) + totals[:, :, None]).flatten(1).sort(dim=1, descending=True)
    values, beginnings, words = best_words(log_p, totals, n)
    torch.testing.assert_close(values, every.values[:, :n])
    assert torch.equal(beginnings * vocabulary_size + words, every.indices[:, :n])


def test_what_is_no_number_is_never_the_best_word() -> None:
    log_p = torch.tensor([[-1.0, -2.0, -3.0, -4.0], [math.nan] * 4])
    values, beginnings, words = best_words(log_p, torch.zeros(1, 2), 6)
    assert values.tolist() == [[-1, -2, -3, -4, -math.inf, -math.inf]]
    assert (beginnings[0, :4].tolist(), words[0, :4].tolist()) == ([0] * 4, [0, 1, 2, 3])


# --- the searches: the same texts ---


def search_both(
    model: EncoderDecoder, given: list[list[int]], longest: list[int], beam: int, length_penalty: float = 1.0
) -> tuple[list[decoding.Hypothesis], list[decoding.Hypothesis]]:
    source = pad([[*ids, EOS] for ids in given], 0)
    if beam == 1:
        plain = decoding.greedy(DecodingState(model, source), BOS, EOS, longest)
        return fast_search.greedy(FastDecodingState(model, source), BOS, EOS, longest), plain
    plain = decoding.beam_search(DecodingState(model, source), BOS, EOS, longest, beam, length_penalty)
    return fast_search.beam_search(FastDecodingState(model, source), BOS, EOS, longest, beam, length_penalty), plain


@by_kind
@pytest.mark.parametrize(("beam", "length_penalty"), [(1, 1.0), (2, 0.0), (3, 0.7), (5, 1.0), (5, 2.0), (45, 1.0), (4, -1.0)])
@torch.inference_mode()
def test_the_searches_find_what_the_plain_ones_find(changes: dict[str, object], beam: int, length_penalty: float) -> None:
    given = sources(12)
    longest = [1, 2, 3, 20, 7, 19, 5, 11, 16, 1, 9, 30]
    lengths = set()
    for seed in range(3):
        model = tiny_model(seed, sharpness=1.5, **changes)
        with torch.no_grad():
            model.table.weight[EOS] *= 3  # or random models would hardly ever end a text themselves
        found, wanted = search_both(model, given, longest, beam, length_penalty)
        assert_same(found, wanted)
        lengths |= {(len(text.tokens) == most) for text, most in zip(found, longest, strict=True)}
    assert lengths == {True, False}, "some texts should end by themselves, some at their longest"


@torch.inference_mode()
def test_beam_one_of_the_beam_search_is_greedy() -> None:
    source = pad(sources(), 0)
    model = tiny_model(sharpness=1.5)
    found = fast_search.beam_search(FastDecodingState(model, source), BOS, EOS, [15] * 9, 1)
    assert_same(found, fast_search.greedy(FastDecodingState(model, source), BOS, EOS, [15] * 9))


@torch.inference_mode()
def test_a_model_of_no_numbers_is_said_and_a_beam_below_one_refused() -> None:
    model, source = tiny_model(), pad([[5, 2]], 0)
    with pytest.raises(ValueError, match="beam is 0"):
        fast_search.beam_search(FastDecodingState(model, source), BOS, EOS, [5], 0)
    with torch.no_grad():
        model.table.weight.fill_(math.nan)
    with pytest.raises(ValueError, match="no next token has a probability above 0"):
        fast_search.beam_search(FastDecodingState(model, source), BOS, EOS, [5], 2)
    assert len(fast_search.greedy(FastDecodingState(model, source), BOS, EOS, [5])) == 1  # as the plain one: nonsense, but an answer


# --- the shipped models, text in, text out ---


@pytest.mark.slow
@pytest.mark.parametrize("name", shipped())
@pytest.mark.parametrize(("beam", "length_penalty"), [(1, 1.0), (5, 1.0), (5, 0.6)])
def test_the_shipped_models_translate_the_same_by_both_paths(name: str, beam: int, length_penalty: float) -> None:
    sentences = texts_for(name)[:40] + [
        "",
        "A man",
        "Two dogs run through the grass in front of a house.",
        "a " * 70,
    ]
    translator = Translator.load(find(name))
    fast, plain = (dataclasses.replace(translator, fast=fast).translate(sentences, beam, length_penalty) for fast in (True, False))
    assert fast == plain and fast[40] == "" and all(fast[:40])


def texts_for(name: str) -> list[str]:
    """Sentences of the grammar corpus in the language that a shipped model reads."""
    return [pair.target if name.endswith("de-en") else pair.source for pair in load_grammar("test")]


@torch.inference_mode()
@pytest.mark.parametrize("name", shipped())
@pytest.mark.parametrize(("beam", "length_penalty"), [(1, 1.0), (5, 1.0)])
def test_the_shipped_models_give_the_same_scores_by_both_paths(name: str, beam: int, length_penalty: float) -> None:
    translator = Translator.load(find(name))
    given = translator.check(texts_for(name)[40:52])
    assert_same(*search_both(translator.trained.model, given, [2 * len(ids) + 10 for ids in given], beam, length_penalty))


def test_a_text_is_the_same_in_any_company_and_the_model_stays_as_it_was() -> None:
    translator = tiny_translator(max_length=40)
    sentences = ["the dog bites the man.", "a", "the wolf hears the tailor today.", "", "fish", "the man sees the bird."] * 5
    together = translator.translate(sentences, beam=3, batch_size=7)
    assert together == translator.translate(sentences[:6], beam=3, batch_size=1) * 5


# --- several at once ---


def test_side_by_side_keeps_the_order_and_the_number_of_threads() -> None:
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        seen = list(side_by_side(lambda x: (x, torch.get_num_threads()), [3, 1, 2]))
        assert seen == [(3, 1), (1, 1), (2, 1)] and torch.get_num_threads() == 2
        with ThreadPoolExecutor(1) as later:
            assert later.submit(torch.get_num_threads).result() == 2
        assert list(side_by_side(lambda x: torch.get_num_threads(), [3])) == [2]
        with pytest.raises(ArithmeticError):
            list(side_by_side(_fail, [1, 2, 3]))
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


def _fail(x: int) -> Tensor:
    raise ArithmeticError(x)
