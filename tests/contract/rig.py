"""A running sandbox, made-up people, and whole runs against it: real carriers, real SDKs, a clock that waiting moves on."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import os
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import yaml

from guestlist import destinations
from guestlist.model.capabilities import Capabilities
from guestlist.model.connection import Connection
from guestlist.model.errors import ConfigError
from guestlist.model.report import DestinationReport
from guestlist.model.segment import Segment
from guestlist.model.segment_file import parse_segment
from guestlist.model.vocabulary import Mode
from guestlist.runtime.config import Config
from guestlist.runtime.driver import Retries
from guestlist.runtime.ledger import Ledger, open_ledger
from guestlist.runtime.sync.run import RunOptions, run_segment
from guestlist.runtime.vault import create_key_file
from guestlist.runtime.wiring import Ready, Workspace
from guestlist.sandbox.server import Sandbox

ROOTS = "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH"
COLUMNS = ("id", "email", "email2", "phone", "first", "last", "zip", "country", "consent")
IDENTIFIERS: Mapping[str, Any] = {
    "email": ["email", "email2"],
    "phone": "phone",
    "first_name": "first",
    "last_name": "last",
    "postal_code": "zip",
    "country": "country",
}
Keys = Mapping[str, set[str]]
BEST_FIRST = (Mode.MIRROR, Mode.REPLACE, Mode.SNAPSHOT, Mode.APPEND, Mode.REMOVE)


@dataclass(frozen=True)
class Door:
    """One way into a platform, as the sandbox has it. ``door`` names it in the admin API and is its carrier's name, too.

    ``paths`` are regular expressions for the fault script: ``create`` and ``find`` an audience, ``add``, ``remove``, and
    ``ask`` what became of it; those that a platform does not have are left out. ``add`` is the request that carries rows.
    ``busy`` is a fault that says how long to wait, and the seconds that it says (None where the platform does not say).
    ``denied`` is a fault of a credential that is revoked, ``stale`` one of a token that has expired (None where tokens do not).
    ``late_failure`` is the fault with which the platform takes a batch and fails on all of it later; its path is that of
    ``fails_at``. ``secrets`` are the values of ``extra`` that nobody may ever see.
    """

    id: str
    platform: str
    door: str
    book: str
    paths: Mapping[str, str]
    busy: tuple[Mapping[str, Any], float | None]
    down: Mapping[str, Any]
    denied: Mapping[str, Any]
    extra: Mapping[str, Any]
    secrets: tuple[str, ...]
    options: Mapping[str, Any] = field(default_factory=dict)
    stale: Mapping[str, Any] | None = None
    late_failure: Mapping[str, Any] | None = None
    partial_failure: Mapping[str, Any] | None = None
    fails_at: str = "add"
    methods: Mapping[str, str] = field(default_factory=dict)
    """The verb that tells one of ``paths`` from others of the same address."""
    malformed: tuple[str, ...] = ("html", "empty", "truncated", "wrong_type")
    handle: Mapping[str, Any] = field(default_factory=dict)
    kinds: tuple[str, ...] = ("email", "phone")
    """The fields by which it knows people here, out of the test's segment."""
    settings: Mapping[str, Any] = field(default_factory=dict)
    """Settings of the sandbox's platform, such as a floor that a handful of people could not reach."""
    refuses_rows: bool = True
    """It can refuse a row by name; the sandbox does so on ``reject_rows``."""
    bad_value: str | None = "not a hash"
    """What it refuses in the place of an email; None where it takes everything."""
    phone_prefix: str = ""
    address: str = ""
    longest_name: int | None = None
    """The platform cuts longer names of audiences, and ends them with three dots."""
    notices_deletion: bool = True
    """It tells that an audience is not there any more."""
    finds: int = 0
    """How many requests of the kind of ``ask`` a first run makes to find its audience."""

    def shown(self, name: str) -> str:
        """An audience's name as the platform has it."""
        cut = self.longest_name is not None and len(name) > self.longest_name
        return f"{name[: (self.longest_name or 0) - 3]}..." if cut else name

    @property
    def capabilities(self) -> Capabilities:
        cls = destinations.destination_class(self.platform)
        return cls.capabilities_for(cls.Options(**self.options))

    @property
    def mode(self) -> Mode:
        """How it keeps an audience best."""
        return next(mode for mode in BEST_FIRST if mode in self.capabilities.modes)

    @property
    def whole(self) -> bool:
        """It builds or replaces audiences as a whole."""
        return self.mode in (Mode.REPLACE, Mode.SNAPSHOT)


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def person(number: int, **changes: str) -> dict[str, str]:
    """A made-up person whose values are normal already, so that an expectation needs no normalising."""
    return {
        "id": f"c{number}",
        "email": f"person{number}@example.com",
        "email2": "",
        "phone": f"+49151{10_000_000 + number}",
        "first": "",
        "last": "",
        "zip": "",
        "country": "",
        "consent": "yes",
        **changes,
    }


