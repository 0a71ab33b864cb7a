"""The tables that people read: at most 100 columns, the ratio to the system that one compares with."""

import textwrap

from lessons_lib.bench import decoding_systems, learning, training_systems
from lessons_lib.bench.ceiling import operations
from lessons_lib.bench.contest import Result
from lessons_lib.bench.material import Material
from lessons_lib.bench.rows import Occasion, speed, value
from lessons_lib.bench.training_systems import describe, precision

COLUMNS = 100
COMPARED_WITH = "textbook"
AGREE = 0.02
"""Losses on the first batch that differ by more are those of different models; bf16 explains less."""


def heading(occasion: Occasion) -> str:
    """Where and when, two lines, more where they are long."""
    return _wrapped([f"{occasion.study} · {occasion.data}", f"{occasion.hardware}, torch {occasion.torch}, {occasion.date}"])


def _wrapped(sentences: list[str]) -> str:
    return "\n".join(textwrap.fill(sentence, COLUMNS, subsequent_indent="  ") for sentence in sentences if sentence)


def training_table(occasion: Occasion, results: list[Result], material: Material, processes: int) -> str:
    """Tokens a second of each system, its ratio to the textbook's, its share of the machine's ceiling, its memory."""
    ceiling, *systems = results
    peaks = {name: value(ceiling, name).median for name in ("fp32", "bf16") if name in ceiling.turns[0].values}
    base = next((speed(result).median for result in systems if result.name == COMPARED_WITH), None)
    lines = [f"{'system':18}{'':38}{'tokens/s':>9}{'spread':>8}{'× textbook':>12}{'ceiling':>8}{'MB':>7}"]
    for result in systems:
        found = speed(result)
        ratio = f"{found.median / base:.2f}" if base else "–"
        share = found.median * _work_a_token(material) / 1e9 / peaks[_precision_of(result.name)]
        lines.append(
            f"{result.name:18}{describe(result.name, processes):38}{found.median:>9,.0f}{found.spread:>8.0%}{ratio:>12}{share:>8.0%}"
            f"{result.memory / 1e6:>7,.0f}"
        )
    at_best = ", ".join(f"{number:,.0f} GFLOP/s in {name}" for name, number in peaks.items())
    notes = [
        f"Median of {len(systems[0].turns)} turns; spread: (largest − smallest) / median. Tokens: source and target, no padding.",
        f"Ceiling: the model's own matrix products alone, {at_best}.",
        agreement(systems),
    ]
    return "\n".join([heading(occasion), "", *lines, "", _wrapped(notes)])


def _precision_of(name: str) -> str:
    return "fp32" if name in training_systems.PEERS or name == "plain" else precision()


def _work_a_token(material: Material) -> float:
    """Multiplications and additions for a token of the mean pair."""
    source, target = (sum(map(len, side)) + len(side) for side in (material.sources, material.targets))
    a_source, a_target = operations(material.model)
    return (source * a_source + target * a_target) / (source + target)


def agreement(systems: list[Result]) -> str:
    """Whether all that began with the same weights computed the same loss before their first step."""
    losses = {result.name: result.facts["first loss"] for result in systems if "first loss" in result.facts}
    if len(losses) < 2:
        return ""
    apart = max(losses.values()) - min(losses.values())
    if apart > AGREE:
        told = ", ".join(f"{name} {loss:.3f}" for name, loss in losses.items())
        return f"BEWARE: the same weights give different losses, so these are not the same model: {told}."
    others = [result.name for result in systems if result.name not in losses]
    but = f" (not so {', '.join(others)})" if others else ""
    return f"All begin with the same weights{but}: loss {min(losses.values()):.3f} on the first batch, at most {apart:.4f} apart."


def learning_table(occasion: Occasion, results: list[Result], processes: int) -> str:
    """What each system has learned in the same time."""
    lines = [f"{'system':18}{'':38}{'minutes':>8}{'tokens/s':>10}{'loss':>8}{'BLEU':>7}"]
    for result in results:
        (turn,) = result.turns
        lines.append(
            f"{result.name:18}{describe(result.name, processes):38}{turn.seconds / 60:>8.1f}{turn.tokens / turn.seconds:>10,.0f}"
            f"{turn.values['loss']:>8.3f}{turn.values['bleu']:>7.2f}"
        )
    notes = [
        "BLEU: lower-cased, Moses-tokenised, of the validation sentences, translated greedily by the weights in a model of ours.",
        f"All have the preset's learning rates, falling to 0 with their time after at most {learning.WARMUP} steps of warm-up; "
        "ours also its clipping and its mean of the weights.",
        "One training each: a difference of one or two BLEU may be chance. Loss, on training data: of the last step; of ours, the mean of "
        "the last steps.",
    ]
    return "\n".join([heading(occasion), "", *lines, "", _wrapped(notes)])


def decoding_table(occasion: Occasion, results: list[Result]) -> str:
    """Sentences a second of each system, its ratio to `generate`, how many translations are those of our fast path, its memory."""
    by_name = {result.name: result for result in results}
    lines = [f"{'system':20}{'':18}{'sentences/s':>11}{'spread':>8}{'× generate':>12}{'(cpu)':>7}{'as fast':>9}{'MB':>7}"]
    for name, result in by_name.items():
        system, beam = name.split()
        found = value(result, "sentences_per_second")
        base = by_name.get(f"{decoding_systems.COMPARED_WITH} {beam}")
        ratio = f"{found.median / value(base, 'sentences_per_second').median:.2f}" if base else "–"
        cpu = f"{value(base, 'cpu_seconds').median / value(result, 'cpu_seconds').median:.2f}" if base else "–"
        fast = by_name.get(f"{decoding_systems.SAME_AS} {beam}")
        same = f"{_share_equal(result, fast):.1%}" if fast else "–"
        about = decoding_systems.DECODERS[system].about
        lines.append(
            f"{name:20}{about:18}{found.median:>11,.1f}{found.spread:>8.0%}{ratio:>12}{cpu:>7}{same:>9}{result.memory / 1e6:>7,.0f}"
        )
    turns = next(iter(by_name.values())).turns
    notes = [
        f"Median of {len(turns)} turns of {len(turns[0].texts):,} sentences, text in, text out; spread: (largest − smallest) / median.",
        "The same weights, in float32 but for bf16; as fast: translations equal to those of ours, letter by letter.",
        "(cpu): the ratio in processor time, which tells more where others compute too; what several threads gain it does not show.",
    ]
    return "\n".join([heading(occasion), "", *lines, "", _wrapped(notes)])


def _share_equal(result: Result, fast: Result) -> float:
    pairs = list(zip(result.turns[0].texts, fast.turns[0].texts, strict=True))
    return sum(a == b for a, b in pairs) / len(pairs)
