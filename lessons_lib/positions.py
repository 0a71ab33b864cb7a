"""Where a word stands: sinusoidal, learned and rotary positions."""

import torch
from torch import Tensor, nn


def sinusoidal_table(length: int, d_model: int) -> Tensor:
    """Positions as clock hands: pair i holds sin and cos of an angle that grows by 10000^(−2i/d_model) a step.

    (Vaswani et al. 2017, 3.5.)

    Args:
        length: number of positions.
        d_model: width; must be even, two columns a hand.

    Returns:
        float32 (length, d_model): columns 2i hold the sine, columns 2i + 1 the cosine.

    Raises:
        ValueError: if d_model is odd.
    """
    angle = _angles(length, d_model)
    return torch.stack((angle.sin(), angle.cos()), dim=-1).flatten(1)


def _angles(length: int, width: int) -> Tensor:
    if width % 2:
        raise ValueError(f"the width {width} is odd: each frequency needs two columns")
    frequency = 10000.0 ** (-torch.arange(0, width, 2, dtype=torch.float64) / width)  # (width / 2,)
    return (torch.arange(length, dtype=torch.float64)[:, None] * frequency).float()  # (length, width / 2)


def _demand_known(n: int, table: Tensor) -> None:
    """Raise ValueError if the table has fewer than n positions."""
    if n > len(table):
        raise ValueError(f"{n} positions, but {len(table)} were made: give a larger max_length")


class SinusoidalPositions(nn.Module):
    """Adds the fixed sinusoidal table to the embeddings."""

    def __init__(self, d_model: int, max_length: int) -> None:
        super().__init__()
        self.register_buffer("table", sinusoidal_table(max_length, d_model), persistent=False)

    def forward(self, x: Tensor, first: int = 0) -> Tensor:
        """x (B, n, d_model) of positions first … first + n − 1 → the same shape. Raises ValueError beyond max_length."""
        _demand_known(first + x.shape[1], self.table)
        return x + self.table[first : first + x.shape[1]].to(x.dtype)


class LearnedPositions(nn.Module):
    """Adds a trained vector for each position."""

    def __init__(self, d_model: int, max_length: int) -> None:
        super().__init__()
        self.table = nn.Parameter(torch.randn(max_length, d_model) * d_model**-0.5)

    def forward(self, x: Tensor, first: int = 0) -> Tensor:
        """x (B, n, d_model) of positions first … first + n − 1 → the same shape. Raises ValueError beyond max_length."""
        _demand_known(first + x.shape[1], self.table)
        return x + self.table[first : first + x.shape[1]]


class NoPositions(nn.Module):
    """Leaves the embeddings as they are: for rotary positions, which act inside attention, and to show what is lost without any."""

    def forward(self, x: Tensor, first: int = 0) -> Tensor:
        """x (B, n, d_model) → x."""
        return x


class RotaryPositions(nn.Module):
    """Turns each pair of columns of queries and keys by an angle that grows with the position (Su et al. 2021, 3.2.2).

    The product of a turned query and a turned key then depends on their distance alone. Column i is paired with column i + d_head / 2.
    """

    def __init__(self, d_head: int, max_length: int) -> None:
        super().__init__()
        angle = _angles(max_length, d_head)  # (max_length, d_head / 2)
        self.register_buffer("cos", angle.cos(), persistent=False)
        self.register_buffer("sin", angle.sin(), persistent=False)

    def forward(self, x: Tensor, first: int = 0) -> Tensor:
        """x (B, H, n, d_head) of positions first … first + n − 1 → the same shape, turned.

        Raises:
            ValueError: if a position lies beyond max_length.
        """
        _demand_known(first + x.shape[-2], self.cos)
        cos, sin = (table[first : first + x.shape[-2]].to(x.dtype) for table in (self.cos, self.sin))
        left, right = x.chunk(2, dim=-1)  # (B, H, n, d_head / 2) each
        return torch.cat((left * cos - right * sin, right * cos + left * sin), dim=-1)
