"""One DAG for each segment file; a file that cannot be used becomes a red placeholder that tells why, and disturbs no other."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from airflow.exceptions import AirflowException
from airflow.sdk import DAG, BaseOperator, Param, TaskGroup, TriggerRule
from airflow.sdk.definitions.param import ParamsDict
from airflow.sdk.exceptions import AirflowFailException

from guestlist.model.alerts import Alerts
from guestlist.model.documents import read_yaml
from guestlist.model.errors import ConfigError
from guestlist.model.segment import After, Destination, Segment, ever_comes
from guestlist.model.vocabulary import Mode, Operation
from guestlist.orchestration.alerts import RunFailed, deadline_of
from guestlist.orchestration.assets import asset_at, audience_asset, segment_asset
from guestlist.orchestration.dbt import DbtOperator
from guestlist.orchestration.guard import GuardOperator
from guestlist.orchestration.operators import (
    OpenOperator,
    PlanOperator,
    PrepareOperator,
    ReportOperator,
    SealOperator,
    SendOperator,
    SettleOperator,
)
from guestlist.orchestration.partitions import prepare_in_parts
from guestlist.orchestration.retries import RETRIES
from guestlist.runtime.segments import read_segment, segment_files

_PHASES = {
    Mode.MIRROR: (("removals", Operation.REMOVE), ("additions", Operation.ADD)),
    Mode.APPEND: (("additions", Operation.ADD),),
    Mode.REMOVE: (("removals", Operation.REMOVE),),
    Mode.REPLACE: (("replacement", Operation.REPLACE),),
    Mode.SNAPSHOT: (("replacement", Operation.REPLACE),),
}


_PUSHED_AT_ONCE = 16
"""Runs of an intake, each of another audience; those of one audience come one after the other."""


def segment_dags(folder: Path, only: str | None = None) -> Iterator[DAG]:
    """The DAGs of all segment files of a folder, or of the one whose DAG Airflow asks for."""
    for path in segment_files(folder):
        if only in (None, path.stem):
            yield _guarded(path)


def _guarded(path: Path) -> DAG:
    try:
        dag = build(read_segment(path))
        dag.validate()
        dag.check_cycle()
    except (ConfigError, AirflowException, ValueError, TypeError) as error:  # a schedule that is none fails in Airflow
        return placeholder(path, str(error))
    return dag


def build(segment: Segment) -> DAG:
    """The DAG of a segment: prepare once, then every destination by itself, then the report."""
    with DAG(
        dag_id=segment.name,
        description=segment.description or None,
        schedule=_schedule(segment.schedule),
        doc_md=_documentation(segment),
        tags=sorted({"guestlist", *(target.platform for target in segment.destinations)}),
        default_args={"owner": segment.owner, **RETRIES},
        max_active_runs=_PUSHED_AT_ONCE if segment.source.intake else 1,
        is_paused_upon_creation=False if segment.source.intake else None,  # who pushes does not see Airflow's page
        catchup=False,
        auto_register=False,
        on_failure_callback=RunFailed(segment.alerts),
        deadline=deadline_of(segment.name, segment.alerts),
    ) as dag:
        prepare = _prepare(segment)
        if any(source.dbt for source in (segment.source, *segment.suppress)):
            DbtOperator(task_id="dbt", segment=segment.name) >> prepare
        report = ReportOperator(task_id="report", segment=segment.name, trigger_rule=TriggerRule.ALL_DONE, retries=1)
        for target in segment.destinations:
            with TaskGroup(target.label, tooltip=f"{target.platform}: {target.audience}") as group:
                _destination(segment, target)
            prepare >> group >> report
    # Last, and past Airflow's own check: each task would copy them, and each file would have the same schemas checked anew.
    # That is two thirds of the time that parsing takes; a test checks them once.
    object.__setattr__(dag, "params", ParamsDict(_params(segment)))
    return dag


def _prepare(segment: Segment) -> BaseOperator | TaskGroup:
    outlets = [segment_asset(segment.name)]
    if segment.source.in_parts:
        return prepare_in_parts(segment, outlets)
    return PrepareOperator(task_id="prepare", segment=segment.name, outlets=outlets)


def _destination(segment: Segment, target: Destination) -> None:
    """The tasks of one destination, in the order in which they have to happen."""
    here = {"segment": segment.name, "destination": target.label}
    pool = target.pool
    plan = PlanOperator(task_id="plan", pool=pool, **here)
    guard = GuardOperator(task_id="guard", **here)
    seal = SealOperator(task_id="seal", outlets=[audience_asset(segment.name, target)], trigger_rule=_ANY, **here)
    plan >> guard
    before: BaseOperator = guard
    for name, operation in _PHASES[target.mode]:
        with TaskGroup(name):
            there = {**here, "operation": operation.value, "pool": pool}
            begin = OpenOperator(task_id="open", **there, **({} if before is guard else {"trigger_rule": _ANY}))
            send = SendOperator.partial(
                task_id="send",
                map_index_template="{{ label | default('part') }}",
                max_active_tis_per_dagrun=1,  # parts in order; within one, Limits.parallel_batches go at once
                **there,
            ).expand(part=begin.output)
            settle = SettleOperator(task_id="settle", trigger_rule=_ANY, **there)
        before >> begin >> send >> settle
        begin >> settle
        before = settle
    before >> seal


_ANY = TriggerRule.NONE_FAILED_MIN_ONE_SUCCESS
"""Go on where the sending was skipped because there was nothing to send; not where all before it was skipped."""


def _schedule(schedule: str | After | None) -> Any:
    if isinstance(schedule, After):
        return [asset_at(uri) for uri in schedule.after]
    return schedule


def _params(segment: Segment) -> dict[str, Param]:
    """What a person may set when triggering a run by hand."""
    labels = [target.label for target in segment.destinations]
    pushed = {"upload": Param(None, type=["null", "string"], title="Upload", description="The id of what was pushed.")}
    return {
        **(pushed if segment.source.intake else {}),
        "dry_run": Param(False, type="boolean", title="Dry run", description="Prepare and plan, send nothing."),  # noqa: FBT003
        "destinations": Param(
            None,
            type=["null", "array"],
            examples=labels,
            items={"type": "string", "enum": labels},
            title="Only these destinations",
            description="Leave empty for all.",
        ),
        "approve": Param(
            False,  # noqa: FBT003
            type="boolean",
            title="Approve",
            description="Let the plan pass even where a guard is breached. Who triggers the run is kept in the ledger.",
        ),
        "full_resend": Param(
            False,  # noqa: FBT003
            type="boolean",
            title="Full resend",
            description="Send every wanted member again; who left is removed as always.",
        ),
    }


def _documentation(segment: Segment) -> str:
    """The segment as people see it on its DAG."""
    source = segment.source.file or segment.source.table or segment.source.sql or "what is pushed over HTTP"
    rows = [f"| {t.label} | {t.platform} | {t.audience} | {t.mode} | {t.connection} |" for t in segment.destinations]
    keys = [f"`{name}` from {', '.join(f'`{c}`' for c in spec.columns)}" for name, spec in segment.identifiers.items()]
    guards = [f"`{name}` {value}" for name, value in segment.guards if value is not None]
    return "\n".join(
        [
            f"## {segment.name}",
            segment.description,
            "",
            f"**Source** `{source.strip()}`"
            + (f" over connection `{segment.source.connection}`" * bool(segment.source.connection)),
            f", keyed by `{segment.key}`.",
            "",
            f"**Match keys** {'; '.join(keys)}.",
            "",
            "| destination | platform | audience | mode | connection |",
            "|---|---|---|---|---|",
            *rows,
            "",
            f"**Guards** {', '.join(guards)}.",
        ]
    )


class BrokenSegmentOperator(BaseOperator):
    """Fails with what is wrong with the segment's file."""

    def __init__(self, *, problems: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.problems = problems

    def execute(self, context: Any) -> None:
        """Running it cannot help: the file has to be mended."""
        raise AirflowFailException(self.problems)


def placeholder(path: Path, problems: str) -> DAG:
    """A DAG of the segment's own id, so that its history stays, which tells every problem of the file.

    It keeps the file's schedule where that can be read: a segment that breaks while it is live fails visibly, and alerts, on
    the days on which it should have run.
    """
    safe = json.dumps(problems, ensure_ascii=False)[1:-1].replace("\\n", "\n")
    with DAG(
        dag_id=path.stem,
        dag_display_name=f"\N{LARGE RED CIRCLE} {path.stem}",
        description=f"BROKEN: {problems.splitlines()[0]}"[:500],
        schedule=_schedule_of_broken(path),
        doc_md=f"## {path.name} cannot be used\n\n```text\n{safe}\n```\n\n`guestlist validate` tells the same, offline.",
        tags=["guestlist", "broken"],
        max_active_runs=1,
        catchup=False,
        auto_register=False,
        on_failure_callback=RunFailed(Alerts(), problems.splitlines()),
    ) as dag:
        BrokenSegmentOperator(task_id="mend_the_segment_file", problems=problems)
    return dag


def _schedule_of_broken(path: Path) -> str:
    """What the file says, if that much of it is right; else once a day."""
    try:
        document, _, _ = read_yaml(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError):
        return "@daily"
    schedule = document.get("schedule") if isinstance(document, dict) else None
    return schedule if isinstance(schedule, str) and ever_comes(schedule) else "@daily"
