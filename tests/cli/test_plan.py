"""A plan is the run's own, without the run."""

from __future__ import annotations

import json

import pytest
from cli.rig import Installation, guestlist, person


def test_what_a_first_run_would_send(installation: Installation) -> None:
    installation.segment()
    installation.people([person(number) for number in range(60)] + [person(70, ok="no")])
    told = guestlist("plan", "vips", "--json")
    assert told.exit_code == 0, told.stderr
    found = json.loads(told.stdout)
    assert found["drops"]["read"] == 61
    assert [item["label"] for item in found["destinations"]] == ["google_main", "meta_main"]
    for item in found["destinations"]:
        counts = item["counts"]
        assert (counts["wanted"], counts["held"], counts["new"], counts["gone"]) == (60, 0, 60, 0)
        assert item["uploads"] == [{"operation": "add", "members": 60, "rows": 60, "batches": 1}]
        assert item["breaches"] == []


def test_the_table(installation: Installation) -> None:
    installation.segment()
    installation.people([person(number) for number in range(60)])
    told = guestlist("plan", "vips", "--only", "meta_main")
    assert "60 rows in 1 batch" in told.stdout
    assert "meta_main" in told.stdout
    assert "google_main" not in told.stdout


def test_a_breached_guard_is_exit_5(installation: Installation) -> None:
    installation.segment(guards={"min_members": 100})
    installation.people([person(number) for number in range(60)])
    told = guestlist("plan", "vips", "--json")
    assert told.exit_code == 5
    assert "min_members" in told.stderr
    assert all("min_members" in item["breaches"][0] for item in json.loads(told.stdout)["destinations"])


def test_nothing_of_a_plan_stays_to_be_sent(installation: Installation) -> None:
    installation.segment()
    installation.people([person(number) for number in range(60)])
    first = json.loads(guestlist("plan", "vips", "--json").stdout)
    second = json.loads(guestlist("plan", "vips", "--json").stdout)
    assert [item["counts"] for item in first["destinations"]] == [item["counts"] for item in second["destinations"]]
    told = json.loads(guestlist("status", "vips", "--json").stdout)["segments"][0]
    assert [run["state"] for run in told["runs"]] == ["dry", "dry"]
    assert all(item["open_sessions"] == [] and item["generation"] is None for item in told["destinations"])


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("plan", "vip"), 2, "there are: vips"),
        (("plan", "vips", "--only", "nowhere"), 2, "there are: google_main, meta_main"),
    ],
)
def test_wrong_names(installation: Installation, arguments: tuple[str, ...], code: int, message: str) -> None:
    installation.segment()
    installation.people([person(1)])
    told = guestlist(*arguments)
    assert told.exit_code == code
    assert message in told.stderr


@pytest.mark.parametrize(
    ("source", "code", "message"),
    [
        ({"file": "nothing.csv"}, 3, "nothing.csv"),
        ({"file": "empty.csv"}, 3, "empty.csv"),
        ({"file": "other.csv"}, 3, "no column 'email'"),
        ({"connection": "nowhere", "table": "people"}, 2, "AIRFLOW_CONN_NOWHERE"),
    ],
)
def test_bad_sources(installation: Installation, source: dict[str, str], code: int, message: str) -> None:
    installation.segment(source=source)
    (installation.segments.parent / "empty.csv").write_text("", encoding="utf-8")
    installation.people([{"id": "1", "mail": "a@example.com"}], "other.csv")
    told = guestlist("plan", "vips")
    assert told.exit_code == code
    assert message in told.stderr
    assert "a@example.com" not in told.stderr
    assert told.stdout == ""


def test_a_broken_segment_file(installation: Installation) -> None:
    installation.segment(colour="red")
    told = guestlist("plan", "vips")
    assert told.exit_code == 2
    assert "colour: nobody knows this key" in told.stderr
