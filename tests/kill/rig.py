"""An installation whose runs happen in processes of their own, stopped and killed at their boundaries."""

from __future__ import annotations

import dataclasses
import itertools
import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from contract.rig import Door, Wish, World

from guestlist.runtime.ledger import BatchRow
from guestlist.runtime.wiring import Workspace

TESTS = Path(__file__).resolve().parents[1]
INCLUDE = TESTS.parent / "include"
_NUMBERS = itertools.count()


@dataclass(frozen=True)
class Ended:
    """What became of a process: its exit code, or the signal that ended or stopped it, negative; and what it told."""

    code: int
    boundaries: Sequence[str]
    sent: Sequence[Mapping[str, Any]]
    prepared: bool
    said: str

    @property
    def killed(self) -> bool:
        return self.code == -signal.SIGKILL

    @property
    def stopped(self) -> bool:
        return self.code == -signal.SIGSTOP


@dataclass(frozen=True)
class Wanted:
    """A process to start. Without ``run`` it is ``guestlist sync``, else the tasks of that DAG run.

    ``signals`` maps boundaries, such as ``17`` or ``answer 2``, to what the process is sent there. ``before`` are functions of
    `kill.trouble` that it calls first.
    """

    run: str = ""
    prepare: bool = True
    signals: Mapping[str, int] = field(default_factory=dict)
    before: Sequence[str] = ()
    environment: Mapping[str, str] = field(default_factory=dict)


SYNC = Wanted()


def killed_at(boundary: int | str, wanted: Wanted = SYNC) -> Wanted:
    return dataclasses.replace(wanted, signals={str(boundary): signal.SIGKILL})


def stopped_at(boundary: int | str, wanted: Wanted = SYNC) -> Wanted:
    return dataclasses.replace(wanted, signals={str(boundary): signal.SIGSTOP})


class Zygote:
    """Starts processes, one at a time: what was stopped is let go on before the next is started."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._process = subprocess.Popen(
            [sys.executable, str(TESTS / "kill" / "zygote.py")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": f"{INCLUDE}{os.pathsep}{TESTS}"},
        )

    def start(self, asked: Mapping[str, Any]) -> Ended:
        """Returns when the process has ended or stopped."""
        self._files = {name: self._folder / f"{next(_NUMBERS)}.{name}" for name in ("said", "told")}
        return self._ask({**asked, **{name: str(path) for name, path in self._files.items()}})

    def go_on(self) -> Ended:
        """Wake up what was stopped."""
        return self._ask({"go on": True})

    def _ask(self, asked: Mapping[str, Any]) -> Ended:
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps(asked) + "\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        assert answer, "the zygote has died"
        status = json.loads(answer)["status"]
        code = -os.WSTOPSIG(status) if os.WIFSTOPPED(status) else os.waitstatus_to_exitcode(status)
        told = [json.loads(line) for line in self._files["told"].read_text().splitlines()]
        return Ended(
            code=code,
            boundaries=[line["boundary"] for line in told if "boundary" in line],
            sent=[line["sent"] for line in told if "sent" in line],
            prepared=any("prepared" in line for line in told),
            said=self._files["said"].read_text(),
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with self._process as process:  # which closes its pipes, and waits
            assert process.stdin


@dataclass
class Installation:
    """A segment at one door, and what its runs have done."""

    world: World
    zygote: Zygote
    door: Door
    mode: str = ""
    name: str = "killed"
    rows_per_batch: int = 3

    def write(self, rows: list[dict[str, str]]) -> None:
        """The warehouse and the segment's file, as they are from now on."""
        self.segment = self.world.segment(self.door, self.name, rows, Wish(mode=self.mode or str(self.door.mode)))

    @property
    def environment(self) -> dict[str, str]:
        config = self.world.config
        return {
            "GUESTLIST_HOME": str(config.home),
            "GUESTLIST_SEGMENTS": str(config.segments),
            "GUESTLIST_LEDGER": config.ledger,
            "GUESTLIST_LAKE": config.lake,
            "GUESTLIST_VAULT_KEY": str(config.vault_key),
            "AIRFLOW_CONN_C": json.dumps({"conn_type": "guestlist", "extra": self.world.extra_of(self.door)}),
        }

    def start(self, wanted: Wanted = SYNC, zygote: Zygote | None = None) -> Ended:
        """A process, to its end or stop."""
        asked = {
            **dataclasses.asdict(wanted),
            "segment": str(self.world.file_of(self.name)),
            "sandbox": self.world.sandbox.http_url,
            "rows_per_batch": self.rows_per_batch,
            "environment": {**self.environment, **wanted.environment},
        }
        return (zygote or self.zygote).start(asked)

    @property
    def workspace(self) -> Workspace:
        return self.world.workspace(self.door)

    def held(self) -> dict[str, set[str]]:
        """What the platform's books hold."""
        found = self.workspace.ledger.audience(self.name, "c")
        return self.world.held(self.door, found.id) if found and found.id else {}

    def batches(self) -> dict[tuple[int, int], BatchRow]:
        """All batches of the ledger, by session and sequence."""
        ledger = self.workspace.ledger
        with ledger.engine.connect() as connection:
            sessions = [row[0] for row in connection.exec_driver_sql("SELECT id FROM sessions")]
        return {(batch.session_id, batch.sequence): batch for session in sessions for batch in ledger.batches(session)}

    def acted(self, operation: str) -> list[Mapping[str, Any]]:
        """The requests of a kind that the platform has answered with success."""
        return [line for line in self.world.log(self.door) if line["operation"] == operation and line["status"] // 100 == 2]
