"""Notebook 03's exercises beyond what holds for all: the references are the libraries', other right ways pass, half answers are told."""

import math
from collections.abc import Callable

import pytest
import torch

from lessons_lib.bpe import BytePairEncoder, count_pairs, join
from lessons_lib.corpus import load_dirty
from lessons_lib.exercises.framework import Verdict, find
from lessons_lib.exercises.merges import MERGES, segment
from lessons_lib.exercises.places import position_table, rotary_scores
from lessons_lib.exercises.text import is_garbled
from lessons_lib.positions import RotaryPositions

PENCIL = {"der": 4, "den": 3, "Hund": 3, "Hunde": 2}


def verdict(key: str, answer: object) -> Verdict:
    return find(key).verdict(answer)


def test_the_merge_counts_are_what_bpe_counts() -> None:
    words, counts = {tuple(word): n for word, n in PENCIL.items()}, []
    for pair in BytePairEncoder.train(PENCIL, 6).merges:
        counts.append(count_pairs(words)[pair])
        words = {join(pieces, pair): n for pieces, n in words.items()}
    assert counts[2:] == find("merges.counts").solution
    assert list(BytePairEncoder.train(PENCIL, 6).merges) == MERGES


def test_segments_are_the_encoders() -> None:
    encoder = BytePairEncoder.train(PENCIL, 6)
    for word in ("Hunde", "Hunden", "derden", "und", "Mann", ""):
        assert tuple(segment(word, encoder.merges)) == encoder.segment(word)


def test_other_right_ways_to_segment_pass() -> None:
    def by_rank(word: str, merges: list[tuple[str, str]]) -> tuple[str, ...]:
        return BytePairEncoder(tuple(sorted(set(word))), tuple(merges)).segment(word)

    assert verdict("merges.segment", by_rank).status == "right"


def test_the_longest_piece_first_is_named() -> None:
    def longest(word: str, merges: list[tuple[str, str]]) -> list[str]:
        known, pieces = {"".join(pair) for pair in merges}, []
        while word:
            size = max((n for n in range(1, len(word) + 1) if word[:n] in known), default=1)
            pieces, word = [*pieces, word[:size]], word[size:]
        return pieces

    text = verdict("merges.segment", longest).text
    assert "the longest known piece is taken first" in text and "['Hund', 'e']" in text


def test_garbled_is_told_by_the_way_back() -> None:
    for text in ("Straße", "„Größe“", "Öl", "naïve"):
        assert is_garbled(text.encode().decode("cp1252")) and not is_garbled(text)
    assert not is_garbled("plain") and not is_garbled("Łódź") and not is_garbled("")


def test_another_right_rule_for_garbled_letters_passes() -> None:
    def by_bytes(text: str) -> bool:
        raw = text.encode("cp1252", errors="ignore")
        mended = raw.decode("utf-8", errors="replace")
        return "\ufffd" not in mended and mended != text and len(raw) == len(text)

    assert verdict("text.is_garbled", by_bytes).status == "right"


def test_a_rule_for_garbled_letters_is_told_its_hits_and_alarms() -> None:
    text = verdict("text.is_garbled", lambda text: "Ã" in text).text
    assert "finds 3 of the 4 garbled pairs, with 1 false alarm." in text and "SÃO PAULO" in text
    assert "IndexError" in verdict("text.is_garbled", lambda text: text[100] == "Ã").text
    assert verdict("text.is_garbled", lambda text: None).status == "not attempted"
    assert "return missing" in verdict("text.is_garbled", lambda text: print(end="")).text
    assert "Give the function itself" in verdict("text.is_garbled", True).text


def test_the_precision_is_counted() -> None:
    from lessons_lib.cleaning import KEPT, fates

    rows = load_dirty()
    out = [bool(row.wrong) for row, (_, fate) in zip(rows, fates(row.given for row in rows), strict=True) if fate != KEPT]
    assert find("text.precision").solution == pytest.approx(sum(out) / len(out), abs=0.005)
    assert verdict("text.precision", 13 / 18).status == "right"


def test_place_five_is_on_the_clock() -> None:
    angles = [math.radians(5 * degrees) for degrees in (90, 30)]
    assert find("places.next_hour").solution == pytest.approx([f(a) for a in angles for f in (math.sin, math.cos)], abs=0.005)


def test_the_quarter_turns_are_complex_products() -> None:
    q, k = complex(3, 1), complex(0, 2)
    scores = [(q * 1j**a * (k * 1j**b).conjugate()).real for a, b in ((3, 1), (0, 1))]
    assert find("places.quarter_turns").solution == scores


def test_rotary_scores_are_the_librarys() -> None:
    Q, K = torch.randn(7, 8), torch.randn(7, 8)
    rotary = RotaryPositions(8, 7)
    wanted = rotary(Q[None, None])[0, 0] @ rotary(K[None, None])[0, 0].T
    angles = 10000.0 ** (-torch.arange(0, 8, 2) / 8)
    torch.testing.assert_close(rotary_scores(Q, K, angles), wanted, atol=1e-4, rtol=1e-4)


