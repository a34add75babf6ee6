"""Erasures against the sandbox: segments with files of their own, and one process after the other that goes on."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import yaml
from contract.rig import MIRROR, Door, Wish, World

from guestlist.model.segment import Segment
from guestlist.model.vocabulary import Field
from guestlist.pipeline.erasure import Given
from guestlist.runtime.erasure.request import enter
from guestlist.runtime.erasure.work import State, carry_out


def segment_file(world: World, door: Door, name: str, rows: list[dict[str, str]], wish: Wish = MIRROR) -> Segment:
    """A segment that the installation finds by its name, as a person has written it."""
    segment = world.segment(door, name, rows, wish)
    document = segment.model_dump(mode="json", exclude_none=True, exclude_defaults=True)
    (world.segments / f"{name}.yaml").write_text(yaml.safe_dump(document), encoding="utf-8")
    return segment


def known_by(row: dict[str, str], *columns: str) -> list[Given]:
    kinds = {"email": Field.EMAIL, "email2": Field.EMAIL, "phone": Field.PHONE}
    return [Given(kinds[name], row[name]) for name in columns or ("email", "phone") if row[name]]


def erase(world: World, door: Door, *people: Iterable[Given]) -> str:
    return enter(world.workspace(door), [list(person) for person in people])


def go_on(world: World, door: Door, erasure_id: str) -> State:
    """As `guestlist erase` and `--resume` do: until nothing is to be waited for."""
    workspace = world.workspace(door)
    while (state := carry_out(workspace, erasure_id, "tests")).wait is not None:
        workspace.sleep(state.wait)
    return state


def steps(world: World, door: Door, erasure_id: str) -> dict[tuple[str, str], Any]:
    """Of the audiences that segments keep in step."""
    return {(row.segment, row.label): row for row in world.workspace(door).ledger.steps(erasure_id) if not row.former}


def outcomes(world: World, door: Door, erasure_id: str) -> dict[str, str | None]:
    return {segment: row.outcome for (segment, _), row in steps(world, door, erasure_id).items()}
