"""Wait for dbt: before a source is read, the model that makes it must have been built, and its tests must have passed."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from guestlist.model.dbt import Dbt
from guestlist.model.errors import DataError, GuestlistError
from guestlist.model.segment import Segment
from guestlist.runtime import clock
from guestlist.runtime.ledger.rows import aware
from guestlist.runtime.sync.deliver import Progress
from guestlist.runtime.wiring import Workspace
from guestlist.sources.dbt import Build

_LOOK_SECONDS = 60.0


def builds_of(segment: Segment) -> Iterator[Dbt]:
    """All that a run of the segment waits for."""
    for source in (segment.source, *segment.suppress):
        if source.dbt is not None:
            yield source.dbt


def await_builds(workspace: Workspace, segment: Segment, since: datetime) -> tuple[Progress, list[str]]:
    """Whether all models are there, or how long to wait before looking again; and what dbt's tests warn of.

    ``since`` is when the run began to wait. Nothing is kept between two looks.

    Raises:
        DataError: a model or one of its tests failed; or nobody built it in the time that the segment gives.
    """
    warnings: list[str] = []
    longest = 0.0
    for dbt in builds_of(segment):
        try:
            build = workspace.build(dbt)
            _refuse_failed(dbt, build)
            longest = max(longest, _seconds_to_wait(workspace, segment, dbt, build, since))
        except GuestlistError as error:
            raise error.at(segment=segment.name) from None
        warnings += [f"dbt model {dbt.model}: {warning}" for warning in build.warnings]
    return Progress(done=longest == 0, wait=longest), warnings


def _refuse_failed(dbt: Dbt, build: Build) -> None:
    if build.failed:
        what = "was not built" if build.at is None else "did not pass its tests"
        told = f"the dbt model {dbt.model} {what} by `dbt {build.command}` of {_shown(build.generated_at)}"
        raise DataError(f"{told}: {', '.join(build.failed)}. Nothing was read; mend it, run `dbt build`, and run this again")


def _seconds_to_wait(workspace: Workspace, segment: Segment, dbt: Dbt, build: Build, since: datetime) -> float:
    """0 where the build is new enough."""
    after = clock.now() - dbt.max_age if dbt.max_age else _last_green(workspace, segment)
    if build.at and (after is None or build.at > after):
        return 0.0
    left = (since + dbt.wait - clock.now()).total_seconds()
    if left > 0:
        return min(left, _LOOK_SECONDS)
    known = f"it was last built {_shown(build.at)}" if build.at else build.unknown
    wanted = f"since {_shown(after)}" if after else "at all"
    told = f"the dbt model {dbt.model} was not built {wanted}: {known} (`dbt {build.command}` of {_shown(build.generated_at)})"
    raise DataError(f"{told}; waited {_hours(dbt)}. Run `dbt build`, and run this again")


def _last_green(workspace: Workspace, segment: Segment) -> datetime | None:
    """When the newest run that ended green had read its source; None where there is none."""
    return next((aware(row.started_at) for row in workspace.ledger.last_runs(segment.name) if row.state == "sealed"), None)


def _shown(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%d %H:%M %Z")


def _hours(dbt: Dbt) -> str:
    minutes = int(dbt.wait.total_seconds() // 60)
    return f"{minutes // 60} h {minutes % 60} min" if minutes >= 60 else f"{minutes} min"
