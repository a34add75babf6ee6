"""Progress bars on stderr: rows read, rows sent to each destination, and how long until a platform is asked again."""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, Self

from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn

from guestlist.cli.console import err
from guestlist.cli.tables import duration
from guestlist.runtime import clock

if TYPE_CHECKING:
    from guestlist.runtime.sync.run import Watch

_TICK = 0.5
_PHASES = {"plan": "planning", "remove": "removing", "add": "adding", "replace": "replacing", "settle": "settling"}


class Bars:
    """Shows how a run goes while it is entered; silent where stderr is no terminal. ``beat`` is called again and again."""

    def __init__(self, beat: Callable[[], None] = lambda: None) -> None:
        console = err()
        self._progress = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            TextColumn("{task.fields[told]}"),
            TimeElapsedColumn(),
            console=console,
            disable=not console.is_terminal,
        )
        self._beat = beat
        self._reading: TaskID | None = None
        self._current: dict[str, TaskID] = {}
        self._last: TaskID | None = None
        self._totals: dict[TaskID, tuple[int, int]] = {}

    def __enter__(self) -> Self:
        """Begin to show."""
        self._progress.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Leave the last state on the screen."""
        self._finish(self._last)
        self._progress.stop()

    @property
    def watch(self) -> Watch:
        """What a run tells its progress to."""
        from guestlist.runtime.sync.run import Watch

        return Watch(read=self.read, phase=self.phase, sent=self.sent)

    def read(self, rows: int) -> None:
        """Rows read from the source so far."""
        self._beat()
        if self._reading is None:
            self._reading = self._last = self._progress.add_task("reading and hashing", total=None, told="")
        self._progress.update(self._reading, completed=rows, told=f"{rows:,} rows")

    def phase(self, label: str, phase: str, rows: int) -> None:
        """A destination goes on to its next phase."""
        self._beat()
        self._finish(self._last)
        told = f"0 of {rows:,} rows" if rows else ""
        task = self._progress.add_task(f"{label}: {_PHASES.get(phase, phase)}", total=rows or None, told=told)
        self._current[label] = self._last = task
        self._totals[task] = (0, rows)

    def sent(self, label: str, rows: int) -> None:
        """Rows that a destination has answered."""
        self._beat()
        task = self._current[label]
        done, total = self._totals[task]
        self._totals[task] = (done + rows, total)
        self._progress.update(task, completed=done + rows, told=f"{done + rows:,} of {total:,} rows")

    def sleep(self, seconds: float) -> None:
        """Wait, and show how long still."""
        until = clock.monotonic() + seconds
        while (left := until - clock.monotonic()) > 0:
            self._beat()
            self._tell(f"asks again in {duration(left)}")
            clock.sleep(min(left, _TICK))
        self._tell("")

    def _tell(self, told: str) -> None:
        if self._last is not None:
            self._progress.update(self._last, told=told)

    def _finish(self, task: TaskID | None) -> None:
        """A bar that pulses for ever would look like work."""
        if task is not None:
            done = max(self._progress.tasks[self._progress.task_ids.index(task)].completed, 1)
            self._progress.update(task, total=done, completed=done)
