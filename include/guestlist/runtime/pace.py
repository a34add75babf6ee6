"""The pace of a connection: never more requests within a span of time than its platform documents, whoever sends them."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterable

from guestlist.model.capabilities import Rate


class Pace:
    """Hands out times to send at. Threads may share it."""

    def __init__(self, rates: Iterable[Rate] = ()) -> None:
        """Nothing was sent yet."""
        self._sent = [(rate, deque[float](maxlen=rate.requests)) for rate in rates]
        self._lock = threading.Lock()

    def take(self, now: float, path: str = "") -> float:
        """Seconds from ``now`` until a request to ``path`` may go out; it counts as sent then."""
        with self._lock:
            mine = [(rate, times) for rate, times in self._sent if path.startswith(rate.path)]
            due = max([now, *(times[0] + rate.seconds for rate, times in mine if len(times) == rate.requests)])
            for _, times in mine:
                times.append(due)
            return due - now
