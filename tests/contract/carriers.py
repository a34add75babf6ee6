"""Carriers with a test in between, which sees every call before the real carrier does, and its reply."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from guestlist.model.conversation import Call, Reply
from guestlist.model.segment import Segment
from guestlist.runtime.driver import Carrier
from guestlist.runtime.wiring import Ready, Workspace

Send = Callable[[Carrier, Call], Reply]
"""What is done with a call: it is handed to its carrier, sooner or later."""


def recording(calls: list[tuple[Call, Reply]]) -> Send:
    """Keeps every call with its reply."""

    def send(carrier: Carrier, call: Call) -> Reply:
        reply = carrier.send(call)
        calls.append((call, reply))
        return reply

    return send


def put_between(workspace: Workspace, send: Send) -> None:
    """From now on the runs of a workspace send through it."""
    ready = workspace.ready

    def watched(segment: Segment, label: str) -> Ready:
        found = ready(segment, label)
        found.driver.carriers = Watched(found.driver.carriers, send)
        return found

    workspace.ready = watched


@dataclass
class Watched(Mapping[str, Carrier]):
    """Carriers that are reached through ``sending``."""

    real: Mapping[str, Carrier]
    sending: Send

    def __getitem__(self, name: str) -> Carrier:
        return _Watched(self.real[name], self.sending)

    def __iter__(self) -> Iterator[str]:
        return iter(self.real)

    def __len__(self) -> int:
        return len(self.real)


@dataclass
class _Watched:
    carrier: Carrier
    sending: Send

    def send(self, call: Call) -> Reply:
        return self.sending(self.carrier, call)

    def refresh(self) -> None:
        self.carrier.refresh()

    def close(self) -> None:
        self.carrier.close()