def people(numbers: Iterable[int]) -> list[dict[str, str]]:
    return [person(number) for number in numbers]


def expected_keys(rows: Iterable[Mapping[str, str]], door: Door) -> dict[str, set[str]]:
    """The keys that a platform should hold, worked out from the platforms' pages and not from the code under test."""
    found: dict[str, set[str]] = {}
    for row in rows:
        emails = [row[name] for name in ("email", "email2") if row[name] and "email" in door.kinds]
        keys = {("email", digest(email)) for email in emails}
        if row["phone"] and "phone" in door.kinds:
            keys.add(("phone", digest(door.phone_prefix + row["phone"].removeprefix("+"))))
        if door.address == "address" and all(row[name] for name in ("first", "last", "country", "zip")):
            keys.add(("address", "|".join((digest(row["first"]), digest(row["last"]), row["country"], row["zip"]))))
        if door.address == "profile" and not keys and row["first"] and row["last"]:
            place = {"zip": digest(row["zip"]) if row["zip"] else "", "country": ""}
            place["country"] = digest(row["country"].lower()) if row["country"] else ""
            names = (digest(row["first"]), digest(row["last"]), "", "", "")
            keys.add(("profile", "|".join((*names, place["zip"], place["country"], "", "", "", ""))))
        for kind, value in keys:
            found.setdefault(kind, set()).add(value)
    return found


def certificate_folder(fresh: Path) -> Path:
    """Where this process's certificate authority lives: gRPC reads its roots once, so whoever was first decides."""
    if (known := os.environ.get(ROOTS)) and Path(known).with_name("ca-key.pem").exists():
        return Path(known).parent
    os.environ[ROOTS] = str(fresh / "ca.pem")
    return fresh


@dataclass
class Wish:
    """What a segment of these tests says beside its people."""

    mode: str = ""
    """Empty for the door's best."""
    audience: str = "People"
    guards: Mapping[str, Any] = field(default_factory=dict)
    more: Mapping[str, Any] = field(default_factory=dict)


MIRROR = Wish()


