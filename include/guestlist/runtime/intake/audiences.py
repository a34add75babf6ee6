"""Pushed audiences as segments of their own: the rules of the intake's file, and what was said with the upload."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from pydantic import TypeAdapter, ValidationError
from sqlalchemy import Row

from guestlist.model.errors import ConfigError
from guestlist.model.guards import Guards, Threshold
from guestlist.model.segment import PUSHED_AUDIENCE, Destination, Segment, dotted
from guestlist.model.segment_file import key_problems
from guestlist.model.source import ROW_KEY, Identifiers, Upload
from guestlist.model.vocabulary import Mode
from guestlist.runtime.ledger import Ledger
from guestlist.runtime.segments import find_segment
from guestlist.runtime.wiring import Workspace

Kind = Literal["replace", "append", "delete"]
_BETWEEN = "__"
_ID = "aud_"
IDENTIFIERS = TypeAdapter(Identifiers)
_ALL = Threshold(percent=100)
_NOBODY_IS_LEFT = Guards(
    max_removed=_ALL,
    min_members=0,
    min_value_coverage=Threshold(count=0),
    max_malformed=_ALL,
    max_same_key=_ALL,
    max_key_loss=_ALL,
    max_drop_rise=_ALL,
    schema_change="allow",
)
"""Somebody has asked for it by name."""


@dataclass(frozen=True)
class Wish:
    """An audience as somebody pushes it. ``destinations`` are labels of the intake, empty for all of them.

    ``identifiers`` are written as in a segment file, empty for those of the intake; ``details`` is what a dialect has to
    give back one day.
    """

    name: str
    destinations: Sequence[str] = ()
    identifiers: Mapping[str, Any] = field(default_factory=dict)
    key: str | None = None
    details: Mapping[str, Any] = field(default_factory=dict)


def find_intake(workspace: Workspace, name: str) -> Segment:
    """The segment of an intake; `ConfigError` if there is none of that name."""
    segment = find_segment(name, workspace.config.segments)
    if segment.source.intake is None:
        raise ConfigError(f"{name!r} is no intake: its rows come from elsewhere", segment=name)
    return segment


def most_bytes(intake: Segment) -> int:
    """How many bytes of a file an intake takes; none where the segment is no intake."""
    return intake.source.intake.max_bytes if intake.source.intake else 0


def audience_values(workspace: Workspace, intake: Segment, wish: Wish, pushed_by: str) -> dict[str, Any]:
    """A new audience as `Ledger.enter_upload` enters it with its first upload.

    Raises:
        ConfigError: what is wished cannot be; it tells why.
    """
    labels = _labels(intake, wish.destinations)
    identifiers = identifiers_of(intake, wish.identifiers)
    for label in labels:
        capabilities = workspace.capabilities(intake)[label]
        for problem in key_problems(identifiers, capabilities):
            raise ConfigError(problem, segment=intake.name, destination=label)
    return {
        "id": _ID + secrets.token_hex(8),
        "intake": intake.name,
        "name": wish.name,
        "destinations": labels,
        "key_column": wish.key or intake.key,
        "identifiers": identifiers,
        "details": dict(wish.details),
        "pushed_by": pushed_by,
    }


def _labels(intake: Segment, wished: Sequence[str]) -> list[str]:
    for label in wished:
        intake.destination(label)
    return [target.label for target in intake.destinations if not wished or target.label in wished]


def identifiers_of(intake: Segment, wished: Mapping[str, Any]) -> dict[str, Any]:
    """Identifiers as they are wished, or those of the intake; `ConfigError` where it does not take them."""
    try:
        chosen = IDENTIFIERS.validate_python(dict(wished)) if wished else intake.identifiers
    except ValidationError as error:
        problems = "; ".join(f"{dotted(item['loc'])}: {item['msg']}" for item in error.errors(include_input=False))
        raise ConfigError(f"the columns cannot be mapped so: {problems}", segment=intake.name) from None
    if unknown := sorted({name.value for name in chosen} - {name.value for name in intake.identifiers}):
        known = ", ".join(intake.identifiers)
        raise ConfigError(f"this intake takes no {', '.join(unknown)}; it takes: {known}", segment=intake.name)
    written: dict[str, Any] = IDENTIFIERS.dump_python(chosen, mode="json")
    return written


def columns_of(intake: Segment, identifiers: Mapping[str, Any], key: str) -> tuple[str, ...]:
    """The columns that a file has to have whose identifiers and key are these."""
    read = IDENTIFIERS.validate_python(identifiers).values()
    names = [name for one in read for name in (*one.columns, *([one.region_column] if one.region_column else ()))]
    names += intake.consent.columns
    names += [intake.value.column] if intake.value else []
    names += [key] if key != ROW_KEY else []
    return tuple(dict.fromkeys(names))


def served(workspace: Workspace, intake: Segment, labels: Sequence[str], kind: Kind) -> list[str]:
    """Those of the destinations that can do what an upload is for.

    Raises:
        ConfigError: one of them cannot append to an audience, and would lose all who are on it.
    """
    found = []
    for label in labels:
        target, can = intake.destination(label), workspace.capabilities(intake)[label]
        appends = target.mode is Mode.APPEND or (target.mode is Mode.MIRROR and Mode.APPEND in can.modes)
        if kind == "append" and not appends:
            told = f"{target.platform} takes whole audiences in this mode ({target.mode}): replace them in place of appending"
            raise ConfigError(told, segment=intake.name, destination=label)
        if kind != "delete" or target.mode is Mode.MIRROR:
            found.append(label)
    return found


def audience_segment(intake: Segment, audience: Row[Any], upload: Row[Any]) -> Segment:
    """The segment of one upload of a pushed audience."""
    identifiers = IDENTIFIERS.validate_python(audience.identifiers)
    named = [name for one in identifiers.values() for name in one.columns]
    changes: dict[str, Any] = {
        "name": segment_name(audience),
        "key": audience.key_column,
        "identifiers": identifiers,
        "source": Upload.model_validate(
            {
                "intake": intake.source.intake,
                "upload_id": upload.id,
                "identifying": tuple(dict.fromkeys(named)),
                "leaves": upload.kind == "delete",
            }
        ),
        "destinations": tuple(
            _target(target, audience, upload.kind) for target in intake.destinations if target.label in audience.destinations
        ),
    }
    if upload.kind == "delete":
        changes |= {"guards": _NOBODY_IS_LEFT, "key": ROW_KEY}
    return intake.model_copy(update=changes)


def segment_name(audience: Row[Any]) -> str:
    """The name under which ledger and lake know a pushed audience."""
    return f"{audience.intake}{_BETWEEN}{audience.id.removeprefix(_ID)}"


def _target(target: Destination, audience: Row[Any], kind: Kind) -> Destination:
    mode = Mode.APPEND if kind == "append" and target.mode is Mode.MIRROR else target.mode
    return target.model_copy(update={"audience": name_on(target, audience), "mode": mode})


def name_on(target: Destination, audience: Row[Any]) -> str:
    """What a pushed audience is called on a platform."""
    return target.audience.replace(PUSHED_AUDIENCE, audience.name)[:200]


def segment_of_upload(workspace: Workspace, intake: Segment, upload_id: str | None) -> Segment:
    """The segment of an upload that a run is for.

    Raises:
        ConfigError: the run is for none.
    """
    upload = workspace.ledger.upload(upload_id) if upload_id else None
    audience = workspace.ledger.pushed_audience(upload.audience_id) if upload else None
    if upload is None or audience is None or audience.intake != intake.name:
        told = "runs of an intake begin with an upload: push one, or clear the tasks of a run that did"
        raise ConfigError(told, segment=intake.name)
    return audience_segment(intake, audience, upload)


def with_pushed(workspace: Workspace, segments: Iterable[Segment]) -> Iterator[Segment]:
    """The segments, and in the place of each intake the live audiences that were pushed to it."""
    for segment in segments:
        if segment.source.intake is None:
            yield segment
            continue
        for audience in workspace.ledger.live_audiences(segment.name):
            yield audience_segment(segment, audience, workspace.ledger.newest_upload(audience.id))


def find_any(workspace: Workspace, name: str) -> Segment:
    """A segment by the name of its file, or a pushed audience by the name under which ledger and lake know it.

    Raises:
        ConfigError: there is neither.
    """
    audience = pushed_under(workspace.ledger, [name]).get(name)
    if audience is None:
        return find_segment(name, workspace.config.segments)
    intake = find_intake(workspace, audience.intake)
    return audience_segment(intake, audience, workspace.ledger.newest_upload(audience.id))


def pushed_under(ledger: Ledger, names: Iterable[str]) -> dict[str, Row[Any]]:
    """Which of these names of segments are pushed audiences', and whose."""
    parts = [name.rpartition(_BETWEEN) for name in names]
    found = ledger.pushed_audiences_of([_ID + audience_id for _, between, audience_id in parts if between])
    there = {segment_name(row): row for row in found}
    return {name: there[name] for name in map("".join, parts) if name in there}
