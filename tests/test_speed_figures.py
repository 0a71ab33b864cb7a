"""The picture of what each change of a training loop gives: medians, bars, words. And the README's tables of speed, against their rows."""

from pathlib import Path

import pytest

from lessons_lib.figures.speed import Bar, bars, learned, medians, tokens_a_second, waterfall
from lessons_lib.metrics import read_metrics
from lessons_lib.runtime import data_dir

README = (Path(__file__).resolve().parents[1] / "README.md").read_text(encoding="utf-8")
README_PROSE = " ".join(README.split())
ROWS = [
    {"system": system, "metric": metric, "value": value}
    for system, metric, value in (
        ("textbook", "tokens_per_second", 90.0),
        ("textbook", "tokens_per_second", 100.0),
        ("textbook", "tokens_per_second", 500.0),
        ("textbook", "peak_memory_mb", 7.0),
        ("bf16", "tokens_per_second", 250.0),
        ("mask_pool", "tokens_per_second", 300.0),
        ("together", "tokens_per_second", 600.0),
        ("joeynmt", "tokens_per_second", 120.0),
    )
]


def test_a_systems_speed_is_the_median_of_its_turns() -> None:
    assert tokens_a_second(ROWS) == {"textbook": 100, "bf16": 250, "mask_pool": 300, "together": 600, "joeynmt": 120}


def test_each_bar_begins_where_what_it_adds_to_ends() -> None:
    found = [(bar.system, bar.start, bar.times) for bar in bars(tokens_a_second(ROWS))]
    assert found == [("textbook", 0, 1), ("bf16", 1, 2.5), ("mask_pool", 2.5, 3), ("together", 2.5, 6), ("joeynmt", 0, 1.2)]


def test_the_alt_text_says_what_the_bars_show() -> None:
    figure, alt = waterfall.__wrapped__(ROWS)
    labels = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    assert labels[1:4] == ["+ bfloat16", "pool of masks alone", "+ three faster pieces"] and len(labels) == 5
    assert "bfloat16 2.5; pool of masks alone 3.0; three faster pieces 6.0; JoeyNMT 1.2." in alt
    assert Bar("textbook", "nn.Transformer, random batches", 0.0, 1.0) == bars(tokens_a_second(ROWS))[0]


def test_each_step_of_the_chain_says_what_it_adds() -> None:
    rows = [{"system": name, "metric": "tokens_per_second", "value": value} for name, value in (("textbook", 1.0), ("plain", 3.0))]
    _, alt = waterfall.__wrapped__(rows)
    assert alt.endswith("loop, each adds to the one before: nn.Transformer, random batches 1.0; the course's model and loop 3.0.")


def test_rows_without_the_textbook_are_refused_in_words() -> None:
    with pytest.raises(ValueError, match="the textbook, .* was not measured: got plain, together$"):
        bars({"plain": 1.0, "together": 2.0})


@pytest.mark.parametrize("system", ["plain", "together", "marian"])
def test_a_learner_without_words_goes_by_its_own_name(system: str) -> None:
    _, alt = learned.__wrapped__([{"system": system, "metric": "bleu", "value": 1.5, "seconds": 60.0, "tokens": 2_000_000}])
    assert alt.endswith(f"after 1 minutes each: {system} 1.5 after 2.0 million tokens.")


def test_what_was_learned_in_equal_minutes_is_told() -> None:
    rows = [
        {"system": system, "metric": metric, "value": value, "seconds": 361.0, "tokens": 1_240_000}
        for system in ("textbook", "processes")
        for metric, value in (("loss", 5.0), ("bleu", 1.5))
    ]
    figure, alt = learned.__wrapped__(rows)
    assert len(figure.axes[0].patches) == 2
    assert "Moses-tokenised, after 6 minutes each: nn.Transformer, random batches 1.5 after 1.2 million tokens; ours" in alt


def measured(path: str, metric: str) -> dict[str, float]:
    return medians(read_metrics(data_dir() / path), metric)


def numbers_in_readme(head: str) -> list[list[str]]:
    """The numbers of each row of the README's table that begins with this head."""
    table = README.split(f"| {head} |")[1].split("\n\n")[0]
    return [[cell.strip() for cell in row.split("|")[2:-1]] for row in table.splitlines()[2:]]


def test_the_readmes_table_of_training_is_what_was_measured() -> None:
    found = measured("training/bench_train.jsonl", "tokens_per_second")
    order = ["textbook", "bucketed", "marian", "joeynmt", "plain", "bf16", "together", "processes"]
    assert numbers_in_readme("Training") == [[f"{found[name]:,.0f}", f"{found[name] / found['textbook']:.2f}"] for name in order]
    assert found["processes"] >= 4 * found["textbook"]


def test_what_the_readme_says_of_avx2_was_measured() -> None:
    found = measured("training/bench_train_avx2.jsonl", "tokens_per_second")
    told = f"textbook {found['textbook']:,.0f}, ours {found['plain']:,.0f}, with the three faster pieces {found['together']:,.0f}"
    assert (
        f"{told}, which is {found['together'] / found['textbook']:.2f} times\nthe textbook; in two processes {found['processes']:,.0f} ("
        in README
    )
    assert found["together"] >= 2.5 * found["textbook"]
    bleu = measured("training/bench_learn.jsonl", "bleu")
    first, second = f"BLEU of {bleu['textbook']:.1f}, the same\nmodel on our batches {bleu['bucketed']:.1f}", f"{bleu['processes']:.1f}"
    assert f"{first}, ours in two processes {second}." in README


def test_what_the_readme_says_of_intel_without_amx_was_measured() -> None:
    found = measured("training/bench_train_intel.jsonl", "tokens_per_second")
    told = f"textbook {found['textbook']:,.0f}, ours {found['plain']:,.0f}, with the three faster pieces {found['together']:,.0f}"
    assert f"{told}, in two processes {found['processes']:,.0f}, which is {found['processes'] / found['textbook']:.2f} times" in README
    assert found["processes"] >= 4 * found["textbook"] and "bf16" not in found


def test_what_the_readme_says_of_amx_was_measured() -> None:
    found = measured("training/bench_train_amx.jsonl", "tokens_per_second")
    told = f"textbook {found['textbook']:,.0f}, ours {found['plain']:,.0f} in float32 and {found['bf16']:,.0f} in bfloat16"
    told += f", with the three faster pieces {found['together']:,.0f}, in two processes {found['processes']:,.0f}"
    assert f"{told}, which is {found['processes'] / found['textbook']:.2f} times" in README_PROSE


def test_the_readmes_table_of_decoding_is_what_was_measured() -> None:
    found = measured("decoding/bench_decode.jsonl", "sentences_per_second")
    wanted = [
        [text for beam in ("greedy", "beam5") for text in speed_and_ratio(found, name, beam)]
        for name in ("generate", "ctranslate2", "plain", "fast", "bf16")
    ]
    assert numbers_in_readme("Decoding") == wanted


def test_what_the_readme_says_of_decoding_with_amx_was_measured() -> None:
    found = measured("decoding/bench_decode_amx.jsonl", "sentences_per_second")
    for beam in ("greedy", "beam5"):
        speed, ratio = speed_and_ratio(found, "fast", beam)
        assert f"{speed} captions a second, {ratio} times `generate`" in README_PROSE


def speed_and_ratio(found: dict[str, float], name: str, beam: str) -> list[str]:
    value, base = found[f"{name} {beam}"], found[f"generate {beam}"]
    return [f"{value:,.0f}", f"{value / base:.2f}"]
