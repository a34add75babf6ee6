"""What sizes tell: only what a platform's own delay, minimum and matching cannot explain is drift, or worse."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guestlist.model.audiences import AudienceState
from guestlist.model.capabilities import Sizes
from guestlist.pipeline.drift import Look, Verdict, judge

MATCHED, COUNTED = Sizes(shown_from=100), Sizes(matched=False)


def told(
    bounds: tuple[int, int] | None, held: tuple[int, int], before: Look | None = None, sizes: Sizes | None = MATCHED
) -> Verdict:
    verdict, message = judge(AudienceState(bounds), held, before, sizes)
    assert (message is None) == (verdict in (Verdict.EXPECTED, Verdict.UNTOLD))
    return verdict


@pytest.mark.parametrize("sizes", [MATCHED, COUNTED, None])
def test_one_that_is_gone_or_in_trouble_is_broken_whatever_its_size(sizes: Sizes | None) -> None:
    assert judge(AudienceState(there=False), (9, 9), None, sizes)[0] is Verdict.BROKEN
    assert judge(AudienceState((9, 9), trouble="closed"), None, None, sizes) == (Verdict.BROKEN, "closed")


@pytest.mark.parametrize(
    ("bounds", "held", "verdict"),
    [
        ((650, 650), (1000, 1000), Verdict.EXPECTED),
        ((10, 10), (1000, 1000), Verdict.EXPECTED),  # few match; nobody knows how many should
        (None, (1000, 1000), Verdict.UNTOLD),  # fewer than a hundred may match of a thousand
        ((0, 0), (1999, 1999), Verdict.EXPECTED),
        (None, (2000, 2000), Verdict.DRIFT),  # less than one in twenty
        ((0, 0), (2000, 5000), Verdict.DRIFT),
        (None, (0, 5000), Verdict.UNTOLD),  # the first run may be younger than the platform's delay
        ((2100, 2100), (1000, 1000), Verdict.EXPECTED),
        ((2101, 2101), (1000, 1000), Verdict.DRIFT),  # twice as many, and the smallest that is shown
        ((2101, 2101), (10, 1001), Verdict.EXPECTED),
    ],
)
def test_a_first_size_of_matched_people(bounds: tuple[int, int] | None, held: tuple[int, int], verdict: Verdict) -> None:
    assert told(bounds, held) is verdict


@pytest.mark.parametrize(
    ("size", "held", "verdict"),
    [(1000, 1000, Verdict.EXPECTED), (500, 1000, Verdict.EXPECTED), (499, 1000, Verdict.DRIFT), (0, 0, Verdict.EXPECTED)],
)
def test_a_platform_that_counts_whom_it_took_shows_them(size: int, held: int, verdict: Verdict) -> None:
    assert told((size, size), (held, held), sizes=COUNTED) is verdict


@pytest.mark.parametrize(
    ("bounds", "held", "verdict"),
    [
        ((600, 600), (1000, 1000), Verdict.EXPECTED),
        ((325, 325), (1000, 1000), Verdict.EXPECTED),
        ((324, 324), (1000, 1000), Verdict.DRIFT),
        ((324, 324), (500, 1000), Verdict.EXPECTED),  # half of them were taken off within the delay
        ((1300, 1300), (1000, 1000), Verdict.EXPECTED),
        ((1301, 1301), (1000, 1000), Verdict.DRIFT),
        ((1301, 1301), (1000, 2000), Verdict.EXPECTED),
        (None, (1000, 1000), Verdict.BROKEN),
        ((0, 0), (1000, 1000), Verdict.BROKEN),
        (None, (300, 1000), Verdict.UNTOLD),  # 195 could be just below the hundred by now
    ],
)
def test_a_size_beside_the_one_before(bounds: tuple[int, int] | None, held: tuple[int, int], verdict: Verdict) -> None:
    assert told(bounds, held, Look(650, 650, 1000, 1000)) is verdict


def test_where_any_size_is_told_none_is_no_size() -> None:
    assert told(None, (1000, 1000), Look(650, 650, 1000, 1000), COUNTED) is Verdict.UNTOLD
    assert told((0, 0), (1, 1), Look(1, 1, 1, 1), COUNTED) is Verdict.BROKEN


def test_in_mode_remove_sizes_tell_nothing() -> None:
    assert judge(AudienceState((0, 0)), None, Look(9, 9, 9, 9), COUNTED) == (Verdict.UNTOLD, None)


COUNTS = st.integers(0, 2**31 - 1)
RANGES = st.tuples(COUNTS, COUNTS).map(lambda pair: (min(pair), max(pair)))
LOOKS = st.builds(lambda size, held: Look(*size, *held), RANGES, RANGES)


@given(st.floats(0.1, 1), st.integers(1000, 10**7), st.integers(1000, 10**7))
def test_an_unchanging_share_of_those_who_are_held_is_never_drift(share: float, before: int, now: int) -> None:
    shown = Look(int(before * share), int(before * share), before, before)
    size = int(now * share)
    assert told((size, size), (now, now), shown) is Verdict.EXPECTED


@given(st.none() | RANGES, st.none() | RANGES, st.none() | LOOKS, st.sampled_from([MATCHED, COUNTED, None]))
def test_every_size_has_a_verdict(
    bounds: tuple[int, int] | None, held: tuple[int, int] | None, before: Look | None, sizes: Sizes | None
) -> None:
    verdict, message = judge(AudienceState(bounds), held, before, sizes)
    assert (message is not None) == (verdict in (Verdict.DRIFT, Verdict.BROKEN))
