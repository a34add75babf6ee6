"""Spans of members: an audience that does not fit into memory is worked on one range of member ids after the other."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from guestlist.pipeline.audience import MEMBER

MEMBERS_AT_ONCE = 750_000
"""What one span holds: with all of a platform's fields, wanted and held, one or two gigabytes of work."""
_DIGITS = 8


@dataclass(frozen=True)
class Span:
    """The members from ``low`` on and below ``high``; None where it has no end. Member ids are evenly spread hex digits."""

    low: str | None = None
    high: str | None = None

    def of(self, members: pl.LazyFrame) -> pl.LazyFrame:
        """Those members who are in the span; of files that are sorted by member only their part is read."""
        if self.low is not None:
            members = members.filter(pl.col(MEMBER) >= self.low)
        if self.high is not None:
            members = members.filter(pl.col(MEMBER) < self.high)
        return members


def spans_of(members: int) -> tuple[Span, ...]:
    """All members in spans of about `MEMBERS_AT_ONCE`, in order."""
    return equal_spans(-(-members // MEMBERS_AT_ONCE))


def equal_spans(count: int) -> tuple[Span, ...]:
    """All members in so many spans, one at least."""
    bounds = [f"{16**_DIGITS * number // count:0{_DIGITS}x}" for number in range(1, count)]
    return tuple(Span(low, high) for low, high in zip([None, *bounds], [*bounds, None], strict=True))
