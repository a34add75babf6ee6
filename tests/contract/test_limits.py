"""Whatever people there are: no request passes a platform's limits, no value is lost, and no call shows one."""

from __future__ import annotations

import dataclasses
import itertools
import json
import re
from typing import Any

import msgspec
import polars as pl
import pytest
from contract.doors import all_doors, destination_of
from contract.rig import Door
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from guestlist.model.audiences import AudienceRef
from guestlist.model.capabilities import Capabilities
from guestlist.model.conversation import Content, Form
from guestlist.model.delivery import Batch, Session
from guestlist.model.vocabulary import MULTI_VALUED, Field, Operation
from guestlist.pipeline.audience import wire_rows
from guestlist.pipeline.batching import Cutter


def values_of(row: dict[str, Any]) -> set[str]:
    flat = itertools.chain.from_iterable(value if isinstance(value, list) else [value] for value in row.values())
    return {value for value in flat if value is not None}


def text_of(body: Any) -> str:
    """A body of any kind as text."""
    match body:
        case Content():
            return body.data.decode()
        case Form():
            return "\n".join([*body.fields.values(), *(text_of(file.content) for file in body.files.values())])
        case _:
            return msgspec.json.encode(body).decode()


LABEL = re.compile(r"[0-9a-f]{64}")


def made_up(field: Field, number: int, index: int) -> str:
    """64 hex digits, as hashes are, that tell field, person and place: they can be found again in any body."""
    return f"{list(Field).index(field):02x}{number:04x}{index:04x}".ljust(64, "a")


def kind_of(value: str) -> str:
    return list(Field)[int(value[:2], 16)].value


def members(fields: tuple[Field, ...]) -> st.SearchStrategy[list[dict[str, Any]]]:
    """Few or many members; each value is its own, so that it can be found again in a request."""
    most = 25

    def build(shape: list[list[int]]) -> list[dict[str, Any]]:
        rows = []
        for number, counts in enumerate(shape):
            row: dict[str, Any] = {"member": f"{number:032x}"}
            for field, count in zip(fields, counts, strict=True):
                values = [made_up(field, number, index) for index in range(count)]
                row[field.value] = values if field in MULTI_VALUED else (values or [None])[0]
            rows.append(row)
        return rows

    counts = st.tuples(*(st.integers(0, most if field in MULTI_VALUED else 1) for field in fields)).map(list)
    return st.lists(counts, min_size=1, max_size=60).map(build)


def identifiers_among(values: set[str], capabilities: Capabilities) -> int:
    """How many identifiers a platform counts in these values of one row: each single one, and each whole composite."""
    kinds = {kind_of(value) for value in values}
    singles = {field.value for field in capabilities.singles}
    whole = [kinds >= {part.value for part in composite.required} for composite in capabilities.composites]
    return sum(kind_of(value) in singles for value in values) + sum(whole)


@pytest.mark.parametrize("operation", [Operation.ADD, Operation.REMOVE])
@pytest.mark.parametrize("door", [door for door in all_doors() if not (door.whole or door.capabilities.plain_text)])
@given(data=st.data(), rows_per_batch=st.integers(1, 50), identifiers=st.integers(25, 200))
@settings(max_examples=25, derandomize=True, deadline=None)
def test_no_request_passes_a_limit_and_no_value_is_lost(
    door: Door, operation: Operation, data: st.DataObject, rows_per_batch: int, identifiers: int
) -> None:
    destination = destination_of(door)
    documented = destination.capabilities
    budget = identifiers if documented.limits.identifiers_per_batch else None
    limits = dataclasses.replace(documented.limits, rows_per_batch=rows_per_batch, identifiers_per_batch=budget)
    capabilities = dataclasses.replace(documented, limits=limits)
    fields = tuple(key.field for key in documented.keys)
    schema = {"member": pl.String} | {
        field.value: pl.List(pl.String) if field in MULTI_VALUED else pl.String for field in fields
    }
    singles = {field.value for field in documented.singles}
    people = [row for row in data.draw(members(fields)) if any(row[name] for name in singles)]
    assume(people)
    rows = wire_rows(pl.DataFrame(people, schema=schema), capabilities)
    cutter = Cutter(capabilities, operation, 7, "reference")
    assert sum(part.height for part in (*cutter.add(rows), *cutter.finish())) == rows.height
    upload = cutter.upload
    session = Session(7, operation, AudienceRef("1", "n", "u"), len(upload.cuts), upload.rows, "2026-03-01", fields)
    sent: set[str] = set()
    offset = 0
    for cut in upload.cuts:
        batch = Batch(cut.id, cut.sequence, rows.slice(offset, cut.rows).drop("member"))
        offset += cut.rows
        call = next(destination.send(session, door.handle, batch))
        assert 0 < call.rows == cut.rows <= rows_per_batch
        found = set(LABEL.findall(text_of(call.body)))
        per_row = [values_of(row) & found for row in batch.rows.to_dicts()]
        counted = [identifiers_among(values, capabilities) for values in per_row]
        most = limits.identifiers_per_row
        assert most is None or max(counted) <= most
        assert budget is None or sum(counted) <= max(budget, *counted)
        sent |= set().union(*per_row)
        assert str(call) == f"{call.method} {call.path}, {call.rows} rows"
        assert not any(value in repr(call) or value in str(call) for values in per_row for value in values)
    wanted = {value for row in people for value in values_of(row) if value != row["member"] and kind_of(value) in singles}
    assert wanted <= sent
    assert json.dumps(sorted(sent))
