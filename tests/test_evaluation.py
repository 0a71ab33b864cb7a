"""Scores with the numbers of the pencil examples, signatures, intervals, the paired test."""

import random

import pytest
import sacrebleu
from sacrebleu.metrics import BLEU
from sacrebleu.significance import PairedTest

from lessons_lib.evaluation import METRICS, compare, exact_match, moses_lower, moses_metric, score

REFERENCES = ["der Hund beißt den Mann", "der Mann beißt den Hund"]
HYPOTHESES = ["der Hund beißt den Hund", "der Mann beißt der Hund"]


def corpus(n: int, share_right: float = 0.5, seed: int = 0) -> tuple[list[str], list[str]]:
    """n references of ten words, and hypotheses of which a share is right and the rest has two words wrong."""
    generator = random.Random(seed)
    words = "der die das ein eine Hund Katze Mann Frau Kind sieht hört beißt ruft und auf im am nicht gern".split()
    references = [" ".join(generator.choices(words, k=10)) for _ in range(n)]
    hypotheses = []
    for reference in references:
        split = reference.split()
        if generator.random() >= share_right:
            split[generator.randrange(5)] = split[5 + generator.randrange(5)] = "Baum"
        hypotheses.append(" ".join(split))
    return hypotheses, references


def test_bleu_of_the_pencil_example() -> None:
    """8·5·3·1 / (10·8·6·4) = 1/16, its fourth root ½; with the last wrong word of the first left out 53.4."""
    assert score("bleu", HYPOTHESES, REFERENCES).value == pytest.approx(50.0, abs=1e-6)
    assert score("bleu", [HYPOTHESES[0].removesuffix(" Hund"), HYPOTHESES[1]], REFERENCES).value == pytest.approx(53.4, abs=0.05)


def test_chrf_has_an_interval_even_where_samples_match_nothing() -> None:
    found = score("chrf", ["a b c d e", "x y z"], ["Ein Mann fährt Rad.", "Zwei Hunde."])
    assert 0 <= found.low < found.value < found.high < 5


def test_chrf_of_the_pencil_example() -> None:
    answers = ["den Mann beißt der Hund", "der Mann beißt den Hund", "der Hund beißt der Mann"]
    assert [score("chrf", [answer], REFERENCES[:1]).value for answer in answers] == pytest.approx([76.8, 56.6, 78.7], abs=0.05)


@pytest.mark.parametrize("metric", METRICS)
def test_right_is_a_hundred_and_an_interval_holds_the_value(metric: str) -> None:
    hypotheses, references = corpus(60)
    assert score(metric, references, references).value == pytest.approx(100)
    found = score(metric, hypotheses, references, n_bootstrap=200)
    assert 0 < found.low < found.value < found.high < 100
    assert found.metric == metric


def test_an_interval_stays_on_the_scale() -> None:
    references = ["the dog bites the man ."] * 40
    found = score("bleu", [*references[1:], "the dog bites a man ."], references)
    assert found.low < found.value < found.high == 100


def test_the_interval_shrinks_with_more_sentences() -> None:
    few, many = (score("bleu", *corpus(n), n_bootstrap=300) for n in (40, 640))
    assert 2.5 < (few.high - few.low) / (many.high - many.low) < 7  # √16 = 4


def test_without_bootstrap_there_is_no_interval() -> None:
    found = score("bleu", HYPOTHESES, REFERENCES, n_bootstrap=0)
    assert found.low == found.value == found.high


@pytest.mark.parametrize(
    ("metric", "says"),
    [
        ("bleu", ("nrefs:1", "case:mixed", "tok:13a", "smooth:exp", f"version:{sacrebleu.__version__}", "bs:1000")),
        ("chrf", ("nrefs:1", "nc:6", "nw:0", f"version:{sacrebleu.__version__}")),
        ("bleu-lc-moses-en", ("tok:none", "moses:en", "lc")),
        ("bleu-lc-moses", ("tok:none", "moses:de", "lc", f"version:{sacrebleu.__version__}")),
    ],
)
def test_a_signature_says_what_was_done(metric: str, says: tuple[str, ...]) -> None:
    found = score(metric, HYPOTHESES, REFERENCES).signature
    assert all(part in found for part in says), found


def test_english_is_parted_as_english() -> None:
    assert moses_lower(["The dog's bone."], "en") == ["the dog 's bone ."] != moses_lower(["The dog's bone."])
    assert score("bleu-lc-moses-en", ["THE DOG'S BONE."], ["the dog's bone ."]).value == pytest.approx(100)
    assert moses_metric("en") == "bleu-lc-moses-en" and moses_metric("de") == "bleu-lc-moses"


