"""Canaries go through every platform in runs that fail in every way; afterwards nothing anywhere knows them, or a secret."""

from __future__ import annotations

import hmac
import itertools
import traceback
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from contract.doors import EVERY_DOOR
from contract.rig import Door, World, certificate_folder, digest, person
from privacy.canaries import CANARIES, digests, hits, people, secrets
from privacy.conftest import Logs
from privacy.places import left_behind

from guestlist.model.errors import GuestlistError
from guestlist.runtime.driver import Retries

pytestmark = pytest.mark.slow
Faults = list[tuple[Mapping[str, Any], str]]
"""What goes wrong in a run, and at which request."""


def secrets_of(world: World, door: Door) -> set[str]:
    """Every secret of the connection, and what is made of it: proofs, access tokens, signed addresses; and the vault's key."""
    extra = world.extra_of(door)
    found = {str(extra[name]) for name in door.secrets} | {"sandbox-access-", "X-Amz-Signature"}
    if "app_secret" in extra:
        found.add(hmac.new(extra["app_secret"].encode(), extra["access_token"].encode(), "sha256").hexdigest())
    return found | {world.vault_key.read_text().strip()}


def quotations(world: World, door: Door) -> list[Faults]:
    """Answers in which a platform quotes a person, a hash or a secret wherever its contract has a text.

    A secret is quoted in sentences only: by itself it looks like the name of a request.
    """
    row, extra = CANARIES[0], world.extra_of(door)
    quoted = [row["email"], digest(row["email"].lower()), row["phone"].replace(" ", "").removeprefix("+")]
    quoted += [f"not valid: {extra[name]}" for name in door.secrets]
    asked = "ask" if "ask" in door.paths else "add"
    runs = [[(400, "add")], [(403, "add")], [(422, "add")], [(429, "add"), (500, "add")], [(200, asked), (409, "add")]]
    texts = itertools.cycle(quoted)
    return [[(quotation(next(texts), status), path) for status, path in run] for run in runs]


def quotation(text: str, status: int) -> Mapping[str, Any]:
    """An answer of any platform: each finds the parts of its own contract in it."""
    row = {"field": "audience_members[0]", "reason": text, "description": text}
    details = [{"reason": text, "metadata": {"quota_limit": text}}, {"requestId": text}, {"fieldViolations": [row]}]
    error = {"code": 999, "status": text, "message": text, "type": text, "fbtrace_id": text, "details": details}
    pointed = {"pointer": "/data/attributes/profiles/data/0"}
    body = {
        "error": error,
        "errors": [{"id": text, "code": text, "detail": text, "source": pointed}],
        "code": 40002,
        "detail": [{"loc": ["body", text], "msg": text}],
        **dict.fromkeys(("message", "request_id", "error_code", "request_status"), text),
    }
    headers = dict.fromkeys(("x-request-id", "x-fb-trace-id", "x-tt-logid", "x-amz-request-id"), text)
    return {"status": status, "body": body, "headers": headers}


def troubles(world: World, door: Door) -> list[Faults]:
    """What goes wrong in each run, one run after the other."""
    runs: list[Faults] = [
        [(door.down, "create")],
        [({"malformed": "truncated"}, "find"), ({"malformed": "html"}, "add")],
        [({"drop": "after"}, "add"), ({"reject_rows": [0, 2]}, "add")],
        [({"drop": "before"}, "add"), ({"drop": "before"}, "add"), ({"drop": "before"}, "add")],
        [(door.denied, "add"), (door.denied, "add")],
        [(door.busy[0], "add"), (door.busy[0], "ask")],
        [({"malformed": "wrong_type"}, "add"), ({"malformed": "wrong_type"}, "ask")],
        *quotations(world, door),
    ]
    runs += [[(failure, door.fails_at)] for failure in (door.late_failure, door.partial_failure) if failure]
    return [[(action, path) for action, path in faults if path in door.paths] for faults in runs]


def texts_of(error: BaseException) -> list[str]:
    """All that an error tells, and those before it."""
    found = [repr(error), str(error), "".join(traceback.format_exception(error))]
    chain: BaseException | None = error
    while chain is not None:
        found.append(f"{chain!r} {chain} {chain.args!r} {vars(chain)!r}")
        chain = chain.__cause__ or chain.__context__
    return found


def play(world: World, door: Door) -> list[str]:
    """Runs that fail, then one that does not, then one that takes the canaries off again; what errors and reports said."""
    name = world.name("canary")
    told: list[str] = []
    for turn, faults in enumerate([*troubles(world, door), [], []]):
        changed = [row if turn % 2 else {**row, "email2": ""} for row in CANARIES]
        segment = world.segment(door, name, changed)
        for action, path in faults:
            world.fault(door, action, path)
        try:
            report = world.run(door, segment, world.workspace(door, retries=Retries(attempts=2, seconds=40)))
        except GuestlistError as error:
            told += texts_of(error)
        else:
            told += [repr(report), str(report)]
        world.clear_faults(door)
    segment = world.segment(door, name, CANARIES)
    assert world.run(door, segment).state == "sealed"
    nobody = [person(77, id="nobody", email="nobody@example.com", phone="+4915199999999")]
    assert world.run(door, world.segment(door, name, nobody)).state == "sealed"
    (world.folder / f"{name}.csv").unlink()  # the source is the one place where they may stand
    assert len(told) > 2 * len(troubles(world, door)), "there was something to be searched"
    return told


@EVERY_DOOR
def test_nobody_is_named_in_anything_that_runs_leave_behind(
    tmp_path: Path, door: Door, every_log: Logs, capfd: pytest.CaptureFixture[str]
) -> None:
    world = World(tmp_path, certificate_folder(tmp_path))
    try:
        told = play(world, door)
        hidden = secrets(secrets_of(world, door))
    finally:
        world.close()
    printed = capfd.readouterr()
    logged = every_log.text
    assert "guestlist.driver" in logged
    for where, text in {"log": logged, "stdout": printed.out, "stderr": printed.err, "told": "\n".join(told)}.items():
        assert hits(text, people() | digests() | hidden) == set(), where
    world.vault_key.unlink()
    lake = set()
    for where, text in left_behind(world.folder, "sandbox"):
        assert hits(text, people() | hidden) == set(), where
        if hits(text, digests()):
            lake.add(where)
    assert bool(lake) is not door.capabilities.plain_text, "what goes out in plain text is kept encrypted"
    assert all("parquet" in where for where in lake), lake
