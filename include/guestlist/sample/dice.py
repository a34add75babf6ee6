"""Chance that depends only on the seed, the row's number and what is asked: the same on every machine and every version.

The first rows of a large warehouse are therefore those of a small one, and columns can be computed in any order.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

_PERCENT = 10_000


@dataclass(frozen=True)
class Dice:
    """Rolls for a frame with the column ``row``, an unsigned 64-bit integer."""

    seed: int

    def roll(self, name: str) -> pl.Expr:
        """64 random bits: SplitMix64 (https://doi.org/10.1145/2714064.2660195) of the row's number; wraps as it must."""
        salt = zlib.crc32(name.encode()) << 32 | zlib.crc32(f"{self.seed}/{name}".encode())
        bits = pl.col("row") * _u64(0x9E3779B97F4A7C15) + _u64(salt)
        bits = (bits ^ bits // _u64(1 << 30)) * _u64(0xBF58476D1CE4E5B9)
        bits = (bits ^ bits // _u64(1 << 27)) * _u64(0x94D049BB133111EB)
        return bits ^ bits // _u64(1 << 31)

    def number(self, name: str, below: int | pl.Expr) -> pl.Expr:
        """A whole number from 0 to ``below`` - 1."""
        limit = _u64(below) if isinstance(below, int) else below.cast(pl.UInt64)
        return (self.roll(name) // _u64(1 << 8) % limit).cast(pl.UInt32)

    def share(self, name: str) -> pl.Expr:
        """A fraction from 0 to below 1."""
        return (self.roll(name) // _u64(1 << 11)).cast(pl.Float64) / float(1 << 53)

    def happens(self, name: str, percent: float) -> pl.Expr:
        """True for about that share of the rows."""
        return self.number(name, 100 * _PERCENT) < int(percent * _PERCENT)

    def one_of(self, name: str, choices: Sequence[Any]) -> pl.Expr:
        """One of the choices, each as likely as the others."""
        return at(choices, self.number(name, len(choices)))

    def digits(self, name: str, count: int) -> pl.Expr:
        """So many decimal digits, as text."""
        return padded(self.number(name, 10**count), count)


def at(choices: Sequence[Any] | pl.Series, place: pl.Expr) -> pl.Expr:
    """The choice at each row's place."""
    series = choices if isinstance(choices, pl.Series) else pl.Series(choices)
    return pl.lit(series).gather(place)


def padded(number: pl.Expr, count: int) -> pl.Expr:
    """A number as text with leading zeros, of at least ``count`` digits."""
    return number.cast(pl.String).str.zfill(count)


def _u64(value: int) -> pl.Expr:
    return pl.lit(value, dtype=pl.UInt64)
