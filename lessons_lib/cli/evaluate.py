"""`lessons evaluate`: how good are translations, and is one system better than another?"""

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lessons_lib.cli.lines import read_text_lines, shown_name
from lessons_lib.cli.refusal import Refusal

if TYPE_CHECKING:
    from lessons_lib.evaluation import Comparison, Score

ABOUT = """\
Score translations against references: HYP holds what a system wrote, REF what a person wrote, the same sentence on the same line.

Shows each score with its 95 % interval (1,000 bootstrap samples of the sentences) and its signature, which says how it was computed. bleu
is cased and detokenised, chrf compares letters, bleu-lc-moses is lower-cased and Moses-tokenised German, the metric of the literature on
Multi30k; bleu-lc-moses-en is the same for English.

\b
Examples:
  lessons evaluate hypotheses.de test.de
  lessons evaluate hypotheses.de test.de --metric bleu,chrf,bleu-lc-moses --json
  lessons evaluate mine.de test.de --against theirs.de      (paired: is the difference chance?)
  lessons translate test.en | lessons evaluate - test.de
"""


def evaluate(
    hyp: Annotated[Path, typer.Argument(metavar="HYP", help="Translations, one a line; - for standard input.")],
    ref: Annotated[Path, typer.Argument(metavar="REF", help="References, one a line.")],
    metric: Annotated[
        str, typer.Option(metavar="NAME,…", help="bleu, chrf, bleu-lc-moses, bleu-lc-moses-en; several with commas.")
    ] = "bleu",
    against: Annotated[
        Path | None, typer.Option(metavar="OTHER", help="Translations of another system, to compare with.", show_default=False)
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Write JSON for other programs.")] = False,
) -> None:
    """The command.

    Raises:
        Refusal: if a metric is unknown, a file cannot be read, or the numbers of lines differ.
    """
    from lessons_lib.evaluation import compare, score

    metrics = chosen(metric)
    paths = [path for path in (hyp, ref, against) if path is not None]
    if sum(str(path) == "-" for path in paths) > 1:
        raise Refusal("only one of the inputs can be standard input (-): name files for the others")
    texts = [read_text_lines(path) for path in paths]
    demand_same_count(paths, texts)
    scores = [score(name, texts[0], texts[1]) for name in metrics]
    comparisons = [compare(name, texts[2], texts[0], texts[1]) for name in metrics] if against is not None else []
    names = [shown_name(path) for path in paths]
    print(as_report(names, len(texts[1]), scores, comparisons) if as_json else as_text(names, len(texts[1]), scores, comparisons))


def chosen(metric: str) -> list[str]:
    """The metrics named, each once, in order.

    Raises:
        Refusal: if one is unknown, or none is named.
    """
    from lessons_lib.evaluation import METRICS

    names = list(dict.fromkeys(name.strip() for name in metric.split(",") if name.strip()))
    unknown = [name for name in names if name not in METRICS]
    if unknown or not names:
        raise Refusal(f"--metric is {', '.join(unknown) or 'empty'}: use {', '.join(METRICS)}, or several with commas")
    return names


def demand_same_count(paths: list[Path], texts: list[list[str]]) -> None:
    """Raise Refusal, naming files and numbers, unless all have the same number of lines, at least one."""
    counts = ", ".join(f"{shown_name(path)} has {len(lines)}" for path, lines in zip(paths, texts, strict=True))
    if len({len(lines) for lines in texts}) > 1:
        raise Refusal(f"the numbers of lines differ: {counts}. Line by line they must be the same sentences")
    if not texts[0]:
        raise Refusal(f"there is nothing to score: {counts} lines")


def as_text(names: list[str], n: int, scores: list["Score"], comparisons: list["Comparison"]) -> str:
    """A table for people."""
    lines = [f"{names[0]} against {names[1]}, {n} lines", "", f"{'metric':16} {'score':>6}  {'95 % interval':16}  signature"]
    for s in scores:
        interval = f"{s.low:.2f} to {s.high:.2f}"
        lines.append(f"{s.metric:16} {s.value:6.2f}  {interval:16}  {s.signature}")
    if comparisons:
        lines += ["", f"{names[0]} minus {names[2]} (paired bootstrap; p: how often chance alone gives so much)"]
        lines += [f"{c.metric:16} {c.difference:+6.2f}  p = {c.p_value:.4f}" for c in comparisons]
    return "\n".join(lines)


def as_report(names: list[str], n: int, scores: list["Score"], comparisons: list["Comparison"]) -> str:
    """The same as JSON."""
    report = {
        "hypotheses": names[0],
        "references": names[1],
        "against": names[2] if comparisons else None,
        "lines": n,
        "scores": [asdict(s) for s in scores],
        "comparisons": [asdict(c) for c in comparisons],
    }
    return json.dumps(report, indent=1)  # in ASCII: any terminal and any pipe can carry it
