"""docs/operating.md and docs/promises.md: the tasks, params, retries and states that they name are those of the code."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from docs.pages import ROOT, section, table, text_of

from guestlist.model.errors import GuestlistError
from guestlist.model.guards import Guards
from guestlist.model.plan import Drops
from guestlist.model.vocabulary import Operation
from guestlist.runtime.driver import Retries
from guestlist.runtime.sync.report import DestinationReport, RunReport, verdict

OPERATING = text_of("operating.md")
PROMISES = text_of("promises.md")


def _dag(tmp_path: Path, mode: str):
    from guestlist.orchestration.dags import build
    from guestlist.runtime.segments import read_segment

    document = yaml.safe_load((ROOT / "include" / "segments" / "lapsed_vips.yaml").read_text(encoding="utf-8"))
    for destination in document["destinations"]:
        destination["mode"] = mode
    path = tmp_path / "lapsed_vips.yaml"
    path.write_text(yaml.safe_dump(document), encoding="utf-8")
    return build(read_segment(path))


def _told_tasks() -> dict[str, str]:
    """Task -> pool, with the names that one row shares written out."""
    found = {}
    for first, (_, pool) in table(section(OPERATING, "The DAG of a segment")).items():
        if first.startswith("."):
            continue
        found[first] = pool.strip("`")
    shared = found.pop("LABEL.additions.open")
    return found | {f"LABEL.additions.{name}": shared for name in ("open", "send", "settle")}


def test_the_tasks_and_their_pools(tmp_path: Path) -> None:
    dag = _dag(tmp_path, "mirror")
    told = _told_tasks()
    there = {task.task_id.replace("meta_main", "LABEL"): task.pool for task in dag.tasks if "google" not in task.task_id}
    assert set(told) == set(there)
    for name, pool in there.items():
        assert pool == ("guestlist_meta_main" if told[name] == "the connection's" else told[name]), name


@pytest.mark.parametrize(("mode", "group"), [("append", "additions"), ("remove", "removals"), ("replace", "replacement")])
def test_the_task_groups_of_the_other_modes(tmp_path: Path, mode: str, group: str) -> None:
    tasks = {task.task_id for task in _dag(tmp_path, mode).tasks}
    assert {name.split(".")[1] for name in tasks if name.count(".") == 2} == {group}


def test_the_params_and_their_defaults(tmp_path: Path) -> None:
    told = table(section(OPERATING, "Triggering by hand"))
    params = _dag(tmp_path, "mirror").params
    assert set(told) == set(params)
    for name, (default, _) in told.items():
        assert default == ("empty: all" if params[name] is None else str(params[name]).lower())


def test_the_retries() -> None:
    from datetime import timedelta

    from guestlist.orchestration import retries

    assert f"{Retries().attempts} attempts within {Retries().seconds:g} s" in OPERATING
    assert (retries.RETRIES["retries"], retries.RETRIES["retry_delay"]) == (3, timedelta(minutes=1))
    assert "3 retries, after about 1, 2 and 4 minutes" in OPERATING
    assert timedelta(hours=6) == retries._LONGEST_WAIT
    assert "at most 6 hours" in OPERATING


def _report(state: str) -> GuestlistError | None:
    destination = DestinationReport("meta_main", "meta", "VIPs", state)
    return verdict(RunReport("vips", "run", Drops(), [destination]))


def test_the_states_and_how_a_run_with_them_ends() -> None:
    told = table(section(PROMISES, "The states of a report"))
    states = [name for name, cells in told.items() if len(cells) == 3]
    assert sorted(states) == sorted(["sealed", "dry", "rejected", "unconfirmed", "unsent", "stopped", "failed"])
    for state in states:
        error = _report(state)
        assert told[state][1] == ("green" if error is None else f"red, exit {error.exit_code}"), state


def test_the_states_are_those_that_the_report_documents() -> None:
    source = (ROOT / "include" / "guestlist" / "runtime" / "sync" / "report.py").read_text(encoding="utf-8")
    for state in table(section(PROMISES, "The states of a report")):
        assert f'"{state}"' in source or state in source, state


def test_every_guard_is_told_of_as_the_page_says() -> None:
    told = table(section(text_of("segments.md"), "Guards"))
    assert {*told} == {*Guards.model_fields}


def test_the_envelope() -> None:
    from guestlist.model.delivery import Envelope

    told = table(section(PROMISES, "Receipts"))
    assert set(told) == set(Envelope(1, 1, 1, 1, "2026-01-31").as_json())


def test_operations_are_named() -> None:
    words = section(PROMISES, "What Guestlist promises")
    assert all(operation.value in words for operation in Operation)
