"""What the decoder looked at: recorded by hooks, put together by words, drawn with the strongest of each row named."""

import pytest
import torch

from lessons_lib.attention import MultiHeadAttention, recorded_weights
from lessons_lib.casing import Casing
from lessons_lib.checkpoints import TrainedModel
from lessons_lib.config import ModelConfig
from lessons_lib.figures import alignment as pictures
from lessons_lib.models import EncoderDecoder
from lessons_lib.tokenization import Tokenizer
from lessons_lib.translation import Alignment, SentenceError, Translator, words_of

SENTENCES = ["The dog bites the man.", "Der Hund beißt den Mann.", "Die Männer hören die Hunde."] * 3


@pytest.fixture(scope="module")
def translator() -> Translator:
    tokenizer = Tokenizer.train(SENTENCES, 300)
    torch.manual_seed(0)
    config = ModelConfig(tokenizer.vocabulary_size, d_model=16, n_heads=2, d_ff=16, n_encoder_layers=1, n_decoder_layers=2, max_length=64)
    return Translator(TrainedModel(EncoderDecoder(config).eval(), tokenizer, Casing()))


def test_recorded_weights_are_those_that_attention_returns_and_the_hooks_go_away() -> None:
    attention = MultiHeadAttention(8, 2)
    x = torch.randn(1, 3, 8)
    _, weights = attention(x)
    with recorded_weights(torch.nn.Sequential(attention)) as recorded:
        attention(x)
    torch.testing.assert_close(recorded["0"], weights)
    recorded.clear()
    attention(x)
    assert not recorded


def test_words_are_put_together_from_their_pieces_and_punctuation_stands_alone() -> None:
    tokenizer = Tokenizer.train(SENTENCES, 262)  # hardly any merges, so that every word is in pieces
    words, number = words_of(tokenizer, tokenizer.encode("Die Männer hören."))
    assert words == ("Die", "Männer", "hören", ".")
    assert number.tolist() == sorted(number.tolist()) and len(number) > len(words)


def test_what_stands_between_marks_are_words_of_their_own() -> None:
    for n in (262, 300):
        tokenizer = Tokenizer.train([*SENTENCES, "a t-shirt"], n)
        assert words_of(tokenizer, tokenizer.encode("the t-shirt"))[0] == ("the", "t", "-", "shirt")
        assert words_of(tokenizer, tokenizer.encode("the (shirt) ."))[0] == ("the", "(", "shirt", ")", ".")


def test_a_model_that_writes_nothing_has_no_alignment(translator: Translator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(translator, "_decode", lambda *_: [[]])
    with pytest.raises(SentenceError, match="writes nothing"):
        translator.align("The dog bites the man.")


def test_each_written_word_has_a_share_for_each_read_word(translator: Translator) -> None:
    found = translator.align("The dog bites the man.", beam=1)
    assert found.source == ("The", "dog", "bites", "the", "man", ".")
    assert found.weights.shape == (len(found.target), len(found.source))
    sums = found.weights.sum(dim=1)
    assert (sums > 0).all() and (sums < 1).all(), "the rest of each row went to the end of the sentence"


def test_each_word_is_beside_the_one_it_translates() -> None:
    found = Translator.load("grammar-en-de").align("The dog bites the man.")
    strongest = {word: found.source[int(row.argmax())] for word, row in zip(found.target, found.weights, strict=True)}
    assert {word: strongest[word] for word in ("Hund", "beißt", "Mann")} == {"Hund": "dog", "beißt": "bites", "Mann": "man"}


def test_an_empty_sentence_has_no_alignment(translator: Translator) -> None:
    with pytest.raises(SentenceError, match="nothing to read"):
        translator.align("  ")


def test_the_picture_names_the_strongest_of_each_row() -> None:
    found = Alignment(("the", "dog"), ("Der", "Hund"), torch.tensor([[0.6, 0.2], [0.1, 0.7]]))
    figure, alt = pictures.draw(found)
    assert "Der at the, Hund at dog" in alt
    assert [text.get_text() for text in figure.axes[0].texts] == ["0.60", "0.70"]