class World:
    """A sandbox and an installation of Guestlist beside it. Whatever waits moves the sandbox's clock on instead."""

    def __init__(self, folder: Path, ca_dir: Path) -> None:
        self.folder = folder
        self.sandbox = Sandbox(folder / "sandbox", ca_dir=ca_dir).start()
        self.ca_file = ca_dir / "ca.pem"
        self.http = httpx.Client(base_url=self.sandbox.http_url, timeout=30)
        self.segments = folder / "segments"
        self.segments.mkdir()
        self.sleeps: list[float] = []
        self.overrides: dict[str, Any] = {}
        self.vault_key = folder / "vault.key"
        create_key_file(self.vault_key)
        self.config = Config(
            folder / "home", self.segments, f"sqlite:///{folder}/ledger.db", str(folder / "lake"), self.vault_key
        )
        self._ledgers: dict[str, Ledger] = {}
        self._opened: list[Ready] = []
        self._runs = 0

    def close(self) -> None:
        self.hang_up()
        self.http.close()
        self.sandbox.stop()

    def hang_up(self) -> None:
        while self._opened:
            self._opened.pop().close()

    # the sandbox

    def sleep(self, seconds: float) -> None:
        self.sleeps.append(seconds)
        assert len(self.sleeps) < 1000, "a run waits for ever"
        self.advance(seconds)

    def advance(self, seconds: float) -> None:
        self.admin("POST", "clock", {"advance": seconds})

    def admin(self, method: str, path: str, body: Any = None) -> Any:
        return self.sandbox.admin(method, path, body)

    def fault(self, door: Door, action: Mapping[str, Any], path: str = "", *, times: int = 1, skip: int = 0) -> None:
        """Script a fault; ``path`` is a name of ``door.paths``, or nothing for any request."""
        match: dict[str, str] = {"path": door.paths[path] if path else ""}
        if path in door.methods:
            match["method"] = door.methods[path]
        fault = {"match": match, "action": dict(action), "times": times, "skip": skip}
        self.admin("POST", f"faults/{door.door}", {"faults": [fault]})

    def clear_faults(self, door: Door) -> None:
        self.admin("DELETE", f"faults/{door.door}")

    def settings(self, door: Door | str, **values: Any) -> None:
        self.admin("POST", f"settings/{door if isinstance(door, str) else door.door}", values)

    def log(self, door: Door | str, since: int = 0) -> list[dict[str, Any]]:
        name = door if isinstance(door, str) else door.door
        return list(self.admin("GET", f"requests/{name}?since={since}")["requests"])

    def books(self, door: Door) -> list[dict[str, Any]]:
        return list(self.admin("GET", f"books/{door.book}"))

    def held(self, door: Door, audience: str) -> dict[str, set[str]]:
        keys = self.admin("GET", f"books/{door.book}/{audience}")["keys"]
        return {kind: set(values) for kind, values in keys.items()}

    def delete(self, door: Door, audience: str) -> None:
        """What a person does on the platform's own pages."""
        self.admin("DELETE", f"books/{door.book}/{audience}")

    def kept(self) -> bytes:
        """Every byte that runs have left, without the sandbox's own and the people they were given."""
        content = b""
        for path in sorted(self.folder.rglob("*")):
            if path.relative_to(self.folder).parts[0] != "sandbox" and path.suffix != ".csv":
                # SQLite removes its side files when it likes
                with contextlib.suppress(IsADirectoryError, FileNotFoundError):
                    content += path.read_bytes()
        return content

    def reset(self) -> None:
        """Empty the sandbox; the ledger stays, for segments of new names."""
        self.hang_up()
        self.admin("POST", "reset")
        self.sleeps.clear()
        self.overrides.clear()

    # an installation

    def begin_anew(self) -> None:
        """Empty the sandbox and take an empty ledger, so that a story can be told again with the same names."""
        self.reset()
        self._runs = 0
        self._ledgers.clear()
        empty = self.folder / "empty.db"
        if not empty.exists():
            open_ledger(f"sqlite:///{empty}").engine.dispose()
        fresh = self.folder / "anew.db"
        for path in self.folder.glob("anew.db*"):
            path.unlink()
        shutil.copyfile(empty, fresh)
        shutil.rmtree(self.folder / "lake", ignore_errors=True)
        self.config = dataclasses.replace(self.config, ledger=f"sqlite:///{fresh}")

    def extra_of(self, door: Door) -> dict[str, Any]:
        """The connection's extra, with the sandbox's addresses in the place of their names."""
        addresses = {
            "{http}": self.sandbox.http_url,
            "{grpc}": self.sandbox.grpc_endpoint,
            "{ca}": str(self.ca_file),
        }
        filled = {}
        for name, value in door.extra.items():
            for word, address in addresses.items():
                value = value.replace(word, address) if isinstance(value, str) else value  # noqa: PLW2901
            filled[name] = value
        return filled | self.overrides

    def name(self, what: str) -> str:
        """A segment's name that no test has had before: the ledger remembers."""
        self._runs += 1
        return f"{what}_{self._runs}"

    def workspace(self, door: Door, **more: Any) -> Workspace:
        connection = Connection("c", "guestlist", extra=self.extra_of(door))

        def resolve(name: str) -> Connection:
            if name != "c":
                raise ConfigError(f"there is no connection {name!r}")
            return connection

        given = {"retries": Retries(attempts=3, seconds=120), "sleep": self.sleep, **more}
        workspace = Workspace(self.config, resolve=resolve, **given)
        workspace.ledger = self.ledger
        return workspace

    @property
    def ledger(self) -> Ledger:
        """One for all runs on it: the statements of a ledger that is newly opened are compiled anew."""
        if self.config.ledger not in self._ledgers:
            self._ledgers = {self.config.ledger: open_ledger(self.config.ledger)}
        return self._ledgers[self.config.ledger]

    def ready(self, door: Door, segment: Segment) -> Ready:
        """Its platform, to talk to by hand."""
        self._opened.append(self.workspace(door).ready(segment, "c"))
        return self._opened[-1]

    def segment(self, door: Door, name: str, rows: list[dict[str, str]], wish: Wish = MIRROR) -> Segment:
        """Write people and segment; a segment of the same name is the same audience with other people."""
        if door.settings:
            self.settings(door, **door.settings)
        lines = [",".join(COLUMNS), *(",".join(row[column] for column in COLUMNS) for row in rows)]
        (self.folder / f"{name}.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
        guards = {"max_removed": "100%", "max_added": "100000%", "min_members": 0, **wish.guards}
        target = {
            "platform": door.platform,
            "connection": "c",
            "audience": wish.audience,
            "mode": str(wish.mode or door.mode),
            **door.options,
        }
        data = {
            "name": name,
            "source": {"file": f"{name}.csv"},
            "key": "id",
            "identifiers": dict(IDENTIFIERS),
            "consent": {"ad_user_data": "consent"},
            "guards": guards,
            "destinations": [target],
            **wish.more,
        }
        text = yaml.safe_dump(data)
        self.file_of(name).write_text(text, encoding="utf-8")
        return parse_segment(text, f"{name}.yaml", destinations.platforms())

    def file_of(self, segment: str) -> Path:
        """The file of a segment."""
        return self.segments / f"{segment}.yaml"

    def run(self, door: Door, segment: Segment, workspace: Workspace | None = None, run_id: str = "") -> DestinationReport:
        self._runs += 1
        report = run_segment(
            workspace or self.workspace(door), segment, run_id or f"run {self._runs}", RunOptions(approved_by="tests")
        )
        return report.destinations[0]

    def audience(self, door: Door, segment: Segment) -> str:
        found = self.workspace(door).ledger.audience(segment.name, "c")
        assert found is not None
        return found.id


def balanced(report: DestinationReport) -> bool:
    """No row vanishes."""
    return report.rows_planned == report.rows_accepted + sum(report.rejected.values()) + report.unconfirmed + report.unsent
