"""Drift: whether what a platform says of an audience can be explained by what was sealed of it.

Platforms count people whom they know, round, hide small numbers and are late. So no share is expected of a size at first; it
is compared with the bounds of what was held within the platform's own delay, and with what the platform said before.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from guestlist.model.audiences import AudienceState
from guestlist.model.capabilities import Sizes

_FEW = 20
"""So many times the smallest size that is shown: with fewer members, that nobody shows tells nothing."""
_FACTOR = 2
"""Sizes that differ by less can be the platform's matching."""


class Verdict(StrEnum):
    """What a look at the platform comes to; the worst last."""

    EXPECTED = "expected"
    UNTOLD = "untold"
    """The platform tells nothing that could be compared."""
    DRIFT = "drift"
    """A size that receipts do not explain."""
    BROKEN = "broken"
    """The audience is not there, cannot be kept, or was emptied."""


@dataclass(frozen=True, slots=True)
class Look:
    """The size that a platform told, and the fewest and the most members that it may have meant."""

    low: int
    high: int
    held_low: int
    held_high: int


def judge(
    state: AudienceState, held: tuple[int, int] | None, before: Look | None, sizes: Sizes | None
) -> tuple[Verdict, str | None]:
    """The verdict on what a platform says, and what is wrong and what to do about it.

    ``held`` bounds the members that were held within the platform's delay; None where they are not who is on the audience
    (mode ``remove``). ``before`` is the last look at the same audience that told a size.
    """
    if not state.there:
        return Verdict.BROKEN, "it is not there any more; the next run makes it anew and sends everybody"
    if state.trouble:
        return Verdict.BROKEN, state.trouble
    if sizes is None or held is None or (state.bounds is None and not sizes.shown_from):
        return Verdict.UNTOLD, None
    low, high = state.bounds or (0, 0)
    now = Look(low, high, *held)
    if before is not None and not high and _expected_least(now, before) > _FACTOR * sizes.shown_from:
        fell = f"its size fell from {_shown(before)} to nothing, and {held[0]:,} members should be on it"
        return Verdict.BROKEN, f"{fell}: see on the platform who emptied it, then run once with full resend"
    drift = _drift(now, before, sizes)
    return (Verdict.DRIFT, drift) if drift else (Verdict.EXPECTED if state.bounds else Verdict.UNTOLD, None)


def _drift(now: Look, before: Look | None, sizes: Sizes) -> str | None:
    if sizes.matched and not now.high and now.held_low >= _FEW * max(sizes.shown_from, 1):
        return f"nobody shows of {now.held_low:,} members: look whether their keys are hashed as the platform wants them"
    if not sizes.matched and now.high * _FACTOR < now.held_low:
        return f"it shows {_shown(now)} of {now.held_low:,} members that it has accepted: see who took people off"
    if now.low > _FACTOR * now.held_high + sizes.shown_from:
        return f"it shows {_shown(now)}, and {now.held_high:,} members were sent: somebody else puts people on it"
    if before is None or not before.high or not now.high:
        return None
    changed = f"it showed {_shown(before)} and shows {_shown(now)}, which what was sent does not explain"
    if now.high * _FACTOR < _expected_least(now, before) or now.low > _FACTOR * _expected_most(now, before):
        return f"{changed}: see who else changes it"
    return None


def _expected_least(now: Look, before: Look) -> float:
    """The size by what the platform showed before, if as large a share of those who are held shows now."""
    return before.low * min(now.held_low / before.held_high, 1.0) if before.held_high else 0.0


def _expected_most(now: Look, before: Look) -> float:
    """The same, from above; without bound where nobody may have been held before."""
    return before.high * max(now.held_high / before.held_low, 1.0) if before.held_low else float("inf")


def _shown(look: Look) -> str:
    return f"{look.low:,}" if look.low == look.high else f"{look.low:,}-{look.high:,}"
