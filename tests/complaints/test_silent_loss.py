"""Complaints of rows that were lost without a word, of audiences that stayed too small, and of syncs that never ran."""

from __future__ import annotations

import json
from collections.abc import Mapping

import duckdb
import polars as pl
import pytest
from complaints.rig import doors
from contract.doors import all_doors
from contract.rig import Door, Wish, World, digest, people

from guestlist.model.connection import Connection
from guestlist.model.errors import ConfigError
from guestlist.model.segment import Segment
from guestlist.runtime.upkeep.reconcile import reconcile
from guestlist.runtime.wiring import Workspace

pytestmark = pytest.mark.slow
HOUR = 3600
META = next(door for door in all_doors() if door.id == "meta")
MATCHING = [door for door in all_doors() if door.capabilities.sizes and door.capabilities.sizes.matched]
"""Those that tell how many people they know among the accepted ones."""
TYPED = {
    "id": [0, 1, 2, 3, 10],
    "phone": [12_015_550_123, 12_015_550_124, 12_015_550_125, 12_015_550_126, 12_015_550_127],
    "consent": [True, True, False, True, True],
    "ltv": [0.0, 1.5, 2.0, 3.0, 40.0],
}
"""Columns that are no text: keys among them 0, consent among it false, values among them 0."""


@pytest.mark.parametrize("form", ["parquet", "ndjson", "duckdb"])
def test_false_and_numbers_are_what_a_person_would_write(world: World, form: str) -> None:
    """Elsewhere `false` was dropped in silence, and numbers became other texts: people were lost, or became others.

    https://github.com/rudderlabs/rudder-transformer/pull/5246
    https://github.com/rudderlabs/rudder-transformer/pull/5249
    """
    name, frame = world.name("typed"), pl.DataFrame(TYPED)
    frame.write_csv(world.folder / f"{name}.txt")
    segment = typed_segment(world, name, {"file": f"{name}.txt", "format": "csv"})
    assert world.run(META, segment).state == "sealed"
    wanted = {
        "external_id": {"0", "1", "3", "10"},
        "phone": {digest(str(phone)) for phone, yes in zip(TYPED["phone"], TYPED["consent"], strict=True) if yes},
    }
    assert world.held(META, world.audience(META, segment)) == wanted
    segment = typed_segment(world, name, written_as(world, form, name, frame))
    workspace = with_warehouse(world, name)
    report = world.run(META, segment, workspace, "as types")
    assert (report.state, report.wanted, report.rows_planned) == ("sealed", 4, 0), "the same people, whatever the types"
    told = workspace.ledger.run(name, "as types")
    assert (told.drops["read"], told.drops["rows"]) == (5, {"no_consent": 1}), "who is left out is counted, with the reason"


def typed_segment(world: World, name: str, source: Mapping[str, str]) -> Segment:
    more = {
        "source": dict(source),
        "identifiers": {"phone": {"columns": "phone", "region": "US"}, "external_id": "id"},
        "value": {"column": "ltv", "currency": "EUR"},
    }
    return world.segment(META, name, [], Wish(guards={"schema_change": "allow"}, more=more))


def written_as(world: World, form: str, name: str, frame: pl.DataFrame) -> dict[str, str]:
    """The source of the same people in another form, in which columns have types."""
    file = world.folder / f"{name}.{form}"
    match form:
        case "parquet":
            frame.cast({"phone": pl.Float64}).write_parquet(file)
        case "ndjson":
            file.write_text("\n".join(json.dumps(row) for row in frame.to_dicts()), encoding="utf-8")
        case "duckdb":
            with duckdb.connect(str(file)) as database:
                database.register("frame", frame.to_arrow())
                database.execute("CREATE TABLE people AS SELECT * FROM frame")
            return {"connection": "warehouse", "table": "people"}
    return {"file": file.name}


def with_warehouse(world: World, name: str) -> Workspace:
    workspace = world.workspace(META)
    platform, warehouse = workspace.resolve, Connection("warehouse", "duckdb", host=str(world.folder / f"{name}.duckdb"))
    workspace.resolve = lambda wanted: warehouse if wanted == "warehouse" else platform(wanted)
    return workspace


@doors(MATCHING)
def test_an_audience_of_whom_the_platform_knows_nobody_is_told(calendar: World, door: Door) -> None:
    """Elsewhere millions were accepted with no error, and the audience stayed "too small", or matched nobody at all.

    https://github.com/facebook/facebook-php-business-sdk/issues/337
    https://github.com/looker-open-source/actions/issues/607
    """
    segment = calendar.segment(door, "unknown", people(range(2100)))
    assert calendar.run(door, segment).state == "sealed"
    calendar.settings(door, match_rate=0, **({"cover_num": None} if "cover_num" in door.settings else {}))
    calendar.advance(49 * HOUR)
    [look] = reconcile(calendar.workspace(door), [segment], only_due=True).found
    assert look.verdict == "drift"
    assert look.told == "nobody shows of 2,100 members: look whether their keys are hashed as the platform wants them"


@pytest.mark.parametrize("schedule", ["0 0 30 2 *", "0 0 31 4,6 *", "0 5 * * * *"])
def test_a_schedule_by_which_nothing_would_run_as_meant_is_refused(world: World, schedule: str) -> None:
    """Elsewhere an hourly sync never ran, and nothing said why.

    https://github.com/Multiwoven/multiwoven/issues/925
    """
    with pytest.raises(ConfigError, match="no cron expression of a time that ever comes"):
        world.segment(META, world.name("never"), people(range(2)), Wish(more={"schedule": schedule}))
