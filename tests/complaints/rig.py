"""What these tests share: calls that are kept as they went out, and one run of people whose data are a mess."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec
import pytest
from contract.carriers import put_between, recording
from contract.doors import all_doors
from contract.rig import IDENTIFIERS, Door, Wish, World, digest, expected_keys, person

from guestlist.model.conversation import Call, Content, Form, Reply
from guestlist.model.plan import Drops
from guestlist.model.segment import Segment
from guestlist.model.vocabulary import Mode
from guestlist.runtime.sync.plan import PlanOptions
from guestlist.runtime.sync.report import DestinationReport
from guestlist.runtime.sync.run import RunOptions, run_segment
from guestlist.runtime.wiring import Workspace


def doors(found: list[Door]) -> Any:
    return pytest.mark.parametrize("door", found, ids=lambda door: door.id)


MIRRORING = [door for door in all_doors() if door.mode is Mode.MIRROR]
HASHED = [door for door in all_doors() if not door.capabilities.plain_text]
"""Those that take keys as hashes, so that a source may hold them so already."""
SEVERAL = [door for door in all_doors() if len(door.kinds) > 1]
"""Those that take several keys of a person together."""
READ_BY_COUNTRY = Wish(more={"identifiers": {**IDENTIFIERS, "phone": {"columns": ["phone"], "region": "country"}}})

BLANK = {"email": "", "phone": ""}
NAMED = {"first": "anna", "last": "doe", "zip": "80331", "country": "DE"}
CLEAN = [
    *(person(number) for number in range(4)),
    person(4, email=""),
    person(5, phone=""),
    person(6, email=""),
    person(7, phone=""),
    person(8, **NAMED),
    person(11, phone=""),
    person(12, **BLANK, **NAMED | {"first": "zoe"}),
    person(13, email=""),
    person(14, phone=""),
    person(15, email2="second15@example.com"),
    person(16),
]
"""Who can be reached, and by what."""
MESSY = [
    person(0, email="  PERSON0@Example.COM ", phone="+49 (151) 10 000-000"),
    person(1, email="person1@example.com\u00a0", phone="0049 151 10000001", country="Germany"),
    person(2, email="Person2@EXAMPLE.com", phone="0151/10000002", country=" de "),
    person(3, email="\ufeffperson3@example.com\u200b", phone="\uff0b\uff14\uff19 151 10000003"),
    person(4, email="   "),
    person(5, phone=""),
    person(6, email="not an email"),
    person(7, phone="+000000000000"),
    person(8, first="  ANNA ", last="Doe ", zip=" 80331", country=" de"),
    person(9, **BLANK),
    person(10, email="NULL", phone="N/A"),
    person(11, phone="0151 10000011"),
    person(12, **BLANK, first="Zoe", last=" DOE", zip="80331 ", country="de"),
    person(13, email=digest("person13@example.com")),
    person(14, phone=digest("4915110000014")),
    person(15, email2="Second15@Example.com "),
    person(16, email2="PERSON16@example.com"),
]
"""The same people as sources have them, and two (9 and 10) whom nobody can reach."""


@dataclass(frozen=True)
class Messy:
    """What came of the messy people at one door."""

    report: DestinationReport
    drops: Drops
    held: Mapping[str, set[str]]
    wanted: Mapping[str, set[str]]
    calls: list[Call]


def messy_run(world: World, door: Door) -> Messy:
    world.begin_anew()
    segment = world.segment(door, "messy", MESSY, READ_BY_COUNTRY)
    workspace = world.workspace(door)
    calls = listen(workspace)
    report = world.run(door, segment, workspace, "r")
    held = world.held(door, world.audience(door, segment))
    told = workspace.ledger.run(segment.name, "r")
    return Messy(report, Drops(**told.drops), held, expected_keys(CLEAN, door), [call for call, _ in calls if call.rows])


def listen(workspace: Workspace) -> list[tuple[Call, Reply]]:
    """Every call of the runs of a workspace from now on, as it is handed to the platform's SDK, with its reply."""
    calls: list[tuple[Call, Reply]] = []
    put_between(workspace, recording(calls))
    return calls


def run_unapproved(world: World, door: Door, segment: Segment, **plan: bool) -> DestinationReport:
    """A run whose guards nobody lets pass."""
    options = RunOptions(plan=PlanOptions(**plan))
    return run_segment(world.workspace(door), segment, world.name("run"), options).destinations[0]


def owners(rows: list[dict[str, str]], door: Door) -> dict[str, str]:
    """Every value that a platform may be sent of these people -> the id of the one whose it is."""
    found = {}
    for row in rows:
        phone = row["phone"].removeprefix("+")
        for value in filter(None, (row["email"], row["email2"], phone and door.phone_prefix + phone)):
            found[value if door.capabilities.plain_text else digest(value)] = row["id"]
    return found


def rows_of(call: Call, whose: Mapping[str, str]) -> list[set[str]]:
    """For each row of a request, whose values are in it."""
    return next(filter(None, (_rows(text, whose) for text in _texts(call.body))))


def _texts(body: Any) -> Iterator[str]:
    """The parts of a body that can be read by themselves."""
    match body:
        case Content():
            yield body.data.decode()
        case Form():
            yield from body.fields.values()
            yield from (file.content.data.decode() for file in body.files.values())
        case _:
            yield msgspec.json.encode(body).decode()


def _rows(text: str, whose: Mapping[str, str]) -> list[set[str]]:
    """Whose values are in each element of the outermost list that is about several people, or in each line of a file."""

    def in_it(part: str) -> set[str]:
        return {owner for value, owner in whose.items() if value in part}

    try:
        parts = [json.dumps(part, ensure_ascii=False) for part in _outermost(json.loads(text), in_it)]
    except ValueError:
        parts = text.splitlines()
    return [found for part in parts if (found := in_it(part))]


def _outermost(body: Any, in_it: Any) -> list[Any]:
    if isinstance(body, list):
        return body
    inner = body.values() if isinstance(body, dict) else []
    return next((_outermost(part, in_it) for part in inner if len(in_it(json.dumps(part))) > 1), [])
