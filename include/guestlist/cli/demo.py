"""`make demo`: a segment from the sample warehouse to every platform in the sandbox, through Airflow, twice, proved."""

from __future__ import annotations

import os
import select
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import IO, Any

from rich.console import Console
from rich.status import Status
from rich.table import Table

from guestlist.cli.proof import Proof, prove, requests_summaries
from guestlist.cli.stage import Stage
from guestlist.cli.tables import report_table
from guestlist.model.segment import Segment
from guestlist.runtime import clock
from guestlist.runtime.config import Config
from guestlist.runtime.segments import find_segment, shown
from guestlist.runtime.wiring import Workspace
from guestlist.sandbox.server import Sandbox

_SEGMENT = "all_customers"
_SETTLE_SECONDS = 0.0
_LOOK_EVERY = 1.0


def main() -> int:
    """Run the demo; 0 only if the proof holds."""
    console = Console(highlight=False, width=max(Console().width, 100))
    started = clock.monotonic()
    stage = Stage(Config.from_environment().home / "demo")
    shutil.rmtree(stage.folder, ignore_errors=True)
    stage.folder.mkdir(parents=True)
    with Sandbox(stage.folder / "sandbox", settle_seconds=_SETTLE_SECONDS) as sandbox:
        os.environ.update({k: v for k, v in stage.environment(sandbox).items() if k.startswith(("GUESTLIST_", "AIRFLOW_"))})
        workspace = Workspace()
        segment = find_segment(_SEGMENT, workspace.config.segments)
        console.print(f"Sandbox platforms on {sandbox.http_url}; everything is kept in {shown(stage.folder)}")
        with _dag_runner(stage, sandbox) as runner:
            if not _set_up(runner, stage, console):
                return 1
            before: dict[str, Any] = {}
            for number, title in (
                (1, "First run: the whole segment goes out"),
                (2, "Second run: only the difference goes out"),
            ):
                if number == 2:
                    _change(stage, console)
                if not _airflow_run(runner, stage, workspace, segment, console, number):
                    return 1
                console.rule(title)
                report = workspace.ledger.last_runs(segment.name, 1)[0].report
                console.print(report_table(report, keys=number == 1))
                before = _requests_table(sandbox.http_url, before, console)
        held = _prove(workspace, segment, sandbox, stage, console)
    console.print(
        f"{'The proof holds' if held else '[red]The proof does NOT hold[/red]'}. {clock.monotonic() - started:.0f} s in all."
    )
    return 0 if held else 1


def _set_up(runner: subprocess.Popen[str], stage: Stage, console: Console) -> bool:
    with console.status("Airflow's database and the sample warehouse ..."):
        stage.make_key()
        stage.build_warehouse()
        ready = _answer(runner) == "ready"
    if not ready:
        console.print(f"[red]Airflow does not start: see {shown(stage.folder / 'airflow.log')}[/red]")
    return ready


@contextmanager
def _dag_runner(stage: Stage, sandbox: Sandbox) -> Iterator[subprocess.Popen[str]]:
    """Airflow, started while the rest is made ready, and gone at the end: it may wait for a person, and for no signal."""
    os.environ["AIRFLOW__LOGGING__LOGGING_LEVEL"] = "INFO"
    with (stage.folder / "airflow.log").open("a") as log, stage.dag_runner(_SEGMENT, sandbox, log) as runner:
        try:
            yield runner
        finally:
            runner.kill()


def _airflow_run(
    runner: subprocess.Popen[str], stage: Stage, workspace: Workspace, segment: Segment, console: Console, number: int
) -> bool:
    """One run of the segment's DAG, telling how far it is from the ledger."""
    with console.status(f"Run {number} ...") as status:
        with suppress(BrokenPipeError):  # it has died, which its answer tells
            print("run", file=runner.stdin, flush=True)
        while not select.select([_answers(runner)], [], [], _LOOK_EVERY)[0]:
            _tell(status, workspace, segment, number)
            if breaches := _stopped(workspace, segment):  # nobody is here to approve it
                console.print(f"[red]A guard stopped the run: {breaches}[/red]")
                return False
    state = _answer(runner)
    if state != "success":
        console.print(f"[red]Airflow ended the run as {state or 'broken'}: see {shown(stage.folder / 'airflow.log')}[/red]")
    return state == "success"


