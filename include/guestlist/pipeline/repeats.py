"""Rows of members that have come before, found while the rows come by and before anything is hashed for them."""

from __future__ import annotations

import polars as pl


class Seen:
    """The numbers of all members so far, in sorted runs: each at least twice as long as the next, so that there are few.

    A number is a part of a member's name, so two members may have the same one: a number that was not seen belongs to a
    member that was not, the others have to be looked up.
    """

    def __init__(self) -> None:
        """Nobody has been seen."""
        self._runs: list[pl.Series] = []

    def add(self, numbers: pl.Series) -> pl.Series:
        """For each of these sorted numbers, whether it comes for the first time (Boolean); from now on all were seen."""
        new = numbers != numbers.shift(1)
        new = new.fill_null(value=True)
        for run in self._runs:
            place = run.search_sorted(numbers).clip(0, len(run) - 1)
            new &= run.gather(place) != numbers
        if new.any():
            self._runs.append(numbers.filter(new))
        while len(self._runs) > 1 and len(self._runs[-2]) < 2 * len(self._runs[-1]):
            self._runs[-2:] = [_merged(*self._runs[-2:])]
        return new


def _merged(one: pl.Series, other: pl.Series) -> pl.Series:
    return one.to_frame("n").lazy().merge_sorted(other.to_frame("n").lazy(), key="n").collect().to_series()
