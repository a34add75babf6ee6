"""Whole runs against the real sandbox: the audience ends right whatever happens, and a run that is not right is not green."""

from __future__ import annotations

import random
import sys
from datetime import timedelta
from typing import Any

import polars as pl
import pytest
from runtime.rig import GOOGLE, META, Rig, emails, people, phones, sha

from guestlist.model.delivery import Operation, Receipt
from guestlist.model.errors import (
    BusyError,
    ConfigError,
    DataError,
    RejectedError,
    SafetyStop,
    TransientError,
    Unconfirmed,
)
from guestlist.runtime import clock
from guestlist.runtime.lake import Lake
from guestlist.runtime.ledger import Ledger
from guestlist.runtime.sync import close_and_poll, make_plan, open_session, prepare, seal, send_part, verdict
from guestlist.runtime.sync.plan import PlanOptions, check_guards

BOTH = (META, GOOGLE)


def holds(rig: Rig, *numbers: int, books: tuple[str, ...] = ("meta",)) -> bool:
    """Whether each platform has exactly these people's keys."""
    return all(
        rig.keys(book) == {"email": emails(*numbers), "phone": phones(*numbers, plus="+" if book == "google" else "")}
        for book in books
    )


# -- the promise


def test_audiences_follow_the_segment(rig: Rig) -> None:
    segment = rig.segment(*BOTH)
    first = rig.run(segment, people(*range(10)))
    assert holds(rig, *range(10), books=("meta", "google"))
    assert first.state == "sealed"
    assert verdict(first) is None
    second = rig.run(segment, people(*range(3, 12)))
    assert holds(rig, *range(3, 12), books=("meta", "google"))
    for report in second.destinations:
        assert (report.state, report.wanted, report.held, report.added, report.removed) == ("sealed", 9, 10, 2, 3)
        assert (report.rows_planned, report.rows_accepted, report.generation, report.members) == (5, 5, 2, 9)
        assert report.url.startswith("https://")
    sent = [request for door in ("meta", "data_manager") for request in rig.requests(door) if request["rows"]]
    assert [request["rows"] for request in sent] == [10, 3, 2, 10, 3, 2], "network cost grows with what changed"
    third = rig.run(segment)
    assert third.state == "sealed"
    assert [report.requests for report in third.destinations] == [0, 0]
    assert [audience["name"] for book in ("meta", "google") for audience in rig.audiences(book)] == ["VIPs", "VIPs"]


def test_what_changes_of_a_person_is_exchanged(rig: Rig) -> None:
    segment = rig.segment()
    rig.run(segment, people(1, 2, 3))
    changed = people(1, 2) + people(3, email="new@example.com")
    report = rig.run(segment, changed).destinations[0]
    assert rig.keys() == {"email": sorted([*emails(1, 2), sha("new@example.com")]), "phone": phones(1, 2, 3)}
    assert (report.added, report.removed) == (1, 1)


def test_a_phone_that_two_people_share_stays_with_the_one_who_stays(rig: Rig) -> None:
    segment = rig.segment(*BOTH)
    shared = {"phone": "+4915100000007"}
    rig.run(segment, people(1, 2, **shared) + people(3))
    rig.run(segment, people(2, **shared) + people(3))
    assert rig.keys() == {"email": emails(2, 3), "phone": phones(3, 7)}
    rig.run(segment, people(3))
    assert holds(rig, 3, books=("meta", "google"))


def test_any_history_of_a_segment_ends_right(rig: Rig) -> None:
    segment = rig.segment(*BOTH)
    dice = random.Random(4711)
    for _ in range(3):
        chosen = dice.sample(range(40), dice.randint(5, 30))
        assert rig.run(segment, people(*chosen)).state == "sealed"
        assert holds(rig, *chosen, books=("meta", "google"))


