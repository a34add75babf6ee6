"""What goes wrong before a platform hears of it: an address at which nobody listens, and a client that does not wait."""

from __future__ import annotations

import re
import socket
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from faults.points import Kind, Point

from guestlist.model.conversation import Call, Reply
from guestlist.model.errors import OutcomeUnknown
from guestlist.model.segment import Segment
from guestlist.runtime.carriers import Carriers
from guestlist.runtime.driver import Carrier
from guestlist.runtime.wiring import Ready, Workspace

HURRY = 0.5
"""Seconds that a hurried client waits for an answer that never comes."""


@contextmanager
def dead_address() -> Iterator[str]:
    """A port of this machine at which connections are refused, and that nobody else gets."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield f"127.0.0.1:{taken.getsockname()[1]}"


@dataclass
class Detour:
    """Takes the calls of a point to other carriers of the same connection; ``times`` how many of them."""

    point: Point
    settings: Callable[[Any], dict[str, Any]]
    """What the connection's settings are changed to."""
    address: Callable[[str], str] = lambda path: path
    """What a whole address is changed to."""
    acted: Callable[[], None] = lambda: None
    """Waits until the platform has acted on a call that got no answer."""
    times: int = 1
    taken: int = 0
    skip: int = field(init=False)

    def __post_init__(self) -> None:
        self.skip = self.point.skip

    def takes(self, call: Call) -> bool:
        """Whether this call is one of the point's, and due."""
        name, path = call.method, f"/{call.path.partition('?')[0]}"
        if self.point.call:
            found = re.search(self.point.call, name)
        else:
            found = re.search(self.point.path, path) or re.search(self.point.path, f"/{name}")
            found = found if self.point.method in ("", name) or call.carrier == "google_ads" else None
        if found is None or self.taken >= self.times:
            return False
        if self.skip > 0:
            self.skip -= 1
            return False
        self.taken += 1
        return True


@dataclass
class _Fork:
    """A carrier with a detour."""

    carrier: Carrier
    other: Carrier
    detour: Detour

    def send(self, call: Call) -> Reply:
        if not self.detour.takes(call):
            return self.carrier.send(call)
        try:
            return self.other.send(replace(call, path=self.detour.address(call.path)))
        except OutcomeUnknown:
            self.detour.acted()
            raise

    def refresh(self) -> None:
        self.carrier.refresh()

    def close(self) -> None:
        self.carrier.close()


class _Forks(Mapping[str, Carrier]):
    def __init__(self, ready: Ready, detour: Detour) -> None:
        settings = ready.destination.settings
        self._real, self._detour = ready.carriers, detour
        self._others = Carriers(settings.model_copy(update=detour.settings(settings)))

    def __getitem__(self, name: str) -> Carrier:
        return _Fork(self._real[name], self._others[name], self._detour)

    def __iter__(self) -> Iterator[str]:
        return iter(self._real)

    def __len__(self) -> int:
        return len(self._real)

    def close(self) -> None:
        self._others.close()


@dataclass
class DetouredWorkspace(Workspace):
    """An installation some of whose calls are taken elsewhere."""

    detour: Detour | None = None
    _forks: list[_Forks] = field(default_factory=list)

    def ready(self, segment: Segment, label: str) -> Ready:
        ready = super().ready(segment, label)
        if self.detour is not None:
            ready.driver.carriers = _Forks(ready, self.detour)
            self._forks.append(ready.driver.carriers)
        return ready

    def close(self) -> None:
        for fork in self._forks:
            fork.close()


def refusing(point: Point, alive: Mapping[str, str], dead: str) -> Detour:
    """All calls of the point go to a port at which nobody listens; ``alive`` are the addresses of the sandbox."""

    def to_nowhere(text: str) -> str:
        for address in alive.values():
            text = text.replace(address, dead)
        return text

    def settings(given: Any) -> dict[str, Any]:
        signing_in = point.kind is Kind.SIGN_IN
        names = ("token_uri", "token_endpoint", "endpoint") if signing_in else ("endpoint", "grpc_endpoint")
        found = {name: getattr(given, name, None) for name in names}
        return {name: to_nowhere(value) for name, value in found.items() if value}

    return Detour(point, settings, to_nowhere, times=1000)


def hurried(point: Point, acted: Callable[[], None]) -> Detour:
    """One call of the point is waited for a moment only."""
    return Detour(point, lambda _: {"timeout_seconds": HURRY}, acted=acted)
