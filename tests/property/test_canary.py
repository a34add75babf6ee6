"""Unmistakable made-up people go through runs that fail in every way; afterwards nothing anywhere knows their names."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import logging
import sqlite3
import traceback
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus

import polars as pl
import pytest
from contract.doors import EVERY_DOOR
from contract.rig import Door, World, certificate_folder, person

from guestlist.model.errors import GuestlistError
from guestlist.runtime.driver import Retries

CANARIES = [
    person(
        number,
        id=f"kanarienvogel-{number}",
        email=f"Kanarien.Vogel{number}@example.com",
        email2=f"zweitvogel{number}@example.org",
        phone=f"+49 151 8642{number:04}",
        first=f"Zwitscherine{'abc'[number % 3]}",
        last=f"Gelbschnabel{'abc'[number % 3]}",
        zip="80331",
        country="DE",
    )
    for number in range(6)
]
PRIVATE = ("id", "email", "email2", "phone", "first", "last")
pytestmark = pytest.mark.slow


def forms(text: str) -> set[str]:
    """A value as it is, and as somebody might have dressed it."""
    plain = {text, text.strip(), text.replace(" ", ""), text.replace("+", "").replace(" ", "")}
    plain |= {value.lower() for value in plain} | {value.upper() for value in plain}
    dressed = set(plain)
    for value in plain:
        raw = value.encode()
        dressed |= {value[::-1], quote(value), quote_plus(value), quote(value, safe=""), raw.hex(), raw.hex().upper()}
        dressed |= {base64.b64encode(raw).decode().rstrip("="), base64.urlsafe_b64encode(raw).decode().rstrip("=")}
        dressed |= {json.dumps(value)[1:-1], value.encode("utf-16-le").decode("latin-1")}
    return {value for value in dressed if len(value) > 5}


def needles() -> dict[str, str]:
    """Every form of every private value -> which one it is."""
    return {form: name for row in CANARIES for name in PRIVATE for form in forms(row[name])}


def digests() -> set[str]:
    """The hashes of the canaries, as the platforms take them."""
    found = set()
    for row in CANARIES:
        phone = row["phone"].replace(" ", "")
        values = (row["email"].lower(), row["email2"], phone, phone[1:], row["first"].lower(), row["last"].lower())
        found |= {hashlib.sha256(value.encode()).hexdigest() for value in values}
    return found


def secrets_of(world: World, door: Door) -> set[str]:
    """Every secret of the connection, and what is made of it: proofs and access tokens."""
    extra = world.extra_of(door)
    found = {str(extra[name]) for name in door.secrets}
    if "app_secret" in extra:
        found.add(hmac.new(extra["app_secret"].encode(), extra["access_token"].encode(), "sha256").hexdigest())
    return found | {"sandbox-access-"}


def hits(text: str, wanted: Mapping[str, str]) -> list[str]:
    return sorted({f"{name} as {form!r}" for form, name in wanted.items() if form in text})


@dataclass
class Caught:
    """What exceptions and reports said."""

    texts: list[str]

    def error(self, error: BaseException) -> None:
        self.texts += [repr(error), str(error), "".join(traceback.format_exception(error))]
        chain: BaseException | None = error
        while chain is not None:
            self.texts.append(f"{chain!r} {chain} {chain.args!r} {vars(chain)!r}")
            chain = chain.__cause__ or chain.__context__


def disturb(world: World, door: Door) -> list[list[tuple[Mapping[str, Any], str]]]:
    """What goes wrong in each run, one run after the other."""
    runs: list[list[tuple[Mapping[str, Any], str]]] = [
        [(door.down, "create")],
        [({"malformed": "truncated"}, "find"), ({"malformed": "html"}, "add")],
        [({"drop": "after"}, "add"), ({"reject_rows": [0, 2]}, "add")],
        [({"drop": "before"}, "add"), ({"drop": "before"}, "add"), ({"drop": "before"}, "add")],
        [(door.denied, "add"), (door.denied, "add")],
        [(door.busy[0], "add"), (door.busy[0], "ask")],
        [({"malformed": "wrong_type"}, "add"), ({"malformed": "wrong_type"}, "ask")],
        [({"status": 400, "body": {"error": "unexpected"}}, "add")],
    ]
    runs += [[(failure, door.fails_at)] for failure in (door.late_failure, door.partial_failure) if failure]
    return [[(action, path) for action, path in faults if path in door.paths] for faults in runs]


def play(world: World, door: Door, caught: Caught) -> Path:
    """Runs that fail, then one that does not, then one that takes the canaries off again; the folder of it all."""
    name = world.name("canary")
    for turn, faults in enumerate([*disturb(world, door), [], []]):
        changed = [row if turn % 2 else {**row, "email2": ""} for row in CANARIES]
        segment = world.segment(door, name, changed)
        for action, path in faults:
            world.fault(door, action, path)
        try:
            report = world.run(door, segment, world.workspace(door, retries=Retries(attempts=2, seconds=40)))
        except GuestlistError as error:
            caught.error(error)
        else:
            caught.texts += [repr(report), str(report)]
        world.clear_faults(door)
    segment = world.segment(door, name, CANARIES)
    assert world.run(door, segment).state == "sealed"
    nobody = [person(77, id="nobody", email="nobody@example.com", phone="+4915199999999")]
    assert world.run(door, world.segment(door, name, nobody)).state == "sealed"
    (world.folder / f"{name}.csv").unlink()  # the source is the one place where they may stand
    return world.folder


def left_behind(folder: Path) -> Iterator[tuple[str, str]]:
    """Every file that an installation has left, as text; the sandbox's own state, which is the platforms', is not ours."""
    for path in sorted(folder.rglob("*")):
        if path.is_file() and "sandbox" not in path.relative_to(folder).parts:
            yield str(path.relative_to(folder)), path.read_bytes().decode("latin-1")
            if path.suffix == ".parquet":
                yield f"{path.name}, decoded", json.dumps(pl.read_parquet(path).to_dicts(), default=str, ensure_ascii=False)
    ledger = sqlite3.connect(folder / "ledger.db")
    yield "ledger, dumped", "\n".join(ledger.iterdump())
    ledger.close()


@EVERY_DOOR
def test_nobody_is_named_in_anything_that_runs_leave_behind(
    tmp_path: Path, door: Door, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    world = World(tmp_path, certificate_folder(tmp_path))
    caught = Caught([])
    try:
        folder = play(world, door, caught)
        secrets = secrets_of(world, door)
    finally:
        world.close()
    printed = capfd.readouterr()
    logged = "\n".join(f"{record.name} {record.getMessage()} {vars(record)!r}" for record in caplog.records)
    open_places = {"log": logged, "stdout": printed.out, "stderr": printed.err, "errors and reports": "\n".join(caught.texts)}
    wanted = needles()
    for where, text in [*open_places.items(), *left_behind(folder)]:
        assert hits(text, wanted) == [], where
        assert not [secret for secret in secrets if secret in text], where
    for where, text in open_places.items():  # hashes are personal data, too: they may stand in the lake and nowhere else
        assert not [digest for digest in digests() if digest in text], where
    lake = {where for where, text in left_behind(folder) if any(digest in text for digest in digests())}
    assert bool(lake) is not door.capabilities.plain_text  # what goes out in plain text is kept encrypted
    assert all("parquet" in where for where in lake)
    assert len(caught.texts) > 2 * len(disturb(world, door))  # there was something to be searched
    assert "guestlist.driver" in logged


def test_the_search_finds_what_is_there() -> None:
    wanted = needles()
    email = CANARIES[0]["email"]
    for text in (
        email,
        email.upper(),
        email[::-1],
        quote(email),
        base64.b64encode(email.encode()).decode(),
        "+491518642" + "0000",
    ):
        assert hits(f"before {text} after", wanted), text
    assert hits("person1@example.com +4915112345678", wanted) == []
