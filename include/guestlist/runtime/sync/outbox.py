"""Batches on their way: several at once where the platform takes them so, each written down before and after."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextvars import copy_context
from types import TracebackType
from typing import Self

from structlog.contextvars import bound_contextvars

from guestlist.model.conversation import Json
from guestlist.model.delivery import Batch, Receipt, Session
from guestlist.runtime.ledger import BatchRow
from guestlist.runtime.wiring import Ready

Sending = Callable[[BatchRow, Batch], None]
"""Told each batch just before it goes out."""
Received = Callable[[BatchRow, Receipt, int], None]
"""Told each receipt, and how many requests it took."""


class Outbox:
    """Sends the batches of a session over ``lanes``, each a connection of its own to the same platform.

    While one lane waits at the platform's request, no lane sends. After an error nothing more goes out; what is on its way
    is waited for and written down, and then the error is raised.
    """

    def __init__(
        self, lanes: Sequence[Ready], session: Session, handle: Mapping[str, Json], sending: Sending, received: Received
    ) -> None:
        """Nothing is sent yet."""
        gate = threading.Lock()
        for lane in lanes:
            lane.driver.gate = gate
        self._idle = list(lanes)
        self._session = session
        self._handle = handle
        self._sending = sending
        self._received = received
        self._pool = ThreadPoolExecutor(len(lanes))
        self._on_their_way: dict[Future[tuple[Receipt, int]], tuple[BatchRow, Ready]] = {}
        self._error: BaseException | None = None

    def __enter__(self) -> Self:
        """Begin."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Wait for what is on its way."""
        while self._on_their_way:
            self._land()
        self._pool.shutdown()
        if error is None and self._error is not None:
            raise self._error

    def send(self, row: BatchRow, batch: Batch) -> None:
        """Send a batch as soon as a lane is free."""
        while not self._idle:
            self._land()
        if self._error is not None:
            raise self._error
        lane = self._idle.pop()
        self._sending(row, batch)
        with bound_contextvars(batch=row.sequence):  # its log lines say which batch they are about, in the lane's thread, too
            here = copy_context()
        sending = self._pool.submit(here.run, _deliver, lane, self._session, self._handle, batch)
        self._on_their_way[sending] = (row, lane)

    def _land(self) -> None:
        """Write down what has come back; wait until anything has."""
        landed, _ = wait(self._on_their_way, return_when=FIRST_COMPLETED)
        for sending in landed:
            row, lane = self._on_their_way.pop(sending)
            self._idle.append(lane)
            try:
                self._received(row, *sending.result())
            except BaseException as error:  # noqa: BLE001 - raised once the others are written down
                self._error = self._error or error


def _deliver(lane: Ready, session: Session, handle: Mapping[str, Json], batch: Batch) -> tuple[Receipt, int]:
    before = lane.driver.requests
    receipt = lane.driver.run(lane.destination.send(session, handle, batch))
    return receipt, lane.driver.requests - before
