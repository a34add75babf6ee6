"""What is pushed while somebody has paused a DAG waits, is told why, and goes on by itself."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from contract.rig import people

from web.dialects.pushes import edgetag
from web.intake.rig import CROWD, ENDED, Place, csv_of, until

pytestmark = pytest.mark.slow


@contextmanager
def paused(place: Place, dag_id: str) -> Iterator[None]:
    def pause(it: bool) -> None:
        answer = place.client.patch(f"/api/v2/dags/{dag_id}", json={"is_paused": it}, headers=place.as_user())
        assert answer.status_code == 200, answer.text

    pause(True)
    try:
        yield
    finally:
        pause(False)


def test_what_is_pushed_to_a_paused_intake_waits_and_says_why(place: Place) -> None:
    key = place.key([CROWD])
    headers = {"Authorization": f"Bearer {key}"}
    with paused(place, CROWD):
        there = place.create("Unhurried", csv_of(range(3)), headers=headers).json()["id"]

        def shown() -> dict[str, object]:
            found: dict[str, object] = place.ask("GET", f"/audiences/{there}", headers=headers).json()
            return found

        run, as_user = f"/api/v2/dags/{CROWD}/dagRuns/intake__{shown()['upload_id']}", place.as_user()
        until(lambda: place.client.get(run, headers=as_user).status_code == 200)
        assert place.client.get(run, headers=as_user).json()["state"] == "queued"
        assert (shown()["status"], shown()["progress_percent"]) == ("pending", 0)
        assert shown()["message"] == (
            f"the DAG {CROWD} is paused, so this waits: somebody who may unpauses it in Airflow, and it goes on by itself"
        )
    until(lambda: shown()["status"] in ENDED, 600)
    assert (shown()["status"], shown()["message"]) == ("ready", None)


def test_who_waits_for_a_session_is_told_that_its_intake_is_paused(place: Place) -> None:
    with paused(place, CROWD):
        [answer] = edgetag(place.client, place.key([CROWD]), "Hasty", people(range(2)), sync="true")
    assert (answer.status_code, answer.json()["success"]) == (400, False)
    assert f"the DAG {CROWD} is paused" in answer.json()["errors"][0]
    [audience] = [one for one in place.ledger.live_audiences(CROWD) if one.name == "Hasty"]
    until(lambda: place.ledger.newest_upload(audience.id).outcome is not None, 600)
    assert place.ledger.newest_upload(audience.id).outcome == "ready"
