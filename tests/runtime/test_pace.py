"""The pace of a connection: no span of time ever has more requests than its rates say, and nobody waits without need."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from guestlist.model.capabilities import Rate
from guestlist.runtime.pace import Pace

PATHS = ("/lists", "/lists/1", "/people")
RATES = st.lists(
    st.builds(Rate, st.integers(1, 5), st.sampled_from([0.5, 1.0, 60.0]), st.sampled_from(["", "/lists", "/people"])),
    max_size=3,
)
GAPS = st.sampled_from([0.0, 0.01, 0.3, 1.0, 20.0, 61.0])
CALLS = st.lists(st.tuples(GAPS, st.sampled_from(PATHS)), min_size=1, max_size=60)


def most_within(times: list[float], seconds: float) -> int:
    """The most that any span of so many seconds has, its end left out; a thousandth is for rounding."""
    return max((sum(first <= other < first + seconds - 1e-3 for other in times) for first in times), default=0)


@given(rates=RATES, calls=CALLS)
def test_no_span_has_more_than_its_rate_and_nobody_waits_without_need(
    rates: list[Rate], calls: list[tuple[float, str]]
) -> None:
    pace, now, sent = Pace(rates), 1000.0, []

    def of(rate: Rate) -> list[float]:
        return [time for time, path in sent if path.startswith(rate.path)]

    for gap, path in calls:
        now += gap
        wait = pace.take(now, path)
        if wait:
            mine = [rate for rate in rates if path.startswith(rate.path)]
            due = now + wait
            assert any(sum(due - rate.seconds - 1e-3 < time for time in of(rate)) >= rate.requests for rate in mine)
        now += wait
        sent.append((now, path))
    assert all(most_within(of(rate), rate.seconds) <= rate.requests for rate in rates)
