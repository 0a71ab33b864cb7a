"""`lessons translate`: the contract of its lines, what it refuses, and that nothing typed or piped in makes it stumble."""

import io
import os
import select
import subprocess
import sys
import time
from pathlib import Path

import pytest
from command_line import ROOT, Outcome, assert_refused, lessons, save_tiny_translator

from lessons_lib import translation
from lessons_lib.cleaning import plain
from lessons_lib.cli import main
from lessons_lib.cli import translate as command
from lessons_lib.tokenization import Tokenizer
from lessons_lib.translation import Translator

MODULE = [sys.executable, "-m", "lessons_lib"]


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_tiny_translator(tmp_path_factory.mktemp("tiny"))


@pytest.fixture
def upper(monkeypatch: pytest.MonkeyPatch) -> None:
    """A translator whose translations can be foreseen: capitals."""

    def translate(self: Translator, sentences: list[str], *_: object, **__: object) -> list[str]:
        return [plain(sentence).upper() for sentence in sentences]

    monkeypatch.setattr(Translator, "translate", translate)


def translate(checkpoint: Path, data: bytes, *arguments: str) -> Outcome:
    return lessons("translate", "--checkpoint", checkpoint, *arguments, stdin=data)


def test_without_a_checkpoint_the_direction_chooses_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, upper: None) -> None:
    assert command.DEFAULT_CHECKPOINTS["en-de"] == translation.DEFAULT
    save_tiny_translator(tmp_path / "checkpoints" / command.DEFAULT_CHECKPOINTS["de-en"], direction="de-en")
    monkeypatch.setattr("lessons_lib.checkpoints.data_dir", lambda: tmp_path)
    assert lessons("translate", "--direction", "de-en", stdin=b"ein Hund\n").lines == ["EIN HUND"]
    assert_refused(lessons("translate", stdin=b"a dog\n"), "no checkpoint 'multi30k-en-de'")
    assert_refused(lessons("translate", "--direction", "de-fr", stdin=b"a dog\n"), "'de-fr' is not one of en-de, de-en")


def test_it_writes_what_the_library_translates(tiny: Path) -> None:
    sentences = ["A man rides a bike .", "Two dogs", "A woman reads a book in the grass ."]
    wanted = Translator.load(tiny).translate(sentences, beam=3)
    outcome = translate(tiny, "\n".join(sentences).encode(), "--beam", "3")
    assert (outcome.status, outcome.err) == (0, "")
    assert outcome.lines == wanted
    assert len({len(line) for line in wanted}) > 1, "translations of one length cannot show that the order is kept"


