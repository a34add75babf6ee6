"""The boundaries of a process: every act that leaves a trace outside of it, counted, so that it can be stopped at any of them.

Between two of them nothing changes outside: to be killed right after one is to be killed right before the next.
"""

from __future__ import annotations

import hashlib
import json
import os
import signal
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from importlib import import_module
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, event

from guestlist.destinations import destination_class, names
from guestlist.runtime.carriers import NAMES
from guestlist.runtime.lake import Lake
from guestlist.runtime.ledger.book import READS, Book
from guestlist.runtime.sync import run


class Boundaries:
    """Counts the boundaries that this process meets, tells them in a file, and sends it a signal at a given one.

    A process that is stopped holds on to what it has, and SQLite has one lock for all who write: it is stopped while no other
    of its threads writes. One that is killed may be killed whenever it is.

    ``ledger``: a transaction is ready to be committed. ``lake``: a file is written and not yet in its place. ``removal``: half
    of a folder is gone. ``request``: it is about to leave. ``answer``: the platform has acted, its answer is not read.
    """

    def __init__(self) -> None:
        self._told: int | None = None
        self._signals: dict[str, int] = {}
        self._met: Counter[str] = Counter()
        self._lock = threading.Lock()
        self.writing: AbstractContextManager[Any] = nullcontext()

    def watch(self, told: Path, signals: dict[str, int]) -> None:
        """Begin; ``signals`` maps a boundary, such as ``17`` or ``answer 2``, to the signal that comes there."""
        self._told = os.open(told, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        self._signals = signals
        if signal.SIGSTOP in signals.values():
            self.writing = threading.RLock()

    def tell(self, **what: Any) -> None:
        if self._told is not None:
            os.write(self._told, json.dumps(what).encode() + b"\n")

    def meet(self, kind: str, half: Callable[[], None] = lambda: None) -> None:
        """Count a boundary; ``half`` is done only if the process is stopped at it."""
        with self.writing, self._lock:
            self._met[kind] += 1
            sent = self._signals.get(str(self._met.total()), self._signals.get(f"{kind} {self._met[kind]}"))
            self.tell(boundary=kind)
            if sent is not None:
                half()
                os.kill(os.getpid(), sent)


BOUNDARIES = Boundaries()


def watch_everything() -> None:
    """Put a boundary wherever a run writes or sends, and tell the rows of each batch and when members are prepared."""
    event.listen(Engine, "commit", _committing)
    _around_transactions()
    _before(Lake, "_finish", lambda *_: BOUNDARIES.meet("lake"))
    _before(Lake, "remove", _removing)
    for name in NAMES:
        _around_send(import_module(f"guestlist.runtime.carriers.{name}").CARRIER)
    for name in names():
        _before(destination_class(name), "send", _telling)
    real = run.prepare

    def prepare(*arguments: Any) -> Any:
        prepared = real(*arguments)
        BOUNDARIES.tell(prepared=True)
        return prepared

    run.prepare = prepare


def _committing(connection: Connection) -> None:
    if not connection.get_execution_options().get(READS):
        BOUNDARIES.meet("ledger")


def _around_transactions() -> None:
    real = Book.transaction

    @contextmanager
    def transaction(self: Book) -> Iterator[Connection]:
        with BOUNDARIES.writing, real(self) as connection:
            yield connection

    Book.transaction = transaction  # type: ignore[method-assign]


def _removing(lake: Lake, path: str) -> None:
    def half() -> None:
        files = sorted(file for file in (lake.root / path).rglob("*") if file.is_file())
        for file in files[::2]:
            file.unlink()

    BOUNDARIES.meet("removal", half)


def _telling(_destination: Any, session: Any, _handle: Any, batch: Any) -> None:
    rows = [hashlib.sha256(repr(row).encode()).hexdigest() for row in batch.rows.iter_rows()]
    BOUNDARIES.tell(sent={"session": session.id, "sequence": batch.sequence, "rows": rows})


def _before(cls: type, name: str, act: Callable[..., None]) -> None:
    real = getattr(cls, name)

    def method(*arguments: Any) -> Any:
        act(*arguments)
        return real(*arguments)

    setattr(cls, name, method)


def _around_send(carrier: type) -> None:
    real = carrier.send  # type: ignore[attr-defined]

    def send(self: Any, call: Any) -> Any:
        with _request():
            return real(self, call)

    carrier.send = send  # type: ignore[attr-defined]


@contextmanager
def _request() -> Iterator[None]:
    BOUNDARIES.meet("request")
    try:
        yield
    finally:
        BOUNDARIES.meet("answer")
