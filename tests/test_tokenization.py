"""The fast tokenizer: text goes in and comes back, same pieces as the readable one, BPE-dropout by pass."""

import random
from pathlib import Path

import numpy as np
import pytest
import tokenizers
from tiny_models import tiny_pairs
from tokenizers import models

from lessons_lib import tokenization
from lessons_lib.tokenization import BOS_ID, EOS_ID, PAD_ID, SPECIAL, UNK_ID, EncodedTexts, SegmentationSampler, Tokenizer, lengths_of

TEXTS = [text for pair in tiny_pairs() for text in pair]
ODD = ["", " ", "🐕‍🦺 bites", "مرحبا"]
ODD += ["a  b", "Straße", "日本語", "\ttab", "line\nline", "<pad> <eos>", "naïve e\u0301", "\x00\x1b", "\u2028"]


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    return Tokenizer.train(TEXTS, 400)


def test_special_ids(tokenizer: Tokenizer) -> None:
    assert [tokenizer.backend.token_to_id(token) for token in SPECIAL] == [PAD_ID, BOS_ID, EOS_ID, UNK_ID] == [0, 1, 2, 3]


@pytest.mark.parametrize("text", [*TEXTS[:6], *(text for text in ODD if not text.startswith(" "))])
def test_text_comes_back_as_it_was(tokenizer: Tokenizer, text: str) -> None:
    ids = tokenizer.encode(text)
    assert all(i >= len(SPECIAL) for i in ids)
    assert tokenizer.decode(ids) == text
    assert "".join(tokenizer.pieces(text)).replace("▁", " ").strip() == text.strip() or not text.isascii()


def test_one_space_at_the_beginning_is_lost(tokenizer: Tokenizer) -> None:
    assert [tokenizer.decode(tokenizer.encode(text)) for text in (" the dog", "  the dog")] == ["the dog", " the dog"]


def test_what_looks_like_a_special_token_is_text(tokenizer: Tokenizer) -> None:
    assert not set(tokenizer.encode("<eos> <pad>")) & {0, 1, 2, 3}


def test_a_word_looks_the_same_first_and_inside(tokenizer: Tokenizer) -> None:
    assert tokenizer.encode("dog bites") == tokenizer.encode("dog") + tokenizer.encode("bites")


def test_same_ids_as_the_librarys_own_encode(tokenizer: Tokenizer) -> None:
    for text in [*TEXTS, "Der Hund, den 3 Männer sahen!", *ODD[:8]]:
        assert tokenizer.encode(text) == tokenizer.backend.encode(text).ids


def test_words_that_are_remembered_change_no_ids(tokenizer: Tokenizer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tokenization, "MOST_KNOWN", 50)
    draw, pieces = random.Random(0), [*"abd's1.,-é字\t\n\u00a0\u2028\u3000\u200d\x00", "🐕", *[" "] * 9, "  ", "'ll", " '", "Der", "dog"]
    texts = ["".join(draw.choices(pieces, k=draw.randrange(12))) for _ in range(3000)]
    assert [tokenizer.encode(text) for text in texts] == [tokenizer.backend.encode(text).ids for text in texts]
    assert 20 < len(tokenizer.known) <= 50


def test_decoding_leaves_special_tokens_out(tokenizer: Tokenizer) -> None:
    assert tokenizer.decode([BOS_ID, *tokenizer.encode("the dog"), EOS_ID, PAD_ID]) == "the dog"
    broken = tokenizer.encode("ß")[:1] if len(tokenizer.encode("ß")) > 1 else []
    assert "\ufffd" in tokenizer.decode([tokenizer.backend.token_to_id("Ã")]) or broken == []


def test_the_readable_encoder_cuts_alike(tokenizer: Tokenizer) -> None:
    split = tokenizer.backend.pre_tokenizer.pre_tokenize_str
    for text in [*TEXTS, *ODD]:
        for word, _ in split(text):
            assert list(tokenizer.readable.segment(word)) == [token.value for token in tokenizer.backend.model.tokenize(word)]


