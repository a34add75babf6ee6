"""Audiences pushed over HTTP, through Airflow's API server and scheduler, to the platforms."""

from __future__ import annotations

import pytest
from web.intake.rig import API, Place, csv_of

pytestmark = pytest.mark.slow


def test_a_file_is_pushed_and_delivered(place: Place) -> None:
    created = place.create("First", csv_of(range(20)))
    assert created.status_code == 201, created.text
    assert created.json()["mode"] == "replace"
    found = place.wait(created.json()["id"])
    assert (found["status"], found["total_rows"], found["processed_rows"], found["matched_rows"]) == ("ready", 20, 20, 20), (
        found
    )
    assert place.client.get(f"{API}/audiences").json()["audiences"]
