"""The lease that keeps two runs of one segment apart, renewed for as long as this process works."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from guestlist.runtime import clock

if TYPE_CHECKING:
    from guestlist.runtime.wiring import Workspace

_RENEW_SECONDS = 600.0
"""Well below the ledger's two hours; a platform may take two days to settle."""


@dataclass
class Lease:
    """Call `beat` often: it renews the lease when that is due."""

    workspace: Workspace
    segment: str
    holder: str = field(default_factory=clock.process_holder)
    taken: float = 0.0

    def take(self) -> None:
        """Hold the segment, or raise `BusyError`."""
        self.workspace.ledger.take_lease(self.segment, self.holder)
        self.taken = clock.monotonic()

    def beat(self) -> None:
        """Renew where it is time to; `BusyError` if another run took over meanwhile."""
        if self.taken and clock.monotonic() - self.taken > _RENEW_SECONDS:
            self.take()

    @contextmanager
    def held(self) -> Iterator[None]:
        """Hold the segment, and let the next run in whatever happens."""
        self.take()
        try:
            yield
        finally:
            self.workspace.ledger.drop_lease(self.segment, self.holder)
