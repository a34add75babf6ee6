"""The segment of an audience that a person is to be erased from, also where its file is gone or says otherwise now."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from sqlalchemy import Row

from guestlist import destinations
from guestlist.destinations import destination_class
from guestlist.model.errors import ConfigError
from guestlist.model.segment import Destination, Segment
from guestlist.runtime.segments import find_segment
from guestlist.runtime.wiring import Workspace


def segment_of(workspace: Workspace, name: str) -> Segment:
    """The segment as its file says, where that has every audience that the ledger knows as it is; else as the ledger says.

    Raises:
        ConfigError: neither tells how to reach the audiences.
    """
    audiences = {row.label: row for row in workspace.ledger.all_audiences() if row.segment == name}
    try:
        segment = find_segment(name, workspace.config.segments)
    except ConfigError:
        if not audiences:
            raise
        return _remembered(name, audiences)
    targets = {target.label: target for target in segment.destinations}
    if all(label in targets and _same(targets[label], row) for label, row in audiences.items()):
        return segment
    return _remembered(name, audiences)


def _same(target: Destination, audience: Row[Any]) -> bool:
    return (target.platform, target.connection) == (audience.platform, audience.connection)


def _remembered(name: str, audiences: Mapping[str, Row[Any]]) -> Segment:
    """As far as taking people off needs it: the audiences, with every field that their platforms take."""
    targets = [_target(label, row) for label, row in audiences.items()]
    fields = set()
    for target in targets:
        cls = destination_class(target["platform"])
        options = {key: value for key, value in target.items() if key not in Destination.model_fields}
        fields |= {key.field.value for key in cls.capabilities_for(cls.Options(**options)).keys}
    document = {
        "name": name,
        "source": {"file": "gone"},
        "key": "gone",
        "identifiers": {field: field for field in sorted(fields)},
        "destinations": targets,
    }
    return Segment.model_validate(document, context={"platforms": destinations.platforms()})


def _target(label: str, audience: Row[Any]) -> dict[str, Any]:
    own_name = {"name": label} if label != re.sub(r"[^A-Za-z0-9_]", "_", audience.connection) else {}
    names = {"platform": audience.platform, "connection": audience.connection, "audience": audience.name}
    return {**names, "mode": audience.mode, **own_name, **(audience.options or {})}