def test_who_is_dropped_by_the_rules_is_taken_off(rig: Rig) -> None:
    consenting = rig.segment(consent={"ad_user_data": "consent"})
    rig.run(consenting, people(1, 2, 3))
    report = rig.run(consenting, people(1, 2) + people(3, consent="no"))
    assert holds(rig, 1, 2)
    assert report.drops.rows == {"no_consent": 1}
    listed = rig.segment(suppress=[{"file": "gone.csv", "identifiers": {"email": "list"}}])
    rig.source([{"list": "Person2@example.com "}], "gone.csv")
    report = rig.run(listed, people(1, 2, 3))
    assert holds(rig, 1, 3)
    assert report.drops.rows == {"suppressed": 1}
    growing = {"max_removed": "100%", "max_added": 100}
    held_out = rig.run(rig.segment(holdout={"percent": 50, "experiment": "e"}, guards=growing), people(*range(40)))
    assert 8 < held_out.drops.rows["holdout"] < 32
    assert len(rig.keys()["email"]) == 40 - held_out.drops.rows["holdout"]


def test_repeated_keys_count_once_and_the_first_row_wins(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.modules["guestlist.runtime.sync.prepare"], "_ROWS_AT_ONCE", 2)
    monkeypatch.setattr("guestlist.sources.base.ROWS_PER_BATCH", 2)
    rows = people(1, 2, 3) + people(9, id="c1") + people(4) + people(8, id=" c4 ") + people(7, id="c1")
    report = rig.run(rig.segment(), rows)
    assert holds(rig, 1, 2, 3, 4)
    assert (report.drops.read, report.drops.prepared, report.drops.rows) == (7, 4, {"repeated_key": 3})


def test_a_field_that_the_segment_drops_leaves_the_platforms(rig: Rig) -> None:
    rig.run(rig.segment(*BOTH), people(1, 2, 3))
    only_email = rig.segment(*BOTH, identifiers={"email": "email"})
    assert rig.run(only_email, people(1, 2, 3)).state == "sealed"
    assert rig.keys("meta") == rig.keys("google") == {"email": emails(1, 2, 3)}
    assert [report.rows_planned for report in rig.run(only_email).destinations] == [0, 0]
    rig.run(rig.segment(*BOTH), people(1, 2, 3))
    assert holds(rig, 1, 2, 3, books=("meta", "google")), "and comes back when it is mapped again"


def test_a_full_resend_sends_everybody_and_removes_nobody(rig: Rig) -> None:
    segment = rig.segment()
    rig.run(segment, people(1, 2, 3))
    report = rig.run(segment, full_resend=True).destinations[0]
    assert (report.added, report.removed, report.rows_planned) == (3, 0, 3)
    assert holds(rig, 1, 2, 3)


def test_a_value_based_audience_takes_who_has_a_value(rig: Rig) -> None:
    segment = rig.segment(*BOTH, value={"column": "ltv", "currency": "EUR"})
    rows = people(1, ltv="44.5") + people(2, ltv="0") + people(3, ltv="") + people(4, ltv="-3")
    report = rig.run(segment, rows)
    assert report.state == "sealed"
    assert [(one.wanted, one.without_value) for one in report.destinations] == [(2, 2), (4, 0)]
    assert holds(rig, 1, 2)
    assert holds(rig, 1, 2, 3, 4, books=("google",))
    dearer = people(1, ltv="50") + people(2, ltv="0") + people(3, ltv="1") + people(4)
    assert [one.rows_planned for one in rig.run(segment, dearer).destinations] == [2, 0]
    assert holds(rig, 1, 2, 3)


# -- audiences that change under it


def test_an_audience_in_another_account_is_filled_from_nobody(rig: Rig) -> None:
    named = META | {"name": "vips"}
    segment = rig.segment(named)
    rig.run(segment, people(1, 2, 3))
    rig.settings["meta_main"] |= {"ad_account_id": "2"}
    report = rig.run(segment, people(2, 3, 4)).destinations[0]
    assert (report.state, report.held, report.added) == ("sealed", 0, 3)
    first, second = rig.audiences()
    assert (first["account"], second["account"]) == ("1", "2")
    assert rig.admin("GET", f"books/meta/{second['id']}")["keys"]["email"] == emails(2, 3, 4)


