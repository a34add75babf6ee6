"""Where Guestlist keeps its things, from the environment; read when asked for, never at import.

GUESTLIST_HOME      folder for what has no address of its own (default: .guestlist in the project)
GUESTLIST_SEGMENTS  folder of segment files (default: segments beside the package)
GUESTLIST_LEDGER    SQLAlchemy address of the ledger (default: sqlite in GUESTLIST_HOME)
GUESTLIST_LAKE      folder or object-store address of the lake (default: lake in GUESTLIST_HOME)
GUESTLIST_FILES     folders beside the project from which segments may read files (default: any folder)
GUESTLIST_VAULT_KEY file with the key of what is kept for plain-text platforms (default: vault.key in GUESTLIST_HOME)
GUESTLIST_RETENTION_DAYS
                    days for which the lake keeps what nothing needs any more (default: 30)
GUESTLIST_ERASURE_SCHEDULE
                    when the DAG guestlist_erasure finishes open erasures, as a segment's schedule (default: by hand)
GUESTLIST_ALERTS    Airflow connections over which people are told where a segment names none, comma between (default: nobody)
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from guestlist.model.errors import ConfigError

_INCLUDE = Path(__file__).resolve().parents[2]
_CENTURY = 36_500


@dataclass(frozen=True)
class Config:
    """Addresses and folders of one installation."""

    home: Path
    segments: Path
    ledger: str
    lake: str
    vault_key: Path
    erasure_schedule: str | None = None
    files: tuple[Path, ...] = ()
    alerts: tuple[str, ...] = ()
    retention_days: str = "30"
    """As it is written: only what prunes has to understand it."""

    @property
    def retention(self) -> timedelta:
        """How long the lake keeps what nothing needs any more.

        Raises:
            ConfigError: it is no whole number of days, or none at all: files that are being written are kept by their age.
        """
        if not (self.retention_days.isascii() and self.retention_days.isdigit() and 1 <= int(self.retention_days) <= _CENTURY):
            raise ConfigError("GUESTLIST_RETENTION_DAYS takes a whole number of days, at least 1")
        return timedelta(days=int(self.retention_days))

    @classmethod
    def from_environment(cls) -> Config:
        """What the environment says, or the defaults."""
        home = Path(os.environ.get("GUESTLIST_HOME") or _INCLUDE.parent / ".guestlist").absolute()
        return cls(
            home=home,
            segments=Path(os.environ.get("GUESTLIST_SEGMENTS") or _INCLUDE / "segments").absolute(),
            ledger=os.environ.get("GUESTLIST_LEDGER") or f"sqlite:///{home / 'ledger.db'}",
            lake=os.environ.get("GUESTLIST_LAKE") or str(home / "lake"),
            vault_key=Path(os.environ.get("GUESTLIST_VAULT_KEY") or home / "vault.key").absolute(),
            retention_days=os.environ.get("GUESTLIST_RETENTION_DAYS") or cls.retention_days,
            erasure_schedule=os.environ.get("GUESTLIST_ERASURE_SCHEDULE") or None,
            files=tuple(Path(name).absolute() for name in os.environ.get("GUESTLIST_FILES", "").split(os.pathsep) if name),
            alerts=tuple(name.strip() for name in os.environ.get("GUESTLIST_ALERTS", "").split(",") if name.strip()),
        )
