"""Killed runs, broken networks, platforms that refuse or never say: what is not right is not green, and the end is right."""

from __future__ import annotations

from datetime import timedelta

import pytest
from runtime.rig import GOOGLE, META, Killed, Rig, emails, holds, kill_at, people, phones, sha

from guestlist.model.errors import (
    RejectedError,
    TransientError,
    Unconfirmed,
)
from guestlist.runtime import clock
from guestlist.runtime.lake import Lake
from guestlist.runtime.ledger import Ledger
from guestlist.runtime.sync import verdict

POINTS = [
    (Lake, "write", "after", 1),
    (Ledger, "enter_plan", "before", 1),
    (Ledger, "enter_plan", "after", 1),
    (Ledger, "opened", "before", 1),
    (Ledger, "sending", "after", 1),
    (Ledger, "received", "before", 1),
    (Ledger, "received", "after", 1),
    (Ledger, "received", "before", 2),
    (Ledger, "closed", "after", 2),
    (Ledger, "settled", "before", 1),
    (Ledger, "seal", "before", 1),
    (Ledger, "seal", "after", 1),
]


@pytest.mark.parametrize(("where", "method", "when", "count"), POINTS, ids=lambda part: getattr(part, "__name__", str(part)))
def test_a_run_that_is_killed_anywhere_and_run_again_ends_right(
    rig: Rig, where: type, method: str, when: str, count: int
) -> None:
    target, book = (META, "meta") if POINTS.index((where, method, when, count)) % 3 else (GOOGLE, "google")
    segment = rig.segment(target)
    rig.run(segment, people(*range(6)))
    after = people(*range(2, 7)) + people(7, email="new@example.com")
    with pytest.MonkeyPatch.context() as patch:
        kill_at(patch, where, method, when, count)
        with pytest.raises(Killed):
            rig.run(segment, after, run_id="killed")
    again = "killed" if count == 2 or when == "before" else "next"  # Airflow clears the task, or the next run comes
    report = rig.run(segment, run_id=again)
    assert report.state == "sealed", verdict(report)
    plus = "+" if book == "google" else ""
    new = sorted([*emails(*range(2, 7)), sha("new@example.com")])
    assert rig.keys(book) == {"email": new, "phone": phones(*range(2, 8), plus=plus)}
    assert rig.run(segment).destinations[0].rows_planned == 0, "nothing is left in doubt"


def test_a_kill_between_making_the_audience_and_knowing_of_it_makes_no_second_one(rig: Rig) -> None:
    for target, book in ((META, "meta"), (GOOGLE, "google")):
        segment = rig.segment(target)
        with pytest.MonkeyPatch.context() as patch:
            kill_at(patch, Ledger, "enter_audience", "before")
            with pytest.raises(Killed):
                rig.run(segment, people(1, 2))
        assert rig.run(segment).state == "sealed"
        assert holds(rig, 1, 2, books=(book,))


def test_who_leaves_after_a_killed_run_is_taken_off_all_the_same(rig: Rig) -> None:
    segment = rig.segment()
    for method in ("sending", "received"):
        with pytest.MonkeyPatch.context() as patch:
            kill_at(patch, Ledger, method, "before" if method == "received" else "after")
            with pytest.raises(Killed):
                rig.run(segment, people(1, 2, 3))
        assert rig.run(segment, people(3)).state == "sealed"
        assert holds(rig, 3)


def test_trouble_of_seconds_is_waited_out(rig: Rig) -> None:
    rig.fault({"status": 503}, "users", times=2)
    report = rig.run(rig.segment(), people(1, 2))
    assert report.state == "sealed"
    assert len([request for request in rig.requests() if "users" in request["path"]]) == 3
    assert report.destinations[0].requests == len(rig.requests()) - 1, "every request is counted, but the last look at its size"


def test_longer_trouble_ends_the_run_and_the_next_one_goes_on(rig: Rig) -> None:
    rig.fault({"status": 503}, "users", times=3)
    segment = rig.segment()
    with pytest.raises(TransientError) as caught:
        rig.run(segment, people(1, 2))
    assert (caught.value.segment, caught.value.destination) == ("vips", "meta_main")
    assert rig.run(segment, people(2, 3)).state == "sealed"
    assert holds(rig, 2, 3)


@pytest.mark.parametrize("when", ["before", "after"])
def test_an_audience_whose_creation_broke_off_is_looked_up(rig: Rig, when: str) -> None:
    rig.fault({"drop": when}, "customaudiences", skip=1)
    segment = rig.segment()
    try:
        rig.run(segment, people(1, 2))
    except TransientError:
        assert rig.run(segment).state == "sealed"
    assert holds(rig, 1, 2)


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_batch_whose_answer_was_lost_is_sent_again(rig: Rig, when: str) -> None:
    rig.fault({"drop": when}, "users")
    assert rig.run(rig.segment(), people(1, 2)).state == "sealed"
    assert holds(rig, 1, 2)


def test_rows_that_are_refused_are_told_and_sent_again_by_the_next_run(rig: Rig) -> None:
    rig.fault({"reject_rows": [0, 2], "reason": "bad"}, "users")
    segment = rig.segment()
    report = rig.run(segment, people(1, 2, 3))
    (told,) = report.destinations
    assert report.state == "rejected"
    assert isinstance(verdict(report), RejectedError)
    assert told.rows_planned == told.rows_accepted + sum(told.rejected.values()) + told.unconfirmed + told.unsent
    assert sum(told.rejected.values()) > 0
    assert rig.run(segment).state == "sealed"
    assert holds(rig, 1, 2, 3)


def test_some_lost_rows_may_be_allowed(rig: Rig) -> None:
    rig.fault({"reject_rows": [0], "reason": "bad"}, "users")
    lenient = rig.segment(guards={"max_rejected": "100%"})
    assert rig.run(lenient, people(1, 2, 3)).state == "sealed"


def test_a_platform_that_never_says_leaves_the_run_unconfirmed_and_the_next_sends_again(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = clock.now
    monkeypatch.setattr(clock, "now", lambda: real() + timedelta(seconds=sum(rig.waited)))
    rig.admin("POST", "settings/data_manager", {"settle_seconds": 10**7})
    rig.settings["google_main"] |= {"poll_longest_seconds": 7200.0}
    segment = rig.segment(GOOGLE)
    with pytest.raises(Unconfirmed, match=r"has not said within (48|49|50) h") as caught:
        rig.run(segment, people(1, 2))
    assert (caught.value.segment, caught.value.destination) == ("vips", "google_main")
    assert 48 * 3600 < sum(rig.waited) < 50 * 3600
    rig.admin("POST", "settings/data_manager", {"settle_seconds": 1})
    report = rig.run(segment, people(2, 3))
    assert report.state == "sealed"
    assert report.destinations[0].held == 2, "they may be there"
    rig.admin("POST", "clock", {"advance": 10**8})
    assert rig.run(segment, full_resend=True).state == "sealed"


def test_what_an_earlier_run_left_to_settle_is_heard_first(rig: Rig) -> None:
    segment = rig.segment(GOOGLE)
    with pytest.MonkeyPatch.context() as patch:
        kill_at(patch, Ledger, "closed", "after")
        with pytest.raises(Killed):
            rig.run(segment, people(1, 2, 3))
    report = rig.run(segment, people(1, 2, 3))
    assert report.state == "sealed"
    assert report.destinations[0].rows_planned == 0, "it was accepted: nothing is sent again"
    assert holds(rig, 1, 2, 3, books=("google",))
