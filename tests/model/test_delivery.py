"""Plain data of plans and deliveries: shapes, waits, and the way through JSON and back."""

from __future__ import annotations

import json
from typing import Any

import polars as pl
import pytest
from contract.variants import all_variants
from hypothesis import given
from hypothesis import strategies as st

from guestlist.model.capabilities import Capabilities, Polling
from guestlist.model.conversation import Call, Reply, Verdict
from guestlist.model.delivery import Batch, JobOutcome, Receipt
from guestlist.model.plan import Breach, Counts, Cut, Drops, Plan, Upload
from guestlist.model.vocabulary import IDENTIFYING, MULTI_VALUED, Field, Mode, Operation

every_platform = pytest.mark.parametrize("capabilities", [variant.capabilities for variant in all_variants()])


def test_waits_grow_up_to_the_longest() -> None:
    polling = Polling(first=10, factor=2, longest=65)
    assert [polling.wait(attempt) for attempt in range(5)] == [10, 20, 40, 65, 65]


@given(st.floats(0.1, 1e4), st.floats(1, 10), st.floats(0.1, 1e5), st.integers(0, 200))
def test_no_wait_is_shorter_than_the_one_before_or_too_long(first: float, factor: float, longest: float, attempt: int) -> None:
    polling = Polling(first, factor, longest)
    assert polling.wait(attempt) <= longest
    assert polling.wait(attempt) <= polling.wait(attempt + 1)


def test_a_poll_of_two_days_does_not_overflow() -> None:
    assert Polling(first=0.1, factor=2, longest=1.0, give_up=48 * 3600).wait(48 * 3600) == 1.0


@every_platform
def test_capabilities_are_consistent(capabilities: Capabilities) -> None:
    fields = [key.field for key in capabilities.keys]
    assert len(fields) == len(set(fields))
    assert len({key.wire for key in capabilities.keys}) == len(fields)
    assert capabilities.singles
    assert set(capabilities.singles) <= IDENTIFYING, "what names a person alone is what suppression lists go by"
    for composite in capabilities.composites:
        assert composite.required
        assert set(composite.parts) <= set(fields)
        assert not set(composite.parts) & MULTI_VALUED
        assert len(composite.parts) == len(set(composite.parts))
    for name in Field:
        assert capabilities.key(name) == next((key for key in capabilities.keys if key.field is name), None)
    assert capabilities.limits.rows_per_batch > 0
    assert capabilities.docs.startswith("https://")


@every_platform
def test_a_row_has_room_for_its_composites_and_a_value_of_each_list(capabilities: Capabilities) -> None:
    room = capabilities.limits.identifiers_per_row
    lists = [name for name in capabilities.singles if name in MULTI_VALUED]
    assert room is None or room >= len(lists) + len(capabilities.composites)


text = st.text(max_size=8)
count = st.integers(0, 10**9)
plans = st.builds(
    Plan,
    segment=text,
    label=text,
    run_id=text,
    mode=st.sampled_from(Mode),
    pull_date=st.just("2026-03-01"),
    path=text,
    fields=st.lists(st.sampled_from(Field)).map(tuple),
    counts=st.builds(Counts, **dict.fromkeys(Counts.__dataclass_fields__, count)),
    uploads=st.lists(
        st.builds(
            Upload,
            operation=st.sampled_from(Operation),
            session_id=count,
            members=count,
            rows=count,
            parts=count,
            cuts=st.lists(st.builds(Cut, id=text, sequence=count, part=count, offset=count, rows=count), max_size=2).map(tuple),
        ),
        max_size=2,
    ).map(tuple),
    breaches=st.lists(st.builds(Breach, guard=text, allowed=text, found=count, base=count), max_size=2).map(tuple),
)


@given(plans)
def test_a_plan_comes_back_from_json_as_it_was(plan: Plan) -> None:
    written = json.dumps(plan.as_json())
    again = Plan.from_json(json.loads(written))
    assert again == plan
    assert isinstance(again.mode, Mode)
    assert all(isinstance(name, Field) for name in again.fields)
    assert all(isinstance(upload.operation, Operation) for upload in again.uploads)


def test_an_upload_is_found_by_its_operation() -> None:
    add = Upload(Operation.ADD, 1, 1, 1, 1, ())
    plan = Plan("s", "l", "r", Mode.MIRROR, "2026-03-01", "p", (), Counts(), (add,))
    assert plan.upload(Operation.ADD) is add
    assert plan.upload(Operation.REMOVE) is None


def test_added_members_are_all_that_additions_carry() -> None:
    assert Counts(wanted=9, new=1, changed=2, renewed=4, resent=8, gone=16).added == 15


def test_drops_add_up() -> None:
    drops = Drops(read=10)
    for reason, rows in (("a", 2), ("b", 0), ("a", 3)):
        drops.add_row(reason, rows)
    drops.add_key("email", "blank", 4)
    drops.add_key("email", "blank", 0)
    drops.prepared = 5
    drops.check()
    assert drops.rows == {"a": 5}
    assert drops.keys == {"email": {"blank": 4}}
    assert Drops(**json.loads(json.dumps(drops.as_json()))) == drops
    drops.prepared = 4
    with pytest.raises(AssertionError, match="rows vanished: read 10, prepared 4"):
        drops.check()


HASH = "a" * 64


@pytest.mark.parametrize(
    "thing",
    [
        Call("http", "POST", "/users", body={"data": [HASH]}, query={"q": HASH}, headers={"authorization": HASH}, rows=3),
        Reply(200, {"echo": HASH}, {"set-cookie": HASH}),
        Batch("id", 1, pl.DataFrame({"email": [HASH]})),
    ],
)
def test_nothing_personal_shows(thing: Any) -> None:
    assert HASH not in repr(thing)
    assert HASH not in str(thing)


def test_a_call_is_told_in_one_line() -> None:
    assert str(Call("http", "POST", "/users", rows=3)) == "POST /users, 3 rows"
    assert str(Call("http", "GET", "/users")) == "GET /users"
    assert Verdict() == Verdict(error=None, pause=0.0, refresh=False)


def test_a_receipt_keeps_what_a_platform_names_and_not_what_it_quotes() -> None:
    email = "dana@example.com"
    receipt = Receipt(1, {0: "INVALID_FORMAT", 1: f"no such email: {email}"}, request_id=email)
    assert (receipt.rejected, receipt.request_id) == ({0: "INVALID_FORMAT", 1: "refused"}, None)
    outcome = JobOutcome({"expired": 1, email: 2, f"<{email}>": 3}, {email: email})
    assert (outcome.rejected, outcome.named) == ({"expired": 1, "refused": 5}, {email: "refused"})
