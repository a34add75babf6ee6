r"""Which lengths a pattern of libphonenumber's metadata can match, so that patterns may be joined without length tests.

The metadata uses a small part of regular expressions: digits, ``\d``, classes, groups, alternatives and counts.
"""

from __future__ import annotations

import re
from functools import reduce

_TOKEN = re.compile(r"\(\?:|[(|)]|(?:\\d|\[[^\]]*\]|\d)|\{\d+(?:,\d+)?\}|\?")
_NOTHING = frozenset({0})


def matched_lengths(pattern: str) -> frozenset[int]:
    """Every length of a string that the whole pattern matches.

    Raises ValueError for a construct that the metadata is not known to use.
    """
    tokens = _TOKEN.findall(pattern)
    if "".join(tokens) != pattern:
        raise ValueError(f"libphonenumber's metadata has a pattern of an unknown form: {pattern!r}")
    tokens.reverse()
    return _alternatives(tokens)


def _alternatives(tokens: list[str]) -> frozenset[int]:
    lengths = _sequence(tokens)
    while tokens and tokens[-1] == "|":
        tokens.pop()
        lengths |= _sequence(tokens)
    return lengths


def _sequence(tokens: list[str]) -> frozenset[int]:
    lengths = _NOTHING
    while tokens and tokens[-1] not in {"|", ")"}:
        lengths = _sums(lengths, _counted(_atom(tokens), tokens))
    return lengths


def _atom(tokens: list[str]) -> frozenset[int]:
    if not tokens.pop().startswith("("):
        return frozenset({1})
    inside = _alternatives(tokens)
    tokens.pop()  # the closing bracket
    return inside


def _counted(lengths: frozenset[int], tokens: list[str]) -> frozenset[int]:
    """The lengths after a count, if one follows: ``?``, ``{3}`` or ``{3,5}``."""
    if not tokens or tokens[-1][0] not in "?{":
        return lengths
    count = tokens.pop()
    least, _, most = ("0", ",", "1") if count == "?" else count[1:-1].partition(",")
    times = range(int(least), int(most or least) + 1)
    return frozenset().union(*(reduce(_sums, [lengths] * time, _NOTHING) for time in times))


def _sums(left: frozenset[int], right: frozenset[int]) -> frozenset[int]:
    return frozenset(one + other for one in left for other in right)
