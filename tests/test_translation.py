"""Text in, text out: whatever is typed gets an answer or a reason."""

import dataclasses

import pytest
import torch
from tiny_models import tiny_translator

from lessons_lib import translation
from lessons_lib.casing import Casing
from lessons_lib.tokenization import EOS_ID, UNK_ID
from lessons_lib.translation import SentenceError, Translator, plain

ODD = {
    "one token": "dog",
    "one letter": "a",
    "unknown symbols": "∮∯ ♅ ꙮ",
    "emoji": "🐕‍🦺 👨🏽‍🌾",
    "right to left": "הכלב נושך",
    "bidirectional marks": "\u202eabc\u202c \u200f\u200e",
    "Chinese": "狗咬人。",
    "control characters": "the\x00 dog\x1b[31m\x07\x7f\x9b",
    "line separators": "the\u2028dog\u2029\x85\x0b\x0c",
    "combining": "e\u0301\u0301\u0301",
    "lone surrogate": "dog \ud800",
    "what looks special": "<eos> <pad>",
    "beyond the first plane": "\U0010ffff",
}


@pytest.fixture(scope="module")
def translator() -> Translator:
    return tiny_translator(max_length=40)


@pytest.mark.parametrize("beam", [1, 3])
def test_odd_sentences_are_answered(translator: Translator, beam: int) -> None:
    answers = translator.translate(list(ODD.values()), beam=beam)
    assert len(answers) == len(ODD) and all(isinstance(answer, str) for answer in answers)


@pytest.mark.parametrize("name", ODD)
def test_an_odd_sentence_is_read_as_real_tokens(translator: Translator, name: str) -> None:
    ids = translator.ids(ODD[name])
    assert ids and min(ids) > UNK_ID


def test_nothing_to_read_gives_nothing(translator: Translator) -> None:
    assert translator.translate(["", "  ", "\x00\x1b", "\u2028\t"], beam=2) == [""] * 4
    assert translator.translate([]) == []


def test_a_sentence_of_a_thousand_words_is_refused_with_its_number_and_limit(translator: Translator) -> None:
    with pytest.raises(SentenceError, match=r"tokens, but this model reads at most 39: divide it") as caught:
        translator.translate(["the dog", " ".join(["dog"] * 1000), "the man"])
    assert caught.value.index == 1


def test_the_longest_sentence_that_fits(translator: Translator) -> None:
    longest = "x" * 39  # a byte a token; the leading space is one with the first
    while len(translator.ids(longest)) > 39:
        longest = longest[:-1]
    assert len(translator.ids(longest)) == 39
    assert len(translator.translate([longest], beam=2)) == 1


@pytest.mark.parametrize("beam", [1, 3])
def test_a_sentence_alone_gets_the_answer_it_gets_in_company(translator: Translator, beam: int) -> None:
    sentences = ["the dog bites the man.", "a", "the wolf hears the tailor today.", "", "fish", "the man sees the bird."]
    together = translator.translate(sentences, beam=beam, batch_size=4)
    assert together == [translator.translate([sentence], beam=beam)[0] for sentence in sentences]
    assert together[3] == "" and len(set(together)) > 2
    shuffled = [sentences[i] for i in (4, 2, 0, 5, 1, 3)]
    assert translator.translate(shuffled, beam=beam, batch_size=3) == [together[i] for i in (4, 2, 0, 5, 1, 3)]


def test_progress_counts_every_sentence_once(translator: Translator) -> None:
    counts: list[int] = []
    translator.translate(["dog", "", "man", "fish"], beam=1, batch_size=2, on_progress=counts.append)
    assert sum(counts) == 4 and len(counts) == 3


def test_one_text_instead_of_a_list_is_refused_and_not_taken_letter_by_letter(translator: Translator) -> None:
    with pytest.raises(ValueError, match=r"give a list, such as translate\(\['the dog'\]\)"):
        translator.translate("the dog")


def test_a_beam_or_a_batch_below_one_is_refused(translator: Translator) -> None:
    with pytest.raises(ValueError, match="beam is 0"):
        translator.translate(["dog"], beam=0)
    for size in (0, -1):
        with pytest.raises(ValueError, match=f"batch_size is {size}: it must be a whole number above 0, or None"):
            translator.translate(["dog"], batch_size=size)


@pytest.mark.parametrize(("asked", "wanted"), [({}, 1.4), ({"length_penalty": 0.0}, 0.0)])
def test_a_model_translates_with_its_own_length_penalty_unless_another_is_asked_for(
    asked: dict[str, float], wanted: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    searched: list[float] = []
    search = translation.fast_search.beam_search
    monkeypatch.setattr(translation.fast_search, "beam_search", lambda *given: (searched.append(given[5]), search(*given))[1])
    translator = tiny_translator()
    own = dataclasses.replace(translator, trained=dataclasses.replace(translator.trained, length_penalty=1.4))
    own.translate(["the dog"], beam=2, **asked)
    assert searched == [wanted]


def test_control_characters_and_white_space_are_made_plain() -> None:
    assert plain("  the\tdog\u2028bites\x00\x1b \xa0 e\u0301\n") == "the dog bites é"
    assert plain("a\ud800b\udfffc") == "abc"


def test_translating_learns_nothing(translator: Translator) -> None:
    before = {name: tensor.clone() for name, tensor in translator.trained.model.state_dict().items()}
    translator.translate(["the dog"], beam=2)
    assert all(torch.equal(tensor, before[name]) for name, tensor in translator.trained.model.state_dict().items())


def test_casing_is_applied_on_both_sides() -> None:
    casing = Casing(lower_source=True, lower_first=("Der",))
    cased, uncased = tiny_translator(casing=casing), tiny_translator()
    assert cased.ids("The Dog") == uncased.ids("the dog") != uncased.ids("The Dog")
    plainly = uncased.translate(["the dog"], beam=1)[0]
    assert cased.translate(["The Dog"], beam=1)[0] == plainly[:1].upper() + plainly[1:]


def test_the_first_letter_is_made_a_capital_whatever_stands_before_it() -> None:
    translator = tiny_translator(casing=Casing(lower_first=("Der",)))
    for before in ("", " ", "\t", "\u2028", "\x00"):
        assert translator.text(translator.trained.tokenizer.encode(f"{before}der Hund")) == "Der Hund"


@pytest.mark.parametrize(("fast", "state"), [(True, "FastDecodingState"), (False, "DecodingState")])
def test_the_model_reads_an_end_of_sentence_by_the_path_that_is_chosen(fast: bool, state: str, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[torch.Tensor] = []
    kind = getattr(translation, state)
    monkeypatch.setattr(translation, state, lambda model, source: (read.append(source), kind(model, source))[1])
    translator = dataclasses.replace(tiny_translator(), fast=fast)
    translator.translate(["the dog"], beam=1)
    assert [source.tolist() for source in read] == [[[*translator.ids("the dog"), EOS_ID]]]