def test_the_beam_reaches_the_search(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []
    monkeypatch.setattr(Translator, "translate", lambda self, sentences, beam, **_: seen.append(beam) or list(sentences))
    for given in ((), ("--beam", "2")):
        translate(tiny, b"a\n", *given)
    assert seen == [5, 2]


@pytest.mark.parametrize(
    ("data", "wanted"),
    [
        (b"", []),
        (b"\n", [""]),
        (b"a\n\nb\n", ["A", "", "B"]),
        (b"a\r\nb\r\n", ["A", "B"]),
        (b"a\nb", ["A", "B"]),
        ("a\u2028b\u2029c\x0bd\x0ce\x85f\nz\n".encode(), ["A B C D E F", "Z"]),
        (b"a\rb\n", ["A B"]),
        (b"\xef\xbb\xbfa\n", ["A"]),
    ],
)
def test_only_lf_and_crlf_end_a_line(tiny: Path, upper: None, data: bytes, wanted: list[str]) -> None:
    outcome = translate(tiny, data)
    assert (outcome.status, outcome.lines) == (0, wanted)


def test_a_translation_with_line_ends_in_it_is_still_one_line(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Tokenizer, "decode", lambda self, ids: "ein\nHund\r\nund\u2028eine \x07Katze")
    assert translate(tiny, b"a\nb\n").out.lower() == b"ein hund und eine katze\n" * 2


def test_many_lines_keep_their_order_across_blocks(tiny: Path, upper: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "BLOCK", 3)
    lines = [f"line {i}" for i in range(8)]
    assert translate(tiny, "\n".join(lines).encode()).lines == [line.upper() for line in lines]


def test_a_file_does_as_well_as_standard_input(tiny: Path, upper: None, tmp_path: Path) -> None:
    file = tmp_path / "in.en"
    file.write_bytes(b"a\nb\n")
    assert lessons("translate", "--checkpoint", tiny, file).lines == ["A", "B"]
    assert lessons("translate", "--checkpoint", tiny, "-", stdin=b"c\n").lines == ["C"]


def test_a_notebooks_output_takes_no_bytes(tiny: Path, upper: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "in.en").write_bytes("a\nß\n".encode())
    monkeypatch.setattr(sys, "stdout", io.StringIO())
    assert main(["translate", "--checkpoint", str(tiny), str(tmp_path / "in.en")]) == 0
    assert sys.stdout.getvalue() == "A\nSS\n"


def test_progress_is_for_a_terminal_alone(tiny: Path) -> None:
    arguments = ("translate", "--checkpoint", tiny, "--beam", 1)
    assert lessons(*arguments, stdin=b"a man\n").err == ""
    assert "0/1" in lessons(*arguments, stdin=b"a man\n", terminal=True).err


@pytest.mark.parametrize(
    "text",
    ["🚲🐕", "رجل يركب دراجة", "\x00\x01\x7f", "a\x1b[31mb", "ひと", "x", "\u200b\ufeff", "e\u0301", "\U0010ffff", "�"],
    ids=["emoji", "right-to-left", "controls", "escape", "unknown script", "one token", "no width", "composed", "last", "replacement"],
)
def test_any_text_gives_one_line(tiny: Path, text: str) -> None:
    outcome = translate(tiny, f"{text}\nA man\n".encode(), "--beam", "2")
    assert (outcome.status, outcome.err) == (0, "")
    assert len(outcome.lines) == 2 and outcome.lines[1]
    assert all(character.isprintable() or character in "\u200b\ufeff" for character in outcome.lines[0])


def test_a_thousand_words_are_translated_or_refused_with_their_line(tiny: Path, tmp_path: Path) -> None:
    data = b"A man\n" + b"man " * 1000 + b"\n"
    assert_refused(translate(tiny, data), "line 2", "1000 tokens", "at most 63")
    long = save_tiny_translator(tmp_path / "long", max_length=1001)
    outcome = translate(long, b"man " * 1000 + b"\n", "--beam", "1")
    assert (outcome.status, len(outcome.lines)) == (0, 1)


@pytest.mark.parametrize(
    ("arguments", "data", "words"),
    [
        ((), b"good\nbad \xff\nworse \xfe\n", ["standard input, line 2", "0xff"]),
        (("--beam", "0"), b"a\n", ["--beam", "0 is not a whole number from 1"]),
        (("--beam", "-2"), b"a\n", ["--beam", "-2"]),
        (("--beam", "2.5"), b"a\n", ["--beam", "2.5"]),
        (("--beam", "many"), b"a\n", ["--beam", "many"]),
        (("--direction", "de-en"), b"a\n", ["'de-en'", "en-de"]),
        (("--checkpoint", "nothing"), b"a\n", ["'nothing'"]),
        (("--unknown",), b"a\n", ["--unknown", "lessons translate --help"]),
        (("nowhere.en",), b"", ["nowhere.en", "No such file"]),
        ((".",), b"", ["directory"]),
    ],
)
def test_what_cannot_be_done_is_refused_in_words(tiny: Path, arguments: tuple[str, ...], data: bytes, words: list[str]) -> None:
    assert_refused(translate(tiny, data, *arguments), *words)


def test_the_models_own_direction_may_be_named(tiny: Path, upper: None) -> None:
    assert translate(tiny, b"a\n", "--direction", "en-de").lines == ["A"]


def test_a_damaged_checkpoint_is_named(tiny: Path, tmp_path: Path) -> None:
    for file in tiny.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    weights = tmp_path / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-100])
    assert_refused(translate(tmp_path, b"a\n"), "model.safetensors", "damaged")
    weights.unlink()
    assert_refused(translate(tmp_path, b"a\n"), "model.safetensors is missing")


def test_a_reader_that_closes_the_pipe_ends_it_quietly(tiny: Path) -> None:
    process = subprocess.Popen(
        [*MODULE, "translate", "--checkpoint", str(tiny), "--beam", "1"],
        cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    process.stdout.close()
    _, err = process.communicate(b"a man\n" * 20, timeout=200)
    assert (process.returncode, err) == (0, b"")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no pseudo-terminals")
def test_in_a_terminal_each_line_is_answered_before_the_next(tiny: Path) -> None:
    import pty

    keyboard, terminal = pty.openpty()
    buffered = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}  # or a missing flush goes unseen
    with subprocess.Popen(
        [*MODULE, "translate", "--checkpoint", str(tiny), "--beam", "1"],
        cwd=ROOT, env=buffered, stdin=terminal, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    ) as process:  # fmt: skip
        os.close(terminal)
        os.write(keyboard, b"A man\n")
        try:
            first = read_line(process.stdout.fileno())
            os.write(keyboard, b"man " * 100 + b"\n\nTwo dogs\n\x04")
            rest, err = process.communicate(timeout=200)
        finally:
            process.kill()  # one that still waits for the keyboard would keep this test waiting too
    os.close(keyboard)
    wanted = Translator.load(tiny).translate(["A man", "", "Two dogs"], beam=1)
    assert [first, *rest.decode().removesuffix("\n").split("\n")] == wanted
    assert "line 2: 100 tokens" in err.decode() and len(err.splitlines()) == 1
    assert process.returncode == 2, "one line was refused"


def read_line(descriptor: int, seconds: float = 200) -> str:
    """The next line, without its end; fails rather than wait for ever."""
    data, end = b"", time.monotonic() + seconds
    while not data.endswith(b"\n"):
        assert select.select([descriptor], [], [], max(0, end - time.monotonic()))[0], f"no line in {seconds} s, only {data!r}"
        byte = os.read(descriptor, 1)
        assert byte, f"the output ended after {data!r}"
        data += byte
    return data[:-1].decode()
