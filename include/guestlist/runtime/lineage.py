"""Lineage of a run's tasks: from the segment's file, the connections' names and the ledger's counts; no row is read for it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from guestlist.destinations import destination_class
from guestlist.model.lineage import Check, Dataset, Filled, Lineage, Made, Origin, Query, Read, Use
from guestlist.model.plan import Breach, Drops
from guestlist.model.segment import Segment
from guestlist.model.source import Source
from guestlist.model.vocabulary import MULTI_VALUED, Field
from guestlist.pipeline.audience import MEMBER, VALUE
from guestlist.pipeline.columns import key_columns
from guestlist.pipeline.derive import KeyColumn
from guestlist.runtime.intake.kept import UPLOADS
from guestlist.runtime.wiring import Workspace
from guestlist.sources.naming import file_dataset, query_dataset, table_dataset

Parse = Callable[[str, str], Query]
"""Reads a query, given its text and the type of its connection."""
_ACCOUNTS = ("ad_account_id", "customer_id", "advertiser_id", "account_id", "fb_ad_account_id")
"""What platforms' settings call the account; where there is none of these, the connection's name stands for it."""
_COUNTED = (
    *("state", "added", "removed", "renewed", "rows_accepted", "rejected", "unconfirmed"),
    *("generation", "members", "match_rate"),
)
"""What is told of an audience's counts."""


def of_preparing(workspace: Workspace, segment: Segment, drops: Drops | None, parse: Parse) -> Lineage:
    """From the source and the suppression lists to the prepared members; without ``drops`` nothing was prepared yet."""
    origins = _Origins(workspace, segment, drops or Drops(), parse)
    keys = key_columns(segment.identifiers, list(workspace.capabilities(segment).values()))
    member = origins.of(segment.key, Use.MADE_INTO, "member", masked=True)
    made = Made(
        _prepared_dataset(workspace, segment),
        _prepared_columns(segment, keys),
        {MEMBER: member, **{key.name: origins.of_key(key) for key in keys}, **origins.of_value()},
        origins.choosing(),
        drops.prepared if drops else None,
        {"read": drops.read, "dropped": drops.rows, "dropped_keys": drops.keys} if drops else {},
    )
    return Lineage(tuple(origins.read()), (made,))


def of_delivering(
    workspace: Workspace, segment: Segment, run_id: str, counts: Mapping[str, Mapping[str, Any]], parse: Parse
) -> Lineage:
    """From the source and the prepared members to audiences, by the labels in ``counts``.

    Each field is traced to the source's columns, so that one step shows what feeds it. The counts are those of
    `destination_counts`, or empty where nothing was counted yet.
    """
    run = workspace.ledger.run(segment.name, run_id)
    drops = Drops(**run.drops) if run is not None and run.drops else None
    origins = _Origins(workspace, segment, drops or Drops(), parse)
    plans = {label: next(iter(workspace.ledger.plans_of_run(segment.name, label, run_id)), None) for label in counts}
    keys = key_columns(segment.identifiers, [workspace.capabilities(segment)[label] for label in counts])
    checks = tuple(
        check for label, plan in plans.items() if plan for check in _checks(segment, label, plan.breaches, counts[label])
    )
    prepared = _prepared(workspace, segment, keys, drops, checks)
    made = [_audience(workspace, segment, label, origins, _told(plans[label], of)) for label, of in counts.items()]
    return Lineage((prepared, *origins.read()), tuple(made))


def _prepared(
    workspace: Workspace, segment: Segment, keys: tuple[KeyColumn, ...], drops: Drops | None, checks: tuple[Check, ...]
) -> Read:
    dataset, columns = _prepared_dataset(workspace, segment), _prepared_columns(segment, keys)
    if drops is None:
        return Read(dataset, columns, checks=checks)
    has = {name: drops.covered[name] for name in columns if name in drops.covered}
    filled = {name: Filled(count, drops.considered - count) for name, count in has.items()}
    return Read(dataset, columns, drops.prepared, drops.considered, filled, checks)


def _audience(workspace: Workspace, segment: Segment, label: str, origins: _Origins, told: Mapping[str, Any]) -> Made:
    target, capabilities = segment.destination(label), workspace.capabilities(segment)[label]
    keys = key_columns(segment.identifiers, [capabilities])
    value = origins.of_value() if capabilities.takes_value else {}
    return Made(
        _audience_dataset(workspace, segment, label),
        {key.field.value: _type(key.field) for key in keys} | dict.fromkeys(value, "double"),
        {key.field.value: origins.of_key(key) for key in keys} | value,
        origins.choosing(),
        told.get("rows_accepted"),
        {"platform": target.platform, "mode": target.mode.value, **told},
    )


@dataclass(frozen=True)
class _Place:
    """Where the columns of a source or a list come from; ``tables`` are those of its query."""

    dataset: Dataset
    columns: Mapping[str, str]
    rows: int | None
    query: Query = field(default_factory=Query)
    tables: tuple[Dataset, ...] = ()

    def origins(self, column: str, use: Use, how: str, *, masked: bool = False) -> tuple[Origin, ...]:
        """The columns of the query's only table, or else the column of what is read."""
        column = self._spelled(column)
        if of_table := self.query.columns.get(column):
            return tuple(Origin(self.tables[0], name, use, how, masked) for name in of_table)
        return (Origin(self.dataset, column, use, how, masked),)

    def _spelled(self, column: str) -> str:
        """As the schema has it, in which case and white space do not count."""
        folded = column.strip().casefold()
        return folded if folded in self.columns else column

    def read(self) -> Iterator[Read]:
        """What is read and, where that is a query, its tables; of those only the columns of the only one are known."""
        yield Read(self.dataset, self.columns, self.rows)
        of_table = dict.fromkeys((name for names in self.query.columns.values() for name in names), "")
        yield from (Read(table, of_table) for table in self.tables)


