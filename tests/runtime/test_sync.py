"""Whole runs against the real sandbox: audiences follow their segments, in every mode, and nothing raw is left behind."""

from __future__ import annotations

import random
import sys

import pytest
from runtime.rig import BOTH, GOOGLE, META, Rig, began, emails, holds, people, phones, sha

from guestlist.model.errors import (
    DataError,
    TransientError,
)
from guestlist.model.vocabulary import Operation
from guestlist.runtime.sync import open_session, send_part, verdict


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
    monkeypatch.setattr(sys.modules["guestlist.runtime.preparation"], "_ROWS_AT_ONCE", 2)
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
    monkeypatch.setattr("guestlist.pipeline.batching.ROWS_PER_PART", 7)  # two batches of four
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


def test_members_are_planned_span_by_span(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody falls between two spans, and a key that somebody in another span still wants stays."""
    monkeypatch.setattr("guestlist.pipeline.spans.MEMBERS_AT_ONCE", 2)
    segment = rig.segment(*BOTH, guards={"max_removed": "100%", "max_same_key": "100%"})
    shared = {"phone": "+4915100000007"}
    rig.run(segment, people(*range(20), **shared) + people(20))
    assert rig.keys() == {"email": emails(*range(21)), "phone": phones(7, 20)}
    report = rig.run(segment, people(3, **shared) + people(20, 21))
    assert rig.keys() == {"email": emails(3, 20, 21), "phone": phones(7, 20, 21)}
    assert [(one.added, one.removed) for one in report.destinations] == [(1, 19), (1, 19)]
