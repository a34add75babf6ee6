"""Guards: a plan's numbers, and what preparing saw, against the segment's limits and the audience's last sealed run.

A share of fewer than `ENOUGH` rows says nothing, so that guards on what columns hold are silent about the smallest sources.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from guestlist.model.guards import Guards, Threshold
from guestlist.model.plan import Breach, Counts, Drops
from guestlist.model.vocabulary import Mode
from guestlist.pipeline.audience import VALUE, field_of
from guestlist.pipeline.derive import KeyColumn

ENOUGH = 10
_NO_FAULT = ("blank", "all_zero")
"""Reasons for which a key is missing without anything being wrong with the column."""
_SHOWN = 10
_REASONS_SHOWN = 2


@dataclass(frozen=True)
class Prepared:
    """What preparing saw of one platform's columns, and what it saw in the audience's last sealed run, if there is one."""

    drops: Drops
    keys: Sequence[KeyColumn] = ()
    before: Drops | None = None


def breaches(counts: Counts, prepared: Prepared, guards: Guards, mode: Mode) -> tuple[Breach, ...]:
    """The guards that a plan does not pass. The first run of an audience is exempt from those that compare it with others."""
    found = [*_of_the_plan(counts, prepared.drops, guards, mode), *_of_the_columns(prepared, guards)]
    if prepared.before is not None:
        found += _since(prepared.before, counts, prepared, guards)
    return tuple(found)


def _of_the_plan(counts: Counts, drops: Drops, guards: Guards, mode: Mode) -> Iterator[Breach]:
    if mode in (Mode.MIRROR, Mode.REPLACE, Mode.SNAPSHOT) and counts.gone > guards.max_removed.limit(counts.held):
        yield Breach("max_removed", str(guards.max_removed), counts.gone, counts.held)
    if counts.held and counts.new > guards.max_added.limit(counts.held):
        yield Breach("max_added", str(guards.max_added), counts.new, counts.held)
    if counts.wanted < guards.min_members:
        yield Breach("min_members", f"at least {guards.min_members:,}", counts.wanted, 0)
    coverage, value = guards.min_email_coverage, guards.min_value_coverage
    if coverage is not None and counts.with_email is not None and counts.with_email < coverage.limit(counts.wanted):
        yield Breach("min_email_coverage", f"at least {coverage}", counts.with_email, counts.wanted)
    if counts.with_value is not None and drops.prepared and counts.with_value < value.limit(drops.prepared):
        yield Breach("min_value_coverage", f"at least {value}", counts.with_value, drops.prepared)
    dropped = sum(drops.rows.values())
    if guards.max_dropped is not None and dropped > guards.max_dropped.limit(drops.read):
        yield Breach("max_dropped", str(guards.max_dropped), dropped, drops.read)


def _of_the_columns(prepared: Prepared, guards: Guards) -> Iterator[Breach]:
    """Columns that are mapped as what they are not, and keys that most people share."""
    drops = prepared.drops
    for key in prepared.keys:
        reasons = drops.keys.get(key.name, {})
        values = drops.considered * len(key.sources) - reasons.get("blank", 0)
        malformed = {reason: count for reason, count in reasons.items() if reason not in _NO_FAULT}
        alike = drops.lookalikes.get(key.name, {})
        wrong = max(sum(malformed.values()), *alike.values(), 0)
        if values >= ENOUGH and wrong > guards.max_malformed.limit(values):
            yield Breach("max_malformed", str(guards.max_malformed), wrong, values, key.field, _hint(key, malformed, alike))
    fields = {key.field for key in prepared.keys}
    for column, seen in drops.commonest.items():
        if field_of(column) in fields and seen["of"] >= ENOUGH and seen["same"] > guards.max_same_key.limit(seen["of"]):
            hint = "most people have one and the same key; is the column a constant, or its hash?"
            yield Breach("max_same_key", str(guards.max_same_key), seen["same"], seen["of"], field_of(column), hint)


def _hint(key: KeyColumn, malformed: Mapping[str, int], alike: Mapping[str, int]) -> str:
    where = f"{'columns' if len(key.sources) > 1 else 'column'} {' and '.join(key.sources)}"
    if alike:
        kind = max(alike, key=lambda kind: alike[kind])
        mend = "say `hashed: true` if it holds SHA-256" if kind == "a hash" else "map it as what it is"
        return f"{where} full of what looks like {kind} ({alike[kind]:,} values): {mend}"
    common = sorted(malformed, key=lambda reason: -malformed[reason])[:_REASONS_SHOWN]
    return f"{where}: {', '.join(f'{malformed[reason]:,} {reason}' for reason in common)}"


def _since(before: Drops, counts: Counts, prepared: Prepared, guards: Guards) -> Iterator[Breach]:
    """What changed since the audience's last sealed run: columns, who has a key, why rows are dropped."""
    now = prepared.drops
    if guards.schema_change == "stop" and before.columns and now.columns:
        yield from _schema_change(before.columns, now.columns)
    columns = {key.name: str(key.field) for key in prepared.keys}
    if counts.with_value is not None:
        columns[VALUE] = VALUE
    for column, what in columns.items():
        if column in before.covered and column in now.covered and min(before.considered, now.considered) >= ENOUGH:
            was, has = _Share(before.covered[column], before.considered), _Share(now.covered[column], now.considered)
            if -was.growth(has) > guards.max_key_loss.limit(has.base):
                yield Breach("max_key_loss", _moved(guards.max_key_loss, was, "less"), has.count, has.base, what)
    for reason, count in now.rows.items():
        was, has = _Share(before.rows.get(reason, 0), before.read), _Share(count, now.read)
        if min(was.base, has.base) >= ENOUGH and was.growth(has) > guards.max_drop_rise.limit(has.base):
            yield Breach("max_drop_rise", _moved(guards.max_drop_rise, was, "more"), has.count, has.base, reason)


@dataclass(frozen=True)
class _Share:
    """So many of so many rows."""

    count: int
    base: int

    def growth(self, now: _Share) -> float:
        """How many more rows there are now than there would be at this share."""
        return (now.count * self.base - self.count * now.base) / self.base


def _moved(limit: Threshold, was: _Share, way: str) -> str:
    points = f"{limit.percent:g} points" if limit.percent is not None else f"{limit}"
    return f"{points} {way} than the {was.count / was.base:.1%} of the last sealed run"


def _schema_change(before: Mapping[str, str], now: Mapping[str, str]) -> Iterator[Breach]:
    other = [
        f"{name} ({before[name]} before, {now[name]} now)" for name in before if now.get(name, before[name]) != before[name]
    ]
    changes = {"gone": [*(before.keys() - now.keys())], "new": [*(now.keys() - before.keys())], "other type": other}
    told = [f"{kind}: {_listed(sorted(names))}" for kind, names in changes.items() if names]
    if told:
        yield Breach("schema_change", "none", sum(map(len, changes.values())), 0, "columns", "; ".join(told))


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return f"{', '.join(names[:_SHOWN])}{more}"
