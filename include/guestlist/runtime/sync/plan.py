"""Plan: compare what is wanted with what the platform holds, and write down exactly what will be sent."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import count
from typing import Any

import polars as pl

from guestlist.model.capabilities import Capabilities
from guestlist.model.errors import ConfigError, DataError
from guestlist.model.plan import Counts, Drops, Plan, Upload
from guestlist.model.segment import Segment
from guestlist.model.vocabulary import Field, Mode, Operation
from guestlist.pipeline.audience import MEMBER, VALUE, complete, fields_of, wire_rows
from guestlist.pipeline.batching import Cutter, session_id
from guestlist.pipeline.columns import fields_taken, key_columns
from guestlist.pipeline.erasure import NOBODY, Erased, belongs
from guestlist.pipeline.guards import Prepared, breaches
from guestlist.pipeline.plan import ADDED_ON, UNSURE, Comparison, Wish
from guestlist.pipeline.spans import Span, spans_of
from guestlist.runtime import clock
from guestlist.runtime.erasure.listed import erased_of
from guestlist.runtime.lake import Lake
from guestlist.runtime.layout import columns_file, gone_file, members_folder, part_file, plan_folder
from guestlist.runtime.storage import on_storage
from guestlist.runtime.sync.held import RECORDED, empty_held, held_now
from guestlist.runtime.wiring import Workspace

_RENEW_WITHIN_DAYS = 7


@dataclass(frozen=True)
class PlanOptions:
    """What a person may ask of a run."""

    dry_run: bool = False
    full_resend: bool = False


DEFAULTS = PlanOptions()


@on_storage
def make_plan(workspace: Workspace, segment: Segment, run_id: str, label: str, options: PlanOptions = DEFAULTS) -> int:
    """Plan one destination of a run that has prepared its members; returns the plan's id in the ledger.

    A task that is run again finds its own plan, unless the members were prepared anew or the audience changed since.
    """
    ledger, lake = workspace.ledger, workspace.lake_for(segment)
    run = ledger.run(segment.name, run_id)
    if run is None or run.prepared_path is None:
        raise ConfigError("this run has prepared no members yet: prepare first", segment=segment.name, destination=label)
    if (unfinished := unfinished_plan(workspace, segment, run_id, label, options)) is not None:
        return unfinished
    capabilities = workspace.capabilities(segment)[label]
    mode = segment.destination(label).mode
    wish = Wish(mode, workspace.today, options.full_resend, _renewal_window(workspace, segment, label))
    wanted = wanted_members(lake, run.prepared_path, segment, capabilities, erased_of(workspace, segment.name))
    held = held_now(workspace, segment, label, wanted)
    wanted, dropped = _with_dropped_fields(wanted, held)
    comparison = Comparison(wanted, held if held is not None else empty_held(wanted), capabilities, wish)
    attempt = len(ledger.plans_of_run(segment.name, label, run_id)) + 1
    draft = Plan(
        segment=segment.name,
        label=label,
        run_id=run_id,
        mode=mode,
        pull_date=wish.today.isoformat(),
        path=plan_folder(segment.name, label, run_id, attempt),
        fields=fields_of(capabilities, [*segment.identifiers, *dropped]),
        counts=Counts(),
    )
    sealed = ledger.generation(segment.name, label)
    spans = spans_of(max(Drops(**run.drops).prepared, sealed.members if sealed else 0))
    uploads = _write(lake, draft, attempt, comparison, spans, capabilities)
    counts = _with_values(comparison.counts, lake, run.prepared_path, segment, capabilities)
    prepared = _prepared(workspace, segment, label, run.drops)
    plan = replace(draft, uploads=uploads, counts=counts, breaches=breaches(counts, prepared, segment.guards, mode))
    lake.write_json(f"{plan.path}/plan.json", plan.as_json())
    basis = _basis(workspace, segment, label, run.prepared_path, options)
    return ledger.enter_plan(plan, basis, attempt, dry=options.dry_run, prepared=run.drops)


def _prepared(workspace: Workspace, segment: Segment, label: str, drops: dict[str, Any]) -> Prepared:
    """What the guards look at: what preparing saw now, and before the newest generation was sealed."""
    keys = key_columns(segment.identifiers, [workspace.capabilities(segment)[label]])
    before = workspace.ledger.sealed_preparation(segment.name, label)
    return Prepared(Drops(**drops), keys, Drops(**before) if before else None)


def unfinished_plan(workspace: Workspace, segment: Segment, run_id: str, label: str, options: PlanOptions) -> int | None:
    """The plan that this run has made already and may go on with: nothing that it was made from has changed since."""
    run = workspace.ledger.run(segment.name, run_id)
    plans = workspace.ledger.plans_of_run(segment.name, label, run_id)
    if run is None or not plans or plans[0].state != "planned":
        return None
    same = plans[0].basis == _basis(workspace, segment, label, run.prepared_path, options)
    return int(plans[0].id) if same else None


def wanted_members(
    lake: Lake, prepared_path: str, segment: Segment, capabilities: Capabilities, erased: Erased = NOBODY
) -> pl.LazyFrame:
    """Prepared members as one platform takes them: ``member``, its fields, ``value`` where it is sent.

    Nobody of ``erased`` is among them: they may have been erased since the members were prepared.
    """
    columns = fields_taken(segment.identifiers, capabilities)
    frame = lake.scan(prepared_path)
    if erased:
        frame = frame.filter(~belongs(erased, frame.collect_schema()))
    if _value_based(segment, capabilities):
        frame = frame.filter(pl.col(VALUE).is_not_null())
        columns.append(pl.col(VALUE))
    return complete(frame.select(MEMBER, *columns), capabilities.composites)


def _with_dropped_fields(wanted: pl.LazyFrame, held: pl.LazyFrame | None) -> tuple[pl.LazyFrame, list[Field]]:
    """Add, without values, the fields that the platform holds and the segment does not map any more."""
    if held is None:
        return wanted, []
    there = {MEMBER, VALUE, ADDED_ON, UNSURE, *wanted.collect_schema().names()}
    dropped = {name: kind for name, kind in held.collect_schema().items() if name not in there}
    empty = [pl.lit(None, dtype=kind).alias(name) for name, kind in dropped.items()]
    return wanted.with_columns(empty), [Field(name) for name in dropped]


def _value_based(segment: Segment, capabilities: Capabilities) -> bool:
    return segment.value is not None and capabilities.takes_value


def _with_values(counts: Counts, lake: Lake, prepared_path: str, segment: Segment, capabilities: Capabilities) -> Counts:
    """The counts with how many prepared members have a value, and how many `wanted_members` leaves out for want of one."""
    if not _value_based(segment, capabilities):
        return counts
    has = pl.col(VALUE).is_not_null()
    with_value, without = lake.scan(prepared_path).select(has.sum(), (~has).sum().alias("without")).collect().row(0)
    return replace(counts, with_value=with_value, without_value=without)


def _write(
    lake: Lake, plan: Plan, attempt: int, comparison: Comparison, spans: Sequence[Span], capabilities: Capabilities
) -> tuple[Upload, ...]:
    """Write what a plan sends to the lake, span after span; removals go first: suppression before growth."""
    added, removed = RECORDED[plan.mode], Operation.REMOVE
    lake.remove(plan.path)  # what an attempt that died has left there
    lake.write(columns_file(plan.path), comparison.nobody)
    uploads = [write_upload(lake, plan, attempt, added, comparison.additions(spans), capabilities)]
    lake.write(gone_file(plan.path), comparison.gone)
    if added is Operation.REPLACE and comparison.counts.gone and not uploads[0].rows:
        raise DataError(
            f"nobody is left for this audience, and mode {plan.mode} cannot send nobody: mend the source, or use mode mirror",
            segment=plan.segment,
            destination=plan.label,
        )
    if plan.mode is Mode.SNAPSHOT and comparison.changes_nothing:  # built whole or not at all
        for folder in (members_folder(plan.path, added), f"{plan.path}/{added.value}"):
            lake.remove(folder)
        return ()
    if plan.mode is Mode.MIRROR:
        uploads.insert(0, write_upload(lake, plan, attempt, removed, [comparison.removals()], capabilities))
    return tuple(upload for upload in uploads if upload.rows)


def write_upload(
    lake: Lake, plan: Plan, attempt: int, operation: Operation, pieces: Iterable[pl.DataFrame], capabilities: Capabilities
) -> Upload:
    """The members of one operation, whole and as the rows of requests."""
    session = session_id(plan.segment, plan.label, plan.run_id, attempt, operation)
    cutter = Cutter(capabilities, operation, session, f"{plan.segment}:{plan.label}")
    numbers = count()
    for number, members in enumerate(piece for piece in pieces if piece.height):
        lake.write_members(f"{members_folder(plan.path, operation)}/part-{number:05d}.parquet", members)
        for part in cutter.add(wire_rows(members, capabilities)):
            lake.write(part_file(plan.path, operation, next(numbers)), part)
    for part in cutter.finish():
        lake.write(part_file(plan.path, operation, next(numbers)), part)
    upload = cutter.upload
    if capabilities.limits.one_batch and len(upload.cuts) > 1:
        most = f"{capabilities.title} takes one whole file of at most {capabilities.limits.rows_per_batch:,} rows"
        raise ConfigError(f"{most}; this audience has {upload.rows:,}", segment=plan.segment, destination=plan.label)
    return upload


def _basis(workspace: Workspace, segment: Segment, label: str, prepared_path: str, options: PlanOptions) -> str:
    """A digest of what a plan is made from; not of the day: a run that is tried again after midnight goes on with its plan."""
    sealed = workspace.ledger.generation(segment.name, label)
    text = f"{prepared_path}|{sealed.number if sealed else 0}|{options}|{segment.destination(label)}"
    return hashlib.sha256(text.encode()).hexdigest()


def _renewal_window(workspace: Workspace, segment: Segment, label: str) -> int:
    """Days ahead that renewals look: twice the time since the last run was sealed, a week at least."""
    sealed = workspace.ledger.generation(segment.name, label)
    if sealed is None:
        return _RENEW_WITHIN_DAYS
    days: int = (clock.now().date() - sealed.sealed_at.date()).days
    return max(_RENEW_WITHIN_DAYS, 2 * (days + 1))