def test_an_audience_that_somebody_deleted_is_filled_again(rig: Rig) -> None:
    segment = rig.segment()
    rig.run(segment, people(1, 2, 3))
    (audience,) = rig.audiences()
    gone = rig.http.delete(f"/meta/v26.0/{audience['id']}", params={"access_token": "sandbox-token"})
    assert gone.json() == {"success": True}
    rig.http.post(
        "/meta/v26.0/act_1/customaudiences", params={"access_token": "sandbox-token"}, data={"name": "x", "subtype": "CUSTOM"}
    )
    assert rig.run(segment, people(2, 3)).state == "sealed"
    (ours,) = [audience for audience in rig.audiences() if audience["name"] == "VIPs"]
    assert rig.admin("GET", f"books/meta/{ours['id']}")["keys"] == {"email": emails(2, 3), "phone": phones(2, 3)}


def test_an_audience_that_is_renamed_in_the_segment_stays_the_same(rig: Rig) -> None:
    rig.run(rig.segment(), people(1, 2, 3))
    report = rig.run(rig.segment(META | {"audience": "Best customers"}), people(2, 3)).destinations[0]
    assert (report.state, report.rows_planned) == ("sealed", 1)
    assert holds(rig, 2, 3)


# -- modes


def test_append_only_grows(rig: Rig) -> None:
    segment = rig.segment(META | {"mode": "append"})
    rig.run(segment, people(1, 2))
    report = rig.run(segment, people(2, 3))
    assert holds(rig, 1, 2, 3)
    assert report.destinations[0].removed == 0
    assert not [request for request in rig.requests() if request["operation"] == "remove"]


def test_remove_takes_people_off_once(rig: Rig) -> None:
    rig.run(rig.segment(), people(1, 2, 3))
    off = rig.segment(META | {"mode": "remove", "name": "off"})
    report = rig.run(off, people(2, 3)).destinations[0]
    assert (report.state, report.removed, report.added) == ("sealed", 2, 0)
    assert holds(rig, 1)
    assert rig.run(off).destinations[0].rows_planned == 0


def test_replace_sends_all_and_leaves_nobody_else(rig: Rig) -> None:
    segment = rig.segment(META | {"mode": "replace"})
    rig.run(segment, people(1, 2))
    report = rig.run(segment, people(2, 3)).destinations[0]
    assert (report.state, report.added, report.members) == ("sealed", 2, 2)
    assert holds(rig, 2, 3)


def test_a_replace_with_nobody_is_refused_instead_of_forgotten(rig: Rig) -> None:
    segment = rig.segment(
        META | {"mode": "replace"}, consent={"ad_user_data": "consent"}, guards={"max_removed": "100%", "min_members": 0}
    )
    rig.run(segment, people(1, 2))
    with pytest.raises(DataError, match="mode replace cannot send nobody"):
        rig.run(segment, people(1, 2, consent="no"))
    assert holds(rig, 1, 2)
    assert rig.run(segment, people(2)).state == "sealed"
    assert holds(rig, 2)


def test_whom_a_failed_replace_did_not_sweep_is_not_forgotten(rig: Rig) -> None:
    replacing = rig.segment(GOOGLE | {"mode": "replace"})
    rig.run(replacing, people(1, 2))
    rig.fault({"fail_job": True}, "ingest", door="data_manager")
    report = rig.run(replacing, people(2, 3))
    assert report.state == "rejected" or report.destinations[0].unconfirmed
    assert rig.run(rig.segment(GOOGLE), people(2, 3)).state == "sealed"
    assert holds(rig, 2, 3, books=("google",))


# -- guards


def test_a_breach_stops_before_anything_is_sent_and_only_its_own_destination(rig: Rig) -> None:
    guarded = rig.segment(*BOTH, guards={"max_removed": "20%"})
    rig.run(guarded, people(*range(10)))
    report = rig.run(guarded, people(*range(7)))
    assert [item.state for item in report.destinations] == ["stopped", "stopped"]
    assert report.destinations[0].breaches == ["max_removed: 3 of 10 (30.0%), allowed 20%"]
    assert isinstance(verdict(report), SafetyStop)
    assert holds(rig, *range(10), books=("meta", "google"))
    approved = rig.run(guarded, approved_by="ann", labels=("meta_main",))
    assert approved.state == "sealed"
    assert holds(rig, *range(7))
    assert holds(rig, *range(10), books=("google",))
    plan = rig.workspace().ledger.plans_of_run("vips", "meta_main", f"run{rig.runs}")[0]
    decision = rig.workspace().ledger.decision(plan.id)
    assert (decision.decision, decision.who) == ("approve", "ann")


