"""Files of every format pushed through our own API, as a form and by an address, up to the platform."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest
from contract.rig import expected_keys, people
from destinations.test_meta import DOOR as META
from intake.rig import IDENTIFIERS
from intake.test_kept import written

from web.dialects.rig import Station
from web.intake.rig import API, Desk

ROWS = people(range(20))
MANY = 2000


@pytest.mark.slow
@pytest.mark.parametrize("ending", [".tsv", ".xlsx", ".parquet"])
def test_what_was_pushed_is_delivered(station: Station, ending: str, tmp_path: Path) -> None:
    content, name = written(pl.DataFrame(ROWS), ending, tmp_path), f"people{ending}"
    intake = station.intake(META, identifiers=IDENTIFIERS)
    station.http.headers["authorization"] = f"Bearer {station.key(intake)}"
    form = station.http.post(f"{API}/audiences", data={"name": "form"}, files={"file": (name, content)})
    asked = station.http.post(f"{API}/audiences", json={"name": "address", "filename": name})
    assert (form.status_code, asked.status_code) == (201, 201)
    station.http.headers.pop("authorization")
    address = asked.json()["address"]
    assert station.http.put(address["url"], content=content, headers=address["headers"]).status_code == 200
    station.settle()
    found = {audience.name: audience for audience in station.audiences(intake)}
    assert sorted(found) == ["address", "form"]
    for audience in found.values():
        assert (station.state(audience).status, station.state(audience).total_rows) == ("ready", 20)
        assert station.held(audience, "meta") == expected_keys(ROWS, META)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("ending", "cut", "rows"),
    [
        (".csv", 0, MANY),
        (".csv", 1, MANY),
        (".tsv", 0, MANY),
        (".ndjson", 0, MANY),
        (".csv.gz", 0, 0),
        (".parquet", 0, 0),
        (".xlsx", 0, 0),
    ],
)
def test_rows_are_guessed_where_lines_tell(desk: Desk, ending: str, cut: int, rows: int, tmp_path: Path) -> None:
    """Before any run has read them; ``cut`` leaves out the last line's end."""
    content = written(pl.DataFrame(people(range(MANY))), ending, tmp_path)
    made = desk.create("VIPs", content[: len(content) - cut], f"people{ending}")
    found = desk.show(made.json()["id"])
    assert (found["status"], found["total_rows"], found["processed_rows"]) == ("pending", rows, 0)
