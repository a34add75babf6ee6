"""A batch that is refused as a whole is cut down to the rows that are to blame, at a price that stays bounded."""

from __future__ import annotations

from collections.abc import Collection

import polars as pl
import pytest
from destinations.google import EMAIL, batch, google, session
from destinations.talk import answered
from hypothesis import given
from hypothesis import strategies as st

from guestlist.destinations.base import halving
from guestlist.model.conversation import Call, Conversation
from guestlist.model.delivery import Receipt
from guestlist.model.errors import AuthError, BatchRefused, GuestlistError


class Refusing:
    """A platform that refuses every batch with a bad row in it, and never says which."""

    def __init__(self, bad: Collection[int]) -> None:
        self.bad = set(bad)
        self.taken: list[int] = []
        self.requests = 0

    def send(self, rows: pl.DataFrame) -> Conversation[Receipt]:
        yield Call("any", "POST", "rows")
        self.requests += 1
        numbers = rows["row"].to_list()
        if self.bad & set(numbers):
            raise BatchRefused("no", code="BAD")
        self.taken += numbers
        return Receipt(len(numbers), {}, f"request-{self.requests}", f"job-{self.requests}")


def deliver(platform: Refusing, rows: int, **more: int) -> Receipt:
    conversation = halving(platform.send, pl.DataFrame({"row": range(rows)}), **more)
    try:
        next(conversation)
        while True:
            conversation.send(answered({}))
    except StopIteration as end:
        receipt: Receipt = end.value
        return receipt


@given(st.integers(1, 300).flatmap(lambda rows: st.tuples(st.just(rows), st.sets(st.integers(0, rows - 1), max_size=5))))
def test_only_the_bad_rows_are_set_aside(case: tuple[int, set[int]]) -> None:
    rows, bad = case
    platform = Refusing(bad)
    receipt = deliver(platform, rows)
    assert receipt.rejected == dict.fromkeys(bad, "BAD")
    assert receipt.accepted == rows - len(bad)
    assert sorted(platform.taken) == sorted(set(range(rows)) - bad)
    assert len((receipt.job or "").split()) == len({*(receipt.job or "").split()})


@given(st.integers(1, 2_000), st.integers(0, 64))
def test_a_batch_that_is_bad_throughout_costs_no_request_a_row(rows: int, most: int) -> None:
    platform = Refusing(range(rows))
    receipt = deliver(platform, rows, most_refusals=most)
    assert (receipt.accepted, len(receipt.rejected)) == (0, rows)
    assert platform.requests <= 2 * (most + 12)


def test_rows_are_sent_in_order_and_all_jobs_are_kept() -> None:
    platform = Refusing({3})
    receipt = deliver(platform, 8)
    assert platform.taken == [0, 1, 2, 4, 5, 6, 7]
    assert receipt.job == "job-3 job-5 job-7"


def test_another_error_ends_it() -> None:
    def refuse(_rows: pl.DataFrame) -> Conversation[Receipt]:
        yield Call("any", "POST", "rows")
        raise AuthError("no")

    conversation = halving(refuse, pl.DataFrame({"row": [1, 2]}))
    next(conversation)
    with pytest.raises(AuthError):
        conversation.send(answered({}))


def named(*rows: int) -> GuestlistError:
    return BatchRefused("no", code="INVALID_SHA256_FORMAT", rows=dict.fromkeys(rows, "INVALID_HEX_ENCODING"))


def test_rows_that_google_names_are_taken_out_and_their_places_are_those_in_the_batch() -> None:
    conversation = google().send(session(), {}, batch(*({"email": [f"{EMAIL}{number}"]} for number in range(6))))
    assert next(conversation).rows == 6
    assert conversation.throw(named(1, 4, 99)).rows == 4
    assert conversation.throw(named(0)).rows == 3  # now the places are those of the rows that were left
    with pytest.raises(StopIteration) as end:
        conversation.send(answered({"requestId": "r"}))
    receipt: Receipt = end.value.value
    assert (receipt.accepted, sorted(receipt.rejected), receipt.job) == (3, [0, 1, 4], "r")


def test_a_batch_of_which_every_row_is_named_sends_nothing_more() -> None:
    conversation = google().send(session(), {}, batch({"email": [EMAIL]}))
    next(conversation)
    with pytest.raises(StopIteration) as end:
        conversation.throw(named(0))
    assert (end.value.value.accepted, end.value.value.rejected) == (0, {0: "INVALID_HEX_ENCODING"})


def test_a_platform_that_never_stops_naming_rows_is_not_asked_for_ever() -> None:
    conversation = google().send(session(), {}, batch(*({"email": [EMAIL]} for _ in range(100))))
    next(conversation)
    receipt, requests = refused_throughout(conversation)
    assert receipt.accepted + len(receipt.rejected) == 100
    assert requests < 300


def refused_throughout(conversation: Conversation[Receipt]) -> tuple[Receipt, int]:
    for requests in range(2, 5_000):
        try:
            conversation.throw(named(0))
        except StopIteration as end:
            return end.value, requests
    raise AssertionError("it goes on for ever")
