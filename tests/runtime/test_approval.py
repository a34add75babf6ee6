"""Approval: it holds for one plan, survives whatever is run again, and opens nothing that a person has not seen."""

from __future__ import annotations

from typing import Any

import pytest
from runtime.rig import BOTH, GOOGLE, Rig, emails, holds, people

from guestlist.model.errors import SafetyStop
from guestlist.model.segment import Segment
from guestlist.model.vocabulary import Operation
from guestlist.runtime.sync import (
    APPROVE,
    EXPIRED,
    REJECT,
    approved_run,
    check_guards,
    make_plan,
    open_session,
    prepare,
    sample_of,
    waiting_plans,
)
from guestlist.runtime.sync.plan import DEFAULTS, PlanOptions
from guestlist.runtime.sync.run import EVERYTHING, serve
from guestlist.runtime.wiring import Workspace

GUARDED: dict[str, Any] = {"guards": {"max_removed": "20%"}}


def stopped(rig: Rig, segment: Segment) -> tuple[Workspace, int]:
    """Twenty held, five left: a plan that waits."""
    rig.run(segment, people(*range(20)))
    assert rig.run(segment, people(*range(5)), run_id="r").state == "stopped"
    workspace = rig.workspace()
    return workspace, waiting_plans(workspace, segment, ["meta_main"])[0].id


def test_no_verb_sends_anything_of_a_plan_that_waits(rig: Rig) -> None:
    """As when somebody marks the guard's task as a success by hand."""
    segment = rig.segment(**GUARDED)
    workspace, plan_id = stopped(rig, segment)
    asked = rig.requests()
    for operation in Operation:
        if workspace.plan(plan_id).upload(operation) is not None:
            with pytest.raises(SafetyStop, match="max_removed: 15 of 20"):
                open_session(workspace, segment, plan_id, operation)
    assert rig.requests() == asked
    workspace.ledger.decide(plan_id, APPROVE, "ann")
    assert open_session(workspace, segment, plan_id, Operation.REMOVE) == 1


def test_members_prepared_anew_need_a_new_approval(rig: Rig) -> None:
    segment = rig.segment(**GUARDED)
    workspace, plan_id = stopped(rig, segment)
    workspace.ledger.decide(plan_id, APPROVE, "ann")
    assert make_plan(workspace, segment, "r", "meta_main") == plan_id, "a retry finds the plan, and its approval"
    prepare(workspace, segment, "r")
    anew = make_plan(workspace, segment, "r", "meta_main")
    assert anew != plan_id
    with pytest.raises(SafetyStop):
        check_guards(workspace, anew, workspace.plan(anew))
    with pytest.raises(SafetyStop):
        open_session(workspace, segment, anew, Operation.REMOVE)


def test_a_decision_is_told_and_a_later_one_counts(rig: Rig) -> None:
    segment = rig.segment(**GUARDED)
    workspace, plan_id = stopped(rig, segment)
    plan = workspace.plan(plan_id)
    workspace.ledger.decide(plan_id, REJECT, "ben")
    with pytest.raises(SafetyStop, match=r"^rejected by ben, \d{4}-\d\d-\d\d \d\d:\d\d UTC; nothing was sent"):
        check_guards(workspace, plan_id, plan)
    workspace.ledger.decide(plan_id, EXPIRED, "nobody")
    with pytest.raises(SafetyStop, match=r"^nothing was sent"):
        check_guards(workspace, plan_id, plan)
    workspace.ledger.decide(plan_id, APPROVE, "ann")
    check_guards(workspace, plan_id, plan)
    (waiting,) = waiting_plans(workspace, segment, ["meta_main"])
    assert waiting.decided is not None
    assert waiting.decided.startswith("approved by ann, ")


def test_what_was_approved_is_sent_as_it_was_whatever_the_source_says_now(rig: Rig) -> None:
    segment = rig.segment(*BOTH, **GUARDED)
    workspace, plan_id = stopped(rig, segment)
    labels = ["meta_main", "google_main"]
    assert approved_run(workspace, segment, labels, DEFAULTS) is None
    workspace.ledger.decide(plan_id, APPROVE, "ann")
    assert approved_run(workspace, segment, labels, PlanOptions(full_resend=True)) is None, "another plan than was approved"
    assert approved_run(workspace, segment, ["google_main"], DEFAULTS) is None
    assert approved_run(workspace, segment, labels, DEFAULTS) == ("r", ["meta_main"])
    (rig.folder / "people.csv").unlink()
    report = serve(workspace, segment, "r", ["meta_main"], EVERYTHING)
    assert {item.label: item.state for item in report.destinations} == {"meta_main": "sealed", "google_main": "stopped"}
    assert holds(rig, *range(5))
    assert holds(rig, *range(20), books=("google",))
    assert approved_run(workspace, segment, labels, DEFAULTS) is None
    assert [waiting.plan.label for waiting in waiting_plans(workspace, segment, labels)] == ["google_main"]


def test_a_later_run_leaves_an_approved_plan_behind(rig: Rig) -> None:
    segment = rig.segment(**GUARDED)
    workspace, plan_id = stopped(rig, segment)
    workspace.ledger.decide(plan_id, APPROVE, "ann")
    rig.run(segment, people(*range(19)))
    assert approved_run(workspace, segment, ["meta_main"], DEFAULTS) is None
    assert waiting_plans(workspace, segment, ["meta_main"]) == []


def test_the_sample_is_groups_by_what_is_known(rig: Rig) -> None:
    named = {"first": "Jo", "last": "Doe", "zip": "80331"}
    columns = {"first_name": "first", "last_name": "last", "country": "country", "postal_code": "zip"}
    identifiers = {"email": "email", "phone": {"columns": "phone", "region": "country"}, **columns}
    segment = rig.segment(GOOGLE, identifiers=identifiers, **GUARDED)
    before = [*people(*range(30), **named), *people(*range(30, 40), phone=""), *people(*range(40, 43), country="AT", **named)]
    rig.run(segment, before)
    moved = [row | {"email": f"new{n}@example.com"} for n, row in enumerate(people(*range(20), **named))]
    rig.run(segment, [*moved, *people(*range(50, 62), phone="")], run_id="r")
    workspace = rig.workspace()
    (waiting,) = waiting_plans(workspace, segment, ["google_main"])
    sample = sample_of(workspace, segment, waiting.plan)
    assert [(group.movement, group.known_by, group.country, group.people) for group in sample.groups] == [
        ("leave", "email", "", 10),
        ("leave", "email + phone + address", "DE", 10),
        ("leave", "others, in small groups", "", 3),
        ("join", "email", "", 12),
    ]
    assert sample.changed == {"email": 20}
    assert not any(digest[:6] in repr(sample) for digest in emails(*range(62)))


def test_the_sample_of_a_first_plan_has_everybody_joining(rig: Rig) -> None:
    segment = rig.segment(guards={"min_members": 50})
    rig.run(segment, people(*range(20)), run_id="r")
    workspace = rig.workspace()
    (waiting,) = waiting_plans(workspace, segment, ["meta_main"])
    sample = sample_of(workspace, segment, waiting.plan)
    assert [(group.movement, group.known_by, group.people) for group in sample.groups] == [("join", "email + phone", 20)]
    assert sample.changed == {}
