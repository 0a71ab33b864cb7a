"""How good is a translation: BLEU and chrF with their signatures, intervals, and the paired test between two systems."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, partial

import numpy as np
from sacrebleu.metrics import BLEU, CHRF

MOSES = {"bleu-lc-moses": "de", "bleu-lc-moses-en": "en"}
"""The metrics on Moses' tokens: how a text is parted depends on its language."""
SEED = 12345
"""Of the samples that `compare` draws; sacreBLEU's own."""
METRICS = ("bleu", "chrf", *MOSES)


@dataclass(frozen=True)
class Score:
    """A corpus score.

    Attributes:
        metric: one of `METRICS`.
        value: 0 to 100.
        low, high: 95 % interval from 1,000 bootstrap samples of sentences.
        signature: what was done to the texts, so that the number can be repeated.
    """

    metric: str
    value: float
    low: float
    high: float
    signature: str


@dataclass(frozen=True)
class Comparison:
    """Two systems on the same sentences (Koehn 2004, paired bootstrap).

    Attributes:
        metric: one of `METRICS`.
        difference: second minus first.
        p_value: how often the choice of sentences alone would make so large a difference between equal systems.
    """

    metric: str
    difference: float
    p_value: float


def score(metric: str, hypotheses: Sequence[str], references: Sequence[str], n_bootstrap: int = 1000) -> Score:
    """The corpus score of hypotheses against one reference each.

    Args:
        metric: `bleu`, cased and detokenised as sacreBLEU's default (Post 2018); `chrf` (Popović 2015), with
            sacreBLEU's β = 2: chrF2; `bleu-lc-moses`, lower-cased and Moses-tokenised for German, the metric of the literature on
            Multi30k; `bleu-lc-moses-en`, the same for English.
        hypotheses, references: as many of each, at least one.
        n_bootstrap: samples for the interval; below 2 there is none, and `low` and `high` are the value.

    Raises:
        ValueError: if the metric is unknown, or the numbers of sentences differ or are 0.
    """
    _demand_same_length(hypotheses, references)
    scorer, prepare = _scorer(metric)
    result = scorer.corpus_score(prepare(hypotheses), [prepare(references)], n_bootstrap=n_bootstrap if n_bootstrap > 1 else 1)
    half = float(getattr(result, "_ci", 0.0) or 0.0) if n_bootstrap > 1 else 0.0
    middle = float(getattr(result, "_mean", result.score)) if half else float(result.score)
    low, high = max(middle - half, 0.0), min(middle + half, 100.0)
    signature = scorer.get_signature().format(short=False)
    return Score(metric, float(result.score), low, high, signature + (f"|moses:{MOSES[metric]}|lc" if metric in MOSES else ""))


def compare(metric: str, first: Sequence[str], second: Sequence[str], references: Sequence[str], n_samples: int = 1000) -> Comparison:
    """Whether the second system scores differently from the first beyond the chance of which sentences were asked: a paired bootstrap
    (Koehn 2004), two-sided, of differences moved to a mean of 0.

    Not by sacreBLEU's `PairedTest`: its bootstrap, as the Moses script that it follows, moves the differences' sizes instead of the
    differences, and finds one without cause far more often than its p-value says.

    Raises:
        ValueError: as `score`.
    """
    _demand_same_length(first, references)
    _demand_same_length(second, references)
    scorer, prepare = _scorer(metric)
    wanted = [list(prepare(references))]
    counted = [np.asarray(scorer._extract_corpus_statistics(list(prepare(system)), wanted)) for system in (first, second)]
    rows = np.random.default_rng(SEED).integers(len(references), size=(n_samples, len(references)))
    everything = np.arange(len(references))

    def difference(chosen: np.ndarray) -> float:
        before, after = (scorer._compute_score_from_stats(counts[chosen].sum(axis=0).tolist()).score for counts in counted)
        return float(after - before)

    found, drawn = difference(everything), np.array([difference(chosen) for chosen in rows])
    if np.ptp(drawn) < 1e-9:  # one sentence, or all alike: samples without spread know nothing of chance
        return Comparison(metric, found, 1.0)
    as_far = int((np.abs(drawn - drawn.mean()) >= abs(found)).sum())
    return Comparison(metric, found, (as_far + 1) / (n_samples + 1))


def exact_match(hypotheses: Sequence[str], references: Sequence[str]) -> float:
    """Per cent of hypotheses equal to their reference.

    Raises:
        ValueError: if the numbers of sentences differ or are 0.
    """
    _demand_same_length(hypotheses, references)
    return 100 * sum(h == r for h, r in zip(hypotheses, references, strict=True)) / len(references)


def _demand_same_length(hypotheses: Sequence[str], references: Sequence[str]) -> None:
    if len(hypotheses) != len(references) or not references:
        raise ValueError(f"{len(hypotheses)} hypotheses and {len(references)} references: there must be as many of each, at least one")


def _scorer(metric: str):  # noqa: ANN202 (a scorer of sacrebleu and a function on texts)
    if metric == "bleu":
        return BLEU(), list
    if metric == "chrf":
        return _Chrf(), list
    if metric in MOSES:
        return BLEU(tokenize="none", force=True), partial(moses_lower, language=MOSES[metric])
    raise ValueError(f"there is no metric {metric!r}: use {', '.join(METRICS)}")


class _Chrf(CHRF):
    """sacreBLEU's chrF; its own bootstrap stops with a TypeError where one sample matches nothing (a float among numpy's)."""

    def _compute_f_score(self, statistics: list[int]) -> float:
        return float(super()._compute_f_score(statistics))


def moses_metric(language: str) -> str:
    """The metric of `MOSES` for texts in this language, `de` or `en`."""
    return next(metric for metric, known in MOSES.items() if known == language)


def moses_lower(texts: Sequence[str], language: str = "de") -> list[str]:
    """Texts in lower case with Moses' tokens for this language parted by spaces."""
    tokenize = _moses(language).tokenize
    return [tokenize(text.lower(), return_str=True, escape=False) for text in texts]


@cache
def _moses(language: str):  # noqa: ANN202
    from sacremoses import MosesTokenizer  # its tables take a moment, and most scores do without

    return MosesTokenizer(lang=language)
