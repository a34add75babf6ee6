"""Plan: compare what is wanted with what the platform holds, and write down exactly what will be sent."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace

import polars as pl

from guestlist.model.delivery import Capabilities, Field, Mode, Operation
from guestlist.model.errors import ConfigError, DataError, SafetyStop
from guestlist.model.plan import Breach, Drops, Plan, Upload
from guestlist.model.segment import Segment
from guestlist.pipeline.audience import MEMBER, VALUE, column_of, complete, fields_of, wire_rows
from guestlist.pipeline.batching import parts_of, session_id, upload_of
from guestlist.pipeline.plan import ADDED_ON, UNSURE, Change, Wish, breaches, compare
from guestlist.pipeline.prepare import key_columns
from guestlist.runtime import clock
from guestlist.runtime.lake import Lake, columns_file, gone_file, members_file, part_file
from guestlist.runtime.sync.held import empty_held, held_now
from guestlist.runtime.wiring import Workspace

_RENEW_WITHIN_DAYS = 7


@dataclass(frozen=True)
class PlanOptions:
    """What a person may ask of a run."""

    dry_run: bool = False
    full_resend: bool = False


DEFAULTS = PlanOptions()


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
    wanted = wanted_members(lake, run.prepared_path, segment, capabilities)
    held = held_now(workspace, segment, label, wanted)
    wanted, dropped = _with_dropped_fields(wanted, held)
    change = compare(wanted, held.lazy() if held is not None else empty_held(wanted), capabilities, wish)
    if change.additions.is_empty() and change.gone.height and mode in (Mode.REPLACE, Mode.SNAPSHOT):
        raise DataError(
            f"nobody is left for this audience, and mode {mode} cannot send nobody: mend the source, or use mode mirror",
            segment=segment.name,
            destination=label,
        )
    attempt = len(ledger.plans_of_run(segment.name, label, run_id)) + 1
    draft = Plan(
        segment=segment.name,
        label=label,
        run_id=run_id,
        mode=mode,
        pull_date=wish.today.isoformat(),
        path=lake.plan_folder(segment.name, label, run_id, attempt),
        fields=fields_of(capabilities, [*segment.identifiers, *dropped]),
        counts=replace(change.counts, without_value=_without_value(lake, run.prepared_path, segment, capabilities)),
        breaches=breaches(change.counts, Drops(**run.drops), segment.guards, mode),
    )
    plan = _write(lake, draft, attempt, change, capabilities)
    lake.write_json(f"{plan.path}/plan.json", plan.as_json())
    basis = _basis(workspace, segment, label, run.prepared_path, options)
    return ledger.enter_plan(plan, basis, attempt, dry=options.dry_run)


def unfinished_plan(workspace: Workspace, segment: Segment, run_id: str, label: str, options: PlanOptions) -> int | None:
    """The plan that this run has made already and may go on with: nothing that it was made from has changed since."""
    run = workspace.ledger.run(segment.name, run_id)
    plans = workspace.ledger.plans_of_run(segment.name, label, run_id)
    if run is None or not plans or plans[0].state != "planned":
        return None
    same = plans[0].basis == _basis(workspace, segment, label, run.prepared_path, options)
    return int(plans[0].id) if same else None


def wanted_members(lake: Lake, prepared_path: str, segment: Segment, capabilities: Capabilities) -> pl.LazyFrame:
    """Prepared members as one platform takes them: ``member``, its fields, ``value`` where it is sent."""
    keys = {key.field: key for key in key_columns(segment.identifiers, [capabilities])}
    fields = fields_of(capabilities, list(segment.identifiers))
    columns = [pl.col(column_of(field, keys[field].recipe.name)).alias(field.value) for field in fields]
    frame = lake.scan(prepared_path)
    if _value_based(segment, capabilities):
        frame = frame.filter(pl.col(VALUE).is_not_null())
        columns.append(pl.col(VALUE))
    return complete(frame.select(MEMBER, *columns), capabilities.composites)


def _with_dropped_fields(wanted: pl.LazyFrame, held: pl.DataFrame | None) -> tuple[pl.LazyFrame, list[Field]]:
    """Add, without values, the fields that the platform holds and the segment does not map any more."""
    if held is None:
        return wanted, []
    there = {MEMBER, VALUE, ADDED_ON, UNSURE, *wanted.collect_schema().names()}
    dropped = {name: kind for name, kind in held.schema.items() if name not in there}
    empty = [pl.lit(None, dtype=kind).alias(name) for name, kind in dropped.items()]
    return wanted.with_columns(empty), [Field(name) for name in dropped]


def _value_based(segment: Segment, capabilities: Capabilities) -> bool:
    return segment.value is not None and capabilities.takes_value


def _without_value(lake: Lake, prepared_path: str, segment: Segment, capabilities: Capabilities) -> int:
    """How many prepared members `wanted_members` leaves out for want of a value."""
    if not _value_based(segment, capabilities):
        return 0
    return int(lake.scan(prepared_path).select(pl.col(VALUE).is_null().sum()).collect().item())


def _write(lake: Lake, plan: Plan, attempt: int, change: Change, capabilities: Capabilities) -> Plan:
    """Write the plan's parts to the lake; returns the plan with its uploads."""
    uploads: list[Upload] = []
    for operation, members in _operations(change, plan.mode):
        if members.is_empty():
            continue
        rows = wire_rows(members, capabilities)
        session = session_id(plan.segment, plan.label, plan.run_id, attempt, operation)
        upload = upload_of(rows, capabilities, operation, session, f"{plan.segment}:{plan.label}")
        if capabilities.limits.one_batch and len(upload.cuts) > 1:
            most = f"{capabilities.title} takes one whole file of at most {capabilities.limits.rows_per_batch:,} rows"
            raise ConfigError(f"{most}; this audience has {rows.height:,}", segment=plan.segment, destination=plan.label)
        for part, frame in enumerate(parts_of(rows, upload)):
            lake.write(part_file(plan.path, operation, part), frame)
        lake.write(members_file(plan.path, operation), members)
        uploads.append(upload)
    lake.write(gone_file(plan.path), change.gone)
    lake.write(columns_file(plan.path), change.additions.clear())
    return replace(plan, uploads=tuple(uploads))


