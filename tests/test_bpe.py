"""The readable BPE against the pencil example and the `tokenizers` library: same merges, same segmentation."""

import json
import random
from collections import Counter

import pytest
import tokenizers
from tokenizers import models, pre_tokenizers, trainers

from lessons_lib.bpe import BytePairEncoder, count_pairs, join
from lessons_lib.corpus import load_grammar

PENCIL = {"der": 4, "den": 3, "Hund": 3, "Hunde": 2}


def library(word_counts: dict[str, int], n_merges: int, min_count: int = 1) -> tuple[tokenizers.Tokenizer, list[tuple[str, str]]]:
    """The merges that `tokenizers` learns on the same words."""
    backend = tokenizers.Tokenizer(models.BPE())
    backend.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    n_letters = len({letter for word in word_counts for letter in word})
    trainer = trainers.BpeTrainer(vocab_size=n_letters + n_merges, min_frequency=min_count, show_progress=False)
    backend.train_from_iterator([word for word, count in word_counts.items() for _ in range(count)], trainer)
    return backend, [tuple(merge) for merge in json.loads(backend.to_str())["model"]["merges"]]


def test_the_pencil_example() -> None:
    encoder = BytePairEncoder.train(PENCIL, 7)
    assert encoder.alphabet == ("H", "d", "e", "n", "r", "u")
    assert ["".join(merge) for merge in encoder.merges] == ["de", "Hu", "Hun", "der", "den", "Hund", "Hunde"]
    words = {tuple(word): count for word, count in PENCIL.items()}
    counts, left = [], []
    for merge in encoder.merges:
        counts.append(count_pairs(words)[merge])
        words = {join(pieces, merge): count for pieces, count in words.items()}
        left.append(sum(len(pieces) * count for pieces, count in words.items()))
    assert counts == [9, 5, 5, 4, 3, 3, 2]
    assert left == [34, 29, 24, 20, 17, 14, 12]


def test_after_six_merges_hunde_is_hun_and_de() -> None:
    encoder = BytePairEncoder.train(PENCIL, 6)
    assert len(encoder.vocabulary) == 12 and "Hund" in encoder.vocabulary
    assert encoder.segment("Hunde") == ("Hun", "de")
    assert encoder.segment("Hunden") == ("Hun", "den")
    assert encoder.segment("Mann") == ("M", "a", "n", "n")
    assert encoder.segment("") == ()


def test_pairs_are_counted_by_words_and_after_each_merge() -> None:
    words = {tuple(word): count for word, count in PENCIL.items()}
    assert count_pairs(words) == Counter(
        {("d", "e"): 9, ("H", "u"): 5, ("u", "n"): 5, ("n", "d"): 5, ("e", "r"): 4, ("e", "n"): 3}
    )  # fmt: skip
    merged = {join(pieces, ("d", "e")): count for pieces, count in words.items()}
    assert count_pairs(merged)[("n", "d")] == 3


def test_joining_goes_from_left_to_right() -> None:
    assert join(("a", "a", "a"), ("a", "a")) == ("aa", "a")
    assert join(("a", "b", "a", "b"), ("a", "b")) == ("ab", "ab")
    assert join(("a",), ("a", "a")) == ("a",)


def test_rare_pairs_are_not_learned() -> None:
    assert [*BytePairEncoder.train(PENCIL, 100, min_count=4).merges] == [("d", "e"), ("H", "u"), ("Hu", "n"), ("de", "r")]
    assert len(BytePairEncoder.train(PENCIL, 100).merges) == 7  # no pair is left


@pytest.mark.parametrize("seed", range(12))
def test_merges_equal_the_librarys_with_many_ties(seed: int) -> None:
    """Words over three letters, so that counts tie at every step and repeated letters overlap."""
    generator = random.Random(seed)
    words = {"".join(generator.choices("abc", k=generator.randint(1, 7))): generator.randint(1, 3) for _ in range(30)}
    backend, merges = library(words, 40)
    ours = BytePairEncoder.train(words, 40)
    assert list(ours.merges) == merges
    for word in words:
        assert list(ours.segment(word)) == [token.value for token in backend.model.tokenize(word)], word


def test_merges_and_segmentation_equal_the_librarys_on_the_grammar_corpus() -> None:
    counts = Counter(word for pair in load_grammar("train")[:800] for text in pair for word in text.split())
    backend, merges = library(counts, 200, min_count=2)
    ours = BytePairEncoder.train(counts, 200, min_count=2)
    assert len(merges) == 200
    assert list(ours.merges) == merges
    unseen = {word for split in ("test", "unseen", "longer") for pair in load_grammar(split) for text in pair for word in text.split()}
    known = [word for word in {*counts, *unseen} if set(word) <= set(ours.alphabet)]
    assert len(known) > 500
    for word in known:
        assert list(ours.segment(word)) == [token.value for token in backend.model.tokenize(word)], word


def test_dropout_leaves_the_word_whole_and_follows_its_probability() -> None:
    encoder, generator = BytePairEncoder.train(PENCIL, 7), random.Random(0)
    drawn = Counter(encoder.segment("der", 0.5, generator) for _ in range(4000))
    assert all("".join(pieces) == "der" for pieces in drawn)
    # d e r stays when "de" is passed over (½); else de+r is joined unless passed over (½)
    assert drawn[("d", "e", "r")] / 4000 == pytest.approx(1 / 2, abs=0.03)
    assert drawn[("de", "r")] / 4000 == pytest.approx(1 / 4, abs=0.03)
    assert encoder.segment("der", 0.0, generator) == ("der",)


def test_dropout_needs_a_generator() -> None:
    with pytest.raises(ValueError, match="generator"):
        BytePairEncoder.train(PENCIL, 7).segment("der", 0.5)
