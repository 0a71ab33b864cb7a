"""The shipped grammar corpus: made again byte for byte, splits apart, unseen combinations unseen, every word spelled."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from lessons_lib.corpus import load_grammar
from lessons_lib.grammar import DEFAULT_SEED, GrammarPair, english_forms, generate, german, splits
from lessons_lib.grammar.__main__ import main
from lessons_lib.grammar.lexicon import load_lexicon
from lessons_lib.grammar.sampling import Sampler
from lessons_lib.grammar.structures import NounPhrase, Sentence
from lessons_lib.grammar.writing import as_bytes, write_corpus
from lessons_lib.runtime import data_dir

FOLDER = data_dir() / "grammar"
ROWS = {"train": 20_000, "validation": 1_000, "test": 1_000, "unseen": 500, "longer": 200, "mirrored": 200}
DETERMINERS = "the|an?|this|these|my|his|her|our|their|two|three"
UNKNOWN_TO_HUNSPELL = {
    "einschläft": "hunspell-de-de lacks this joined form; ablaut and Duden have it (einschlafen: schläft ein, einschläft)",
    "gelächelt": "hunspell-de-de lacks the participle; ablaut and Duden have it (lächeln: hat gelächelt)",
}


@pytest.fixture(scope="module")
def corpus() -> dict[str, list[GrammarPair]]:
    return {name: [GrammarPair(*pair) for pair in load_grammar(name)] for name in ROWS}


@pytest.fixture(scope="module")
def drawn() -> dict[str, list[Sentence]]:
    return splits.draw(DEFAULT_SEED)


@pytest.fixture(scope="module")
def train_lemmas(drawn: dict[str, list[Sentence]]) -> Counter[str]:
    return Counter(lemma for sentence in drawn["train"] for lemma in sentence.lemmas())


def words(text: str) -> list[str]:
    return re.findall(r"\w+", text)


def test_rows_and_manifest(corpus: dict[str, list[GrammarPair]]) -> None:
    """The counts of the promise; `load_grammar` has compared each file with its hash."""
    manifest = json.loads((FOLDER / "manifest.json").read_text(encoding="utf-8"))
    assert {name: len(pairs) for name, pairs in corpus.items()} == ROWS
    assert {name.removesuffix(".jsonl"): entry["rows"] for name, entry in manifest["files"].items()} == ROWS
    assert manifest["seed"] == DEFAULT_SEED


def test_made_again_with_the_same_bytes(drawn: dict[str, list[Sentence]]) -> None:
    for name, sentences in drawn.items():
        assert as_bytes([splits.say(made) for made in sentences]) == (FOLDER / f"{name}.jsonl").read_bytes(), name


def test_neither_the_hash_seed_nor_the_process_matters(tmp_path: Path) -> None:
    """The first sentences of two processes with different hash seeds are the same; another seed gives others."""
    code = (
        "import sys; from lessons_lib.grammar import splits;"
        "splits.ROWS = dict(train=150, validation=5, test=5, unseen=5, longer=3, mirrored=6);"
        "sys.stdout.buffer.write(repr(splits.generate(int(sys.argv[1]))).encode())"
    )
    root = str(Path(__file__).parents[1])
    said = []
    for seed, hashing in (("3", "1"), ("3", "2"), ("4", "1")):
        environment = {**os.environ, "PYTHONHASHSEED": hashing, "PYTHONPATH": root}
        said.append(subprocess.run([sys.executable, "-c", code, seed], env=environment, capture_output=True, check=True).stdout)
    assert said[0] == said[1] != said[2]


def test_no_sentence_twice_on_either_side(corpus: dict[str, list[GrammarPair]]) -> None:
    """Splits are disjoint, and translation is a function both ways."""
    everything = [pair for pairs in corpus.values() for pair in pairs]
    assert len({pair.source for pair in everything}) == len({pair.target for pair in everything}) == len(everything) == sum(ROWS.values())


def test_sentences_look_like_sentences(corpus: dict[str, list[GrammarPair]]) -> None:
    shape = re.compile(r"[A-ZÄÖÜ][\w]*(,? [\wäöüß]+)*[.?]")
    for pairs in corpus.values():
        for pair in pairs:
            assert shape.fullmatch(pair.source) and shape.fullmatch(pair.target), pair
            assert pair.source[-1] == pair.target[-1]


def test_lengths(corpus: dict[str, list[GrammarPair]]) -> None:
    longest = {name: max(max(len(side.split()) for side in pair) for pair in pairs) for name, pairs in corpus.items()}
    assert all(longest[name] <= 14 for name in ROWS if name != "longer")
    assert min(min(len(side.split()) for side in pair) for pair in corpus["longer"]) > longest["train"]
    mean = sum(len(pair.source.split()) for pair in corpus["train"]) / ROWS["train"]
    assert 7 <= mean <= 9


def test_lemmas_occur_often(train_lemmas: Counter[str]) -> None:
    lemmas = load_lexicon().lemmas()
    assert len(lemmas) >= 250
    assert set(train_lemmas) == lemmas
    assert {lemma: count for lemma, count in train_lemmas.items() if count < 70} == {}


def test_word_forms_are_few(corpus: dict[str, list[GrammarPair]]) -> None:
    """Inside sentences, where a capital belongs to the word."""
    forms = Counter(word for pair in corpus["train"] for word in words(pair.target)[1:])
    assert len(forms) < 1_050


def test_unseen_combinations_are_unseen_and_their_parts_are_not(drawn: dict[str, list[Sentence]], train_lemmas: Counter[str]) -> None:
    withheld = splits.held_out(Sampler(load_lexicon(), DEFAULT_SEED))
    assert Counter(kind for kind, _, _ in withheld) == {"subject": 90, "object": 90, "adjective": 90}
    for name, sentences in drawn.items():
        for sentence in sentences:
            assert bool(sentence.combinations() & withheld) == (name == "unseen"), splits.say(sentence)
    seen = {kind for sentence in drawn["unseen"] for kind, _, _ in sentence.combinations() & withheld}
    assert seen == {"subject", "object", "adjective"}
    lemma = {noun.en: noun.de for noun in load_lexicon().nouns} | {adjective.en: adjective.de for adjective in load_lexicon().adjectives}
    for kind, first, noun in withheld:
        partner = lemma[first] if kind == "adjective" else first.rpartition(" ")[2]
        assert min(train_lemmas[partner], train_lemmas[lemma[noun]]) >= 50, (kind, first, noun)


def test_unseen_adjectives_by_the_text_alone(corpus: dict[str, list[GrammarPair]]) -> None:
    """Independent of the structures: no English sentence of training has a withheld adjective before its noun."""
    plurals = {noun.en: noun.en_plural for noun in load_lexicon().nouns}
    text = "\n".join(pair.source.lower() for name in ("train", "validation", "test") for pair in corpus[name])
    bigrams = set(zip(text.split(), text.replace(".", "").replace(",", "").replace("?", "").split()[1:], strict=False))
    withheld = [found for found in splits.held_out(Sampler(load_lexicon(), DEFAULT_SEED)) if found[0] == "adjective"]
    for _, adjective, noun in withheld:
        for form in (noun, plurals[noun]):
            assert (adjective, form.split()[0]) not in bigrams, (adjective, form)


def test_unseen_objects_by_the_text_alone(corpus: dict[str, list[GrammarPair]]) -> None:
    """Independent of the structures: no English sentence of training has a withheld noun behind its verb, where one entry has that verb."""
    verbs = {f"{verb.en} {verb.lemma}": verb for verb in load_lexicon().verbs}
    shared = Counter(verb.en for verb in verbs.values())
    plurals = {noun.en: noun.en_plural for noun in load_lexicon().nouns}
    text = "\n".join(pair.source for name in ("train", "validation", "test") for pair in corpus[name])
    checked = 0
    for kind, name, noun in splits.held_out(Sampler(load_lexicon(), DEFAULT_SEED)):
        verb = verbs.get(name)
        if kind != "object" or shared[verb.en] > 1 or len(verb.slots) > 1:
            continue
        forms = "|".join((verb.en, english_forms.third_person(verb.en), verb.en_participle))
        behind = (
            rf" (?:{forms}){' ' + verb.en_particle if verb.en_particle else ''} (?:{DETERMINERS}) (?:\w+ )?(?:{noun}|{plurals[noun]})[ .,?]"
        )
        assert not re.search(behind, text), (name, noun)
        checked += 1
    assert checked > 30


def test_mirrors(corpus: dict[str, list[GrammarPair]], drawn: dict[str, list[Sentence]]) -> None:
    """Subject and object change places and in German their cases; neither is in training."""
    pairs = corpus["mirrored"]
    assert pairs[0] == ("The dog bites the man.", "Der Hund beißt den Mann.")
    assert pairs[1] == ("The man bites the dog.", "Der Mann beißt den Hund.")
    training = {pair.source for pair in corpus["train"]}
    for (first, other), (one, two) in zip(zip(pairs[::2], pairs[1::2], strict=True), _in_twos(drawn["mirrored"]), strict=True):
        assert not {first.source, other.source} & training
        assert one.main.subject == two.main.arguments[0].phrase and one.main.arguments[0].phrase == two.main.subject
        assert isinstance(one.main.subject, NounPhrase) and isinstance(two.main.subject, NounPhrase)
        subjects = [(one.main.subject, other), (two.main.subject, first)]
        assert any(german.phrase(subject, "nom") not in _uncapitalised(pair.target) for subject, pair in subjects), "no case shows"


def _uncapitalised(text: str) -> str:
    return text[0].lower() + text[1:]


def _in_twos(items: list[Sentence]) -> list[tuple[Sentence, Sentence]]:
    return list(zip(items[::2], items[1::2], strict=True))


def test_every_german_word_is_in_a_spelling_list(corpus: dict[str, list[GrammarPair]]) -> None:
    if not shutil.which("hunspell"):
        pytest.skip("hunspell is not installed (Debian: hunspell, hunspell-de-de)")
    forms = sorted({word for pairs in corpus.values() for pair in pairs for word in words(pair.target)})
    run = subprocess.run(
        ["hunspell", "-i", "utf-8", "-d", "de_DE", "-l"], input="\n".join(forms), capture_output=True, text=True, encoding="utf-8"
    )
    if run.returncode:
        pytest.skip(f"hunspell has no German dictionary de_DE: {run.stderr.strip()[:80]}")
    assert set(run.stdout.split()) <= set(UNKNOWN_TO_HUNSPELL)


def test_command_writes_what_generate_gives(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(splits, "ROWS", {"train": 120, "validation": 5, "test": 5, "unseen": 4, "longer": 2, "mirrored": 4})
    assert main([str(tmp_path / "new" / "corpus"), "--seed", "5"]) == 0
    written = {path.name for path in (tmp_path / "new" / "corpus").iterdir()}
    assert written == {f"{name}.jsonl" for name in ROWS} | {"manifest.json"}
    assert (tmp_path / "new" / "corpus" / "test.jsonl").read_bytes() == as_bytes(generate(5)["test"])
    assert "train.jsonl: 120 pairs" in capsys.readouterr().out


def test_command_says_what_is_wrong(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(splits, "ROWS", {"train": 20, "validation": 1, "test": 1, "unseen": 1, "longer": 1, "mirrored": 2})
    (tmp_path / "file").write_text("in the way", encoding="utf-8")
    assert main([str(tmp_path / "file")]) == 2
    assert "name a folder" in capsys.readouterr().err


def test_a_failed_write_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pair = GrammarPair("He sleeps.", "Er schläft.")
    write_corpus(tmp_path, {"test": [pair]}, 1)
    before = (tmp_path / "test.jsonl").read_bytes()
    monkeypatch.setattr("os.replace", _no_space)
    with pytest.raises(OSError, match="No space"):
        write_corpus(tmp_path, {"test": [pair, pair]}, 2)
    assert (tmp_path / "test.jsonl").read_bytes() == before
    assert {path.name for path in tmp_path.iterdir()} == {"test.jsonl", "manifest.json"}


def _no_space(*_: object) -> None:
    raise OSError(28, "No space left on device")
