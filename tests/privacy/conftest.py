"""Everything that is logged, at every level and with everything that hangs on it; and the command line's fixtures."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Iterator
from importlib import import_module

import pytest
from cli.fixtures import installation, running_sandbox, sandbox, width

from guestlist.runtime import carriers

__all__ = ["every_log", "installation", "running_sandbox", "sandbox", "width"]
_USUAL = vars(logging.makeLogRecord({})).keys()


class Logs(logging.Handler):
    """Keeps each record as a handler may print it: message, extras, exception."""

    def __init__(self) -> None:
        super().__init__(level=1)
        self.texts: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        raised = "".join(traceback.format_exception(*record.exc_info)) if record.exc_info else ""
        extras = {name: value for name, value in vars(record).items() if name not in _USUAL}
        self.texts.append(f"{record.name} {record.getMessage()} {extras or ''} {raised}")

    @property
    def text(self) -> str:
        return "\n".join(self.texts)


@pytest.fixture
def every_log(monkeypatch: pytest.MonkeyPatch) -> Iterator[Logs]:
    """All loggers that there are, ours and the vendors', are told to tell everything, and tell it here alone."""
    for name in carriers.NAMES:
        import_module(f"{carriers.__name__}.{name}")
    loggers = [logging.getLogger(), *map(logging.getLogger, logging.root.manager.loggerDict)]
    levels = [(logger, logger.level) for logger in loggers]
    logs = Logs()
    for logger in loggers:
        logger.setLevel(1)
        if not logger.propagate or logger is logging.root:
            monkeypatch.setattr(logger, "handlers", [logs])
    yield logs
    for logger, level in levels:
        logger.setLevel(level)