class _Origins:
    """What a segment's columns are made of, down to the columns of its source."""

    def __init__(self, workspace: Workspace, segment: Segment, drops: Drops, parse: Parse) -> None:
        self._segment = segment
        rows = drops.read or None
        self._source = _place(workspace, segment.source, segment.name, parse, drops.columns, rows)
        lists = enumerate(segment.suppress, start=1)
        self._lists = [_place(workspace, one, f"{segment.name}.suppress.{number}", parse) for number, one in lists]

    def of(self, column: str, use: Use, how: str, *, masked: bool = False) -> tuple[Origin, ...]:
        """One column of the source."""
        return self._source.origins(column, use, how, masked=masked)

    def of_key(self, key: KeyColumn) -> tuple[Origin, ...]:
        """The columns that a match key is made of by its recipe, and the one that tells the person's country."""
        found = [one for name in key.sources for one in self.of(name, Use.MADE_INTO, key.recipe.name, masked=key.recipe.hashed)]
        if key.region and not key.region_is_fixed:
            found += self.of(key.region, Use.TELLS_HOW, "region")
        return tuple(found)

    def of_value(self) -> dict[str, tuple[Origin, ...]]:
        """The column of what a person is worth, where the segment has one."""
        value = self._segment.value
        return {VALUE: self.of(value.column, Use.COPIED, "value")} if value else {}

    def choosing(self) -> tuple[Origin, ...]:
        """The columns that decide who is in it: consent, the holdout's draw, suppression lists."""
        found = [one for name in self._segment.consent.columns for one in self.of(name, Use.CHOOSES, "consent")]
        if self._segment.holdout:
            found += self.of(self._segment.key, Use.CHOOSES, "holdout")
        for place, list_ in zip(self._lists, self._segment.suppress, strict=True):
            names = [name for identifier in list_.identifiers.values() for name in identifier.columns]
            found += [one for name in names for one in place.origins(name, Use.CHOOSES, "suppression list")]
        return tuple(found)

    def read(self) -> Iterator[Read]:
        """All datasets that were read."""
        for place in (self._source, *self._lists):
            yield from place.read()


def _place(
    workspace: Workspace,
    source: Source,
    name: str,
    parse: Parse,
    columns: Mapping[str, str] | None = None,
    rows: int | None = None,
) -> _Place:
    if source.intake:
        return _Place(file_dataset(f"{workspace.config.lake}/{UPLOADS}", workspace.config.home), columns or {}, rows)
    if source.file:
        dataset = file_dataset(source.file, workspace.config.segments.parent)
        return _Place(dataset, columns or {}, rows)
    connection = workspace.resolve(source.connection or "")
    if source.table:
        return _Place(table_dataset(connection, source.table), columns or {}, rows)
    partition = workspace.partitions(source)[0] if source.partitions else None  # the others read the same tables
    query = parse(workspace.with_final_sql(source, partition).sql or "", connection.type)
    tables = tuple(table_dataset(connection, table) for table in query.tables)
    return _Place(query_dataset(connection, name), columns or {}, rows, query, tables)


def _prepared_dataset(workspace: Workspace, segment: Segment) -> Dataset:
    """All runs' members are one dataset; each run is a version of it."""
    return file_dataset(f"{workspace.config.lake}/{segment.name}/runs", workspace.config.home)


def _prepared_columns(segment: Segment, keys: tuple[KeyColumn, ...]) -> dict[str, str]:
    columns = {MEMBER: "string", **{key.name: _type(key.field) for key in keys}}
    return columns | ({VALUE: "double"} if segment.value else {})


def _type(field: Field) -> str:
    return "array<string>" if field in MULTI_VALUED else "string"


def _audience_dataset(workspace: Workspace, segment: Segment, label: str) -> Dataset:
    """``meta://act_1`` and the audience's name: its id is another one after each snapshot on some platforms."""
    target = segment.destination(label)
    settings = destination_class(target.platform).Settings.of(workspace.resolve(target.connection))
    account = next((getattr(settings, name) for name in _ACCOUNTS if hasattr(settings, name)), target.connection)
    return Dataset(f"{target.platform}://{account}", target.audience)


def _checks(segment: Segment, label: str, breaches: list[dict[str, Any]], counts: Mapping[str, Any]) -> Iterator[Check]:
    """The segment's guards; the one of rejected rows is judged once the audience is sealed."""
    broken = [Breach(**breach) for breach in breaches]
    for guard, limit in segment.guards:
        if guard == "max_rejected":
            if counts:
                yield Check(label, guard, counts["state"] != "rejected", str(limit))
        elif limit is not None:
            found = "; ".join(str(breach) for breach in broken if breach.guard == guard)
            yield Check(label, guard, not found, str(limit), found or None)


def _told(plan: Any, counts: Mapping[str, Any]) -> dict[str, Any]:
    """What was planned for the audience and, once it is sealed, what became of it."""
    if plan is None:
        return {}
    planned = {"plan": plan.id, **plan.counts}
    return planned | {name: counts[name] for name in _COUNTED if counts.get(name) is not None}
