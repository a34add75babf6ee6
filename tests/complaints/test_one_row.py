"""Complaints of one row that takes the others of its batch with it, or whose reason is stamped on all of them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

import polars as pl
import pytest
from complaints.rig import doors
from contract.doors import all_doors
from contract.fixtures import small_batches
from contract.rig import Door, World, digest, expected_keys, people

from guestlist.model.delivery import Batch, Session
from guestlist.model.vocabulary import Field, Operation
from guestlist.runtime.layout import part_file
from guestlist.runtime.wiring import Workspace

pytestmark = pytest.mark.slow
NAMING = [door for door in all_doors() if door.refuses_rows]
GOOGLE = [door for door in all_doors() if door.address == "address"]
REASONS: Mapping[str, tuple[str, str]] = {
    "google_ads-data_manager": ("INVALID_SHA256_FORMAT", "INVALID_POSTAL_CODE"),
    "google_ads-google_ads": (
        "offline_user_data_job_error.INVALID_SHA256_FORMAT",
        "offline_user_data_job_error.INVALID_COUNTRY_CODE",
    ),
    "klaviyo": ("invalid", "duplicate_profile"),
}
"""Two reasons for which a platform refuses a row; those that are not here have one for all."""
OF_ONE_REQUEST: Mapping[str, Mapping[int, str]] = {
    "google_ads-data_manager": {1: "INVALID_HEX_ENCODING", 3: "INVALID_REGION_CODE"},
    "google_ads-google_ads": {1: "INVALID_SHA256_FORMAT", 3: "INVALID_COUNTRY_CODE"},
}
"""Place of the row -> what Google has against it: an email that is no hash, and a country that is none."""


@doors(NAMING)
def test_only_the_rows_that_are_refused_are_lost_each_with_its_own_reason(
    world: World, door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Elsewhere one invalid row failed its whole batch, because two lists got out of step, or one for impossible values.

    https://github.com/segmentio/action-destinations/pull/3825
    https://github.com/segmentio/action-destinations/pull/3823
    """
    small_batches(monkeypatch, 10)
    rows = people(range(20))
    segment = world.segment(door, world.name("rows"), rows)
    reasons = REASONS.get(door.id, ("", ""))
    for place, reason in zip((2, 7), reasons, strict=True):
        world.fault(door, {"reject_rows": [place], **({"reason": reason} if reason else {})}, "add")
    workspace = world.workspace(door)
    report = world.run(door, segment, workspace, "r")
    assert (report.state, report.batches, report.rows_accepted) == ("rejected", 2, 18)
    refused = refused_people(workspace, segment.name, rows)
    assert len(refused) == 2
    assert sorted(refused.values()) == sorted(reason.rpartition(".")[2] or "invalid_entry" for reason in reasons)
    taken = [row for row in rows if row["id"] not in refused]
    assert world.held(door, world.audience(door, segment)) == expected_keys(taken, door), "the others were taken, and only they"
    again = world.run(door, segment)
    assert (again.state, again.rows_planned) == ("sealed", 2), "whoever was refused is sent again, and nobody else"
    assert world.held(door, world.audience(door, segment)) == expected_keys(rows, door)


def refused_people(workspace: Workspace, segment: str, rows: list[dict[str, str]]) -> dict[str, str]:
    """Id -> the reason that the ledger keeps for the row; as docs/operating.md says how to find them."""
    named = {hashlib.sha256(f"{segment}\x1f{row['id']}".encode()).hexdigest()[:32]: row["id"] for row in rows}
    [plan] = workspace.ledger.plans_of_run(segment, "c", "r")
    [session] = workspace.ledger.sessions(plan.id)
    found = {}
    for batch in workspace.ledger.batches(session.id):
        part = workspace.lake.scan(part_file(plan.path, Operation.ADD, batch.part)).collect()
        for place, reason in batch.rejected.items():
            found[named[part["member"][batch.offset + place]]] = reason
    return found


@doors(GOOGLE)
def test_rows_of_one_request_are_not_given_the_reason_of_the_first(world: World, door: Door) -> None:
    """Elsewhere the first reason of a partial failure was kept and stamped on every failed row.

    https://github.com/rudderlabs/rudder-transformer/pull/5492
    """
    ready = world.ready(door, world.segment(door, world.name("reasons"), people(range(2))))
    audience = ready.driver.run(ready.destination.ensure(ready.spec))
    named = {"first_name": digest("anna"), "last_name": digest("doe"), "postal_code": "80331"}
    emails = [digest("a@example.com"), "not a hash", digest("b@example.com"), digest("c@example.com")]
    countries = ["DE", "DE", "DE", "XX"]
    rows = pl.DataFrame([named | {"email": [email], "country": code} for email, code in zip(emails, countries, strict=True)])
    fields = tuple(Field(name) for name in rows.columns)
    session = Session(12, Operation.ADD, audience, 1, 4, "2026-03-01", fields)
    handle = ready.driver.run(ready.destination.open(session))
    receipt = ready.driver.run(ready.destination.send(session, handle, Batch("b", 1, rows)))
    assert (receipt.accepted, receipt.rejected) == (2, OF_ONE_REQUEST[door.id])