def test_a_decision_that_was_made_before_counts(rig: Rig) -> None:
    guarded = rig.segment(guards={"max_removed": "20%"})
    rig.run(guarded, people(*range(10)))
    rig.source(people(1))
    workspace = rig.workspace()
    prepare(workspace, guarded, "r")
    plan_id = make_plan(workspace, guarded, "r", "meta_main")
    plan = workspace.plan(plan_id)
    with pytest.raises(SafetyStop, match="nothing was sent: max_removed: 9 of 10") as caught:
        check_guards(workspace, plan_id, plan)
    assert (caught.value.segment, caught.value.destination) == ("vips", "meta_main")
    workspace.ledger.decide(plan_id, "reject", "ben")
    with pytest.raises(SafetyStop):
        check_guards(workspace, plan_id, plan)
    workspace.ledger.decide(plan_id, "approve", "ann")
    check_guards(workspace, plan_id, plan)


def test_an_empty_or_failed_source_empties_nothing(rig: Rig) -> None:
    segment = rig.segment(guards={"max_removed": "100%", "min_members": 0})
    rig.run(segment, people(1, 2))
    with pytest.raises(DataError, match="empty source never empties"):
        rig.run(segment, [])
    (rig.folder / "people.csv").unlink()
    with pytest.raises(DataError) as caught:
        rig.run(segment)
    assert caught.value.segment == "vips"
    assert holds(rig, 1, 2)
    assert rig.run(segment, people(2)).state == "sealed"
    assert holds(rig, 2)


def test_a_dry_run_sends_nothing_and_is_the_plan_of_the_real_one(rig: Rig) -> None:
    segment = rig.segment()
    dry = rig.run(segment, people(1, 2, 3), run_id="r", dry_run=True)
    assert (dry.state, verdict(dry)) == ("dry", None)
    assert rig.requests() == []
    workspace = rig.workspace()
    prepare(workspace, segment, "r")
    first = workspace.plan(make_plan(workspace, segment, "r", "meta_main", PlanOptions(dry_run=True)))
    again = workspace.plan(make_plan(workspace, segment, "r", "meta_main"))
    assert first.counts == again.counts
    assert [(cut.id, cut.rows) for cut in first.uploads[0].cuts] == [(cut.id, cut.rows) for cut in again.uploads[0].cuts]


def test_a_plan_is_made_once(rig: Rig) -> None:
    segment = rig.segment()
    rig.source(people(1, 2))
    workspace = rig.workspace()
    with pytest.raises(ConfigError, match="prepare first") as caught:
        make_plan(workspace, segment, "r", "meta_main")
    assert (caught.value.segment, caught.value.destination) == ("vips", "meta_main")
    prepare(workspace, segment, "r")
    first = make_plan(workspace, segment, "r", "meta_main")
    assert make_plan(rig.workspace(), segment, "r", "meta_main") == first, "a task that is run again finds its own plan"
    assert make_plan(workspace, segment, "r", "meta_main", PlanOptions(full_resend=True)) != first
    prepare(workspace, segment, "r")
    assert make_plan(workspace, segment, "r", "meta_main") != first, "the members were prepared anew"


# -- killed


class Killed(BaseException):
    """What SIGKILL looks like from inside: nothing after it runs."""


def kill_at(monkeypatch: pytest.MonkeyPatch, where: type, method: str, when: str, count: int = 1) -> None:
    real, left = getattr(where, method), [count]

    def die(*arguments: Any, **named: Any) -> Any:
        left[0] -= 1
        if left[0] == 0 and when == "before":
            raise Killed
        result = real(*arguments, **named)
        if left[0] == 0:
            raise Killed
        return result

    monkeypatch.setattr(where, method, die)


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


