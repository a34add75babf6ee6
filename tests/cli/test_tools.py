"""status, prepare, pools, schema and sandbox."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
from pathlib import Path

import jsonschema
import polars as pl
import pytest
from cli.rig import INCLUDE, PROGRAM, Installation, RunningSandbox, guestlist, person, program_environment
from typer.main import get_command

from guestlist import destinations
from guestlist.cli import exits
from guestlist.cli.main import COMMANDS, app
from guestlist.cli.schema import segment_schema

DOCS = INCLUDE.parent / "docs"


def test_status_of_nothing(installation: Installation) -> None:
    installation.segment()
    told = guestlist("status")
    assert told.exit_code == 0
    assert "no run yet" in told.stdout


def test_status_after_a_run(installation: Installation, sandbox: RunningSandbox) -> None:
    installation.segment()
    installation.people([person(number) for number in range(120)])
    assert guestlist("sync", "vips").exit_code == 0
    found = json.loads(guestlist("status", "--json").stdout)["segments"]
    assert [item["segment"] for item in found] == ["vips"]
    run = found[0]["runs"][0]
    assert (run["state"], run["read"], run["prepared"]) == ("sealed", 120, 120)
    assert run["ended_at"] >= run["started_at"]
    for item in found[0]["destinations"]:
        assert (item["generation"], item["members"], item["open_sessions"]) == (1, 120, [])
        assert item["url"].startswith("https://")
    told = guestlist("status", "vips")
    assert "sealed" in told.stdout
    assert "https://" in told.stdout


def test_a_broken_file_does_not_hide_the_others(installation: Installation) -> None:
    installation.segment("good")
    installation.segment("bad", colour="red")
    for command in ("status", "pools"):
        told = guestlist(command)
        assert told.exit_code == 0
        assert "good" in told.stdout
        assert "colour: nobody knows this key" in told.stderr
    assert guestlist("status", "bad").exit_code == 2


def test_pools_are_what_airflow_imports(installation: Installation) -> None:
    installation.segment("one")
    installation.segment("two", destinations=[{"platform": "meta", "connection": "meta_main", "audience": "Two"}])
    found = json.loads(guestlist("pools", "--slots", "2").stdout)
    assert set(found) == {"guestlist_google_main", "guestlist_meta_main"}
    assert found["guestlist_meta_main"]["slots"] == 2
    assert "one, two" in found["guestlist_meta_main"]["description"]


def test_prepare_measures_itself(installation: Installation, tmp_path: Path) -> None:
    installation.segment()
    installation.people([person(number) for number in range(500)] + [person(1), person(2, ok="no")])
    target = tmp_path / "out"
    for _ in range(2):  # a second time replaces the first
        told = guestlist("prepare", "vips", "--out", str(target), "--json")
        assert told.exit_code == 0, told.stderr
        found = json.loads(told.stdout)
        assert (found["rows_read"], found["prepared"]) == (502, 500)
        assert found["drops"]["rows"] == {"no_consent": 1, "repeated_key": 1}
        assert found["seconds"] > 0
        assert found["rows_per_second"] > 0
        assert 50 < found["peak_memory_mib"] < 4000
        members = pl.scan_parquet(f"{found['path']}/*.parquet").collect()
        assert members.height == 500
    assert not (installation.home / "ledger.db").exists(), "no run is entered"
    raw = b"".join(path.read_bytes() for path in target.rglob("*.parquet"))
    assert b"person1@" not in raw


def test_prepare_for_a_person(installation: Installation, tmp_path: Path) -> None:
    installation.segment()
    installation.people([person(number) for number in range(50)])
    told = guestlist("prepare", "vips", "--out", str(tmp_path / "out"))
    assert "rows/s, peak memory" in told.stdout
    assert "50 rows read = 50 prepared + 0 dropped" in told.stdout


def test_the_schema_accepts_what_the_model_accepts(installation: Installation) -> None:
    import yaml

    schema = json.loads(guestlist("schema").stdout)
    jsonschema.Draft202012Validator.check_schema(schema)
    good = yaml.safe_load(installation.segment().read_text(encoding="utf-8"))
    jsonschema.validate(good, schema)
    shipped = [INCLUDE / "segments" / f"{name}.yaml" for name in ("do_not_target", "lapsed_vips", "newsletter_readers")]
    for path in shipped:
        jsonschema.validate(yaml.safe_load(path.read_text(encoding="utf-8")), schema)
    for wrong in (
        {"platform": "metta", "connection": "m", "audience": "A"},
        {"platform": "meta", "connection": "m", "audience": "A", "membership_days": 3},
        {"platform": "meta", "connection": "m", "audience": "A", "mode": "snapshot"},
        {"platform": "google_ads", "connection": "m"},
        {"platform": "google_ads", "connection": "m", "audience": "A", "membership_days": 1000},
    ):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate({**good, "destinations": [wrong]}, schema)
    fine = {"platform": "google_ads", "connection": "m", "audience": "A", "membership_days": 30, "api": "google_ads"}
    jsonschema.validate({**good, "destinations": [fine]}, schema)


def test_the_written_schema_is_true() -> None:
    written = json.loads((DOCS / "segment.schema.json").read_text(encoding="utf-8"))
    assert written == segment_schema(), "run: guestlist schema > docs/segment.schema.json"
    assert set(written["$defs"]) >= set(destinations.names())


def test_the_sandbox_stops_with_ctrl_c(tmp_path: Path) -> None:
    command = [*PROGRAM, "sandbox", "--state", str(tmp_path), "--http", "127.0.0.1:0", "--grpc", "127.0.0.1:0"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=program_environment()
    ) as process:
        text = ""
        while "Ctrl-C stops it" not in text:
            line = process.stdout.readline()
            assert line
            text += line
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=20)
    assert process.returncode == 0
    assert "its books stay" in said
    for name in ("http", "grpc", "ca_file"):
        assert f"{name} " in text
    exports = [line for line in text.splitlines() if line.startswith("export AIRFLOW_CONN_")]
    shell = subprocess.run(["sh", "-c", "; ".join([*exports, "env"])], check=True, capture_output=True, text=True)
    values = dict(line.split("=", 1) for line in shell.stdout.splitlines() if line.startswith("AIRFLOW_CONN_"))
    for name in ("GOOGLE_ADS_MAIN", "META_MAIN"):
        assert "127.0.0.1" in json.loads(values[f"AIRFLOW_CONN_{name}"])["extra"]["endpoint"]


def test_a_port_that_is_taken(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        told = guestlist("sandbox", "--state", str(tmp_path), "--http", f"127.0.0.1:{port}")
    assert told.exit_code == 2
    assert port in told.stderr


@pytest.mark.parametrize("address", ["8765", ":8765", "localhost:http", "localhost:70000"])
def test_an_address_that_is_none(tmp_path: Path, address: str) -> None:
    told = guestlist("sandbox", "--state", str(tmp_path), "--http", address)
    assert told.exit_code == 2
    assert "HOST:PORT" in told.stderr


def test_the_page_tells_every_command_option_and_exit_code() -> None:
    page = (DOCS / "cli.md").read_text(encoding="utf-8")
    for commands in COMMANDS.values():
        for command in commands:
            assert f"## {command.__name__}\n" in page, command.__name__
            assert f"$ guestlist {command.__name__}" in page, command.__name__
    for code, meaning in exits.EXIT_CODES.items():
        assert f"| {code} | {meaning} |" in page
    for group in (group.name for group in app.registered_groups):
        assert f"## {group}\n" in page, group
    options = {option for command in get_command(app).commands.values() for one in command.params for option in one.opts}
    for option in options:
        assert not option.startswith("--") or f"`{option}" in page, option
