"""A whole installation against the real sandbox, in this process; time passes only when Guestlist waits."""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from guestlist.destinations import platforms
from guestlist.model.connection import Connection
from guestlist.model.errors import ConfigError
from guestlist.model.report import RunReport
from guestlist.model.segment import Segment
from guestlist.runtime.config import Config
from guestlist.runtime.driver import Retries
from guestlist.runtime.sync.plan import PlanOptions, make_plan
from guestlist.runtime.sync.prepare import prepare
from guestlist.runtime.sync.run import RunOptions, run_segment
from guestlist.runtime.wiring import Workspace
from guestlist.sandbox.server import Sandbox

Row = Mapping[str, str | None]
META = {"platform": "meta", "connection": "meta_main", "audience": "VIPs"}
GOOGLE = {"platform": "google_ads", "connection": "google_main", "audience": "VIPs"}
BOTH = (META, GOOGLE)
COLUMNS = ("id", "email", "phone", "country", "first", "last", "zip", "consent", "ltv", "list")


def sha(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def people(*numbers: int, **changes: str | None) -> list[Row]:
    """Made-up people, each with an email and a phone of their own."""
    return [
        {"id": f"c{n}", "email": f"person{n}@example.com", "phone": f"+49151{n:08}", "country": "DE", "consent": "yes"}
        | changes
        for n in numbers
    ]


def emails(*numbers: int) -> list[str]:
    return sorted(sha(f"person{n}@example.com") for n in numbers)


def phones(*numbers: int, plus: str = "") -> list[str]:
    return sorted(sha(f"{plus}49151{n:08}") for n in numbers)


@dataclass
class Rig:
    """One installation: a folder with a source, segments, ledger and lake, and connections to the sandbox."""

    sandbox: Sandbox
    folder: Path
    settings: dict[str, dict[str, Any]] = field(default_factory=dict)
    waited: list[float] = field(default_factory=list)
    retries: Retries = field(default_factory=lambda: Retries(attempts=3, seconds=30.0))
    runs: int = 0

    def __post_init__(self) -> None:
        self.http = httpx.Client(base_url=self.sandbox.http_url, timeout=30)
        self.admin("POST", "reset")
        polls = {"poll_first_seconds": 60.0, "poll_longest_seconds": 600.0}
        oauth = {"client_id": "sandbox-client", "client_secret": "sandbox-secret", "refresh_token": "sandbox-refresh"}
        self.settings = {
            "meta_main": {
                "ad_account_id": "1",
                "access_token": "sandbox-token",
                "app_id": "1",
                "app_secret": "sandbox-app-secret",
                "endpoint": f"{self.sandbox.http_url}/meta",
                **polls,
            },
            "google_main": {
                "customer_id": "1234567890",
                "token_uri": f"{self.sandbox.http_url}/oauth/token",
                "endpoint": f"{self.sandbox.http_url}/data_manager",
                **oauth,
                **polls,
            },
        }
        (self.folder / "segments").mkdir(parents=True)

    def admin(self, method: str, path: str, body: Any = None) -> Any:
        return self.sandbox.admin(method, path, body)

    def workspace(self) -> Workspace:
        """As a process that has just been started would have it."""
        home = self.folder / "home"
        config = Config(home, self.folder / "segments", f"sqlite:///{home}/ledger.db", str(home / "lake"), home / "vault.key")
        return Workspace(config, self._resolve, retries=self.retries, sleep=self._sleep)

    def _resolve(self, name: str) -> Connection:
        if name not in self.settings:
            raise ConfigError(f"there is no connection {name!r}")
        return Connection(id=name, type="guestlist", extra=self.settings[name])

    def _sleep(self, seconds: float) -> None:
        self.waited.append(seconds)
        self.admin("POST", "clock", {"advance": seconds})

    def source(self, rows: Sequence[Row], name: str = "people.csv") -> None:
        with (self.folder / name).open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, COLUMNS)
            writer.writeheader()
            writer.writerows(rows)

    def segment(self, *destinations: Mapping[str, Any], **parts: Any) -> Segment:
        document = {
            "name": "vips",
            "source": {"file": "people.csv"},
            "key": "id",
            "identifiers": {"email": "email", "phone": {"columns": "phone", "region": "country"}},
            "guards": {"max_removed": "100%"},
            "destinations": list(destinations or (META,)),
        }
        return Segment.model_validate(document | parts, context={"platforms": platforms()})

    def run(self, segment: Segment, rows: Sequence[Row] | None = None, run_id: str | None = None, **options: Any) -> RunReport:
        """A whole run in a process of its own, as it were."""
        if rows is not None:
            self.source(rows)
        self.runs += 1
        plan = PlanOptions(dry_run=options.pop("dry_run", False), full_resend=options.pop("full_resend", False))
        return run_segment(self.workspace(), segment, run_id or f"run{self.runs}", RunOptions(plan=plan, **options))

    def audiences(self, book: str = "meta") -> list[dict[str, Any]]:
        return self.admin("GET", f"books/{book}")

    def keys(self, book: str = "meta") -> dict[str, list[str]]:
        """What the only audience of a platform holds."""
        (audience,) = self.audiences(book)
        return self.admin("GET", f"books/{book}/{audience['id']}")["keys"]

    def requests(self, door: str = "meta") -> list[dict[str, Any]]:
        return self.admin("GET", f"requests/{door}")["requests"]

    def fault(self, action: Mapping[str, Any], path: str = "", door: str = "meta", **more: Any) -> None:
        self.admin("POST", f"faults/{door}", {"faults": [{"match": {"path": path}, "action": action, **more}]})


def holds(rig: Rig, *numbers: int, books: tuple[str, ...] = ("meta",)) -> bool:
    """Whether each platform has exactly these people's keys."""
    return all(
        rig.keys(book) == {"email": emails(*numbers), "phone": phones(*numbers, plus="+" if book == "google" else "")}
        for book in books
    )


def began(rig: Rig, *numbers: int, run_id: str = "r") -> tuple[Any, Any, int]:
    segment = rig.segment()
    rig.source(people(*numbers))
    workspace = rig.workspace()
    prepare(workspace, segment, run_id)
    return workspace, segment, make_plan(workspace, segment, run_id, "meta_main")


class Killed(BaseException):
    """What SIGKILL looks like from inside: nothing after it runs."""


def kill_at(monkeypatch: pytest.MonkeyPatch, where: type, method: str, when: str, count: int = 1) -> None:
    real, left = getattr(where, method), [count]

    def die(*arguments: Any, **named: Any) -> Any:
        left[0] -= 1
        if left[0] == 0 and when == "before":
            raise Killed
        result = real(*arguments, **named)
        if left[0] == 0:
            raise Killed
        return result

    monkeypatch.setattr(where, method, die)
