"""Alerts as text: what happened, where, in which numbers, and what to do next; never a person's value, never a secret."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from guestlist.model.alerts import Alerts, Happening
from guestlist.model.report import DestinationReport, RunReport, lost

if TYPE_CHECKING:
    from guestlist.model.plan import Plan
    from guestlist.runtime.upkeep.reconcile import Reconciled
    from guestlist.runtime.upkeep.stale import Stale

_MEND = (
    "mend what the red task says; the next run sends what is missing, or clear that task with those after it to have it sooner"
)
_REASONS = "read the reasons and mend the source; `max_rejected` allows for some loss"
_NOTHING = "nothing; the next run sends these rows again"


@dataclass(frozen=True)
class Alert:
    """One message: ``what`` in a few words, ``facts`` line by line, and ``todo``, what a person does next."""

    happening: Happening | None
    """None of a deadline, of which is told wherever one is set."""
    about: str
    """The segment, or one of our own DAGs."""
    what: str
    facts: Sequence[str]
    todo: str
    url: str
    """The run in Airflow."""

    @property
    def title(self) -> str:
        """A line that says it all."""
        return f"{self.about}: {self.what}"

    @property
    def text(self) -> str:
        """Everything but the title."""
        return "\n".join([*self.facts, f"What to do: {self.todo}.", self.url])


@dataclass(frozen=True)
class TaskError:
    """What a task failed with: the error's class and its sentence; neither where the task died."""

    task: str
    kind: str = ""
    sentence: str = ""

    def __str__(self) -> str:
        """For people."""
        return f"{self.task}: {self.sentence or 'it died or failed without a word; its log tells why'}"


def of_report(report: RunReport, errors: Sequence[TaskError], alerts: Alerts, url: str) -> Alert | None:
    """What a run left undone, and what its tasks say; None where nobody wants to know. Of a stopped plan its guard tells."""
    told = {item.label: kind for item in report.destinations if (kind := _kind(item, errors)) in alerts.of}
    if not told:
        return None
    items = [item for item in report.destinations if item.label in told]
    facts = [
        f"{item.label} ({item.platform}, audience {item.audience!r}) is {item.state}{lost(item)}; wanted {item.wanted:,}, "
        f"held before {item.held:,}, added {item.added:,}, removed {item.removed:,}"
        for item in items
    ]
    groups = {kind: [label for label, one in told.items() if one is kind] for kind in Happening}
    what = "; ".join(f"{kind}: {', '.join(labels)}" for kind, labels in groups.items() if labels)
    worst = next(kind for kind in Happening if groups[kind])
    todo = _NOTHING if worst is Happening.UNCONFIRMED else _MEND if errors else _REASONS
    return Alert(worst, report.segment, what, [*facts, *map(str, errors)], todo, url)


def _kind(item: DestinationReport, errors: Sequence[TaskError]) -> Happening | None:
    """By its tasks' errors where there are any: rows of a request that was refused as a whole are unconfirmed, too."""
    if item.state in ("sealed", "dry", "stopped"):
        return None
    mine = [error.kind for error in errors if error.task.startswith(f"{item.label}.")]
    silent = set(mine) == {"Unconfirmed"} if mine else item.state == "unconfirmed"
    return Happening.UNCONFIRMED if silent else Happening.FAILED


def of_guard(plan: Plan, url: str) -> Alert:
    """A plan that waits for a person."""
    from guestlist.runtime.sync import numbers

    counts = ", ".join(f"{name} {count:,}" for name, count in numbers(plan).items())
    todo = f"approve or reject it on the task's page *Required Action*, or with `guestlist approve {plan.segment}`"
    facts = [*map(str, plan.breaches), counts, "Nothing was sent."]
    return Alert(Happening.GUARD, plan.segment, f"guard: the plan for {plan.label} waits for a person", facts, todo, url)


def of_nobody(segment: str, label: str, hours: float, url: str) -> Alert:
    """A plan for which nobody decided in time."""
    todo = f"look at the numbers with `guestlist approve {segment}`, then clear the guard's task or wait for the next run"
    facts = [f"The plan waited for {hours:.0f} h. Nothing was sent."]
    return Alert(Happening.GUARD, segment, f"guard: nobody decided on the plan for {label}", facts, todo, url)


def of_drift(segment: str, found: Iterable[Reconciled], url: str) -> Alert:
    """What platforms show that receipts do not explain."""
    facts, labels = [], []
    for one in found:
        size = f"size {one.size or 'not told'}, {one.members or 0:,} members held"
        facts.append(f"{one.label} ({one.platform}, audience {one.audience!r}), {size}: {one.told}")
        labels.append(f"{one.label} {one.verdict}")
    todo = "do what stands behind the destination; `guestlist reconcile` asks the platforms again"
    return Alert(Happening.DRIFT, segment, f"drift: {', '.join(labels)}", facts, todo, url)


def of_stale(segment: str, found: Iterable[Stale], url: str) -> Alert:
    """Audiences that no run has sealed for too long."""
    facts, labels = [], []
    for one in found:
        sealed, since = (f"{moment:%Y-%m-%d %H:%M} UTC" for moment in (one.sealed_at, one.since))
        facts.append(f"{one.label} ({one.platform}) was last sealed {sealed}; since then a second run was due {since}")
        labels.append(one.label)
    todo = "see whether the DAG is paused, a run waits for a person, or its runs fail"
    return Alert(Happening.STALE, segment, f"stale: {', '.join(labels)}", facts, todo, url)


def of_deadline(segment: str, allowed: str, state: str, url: str) -> Alert:
    """A run that took too long."""
    todo = "open the run and see what it waits for"
    return Alert(None, segment, f"deadline: not through {allowed} after it was queued", [f"The run is {state}."], todo, url)


def of_death(dag_id: str, facts: Sequence[str], url: str) -> Alert:
    """A run that ended red and of which no task could tell."""
    todo = "open the run; the log of the red task, or that of the scheduler where it has none, tells why"
    return Alert(Happening.FAILED, dag_id, "failed", facts, todo, url)