# -- trouble on the way


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


# -- the verbs


def began(rig: Rig, *numbers: int, run_id: str = "r") -> tuple[Any, Any, int]:
    segment = rig.segment()
    rig.source(people(*numbers))
    workspace = rig.workspace()
    prepare(workspace, segment, run_id)
    return workspace, segment, make_plan(workspace, segment, run_id, "meta_main")


def test_each_verb_may_be_run_again(rig: Rig) -> None:
    workspace, segment, plan_id = began(rig, 1, 2)
    for _ in range(2):
        assert open_session(workspace, segment, plan_id, Operation.ADD) == 1
        assert open_session(workspace, segment, plan_id, Operation.REMOVE) == 0
    assert send_part(workspace, segment, plan_id, Operation.ADD, 0) == 1
    assert send_part(workspace, segment, plan_id, Operation.ADD, 0) == 0
    assert send_part(workspace, segment, plan_id, Operation.REMOVE, 0) == 0
    assert close_and_poll(workspace, segment, plan_id, Operation.REMOVE).done
    assert not close_and_poll(workspace, segment, plan_id, Operation.ADD).done
    for _ in range(2):
        assert close_and_poll(workspace, segment, plan_id, Operation.ADD).done
    assert open_session(workspace, segment, plan_id, Operation.ADD) == 1
    assert workspace.ledger.sessions(plan_id)[0].state == "settled", "what is over is not begun again"
    assert [seal(workspace, segment, plan_id) for _ in range(2)] == [seal(rig.workspace(), segment, plan_id)] * 2
    assert seal(workspace, segment, plan_id).members == 2
    assert holds(rig, 1, 2)


