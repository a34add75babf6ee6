"""Members that come again: who is surely new, and who has to be looked up."""

from __future__ import annotations

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from guestlist.pipeline.repeats import Seen

BATCHES = st.lists(st.lists(st.integers(0, 40), max_size=12).map(sorted), max_size=12)


@given(BATCHES)
def test_a_number_is_new_the_first_time_and_never_again(batches: list[list[int]]) -> None:
    seen, known = Seen(), set[int]()
    for batch in batches:
        expected = []
        for number in batch:
            expected.append(number not in known)
            known.add(number)
        assert seen.add(pl.Series(batch, dtype=pl.Int64)).to_list() == expected


def test_there_are_few_runs_however_many_batches_come() -> None:
    seen = Seen()
    for first in range(0, 10_000, 10):
        seen.add(pl.int_range(first, first + 10, eager=True))
    assert len(seen._runs) <= 10
    assert sum(map(len, seen._runs)) == 10_000
