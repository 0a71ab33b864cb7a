"""The picture of what each change of a training loop gives: medians, bars, words."""

from lessons_lib.figures.speed import Bar, bars, tokens_a_second, waterfall

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
