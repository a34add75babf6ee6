"""Complaints of users who could not see what had become of their rows."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable

import psycopg
import pytest
from complaints.rig import CLEAN, Messy, doors
from contract.doors import EVERY_DOOR, all_doors
from contract.rig import Door, World, expected_keys, people
from sqlalchemy import make_url

from guestlist.runtime.ledger import migrate
from guestlist.runtime.upkeep.prune import prune

pytestmark = pytest.mark.slow
NAMING = [door for door in all_doors() if door.refuses_rows]
KLAVIYO = next(door for door in all_doors() if door.id == "klaviyo")


def test_runs_and_refused_rows_can_be_asked_for_in_the_users_own_database(
    world: World, empty_postgres: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Elsewhere users wanted the logs of runs in their own warehouse, or the reason of a failed row was not stored.

    https://github.com/segmentio/segment-docs/issues/7399
    https://github.com/Multiwoven/multiwoven-server/issues/95
    """
    migrate(empty_postgres)
    monkeypatch.setattr(world, "config", dataclasses.replace(world.config, ledger=empty_postgres))
    segment = world.segment(KLAVIYO, world.name("asked"), people(range(6)))
    world.fault(KLAVIYO, {"reject_rows": [4], "reason": "duplicate_profile"}, "add")
    assert world.run(KLAVIYO, segment, run_id="monday").state == "rejected"
    assert world.run(KLAVIYO, segment, run_id="tuesday").state == "sealed"
    with psycopg.connect(
        make_url(empty_postgres).set(drivername="postgresql").render_as_string(hide_password=False)
    ) as database:
        told = database.execute(
            "SELECT run_id, state, (report->'destinations'->0->>'rows_accepted')::int FROM runs "
            "WHERE segment = %s ORDER BY run_id",
            [segment.name],
        )
        assert told.fetchall() == [("monday", "rejected", 5), ("tuesday", "sealed", 1)]
        refused = database.execute(
            "SELECT plans.run_id, batches.rejected FROM plans JOIN sessions ON sessions.plan_id = plans.id "
            "JOIN batches ON batches.session_id = sessions.id WHERE segment = %s AND batches.rejected::text <> '[]'",
            [segment.name],
        )
        assert refused.fetchall() == [("monday", [[4, "duplicate_profile"]])]


@doors(NAMING)
def test_every_refused_row_keeps_its_reason_however_many_there_are_and_for_good(world: World, door: Door) -> None:
    """Elsewhere the evidence ended at a hundred rows, or after two weeks.

    https://docs.getcensus.com/syncs/sync-monitoring
    """
    world.begin_anew()
    segment = world.segment(door, "many", people(range(150)))
    world.fault(door, {"reject_rows": [*range(120)]}, "add")
    workspace = world.workspace(door)
    report = world.run(door, segment, workspace, "r")
    assert (report.state, sum(report.rejected.values())) == ("rejected", 120)
    for path in (world.folder / "lake").rglob("*"):
        os.utime(path, (0, 0))
    assert prune(workspace), "it was long ago"
    [plan] = workspace.ledger.plans_of_run("many", "c", "r")
    [session] = workspace.ledger.sessions(plan.id)
    named = 100 if door.platform == "meta" else 120  # so many does Meta name in an answer; it counts the others
    assert sum(len(batch.rejected) for batch in workspace.ledger.batches(session.id)) == named


@EVERY_DOOR
def test_people_are_counted_and_not_what_they_are_known_by(messy: Callable[[Door], Messy], door: Door) -> None:
    """Elsewhere a share above 100 % was shown, because each identifier of a person counted.

    https://www.hightouch.com/docs/match-booster/faqs
    """
    report = messy(door).report
    reached = sum(bool(expected_keys([row], door)) for row in CLEAN)
    assert report.wanted == report.added == report.members == reached
