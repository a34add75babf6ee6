"""Meta's usersreplace: sessions, the 414 state, the window of 90 minutes."""

from __future__ import annotations

from typing import Any

import pytest
from sandbox.rig import Rig, digest
from sandbox.test_meta import add, code


@pytest.fixture
def audience(rig: Rig) -> str:
    """An audience that holds ``old``."""
    number = rig.meta_audience()
    add(rig, number, ["EMAIL"], [[digest("old")]])
    rig.advance(600)
    return number


def replace(rig: Rig, audience: str, seq: int, *values: object, last: bool = False, session: int = 9) -> Any:
    payload = {"schema": ["EMAIL"], "is_raw": True, "data": [[digest(value)] for value in values]}
    batch = {"session_id": session, "batch_seq": seq, "last_batch_flag": last}
    return rig.meta("POST", f"{audience}/usersreplace", payload=payload, session=batch)


def status(rig: Rig, audience: str) -> int:
    return rig.meta("GET", audience, query={"fields": "operation_status"}).json()["operation_status"]["code"]


def test_a_replace_takes_effect_after_its_last_batch_and_the_settle_time(rig: Rig, audience: str) -> None:
    assert replace(rig, audience, 1, "a", "b").json()["num_received"] == 2
    assert replace(rig, audience, 2, "c", last=True).json()["num_received"] == 3
    assert (status(rig, audience), rig.keys("meta", audience)["email"]) == (414, [digest("old")])
    rig.advance(601)
    assert status(rig, audience) == 200
    assert rig.keys("meta", audience)["email"] == sorted(map(digest, "abc"))
    assert rig.admin("GET", "requests/meta/summary")["by_operation"]["replace"] == 2


def test_nobody_else_writes_while_a_replace_runs(rig: Rig, audience: str) -> None:
    replace(rig, audience, 1, "a")
    payload = {"schema": ["EMAIL"], "data": [[digest("x")]]}
    assert code(rig.meta("POST", f"{audience}/users", payload=payload)) == (2650, 1870145)
    assert code(replace(rig, audience, 1, "z", session=10)) == (2650, 1870145)
    replace(rig, audience, 2, "b", last=True)
    assert code(rig.meta("POST", f"{audience}/users", payload=payload)) == (2650, 1870145)
    assert code(replace(rig, audience, 3, "c")) == (2650, 1870159)


def test_the_first_batch_must_come_first_and_begins_anew_when_it_comes_again(rig: Rig, audience: str) -> None:
    assert code(replace(rig, audience, 2, "b")) == (2650, 1870147)
    replace(rig, audience, 1, "a")
    replace(rig, audience, 2, "b")
    replace(rig, audience, 2, "b2")
    assert replace(rig, audience, 1, "a2").json()["num_received"] == 1
    replace(rig, audience, 2, "c", last=True)
    rig.advance(601)
    assert rig.keys("meta", audience)["email"] == sorted([digest("a2"), digest("c")])


def test_a_forgotten_last_batch_leaves_the_list_half_replaced_after_90_minutes(rig: Rig, audience: str) -> None:
    replace(rig, audience, 1, "a")
    rig.advance(89 * 60)
    assert status(rig, audience) == 414
    rig.advance(2 * 60)
    assert (status(rig, audience), rig.keys("meta", audience)["email"]) == (200, [digest("a")])
    assert code(replace(rig, audience, 2, "b", last=True)) == (2650, 1870158)


def test_session_is_required_and_an_empty_replace_is_refused(rig: Rig, audience: str) -> None:
    payload = {"schema": ["EMAIL"], "data": [[digest("x")]]}
    assert code(rig.meta("POST", f"{audience}/usersreplace", payload=payload)) == (100, None)
    assert code(replace(rig, audience, 1)) == (100, None)
    assert status(rig, audience) == 200


def test_a_replace_cannot_change_whether_the_audience_is_value_based(rig: Rig) -> None:
    valued = rig.meta_audience(is_value_based="1")
    assert code(replace(rig, valued, 1, "a")) == (100, None)


def test_a_scripted_failure_ends_in_415_and_keeps_the_old(rig: Rig, audience: str) -> None:
    rig.fault("meta", {"fail_job": True}, path="usersreplace$")
    replace(rig, audience, 1, "a", last=True)
    rig.advance(601)
    assert (status(rig, audience), rig.keys("meta", audience)["email"]) == (415, [digest("old")])
    replace(rig, audience, 1, "a", last=True, session=11)
    rig.advance(601)
    assert (status(rig, audience), rig.keys("meta", audience)["email"]) == (200, [digest("a")])


def test_an_audience_of_a_hundred_million_cannot_be_replaced(rig: Rig, audience: str) -> None:
    rig.settings("meta", largest_replace=1)
    assert code(replace(rig, audience, 1, "a")) == (2650, 1870144)
    assert status(rig, audience) == 200