def test_saved_and_loaded_it_is_the_same(tokenizer: Tokenizer, tmp_path: Path) -> None:
    tokenizer.save(tmp_path / "tokenizer.json")
    again = Tokenizer.load(tmp_path / "tokenizer.json")
    assert again.backend.to_str() == tokenizer.backend.to_str()
    assert again.encode_batch(TEXTS) == tokenizer.encode_batch(TEXTS)
    assert again.vocabulary_size == tokenizer.vocabulary_size <= 400


@pytest.mark.parametrize("content", [None, b"", b"{}", b'{"version', b"\xff\xfe", b"[1, 2]"])
def test_a_missing_or_damaged_file_is_named(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "tokenizer.json"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ValueError, match="tokenizer.json"):
        Tokenizer.load(path)


def test_foreign_tokenizers_and_small_vocabularies_are_refused() -> None:
    with pytest.raises(ValueError, match="the first ids of this tokenizer are"):
        Tokenizer(tokenizers.Tokenizer(models.BPE()))
    with pytest.raises(ValueError, match="a vocabulary of 100 is too small: .* need 260"):
        Tokenizer.train(TEXTS, 100)


def test_training_twice_gives_the_same() -> None:
    assert Tokenizer.train(TEXTS, 300).backend.to_str() == Tokenizer.train(TEXTS, 300).backend.to_str()


def test_segmentations_change_from_pass_to_pass_and_repeat(tokenizer: Tokenizer) -> None:
    sampler = SegmentationSampler(tokenizer, TEXTS, dropout=0.3, n_variants=8, seed=1)
    first, second = sampler.encode(0), sampler.encode(1)
    assert first != second
    assert SegmentationSampler(tokenizer, TEXTS, dropout=0.3, n_variants=8, seed=1).encode(1) == second
    assert SegmentationSampler(tokenizer, TEXTS, dropout=0.3, n_variants=8, seed=2).encode(1) != second
    assert [tokenizer.decode(ids) for ids in second] == TEXTS
    assert sum(map(len, second)) > sum(map(len, tokenizer.encode_batch(TEXTS)))


def test_what_dropout_would_make_too_long_is_cut_up_without_it(tokenizer: Tokenizer) -> None:
    whole = tokenizer.encode_batch(TEXTS)
    longest = max(map(len, whole))
    found = SegmentationSampler(tokenizer, TEXTS, dropout=0.9, seed=1, longest=longest).encode(0)
    free = SegmentationSampler(tokenizer, TEXTS, dropout=0.9, seed=1).encode(0)
    assert max(map(len, free)) > longest
    assert found == [ids if len(ids) <= longest else plain for ids, plain in zip(free, whole, strict=True)]


def test_without_dropout_a_pass_is_encode(tokenizer: Tokenizer) -> None:
    assert SegmentationSampler(tokenizer, TEXTS, dropout=0.0).encode(5) == tokenizer.encode_batch(TEXTS)


def test_encoded_texts_are_those_of_encode_in_a_few_bytes(tokenizer: Tokenizer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tokenization, "CHUNK", 7)  # so that a few texts are several chunks
    texts = [*ODD, *TEXTS]
    encoded = EncodedTexts(tokenizer, texts)
    assert list(encoded) == tokenizer.encode_batch(texts) and len(encoded) == len(texts)
    assert encoded[2] == tokenizer.encode(texts[2]) and encoded[-1] == tokenizer.encode(texts[-1])
    assert encoded.encode(0) is encoded.encode(7) is encoded
    assert encoded.lengths.tolist() == [len(tokenizer.encode(text)) for text in texts]
    assert (encoded.ids.dtype, encoded.ids.size) == (np.uint16, encoded.lengths.sum())


def test_of_encoded_texts_some_can_be_taken(tokenizer: Tokenizer) -> None:
    kept = np.arange(len(TEXTS)) % 3 == 1
    some = EncodedTexts(tokenizer, TEXTS).take(kept)
    assert list(some) == tokenizer.encode_batch(TEXTS[1::3]) and some.lengths.tolist() == list(map(len, some))
    assert list(EncodedTexts(tokenizer, [])) == []


def test_lengths_are_those_of_the_rows(tokenizer: Tokenizer) -> None:
    rows = tokenizer.encode_batch(TEXTS)
    assert lengths_of(rows).tolist() == lengths_of(EncodedTexts(tokenizer, TEXTS)).tolist() == list(map(len, rows))