def _answer(runner: subprocess.Popen[str]) -> str:
    """The next line; empty when the runner has died."""
    return _answers(runner).readline().strip()


def _answers(runner: subprocess.Popen[str]) -> IO[str]:
    if runner.stdout is None:
        raise AssertionError("the runner was started without pipes")
    return runner.stdout


def _tell(status: Status, workspace: Workspace, segment: Segment, number: int) -> None:
    parts = []
    for target in segment.destinations:
        for row in workspace.ledger.unsealed_plans(segment.name, target.label)[-1:]:
            for session in workspace.ledger.sessions(row.id):
                received = sum(batch.state == "received" for batch in workspace.ledger.batches(session.id))
                part = f"{target.label} {session.operation.value} {received}/{session.batches} batches, {session.state}"
                if session.state != "planned":
                    parts.append(part)
    if parts:
        status.update(f"Run {number}: {'; '.join(parts[-2:])}")


def _stopped(workspace: Workspace, segment: Segment) -> str:
    """The guards that a plan of this run does not pass."""
    rows = [row for target in segment.destinations for row in workspace.ledger.unsealed_plans(segment.name, target.label)]
    return "; ".join(f"{row.label}: {breach['guard']}" for row in rows for breach in row.breaches)


def _change(stage: Stage, console: Console) -> None:
    from guestlist.sample.changes import change

    changes = change(stage.warehouse)
    left, joined = changes.left[_SEGMENT], changes.joined[_SEGMENT]
    console.print(
        f"\nThe warehouse changes: {left} people leave the segment, {joined} join, "
        f"{changes.emails} change their email, {changes.phones} their phone, {changes.names} their name."
    )


def _requests_table(url: str, before: Mapping[str, Any], console: Console) -> dict[str, Any]:
    """What the sandbox itself counted in this run."""
    table = Table(title="Requests, as the sandbox counted them", title_justify="left")
    for name in ("door", "requests", "add", "remove", "rows added", "rows removed"):
        table.add_column(name, justify="left" if name == "door" else "right")
    now: dict[str, Any] = {door: counts for door, counts in requests_summaries(url).items() if counts["total"]}
    for door, counts in now.items():
        old = before.get(door, {"total": 0, "by_operation": {}, "rows_added": 0, "rows_removed": 0})
        kinds = [
            sum(counts["by_operation"].get(kind, 0) - old["by_operation"].get(kind, 0) for kind in kinds)
            for kinds in (("add", "replace"), ("remove",))
        ]
        rows = [counts[name] - old[name] for name in ("rows_added", "rows_removed")]
        table.add_row(door, *(f"{value:,}" for value in (counts["total"] - old["total"], *kinds, *rows)))
    console.print(table)
    return now


def _prove(workspace: Workspace, segment: Segment, sandbox: Sandbox, stage: Stage, console: Console) -> bool:
    with console.status("The proof: the segment is read again and compared with the platforms' books ..."):
        proofs = prove(workspace, segment, sandbox.http_url, str(stage.folder / "proof"))
    console.rule("Proof, from the sandbox's own books")
    table = Table()
    for name in ("audience", "kind of key", "in the segment", "in the books", "missing", "too many", ""):
        table.add_column(name, justify="left" if name in ("audience", "kind of key", "") else "right")
    for proof in proofs:
        table.add_row(*_cells(proof))
    console.print(table)
    return bool(proofs) and all(proof.holds for proof in proofs)


def _cells(proof: Proof) -> tuple[str, ...]:
    numbers = (f"{value:,}" for value in (proof.wanted, proof.held, proof.missing, proof.extra))
    return (proof.label, proof.kind, *numbers, "[green]equal[/green]" if proof.holds else "[red]DIFFERENT[/red]")


if __name__ == "__main__":
    sys.exit(main())