def test_a_plan_that_a_later_run_has_left_behind_is_not_delivered_any_more(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("guestlist.pipeline.batching.cut", lambda rows, _: ((start, 1) for start in range(rows.height)))
    workspace, segment, old = began(rig, 1, 2)
    open_session(workspace, segment, old, Operation.ADD)
    with pytest.MonkeyPatch.context() as patch:
        kill_at(patch, Ledger, "received", "after")
        with pytest.raises(Killed):
            send_part(workspace, segment, old, Operation.ADD, 0)
    rig.run(segment, people(5))
    assert holds(rig, 5)
    for verb in (open_session, lambda *arguments: send_part(*arguments, 0)):
        with pytest.raises(BusyError, match="a later run") as caught:
            verb(rig.workspace(), segment, old, Operation.ADD)
        assert (caught.value.segment, caught.value.destination) == ("vips", "meta_main")
    with pytest.raises(BusyError):
        seal(rig.workspace(), segment, old)
    assert holds(rig, 5), "whom the segment has left since is not brought back by a task that somebody clears"


def test_what_has_not_settled_is_not_sealed(rig: Rig) -> None:
    workspace, segment, plan_id = began(rig, 1, 2)
    with pytest.raises(Unconfirmed, match="add not settled") as caught:
        seal(workspace, segment, plan_id)
    assert (caught.value.segment, caught.value.destination) == ("vips", "meta_main")
    open_session(workspace, segment, plan_id, Operation.ADD)
    with pytest.raises(Unconfirmed):
        seal(workspace, segment, plan_id)
    assert workspace.ledger.generation("vips", "meta_main") is None


def test_what_has_a_batch_without_a_receipt_is_not_sealed(rig: Rig) -> None:
    workspace, segment, plan_id = began(rig, 1, 2)
    open_session(workspace, segment, plan_id, Operation.ADD)
    session = workspace.ledger.sessions(plan_id)[0]
    workspace.ledger.sending(session.id, 1)
    with workspace.ledger.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE sessions SET state = 'settled'")
    with pytest.raises(Unconfirmed, match="1 batches have no receipt"):
        seal(workspace, segment, plan_id)


def test_a_receipt_that_does_not_add_up_is_never_believed(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    workspace, segment, plan_id = began(rig, 1, 2)
    open_session(workspace, segment, plan_id, Operation.ADD)
    monkeypatch.setattr("guestlist.destinations.meta.Receipt", lambda accepted, *_: Receipt(accepted + 5))
    with pytest.raises(AssertionError, match="of a batch of 2"):
        send_part(workspace, segment, plan_id, Operation.ADD, 0)
    assert [batch.state for batch in workspace.ledger.batches(workspace.ledger.sessions(plan_id)[0].id)] == ["sending"]


def test_a_wrong_connection_is_told_with_segment_and_destination(rig: Rig) -> None:
    rig.settings["meta_main"] = {"access_token": "hunter2-secret", "ad_acount_id": "1"}
    with pytest.raises(ConfigError) as caught:
        rig.run(rig.segment(), people(1))
    assert (caught.value.segment, caught.value.destination) == ("vips", "meta_main")
    assert "ad_acount_id" in str(caught.value)
    assert "hunter2" not in str(caught.value)


# -- what a run leaves behind


def test_nothing_raw_is_left_behind(rig: Rig, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    canary = {"email": "canary.bird@example.com", "phone": "+4915123581321"}
    segment = rig.segment(*BOTH)
    report = rig.run(segment, people(1, 2) + people(3, **canary))
    (rig.folder / "people.csv").unlink()
    written = b"".join(path.read_bytes() for path in rig.folder.rglob("*") if path.is_file())
    frames = [pl.read_parquet(path) for path in rig.folder.rglob("*.parquet")]
    told = f"{caplog.text} {report} {report.as_json()} {[frame.rows() for frame in frames]}"
    for raw in ("canary.bird", "4915123581321", "15123581321"):
        assert raw.encode() not in written
        assert raw not in told
    hashes = (sha(canary["email"]), sha(canary["phone"]), sha(canary["phone"][1:]))
    assert any(value in str([frame.rows() for frame in frames]) for value in hashes), "the hashes are where they belong"
    ledger = b"".join(path.read_bytes() for path in (rig.folder / "home").glob("ledger.db*"))
    for value in hashes:
        assert value not in f"{caplog.text} {report}"
        assert value.encode() not in ledger


def test_generations_hold_what_was_accepted(rig: Rig) -> None:
    segment = rig.segment()
    rig.run(segment, people(1, 2, 3))
    workspace = rig.workspace()
    sealed = workspace.ledger.generation("vips", "meta_main")
    held = workspace.lake.scan(sealed.path).collect()
    assert sorted(value for values in held["email"] for value in values) == emails(1, 2, 3)
    assert held["added_on"].unique().to_list() == [workspace.today]
    assert not held["unsure"].any()
    assert sealed.members == 3


def test_more_batches_than_fit_into_one_part(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("guestlist.pipeline.batching.BATCHES_PER_PART", 2)
    limits = "guestlist.pipeline.batching.cut"
    monkeypatch.setattr(
        limits, lambda rows, _capabilities: ((start, min(4, rows.height - start)) for start in range(0, rows.height, 4))
    )
    segment = rig.segment(*BOTH)
    for chosen in (range(19), range(5, 30)):
        assert rig.run(segment, people(*chosen)).state == "sealed"
        assert holds(rig, *chosen, books=("meta", "google"))
    plan = rig.workspace().plan(rig.workspace().ledger.plans_of_run("vips", "meta_main", "run1")[0].id)
    assert (plan.uploads[0].parts, len(plan.uploads[0].cuts)) == (3, 5)


def test_a_part_that_failed_is_the_only_one_that_is_sent_again(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("guestlist.pipeline.batching.cut", lambda rows, _: ((start, 1) for start in range(rows.height)))
    workspace, segment, plan_id = began(rig, 1, 2, 3)
    open_session(workspace, segment, plan_id, Operation.ADD)
    rig.fault({"status": 503}, "users", skip=1, times=3)
    with pytest.raises(TransientError):
        send_part(workspace, segment, plan_id, Operation.ADD, 0)
    told: list[tuple[int, int]] = []
    assert send_part(rig.workspace(), segment, plan_id, Operation.ADD, 0, lambda rows, lost: told.append((rows, lost))) == 2
    assert told == [(1, 0), (1, 0)]
    assert holds(rig, 1, 2, 3)
