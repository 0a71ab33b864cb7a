"""The article's listing: what is recorded is what a fresh run gives, and where Keras is missing or fails the record stands in for it."""

import ast
import importlib.util
import json
import subprocess
import sys
from pathlib import Path
from unittest import mock

import pytest

from lessons_lib import listing
from lessons_lib.listing import PRINTED, RECORD, RecordMissing, Step, recorded, results

needs_keras = pytest.mark.skipif(importlib.util.find_spec("keras") is None, reason="Keras is not installed (extra article)")


def by_given() -> dict[str, str]:
    return {step.given: step.result for step in recorded()}


def test_the_record_holds_each_fault_of_the_listing() -> None:
    steps = recorded()
    undefined = ["MultiHeadAttention", "FFNN", "LayerNormalization", "Dropout"]
    assert [step.result for step in steps[:4]] == [f"NameError: name '{name}' is not defined" for name in undefined]
    said = by_given()
    assert said["Dropout supplied"].startswith("IndexError in Softmax"), "(10, 50) as the article calls it"
    assert said["a batch axis and the right width: x is (1, 10, 64)"].startswith("IndexError: tuple index"), "the axis of the norm"
    assert said["norm over the last axis, x is (10, 50)"].startswith("IndexError in Softmax")
    assert "(50) must match the size of tensor b" in said["norm over the last axis, x is (1, 10, 50)"]
    works = said["norm over the last axis, x is (1, 10, 64)"]
    assert works == "runs, output (1, 10, 64); 64 heads 2 wide; feed-forward 64 to 64"
    assert "unexpected keyword argument 'attention_mask'" in said["the same, with a mask for padding"]
    assert "unexpected keyword argument 'memory'" in said["the same, with an encoder's memory"]


def test_the_article_imports_layer_alone_of_what_its_block_uses() -> None:
    tree = ast.parse(PRINTED)
    imports = [node for node in ast.walk(tree) if isinstance(node, (ast.Import, ast.ImportFrom))]
    assert [alias.asname or alias.name for node in imports for alias in node.names] == ["tf", "Layer"]
    used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and node.id[0].isupper()}
    assert used - {"Layer", "TransformerBlock"} == {"MultiHeadAttention", "FFNN", "LayerNormalization", "Dropout"}


def test_the_record_says_how_it_was_made() -> None:
    record = json.loads(RECORD.read_text(encoding="utf-8"))
    assert record["command"] == "python -m lessons_lib.listing"
    pyproject = (RECORD.parents[2] / "pyproject.toml").read_text(encoding="utf-8")
    assert f'article = ["keras=={record["keras"]}"]' in pyproject


def test_a_line_of_the_record_fits_a_narrow_page() -> None:
    assert max(len(text) for step in recorded() for text in (step.given, step.result)) <= 74
    assert max(map(len, PRINTED.splitlines())) <= 76


@needs_keras
def test_a_fresh_run_gives_the_record() -> None:
    answer = subprocess.run([sys.executable, "-m", "lessons_lib.listing", "--print"], capture_output=True, text=True, check=True)
    assert json.loads(answer.stdout)["steps"] == json.loads(RECORD.read_text(encoding="utf-8"))["steps"]


def test_without_keras_the_record_is_shown_and_said_to_be_one() -> None:
    with mock.patch.object(listing.importlib.util, "find_spec", return_value=None):
        steps, origin = results()
    assert steps == recorded() and origin.startswith("Recorded messages") and "pip install -e '.[article]'" in origin


@pytest.mark.parametrize(
    "outcome",
    [
        subprocess.CalledProcessError(1, "python"),
        subprocess.TimeoutExpired("python", 1),
        subprocess.CompletedProcess("python", 0, stdout="not JSON"),
    ],
)
def test_with_a_keras_that_fails_the_record_is_shown_and_the_failure_named(outcome: object) -> None:
    given = {"side_effect": outcome} if isinstance(outcome, Exception) else {"return_value": outcome}
    with mock.patch.object(listing.importlib.util, "find_spec"), mock.patch.object(listing.subprocess, "run", **given):
        steps, origin = results()
    assert steps == recorded() and "the run failed" in origin


def test_with_keras_the_run_is_shown() -> None:
    said = json.dumps({"keras": "9.9", "steps": [{"given": "as printed", "result": "NameError: x"}]})
    answer = subprocess.CompletedProcess("python", 0, stdout=said)
    with mock.patch.object(listing.importlib.util, "find_spec"), mock.patch.object(listing.subprocess, "run", return_value=answer):
        assert results() == ([Step("as printed", "NameError: x")], "Run here, now, with Keras 9.9.")


@pytest.mark.skipif(importlib.util.find_spec("keras") is not None, reason="Keras is installed")
def test_the_command_without_keras_says_what_to_install(capsys: pytest.CaptureFixture[str]) -> None:
    assert listing.main(["--print"]) == 2
    assert "pip install -e '.[article]'" in capsys.readouterr().err


@pytest.mark.parametrize("text", [None, "{", '{"steps": [{"given": "only"}]}', "{}"])
def test_a_record_that_cannot_be_read_is_named_with_its_command(tmp_path: Path, text: str | None) -> None:
    path = tmp_path / "listing.json"
    if text is not None:
        path.write_text(text)
    with pytest.raises(RecordMissing, match="make it with: python -m lessons_lib.listing"):
        recorded(path)


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (NameError("name 'FFNN' is not defined"), "NameError: name 'FFNN' is not defined"),
        (
            IndexError("Exception encountered when calling Softmax.call().\n\n\x1b[1mtuple index out of range\x1b[0m\n\nArguments"),
            "IndexError in Softmax: tuple index out of range",
        ),
        (ValueError("word " * 30), "ValueError: " + "word " * 11 + "…"),
        (KeyError(), "KeyError: "),
    ],
)
def test_an_error_in_a_line(error: Exception, line: str) -> None:
    assert listing._in_a_line(error) == line
