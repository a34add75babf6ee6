"""How many requests one key may make: a bucket that fills up again while time goes by, in this API server's memory."""

from __future__ import annotations

from threading import Lock

from guestlist.runtime import clock


class Allowance:
    """So many requests a minute for each, and as many at once. Threads may share it."""

    def __init__(self, a_minute: int) -> None:
        """Everybody may still make all of them."""
        self._a_minute = a_minute
        self._left: dict[str, tuple[float, float]] = {}
        self._lock = Lock()

    def take(self, who: str) -> float:
        """Count a request; returns 0.0, or for how many seconds there may be none."""
        now, a_second = clock.monotonic(), self._a_minute / 60
        with self._lock:
            left, since = self._left.get(who, (float(self._a_minute), now))
            left = min(float(self._a_minute), left + (now - since) * a_second)
            if left < 1:
                return (1 - left) / a_second
            self._left[who] = left - 1, now
            return 0.0
