"""Connections: each tried for real, once, whatever number of segments deliver over it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from guestlist.model.errors import AuthError, GuestlistError
from guestlist.model.segment import Segment
from guestlist.runtime.sync.check import Checked, check_destination
from guestlist.runtime.upkeep.audiences import accounts
from guestlist.runtime.wiring import Workspace


def check_connections(workspace: Workspace, segments: Iterable[Segment]) -> list[Checked]:
    """What `guestlist check` finds of each connection to a platform; the ledger keeps it. Nothing is changed."""
    return [check_destination(workspace, segment, target) for segment, target in accounts(segments)]


def trouble(checked: Sequence[Checked]) -> GuestlistError | None:
    """The error that names every connection that has to be mended, and how."""
    told = [
        f"{one.connection} ({one.kind}): {finding.what}; to mend: {finding.mend}"
        for one in checked
        for finding in one.findings
        if not finding.ok
    ]
    return AuthError("; ".join(told)) if told else None