def test_moses_lower_cases_and_parts_punctuation() -> None:
    assert moses_lower(['Der "Hund", sagt er, beißt & bellt.']) == ['der " hund " , sagt er , beißt & bellt .']
    assert score("bleu-lc-moses", ["DER HUND BEISST DEN MANN."], ["der hund beisst den mann ."]).value == pytest.approx(100)
    assert score("bleu", ["DER HUND BEISST DEN MANN."], ["der Hund beisst den Mann."]).value < 50


def test_bleu_equals_sacrebleus() -> None:
    hypotheses, references = corpus(30)
    assert score("bleu", hypotheses, references).value == pytest.approx(sacrebleu.corpus_bleu(hypotheses, [references]).score)
    assert score("chrf", hypotheses, references).value == pytest.approx(sacrebleu.corpus_chrf(hypotheses, [references]).score)


@pytest.mark.parametrize("metric", METRICS)
def test_identical_systems_do_not_differ(metric: str) -> None:
    hypotheses, references = corpus(30)
    found = compare(metric, hypotheses, hypotheses, references, n_samples=100)
    assert found.difference == 0 and found.p_value > 0.9


def test_a_clearly_better_system_is_told_apart_and_the_sign_says_which() -> None:
    worse, references = corpus(120, 0.2)
    better = [reference if i % 4 else hypothesis for i, (hypothesis, reference) in enumerate(zip(worse, references, strict=True))]
    found = compare("bleu", worse, better, references, n_samples=200)
    assert found.difference > 10 and found.p_value < 0.02
    back = compare("bleu", better, worse, references, n_samples=200)
    assert back.difference == pytest.approx(-found.difference)


def shuffled_systems(seed: int, n: int = 80) -> tuple[list[str], list[str], list[str]]:
    """Two systems that differ by chance alone: of two translations of each sentence each has drawn one."""
    one, references = corpus(n, 0.5, seed)
    generator = random.Random(seed)
    other = [h if generator.random() < 0.5 else r for h, r in zip(one, references, strict=True)]
    drawn = [(a, b) if generator.random() < 0.5 else (b, a) for a, b in zip(one, other, strict=True)]
    return [a for a, _ in drawn], [b for _, b in drawn], references


def test_where_there_is_no_difference_small_p_values_are_as_rare_as_they_say() -> None:
    found = [compare("bleu", *shuffled_systems(seed), n_samples=200).p_value for seed in range(120)]
    assert sum(p < 0.05 for p in found) <= 12 and 35 <= sum(p < 0.5 for p in found) <= 85


def test_the_p_value_is_near_that_of_sacrebleus_randomisation() -> None:
    worse, references = corpus(100, 0.45, seed=1)
    better, _ = corpus(100, 0.6, seed=1)
    systems = [("worse", worse), ("better", better)]
    swapped = PairedTest(systems, {"bleu": BLEU()}, [references], test_type="ar", n_samples=2000)()[1]["BLEU"][1].p_value
    assert compare("bleu", worse, better, references, n_samples=2000).p_value == pytest.approx(swapped, abs=0.04)


def test_one_changed_sentence_is_no_difference() -> None:
    hypotheses, references = corpus(60)
    changed = [*hypotheses[:-1], "Baum Baum Baum"]
    assert compare("bleu", hypotheses, changed, references, n_samples=200).p_value > 0.1


@pytest.mark.parametrize("n", [1, 3])
def test_sentences_that_are_all_alike_prove_nothing(n: int) -> None:
    found = compare("bleu", ["the cat"] * n, ["the dog sleeps here now"] * n, ["the dog sleeps here today"] * n)
    assert found.difference > 10 and found.p_value == 1


def test_exact_match_is_per_cent() -> None:
    assert exact_match(["a", "b", "c", "d"], ["a", "x", "c", "D"]) == 50


def test_wrong_numbers_of_sentences_and_unknown_metrics_are_named() -> None:
    with pytest.raises(ValueError, match="1 hypotheses and 2 references"):
        score("bleu", ["a"], ["a", "b"])
    with pytest.raises(ValueError, match="0 hypotheses and 0 references"):
        exact_match([], [])
    with pytest.raises(ValueError, match="1 hypotheses and 2 references"):
        compare("bleu", ["a", "b"], ["a"], ["a", "b"])
    with pytest.raises(ValueError, match="no metric 'meteor': use bleu, chrf, bleu-lc-moses"):
        score("meteor", ["a"], ["a"])
