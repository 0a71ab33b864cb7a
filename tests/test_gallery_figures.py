"""Notebook 06's pictures: they draw and tell the numbers they are given, and the live curve follows the rows of a run."""

from pathlib import Path
from unittest import mock

import pytest

from lessons_lib.cli.progress import Progress
from lessons_lib.figures import gallery, house, live_curve, palette
from lessons_lib.figures.live_curve import LiveCurve, draw, progress
from lessons_lib.metrics import MetricsLog, read_metrics

LOSSES = {letter: [7.0 / (1 + i * k / 20) for i in range(160)] for k, letter in enumerate("ABCDEF")}
ROWS = [
    {"step": 20, "loss": 8.0, "seconds": 2.0},
    {"step": 40, "loss": 0.5, "seconds": 4.0, "validation": {"bleu_lc_moses": 50.0, "exact_match": 40.0}},
]


def test_six_panels_with_a_line_at_ln_v() -> None:
    figure, alt = gallery.curves.__wrapped__(LOSSES, 7.09)
    assert [ax.get_title() for ax in figure.axes] == list("ABCDEF")
    for ax in figure.axes:
        curve, start = ax.get_lines()
        assert list(start.get_ydata()) == [7.09, 7.09]
        assert curve.get_ydata()[0] == 7.0
        assert len(curve.get_xdata()) <= gallery.POINTS
    assert "A from 7.0 over 7.0 at a quarter to 7.0" in alt
    assert "B from 7.0 over 2.3 at a quarter to 0.78" in alt


def test_the_gallery_wants_six() -> None:
    with pytest.raises(ValueError, match="six panels; 1 runs"):
        gallery.curves.__wrapped__({"A": [1.0]}, 7.0)


def test_a_loss_of_nothing_can_be_drawn_on_a_log_axis() -> None:
    figure, _ = gallery.curves.__wrapped__({**LOSSES, "B": [3.0, 0.0]}, 7.09)
    assert figure.axes[1].get_lines()[0].get_ydata().tolist() == [3.0, 1e-3]


def test_early_stopping_tells_where_and_how_low() -> None:
    figure, alt = gallery.early_stopping.__wrapped__([20, 40, 60], [5.0, 2.0, 0.1], [5.0, 3.5, 4.0], 40)
    lines = figure.axes[0].get_lines()[:2]
    assert [line.get_ydata().tolist() for line in lines] == [[5.0, 2.0, 0.1], [5.0, 3.5, 4.0]]
    assert not any(line.get_clip_on() for line in lines), "the last markers stand on the edge"
    assert "lowest at step 40, 3.5" in alt
    assert "from 5.0 to 0.10" in alt


def test_schedules_are_drawn_as_given() -> None:
    figure, alt = gallery.schedules.__wrapped__({"linear": [0.5, 1.0, 0.5, 0.0], "flat": [1.0] * 4}, 2)
    assert list(figure.axes[0].get_lines()[0].get_ydata()) == [0.5, 1.0, 0.5, 0.0]
    assert "linear 0.00, flat 1.00" in alt


def test_the_pictures_are_light() -> None:
    with mock.patch.object(house, "display") as display:
        gallery.curves(LOSSES, 7.09)
    assert len("".join(display.call_args.args[0].values())) < palette.LIMIT


def test_progress_says_how_far_and_how_long() -> None:
    assert progress(ROWS[0], 100) == "step 20 of 100, loss 8.000, 8 s left"
    assert progress({**ROWS[1], "step": 100}, 100) == "step 100 of 100, loss 0.500, exact match 40.0 %"
    assert progress({**ROWS[0], "validation": {"bleu_lc_moses": 50.0}}, 20) == "step 20 of 20, loss 8.000", "BLEU comes in 07"


def test_the_live_curve_draws_bar_loss_and_score() -> None:
    drawing, alt = draw(ROWS, 100)
    assert alt == "Loss goes from 8.00 to 0.50 at step 40 of 100; 40 % exact match at step 40."
    assert f'width="{(palette.WIDTH - 24) * 0.4:.1f}" height="10.0"' in drawing
    assert ">40 %<" in drawing


def test_a_low_loss_lies_lower() -> None:
    high, low = (draw([ROWS[0], {**ROWS[0], "step": 40, "loss": loss}], 100)[0] for loss in (7.0, 0.1))
    ends = [float(drawing.split('<path d="M')[-1].split('"')[0].split("L")[1].split()[1]) for drawing in (high, low)]
    assert ends[0] < ends[1], "SVG counts y from the top"


def test_the_live_curve_is_shown_once_and_then_redrawn() -> None:
    with mock.patch.object(live_curve, "display") as display, mock.patch.object(live_curve, "get_ipython"):
        curve = LiveCurve(100)
        for row in ROWS:
            curve.show(row)
    assert display.call_count == 1
    handle = display.return_value
    (page,) = handle.update.call_args.args
    assert page["text/plain"].startswith("step 40 of 100")
    assert page["text/html"].startswith('<img alt="Loss goes from 8.00 to 0.50')


def test_a_page_that_missed_the_last_rows_gets_them_by_redraw() -> None:
    with mock.patch.object(live_curve, "display") as display, mock.patch.object(live_curve, "get_ipython"):
        curve = LiveCurve(40)
        curve.redraw()
        display.assert_not_called()
        for row in ROWS:
            curve.show(row)
        handle = display.return_value
        handle.update.reset_mock()
        curve.redraw()
    (page,) = handle.update.call_args.args
    assert page["text/plain"] == "step 40 of 40, loss 0.500, exact match 40.0 %"
    assert "at step 40 of 40" in page["text/html"]
    assert curve.rows == ROWS, "nothing is counted twice"


def test_a_script_prints_a_line_a_row(capsys: pytest.CaptureFixture[str]) -> None:
    curve = LiveCurve(100)
    for row in ROWS:
        curve.show(row)
    assert capsys.readouterr().out.splitlines() == [progress(row, 100) for row in ROWS]


def test_the_bar_of_the_command_line_and_the_live_curve_draw_from_the_rows_of_the_log(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log = MetricsLog(tmp_path / "metrics.jsonl")
    with Progress(100, None) as bar:
        for row in ROWS:
            log.write({**row, "tokens_per_second": 1000})
            bar.show({**row, "tokens_per_second": 1000})
    log.close()
    said = capsys.readouterr().err
    drawing, _ = draw(read_metrics(tmp_path / "metrics.jsonl"), 100)
    for part in ("step 40", "loss 0.500"):
        assert part in said
        assert part in drawing
    assert "exact_match 40.0" in said
    assert "exact match 40.0 %" in drawing