def test_rotary_scores_may_count_places_from_anywhere() -> None:
    """Only the distance speaks, so counting from 1 is as right as counting from 0."""

    def from_one(Q: torch.Tensor, K: torch.Tensor, angles: torch.Tensor) -> torch.Tensor:
        def turned(x: torch.Tensor) -> torch.Tensor:
            pairs = torch.complex(*x.chunk(2, dim=-1))
            turn = torch.arange(1, len(x) + 1)[:, None] * angles
            return torch.view_as_real(pairs * torch.polar(torch.ones_like(turn), turn)).transpose(-1, -2).flatten(1)

        return turned(Q) @ turned(K).T

    assert verdict("places.rotary_scores", from_one).status == "right"


def test_the_neighbours_slip_has_the_pencils_numbers() -> None:
    q, k = torch.tensor([[3.0, 1.0, 0.0, 0.0]] * 2), torch.tensor([[0.0, 2.0, 0.0, 0.0]] * 2)
    assert rotary_scores(q, k, torch.tensor([math.pi / 2, 0.0]))[1, 0].item() == pytest.approx(2, abs=1e-5)
    (slip,) = [wrong for wrong in find("places.rotary_scores").wrong if "neighbouring" in wrong.name]
    assert slip.answer(q, k, torch.tensor([math.pi / 2, 0.0]))[1, 0].item() == pytest.approx(6, abs=1e-5)


def test_a_table_built_with_loops_passes() -> None:
    def loops(n: int, d_model: int) -> list[list[float]]:
        return [
            [(math.sin, math.cos)[j % 2](p / 10000 ** ((j - j % 2) / d_model)) for j in range(d_model)]
            for p in range(n)
        ]  # fmt: skip

    assert verdict("places.position_table", loops).status == "right"
    assert position_table(2, 4)[1].tolist() == pytest.approx([0.84, 0.54, 0.01, 1.0], abs=0.005)


def garbles(encoding: str, decoding: str, where_it_fails: bool) -> Callable[[str], bool]:
    def rule(text: str) -> bool:
        try:
            return text.encode(encoding).decode(decoding) != text
        except UnicodeError:
            return where_it_fails

    return rule


def test_going_the_wrong_way_is_told_with_and_without_an_error() -> None:
    caught = verdict("text.is_garbled", garbles("utf-8", "cp1252", False)).text
    stopped = verdict("text.is_garbled", lambda text: text.encode().decode("cp1252") != text).text
    assert all('You garble the text once more. Undo it: back to the bytes with text.encode("cp1252")' in text for text in (caught, stopped))
    assert "UnicodeDecodeError" in stopped and "German needs" not in caught
    assert "cp1252 has some that latin-1 lacks" in verdict("text.is_garbled", garbles("latin-1", "utf-8", False)).text


def test_a_false_alarm_is_quoted_from_the_side_that_is_flagged() -> None:
    text = verdict("text.is_garbled", garbles("cp1252", "utf-8", True)).text
    assert "with 28 false alarms. 'Der Hund beißt den Mann.' is flagged" in text


@pytest.mark.parametrize(
    ("answer", "words"),
    [([1, 0, -0.87, 0.5], "sine comes first"), ([1, 0, -0.5, -0.87], "30° on"), ([1, 0, 0.1, 0.2], "Slow hand: from 120°")],
)
def test_the_slow_hand_alone_is_spoken_of_where_the_fast_one_is_right(answer: list[float], words: str) -> None:
    text = verdict("places.next_hour", answer).text
    assert words in text and "at place 4 the fast hand" not in text


def test_the_second_score_is_spoken_of_where_the_first_is_right() -> None:
    assert "For the second you turned the key twice" in verdict("places.quarter_turns", [-2, -2]).text
    assert "for the second turn k alone" in verdict("places.quarter_turns", [-2, 5]).text


def test_pieces_searched_in_spaced_text_are_named() -> None:
    def spaced(word: str, merges: list[tuple[str, str]]) -> list[str]:
        text = " ".join(word)
        for a, b in merges:
            text = text.replace(f"{a} {b}", a + b)
        return text.split()

    assert "compare whole pieces" in verdict("merges.segment", spaced).text


def test_the_wrong_sign_is_recognised_in_32_bits() -> None:
    def table(n: int, d_model: int) -> torch.Tensor:
        angle = torch.arange(n)[:, None] * 10000.0 ** (torch.arange(0, d_model, 2) / d_model)
        return torch.stack((angle.sin(), angle.cos()), dim=-1).flatten(1)

    assert "the exponent has the wrong sign" in verdict("places.position_table", table).text


def test_the_notebooks_turn_on_all_columns_is_named_and_not_an_error() -> None:
    def turn(x: torch.Tensor, radians: torch.Tensor) -> torch.Tensor:
        angle = torch.arange(len(x)) * radians
        left, right = x[:, 0], x[:, 1]
        return torch.stack((left * angle.cos() - right * angle.sin(), right * angle.cos() + left * angle.sin()), dim=1)

    text = verdict("places.rotary_scores", lambda Q, K, angles: turn(Q, angles) @ turn(K, angles).T).text
    assert "`turn` is for one pair" in text and "stops" not in text
