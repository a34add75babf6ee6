"""The verbs one by one: guards stop before anything is sent, each may be run again, and what is not settled is not sealed."""

from __future__ import annotations

import dataclasses

import pytest
from runtime.rig import BOTH, Killed, Rig, began, holds, kill_at, people

from guestlist.destinations.meta import Meta, MetaOptions
from guestlist.model.delivery import Receipt
from guestlist.model.errors import (
    BusyError,
    ConfigError,
    DataError,
    SafetyStop,
    Unconfirmed,
)
from guestlist.model.vocabulary import Operation
from guestlist.runtime.ledger import Ledger
from guestlist.runtime.sync import close_and_poll, make_plan, open_session, prepare, seal, send_part, verdict
from guestlist.runtime.sync.approval import check_guards
from guestlist.runtime.sync.plan import PlanOptions


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


def test_parts_that_airflow_starts_in_any_order_go_out_in_order(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("guestlist.pipeline.batching.BATCHES_PER_PART", 1)
    monkeypatch.setattr("guestlist.pipeline.batching.ROWS_PER_PART", 1)
    real = Meta.capabilities_for
    small = dataclasses.replace(real(MetaOptions()).limits, rows_per_batch=2)
    monkeypatch.setattr(Meta, "capabilities_for", staticmethod(lambda given: dataclasses.replace(real(given), limits=small)))
    workspace, segment, plan_id = began(rig, *range(1, 8))
    assert open_session(workspace, segment, plan_id, Operation.ADD) == 4
    assert [send_part(workspace, segment, plan_id, Operation.ADD, part) for part in (2, 0, 3, 1)] == [3, 0, 1, 0]
    [session] = workspace.ledger.sessions(plan_id)
    assert [batch.state for batch in workspace.ledger.batches(session.id)] == ["received"] * 4
    assert [line["rows"] for line in rig.requests() if line["operation"] == "add"] == [2, 2, 2, 1]
