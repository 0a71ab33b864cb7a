"""Positions against numbers by hand, complex numbers, and the property they are made for: only the distance speaks."""

import math

import pytest
import torch

from lessons_lib.positions import LearnedPositions, NoPositions, RotaryPositions, SinusoidalPositions, sinusoidal_table


def test_sinusoids_by_hand() -> None:
    table = sinusoidal_table(3, 4)  # angles: one radian a step, and a hundredth
    wanted = [[0, 1, 0, 1], [0.84, 0.54, 0.01, 1.00], [0.91, -0.42, 0.02, 1.00]]
    torch.testing.assert_close(table, torch.tensor(wanted, dtype=torch.float32), atol=0.005, rtol=0)
    assert table[1, 2] == pytest.approx(math.sin(1 / 100))


def test_the_papers_formula_column_by_column() -> None:
    table, d_model = sinusoidal_table(50, 16), 16
    for position in (0, 1, 7, 49):
        for i in range(d_model // 2):
            angle = position / 10000 ** (2 * i / d_model)
            assert table[position, 2 * i].item() == pytest.approx(math.sin(angle), abs=1e-6)
            assert table[position, 2 * i + 1].item() == pytest.approx(math.cos(angle), abs=1e-6)


def test_two_clock_hands_of_the_pencil_example() -> None:
    """One step on is the same turn everywhere, every row has length √(d/2), and a product knows the distance alone."""
    table = sinusoidal_table(40, 128).double()
    torch.testing.assert_close(table.norm(dim=1), torch.full((40,), 8.0, dtype=torch.float64), atol=1e-5, rtol=0)
    products = table @ table.T
    for distance in range(10):
        diagonal = products.diagonal(distance)
        torch.testing.assert_close(diagonal, diagonal[:1].expand_as(diagonal), atol=1e-4, rtol=0)
    sine, cosine = table[:, 0], table[:, 1]
    turn = torch.tensor(1.0, dtype=torch.float64)
    torch.testing.assert_close(sine[1:], sine[:-1] * turn.cos() + cosine[:-1] * turn.sin(), atol=1e-5, rtol=0)


def test_an_odd_width_is_refused() -> None:
    with pytest.raises(ValueError, match="width 5 is odd"):
        sinusoidal_table(3, 5)


@pytest.mark.parametrize("kind", [SinusoidalPositions, LearnedPositions])
def test_added_positions_begin_where_they_are_told(kind: type) -> None:
    positions = kind(8, 10)
    x = torch.randn(2, 6, 8)
    whole = positions(x)
    torch.testing.assert_close(torch.cat((positions(x[:, :4]), positions(x[:, 4:], first=4)), dim=1), whole)
    assert not torch.equal(positions(x[:, :4], first=1), positions(x[:, :4]))
    torch.testing.assert_close((whole - x)[0], (whole - x)[1])


def test_learned_positions_are_learned_and_none_are_none() -> None:
    assert [p.shape for p in LearnedPositions(8, 10).parameters()] == [(10, 8)]
    assert list(SinusoidalPositions(8, 10).parameters()) == [] == list(NoPositions().parameters())
    x = torch.randn(2, 3, 8)
    assert torch.equal(NoPositions()(x, first=3), x)


def test_rotary_is_multiplication_by_a_complex_number() -> None:
    n, d_head, first = 6, 8, 3
    x = torch.randn(2, 3, n, d_head)
    pairs = torch.complex(x[..., : d_head // 2].double(), x[..., d_head // 2 :].double())
    frequency = 10000.0 ** (-2 * torch.arange(d_head // 2, dtype=torch.float64) / d_head)
    angle = torch.arange(first, first + n, dtype=torch.float64)[:, None] * frequency
    turned = pairs * torch.polar(torch.ones_like(angle), angle)
    wanted = torch.cat((turned.real, turned.imag), dim=-1).float()
    torch.testing.assert_close(RotaryPositions(d_head, 20)(x, first), wanted)


def test_the_product_of_turned_vectors_depends_on_their_distance_alone() -> None:
    rotary = RotaryPositions(8, 40)
    q, k = torch.randn(1, 1, 1, 8), torch.randn(1, 1, 1, 8)

    def product(q_at: int, k_at: int) -> float:
        return (rotary(q, q_at) * rotary(k, k_at)).sum().item()

    for distance in (0, 1, 5):
        assert [product(at + distance, at) for at in (0, 3, 30)] == pytest.approx([product(distance, 0)] * 3, abs=1e-5)
    assert product(1, 0) != pytest.approx(product(0, 1), abs=1e-3)
    assert product(1, 0) != pytest.approx(product(2, 0), abs=1e-3)


def test_turning_keeps_the_length() -> None:
    x = torch.randn(1, 2, 5, 6)
    torch.testing.assert_close(RotaryPositions(6, 5)(x).norm(dim=-1), x.norm(dim=-1))


@pytest.mark.parametrize("kind", [SinusoidalPositions, LearnedPositions, RotaryPositions])
def test_what_lies_beyond_the_table_is_refused(kind: type) -> None:
    with pytest.raises(ValueError, match="6 positions, but 5 were made"):
        kind(4, 5)(torch.randn(1, 1, 2, 4)[0 if kind is not RotaryPositions else slice(None)], first=4)