def _operations(change: Change, mode: Mode) -> list[tuple[Operation, pl.DataFrame]]:
    """Removals go first: suppression before growth."""
    if mode in (Mode.REPLACE, Mode.SNAPSHOT):
        return [(Operation.REPLACE, change.additions)]
    if mode is Mode.REMOVE:
        return [(Operation.REMOVE, change.additions)]
    return [(Operation.REMOVE, change.removals), (Operation.ADD, change.additions)]


def _basis(workspace: Workspace, segment: Segment, label: str, prepared_path: str, options: PlanOptions) -> str:
    """A digest of what a plan is made from."""
    sealed = workspace.ledger.generation(segment.name, label)
    text = f"{prepared_path}|{sealed.number if sealed else 0}|{options}|{segment.destination(label)}|{workspace.today}"
    return hashlib.sha256(text.encode()).hexdigest()


def _renewal_window(workspace: Workspace, segment: Segment, label: str) -> int:
    """Days ahead that renewals look: twice the time since the last run was sealed, a week at least."""
    sealed = workspace.ledger.generation(segment.name, label)
    if sealed is None:
        return _RENEW_WITHIN_DAYS
    days: int = (clock.now().date() - sealed.sealed_at.date()).days
    return max(_RENEW_WITHIN_DAYS, 2 * (days + 1))


def check_guards(workspace: Workspace, plan_id: int, plan: Plan, *, approved_by: str | None = None) -> None:
    """Let a plan pass, or stop it with the numbers; ``approved_by`` names the person who lets it pass all the same.

    Raises:
        SafetyStop: a guard is breached and nobody has approved this plan, or somebody has rejected it.
    """
    if not plan.breaches:
        return
    if approved_by:
        workspace.ledger.decide(plan_id, "approve", approved_by)
        return
    decision = workspace.ledger.decision(plan_id)
    if decision is None or decision.decision != "approve":
        raise SafetyStop(breach_message(plan.breaches), segment=plan.segment, destination=plan.label)


def breach_message(found: tuple[Breach, ...]) -> str:
    """What a person has to decide on."""
    told = "; ".join(map(str, found))
    return f"nothing was sent: {told}. Approve the run if this is right, or mend the source"
