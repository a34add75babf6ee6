"""Reconcile: ask the platforms what became of what was sealed, enter it, and say what receipts do not explain."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Any

from guestlist.model.audiences import AudienceRef, AudienceState
from guestlist.model.capabilities import Sizes
from guestlist.model.errors import GuestlistError, RejectedError
from guestlist.model.segment import Segment
from guestlist.model.vocabulary import Mode
from guestlist.pipeline.drift import Look, Verdict, judge
from guestlist.runtime import clock
from guestlist.runtime.ledger.checkpoints import Seen
from guestlist.runtime.wiring import Ready, Workspace

_MOST = 2**31 - 1
"""What the ledger's columns hold; no audience is larger than mankind."""


@dataclass(frozen=True)
class Reconciled:
    """One audience, what its platform says of it, and what that comes to."""

    segment: str
    label: str
    platform: str
    audience: str
    url: str
    members: int | None
    """Held, by the newest sealed generation."""
    size: str | None = None
    match_rate: str | None = None
    status: str | None = None
    verdict: str = Verdict.UNTOLD.value
    told: str | None = None
    news: bool = False
    """Something is wrong that was not wrong, or otherwise, at the last look."""

    def as_json(self) -> dict[str, Any]:
        """For programs."""
        return asdict(self)


@dataclass(frozen=True)
class Reconciliation:
    """All audiences that were asked for, and the errors of those that could not be."""

    found: Sequence[Reconciled]
    errors: Sequence[GuestlistError]


def reconcile(workspace: Workspace, segments: Iterable[Segment], *, only_due: bool) -> Reconciliation:
    """Look at the audiences of segments, or at those with a checkpoint that is due. One that fails does not keep the others.

    A checkpoint whose platform cannot be asked stays due.
    """
    found, errors = [], []
    for segment in segments:
        for target in segment.destinations:
            if only_due and not workspace.ledger.is_due(segment.name, target.label):
                continue
            try:
                if (one := _look(workspace, segment, target.label)) is not None:
                    found.append(one)
            except GuestlistError as error:
                errors.append(error.at(segment=segment.name, destination=target.label))
    return Reconciliation(found, errors)


def trouble(done: Reconciliation) -> GuestlistError | None:
    """The error that a person has to see: audiences that are broken, or else the first that could not be asked about."""
    broken = [one for one in done.found if one.verdict == Verdict.BROKEN]
    if broken:
        told = "; ".join(f"{one.segment}: {one.label} ({one.audience!r}): {one.told}" for one in broken)
        return RejectedError(f"not every audience is as it was left: {told}")
    return next(iter(done.errors), None)


def _look(workspace: Workspace, segment: Segment, label: str) -> Reconciled | None:
    """None where nothing was ever sent."""
    ledger, target = workspace.ledger, segment.destination(label)
    audience = ledger.audience(segment.name, label)
    if audience is None or not audience.id:
        return None
    with closing(workspace.ready(segment, label)) as ready:
        state = ready.driver.run(ready.destination.describe(audience))
    before = ledger.last_seen(segment.name, label)
    seen = _seen(workspace, segment, ready, audience, state)
    ledger.seen(segment.name, label, seen)
    sealed = ledger.generation(segment.name, label)
    return Reconciled(
        segment=segment.name,
        label=label,
        platform=target.platform,
        audience=audience.name,
        url=audience.url,
        members=sealed.members if sealed else None,
        size=state.size,
        match_rate=seen.match_rate,
        status=seen.status,
        verdict=seen.verdict,
        told=seen.told,
        news=seen.told is not None and (before is None or before.verdict != seen.verdict),
    )


def _seen(workspace: Workspace, segment: Segment, ready: Ready, audience: AudienceRef, state: AudienceState) -> Seen:
    sizes = ready.capabilities.sizes
    held = None
    if segment.destination(ready.label).mode is not Mode.REMOVE:  # there, those who are held are not on the audience
        lag = timedelta(hours=(sizes or Sizes()).lag_hours)
        held = workspace.ledger.held_since(segment.name, ready.label, clock.now() - lag)
    row = workspace.ledger.last_seen(segment.name, ready.label, audience.id)
    before = Look(row.low, row.high, row.held_low, row.held_high) if row is not None and row.held_low is not None else None
    verdict, told = judge(state, held, before, sizes)
    low, high = (min(bound, _MOST) for bound in state.bounds) if state.bounds else (None, None)
    held_low, held_high = held or (None, None)
    return Seen(audience.id, held_low, held_high, low, high, state.match_rate, state.status, verdict.value, told)
