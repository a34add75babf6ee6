"""`guestlist approve`: what waits is shown without a value, asked about, and entered with the system's user."""

from __future__ import annotations

import getpass

import pytest
from cli.rig import Installation, RunningSandbox, guestlist, person

from guestlist.runtime.wiring import Workspace

pytestmark = pytest.mark.slow
PEOPLE = 60


@pytest.fixture
def waiting(installation: Installation, sandbox: RunningSandbox) -> Installation:
    """Both destinations hold sixty, and a guard has stopped a plan that leaves twenty."""
    installation.segment()
    crowd = [person(number) for number in range(PEOPLE)]
    installation.people(crowd)
    assert guestlist("sync", "vips").exit_code == 0
    installation.people(crowd[:20])
    told = guestlist("sync", "vips")
    assert told.exit_code == 5
    assert "guestlist approve vips" in told.stderr
    return installation


def decisions() -> list[tuple[str, str, str]]:
    ledger = Workspace().ledger
    plans = [ledger.newest_plan("vips", label) for label in ("google_main", "meta_main")]
    made = [(plan.label, ledger.decision(plan.id)) for plan in plans if plan is not None]
    return [(label, decision.decision, decision.who) for label, decision in made if decision is not None]


def test_it_shows_asks_and_the_next_sync_goes_on(waiting: Installation, sandbox: RunningSandbox) -> None:
    told = guestlist("approve", "vips", "--destination", "meta_main", stdin="n\n")
    assert told.exit_code == 5
    assert "Approve meta_main?" in told.output
    assert "google_main" not in told.output
    assert "meta_main: max_removed: 40 of 60 (66.7%), allowed 20%" in told.stdout
    for row in ("held before", "wanted", "leave", "rows to remove"):
        assert f"│ {row} " in told.stdout
    assert "│ leave │ email + phone + profile │         │     40 │" in told.stdout
    assert "example" not in told.output
    assert decisions() == []

    assert guestlist("approve", "vips", "--destination", "meta_main", stdin="y\n").exit_code == 0
    assert decisions() == [("meta_main", "approve", f"{getpass.getuser()} (command line)")]
    went_on = guestlist("sync", "vips")
    assert went_on.exit_code == 5, "Google's plan still waits"
    assert "goes on with what was approved" in went_on.stderr
    assert sandbox.members("meta") == [20]
    assert sandbox.members("google") == [PEOPLE]
    assert guestlist("approve", "vips", "--yes").exit_code == 0
    assert guestlist("sync", "vips").exit_code == 0
    assert sandbox.members("google") == [20]
    assert guestlist("approve", "vips", "--yes").exit_code == 2, "nothing waits"


def test_a_rejection_stands_until_somebody_approves(waiting: Installation, sandbox: RunningSandbox) -> None:
    assert guestlist("approve", "vips", "--reject", "--yes").exit_code == 0
    assert {decision for _, decision, _ in decisions()} == {"reject"}
    assert "rejected by" in guestlist("approve", "vips", stdin="n\n").stdout
    again = guestlist("sync", "vips")
    assert again.exit_code == 5, "planned anew, and stopped anew"
    assert sandbox.members("meta") == [PEOPLE]
