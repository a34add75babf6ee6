"""Where Guestlist keeps its things, from the environment; read when asked for, never at import.

GUESTLIST_HOME      folder for what has no address of its own (default: .guestlist in the project; of a wheel: none)
GUESTLIST_SEGMENTS  folder of segment files (default: include/segments in the project; of a wheel: segments beside the DAG file)
GUESTLIST_LEDGER    SQLAlchemy address of the ledger (default: sqlite in GUESTLIST_HOME)
GUESTLIST_LAKE      folder or object-store address of the lake (default: lake in GUESTLIST_HOME)
GUESTLIST_FILES     folders beside the project from which segments may read files (default: any folder)
GUESTLIST_VAULT_KEY file with the key of what is kept for plain-text platforms (default: vault.key in GUESTLIST_HOME)
GUESTLIST_RETENTION_DAYS
                    days for which the lake keeps what nothing needs any more (default: 30)
GUESTLIST_ERASURE_SCHEDULE
                    when the DAG guestlist_erasure finishes open erasures, as a segment's schedule (default: by hand)
GUESTLIST_INTAKE_REQUESTS
                    requests a minute that one key for pushing may make of one API server (default: 600)
GUESTLIST_ALERTS    Airflow connections over which people are told where a segment names none, comma between (default: nobody)
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from guestlist.model.errors import ConfigError

_IMPORTED_FROM = Path(__file__).resolve().parents[2]
_PROJECT = _IMPORTED_FROM.parent if _IMPORTED_FROM.name == "include" else None
"""The project's folder; None where Guestlist was installed from its wheel: nothing of ours is kept in site-packages."""
_CENTURY = 36_500


@dataclass(frozen=True)
class Config:
    """Addresses and folders of one installation."""

    home: Path
    segments: Path
    ledger: str
    lake: str
    vault_key: Path
    files: tuple[Path, ...] = ()
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
    def from_environment(cls, dag_file: Path | None = None) -> Config:
        """What the environment says, or the defaults; ``dag_file`` is the DAG file whose segments are meant.

        Raises:
            ConfigError: nobody said where to keep what an audience holds.
        """
        home, ledger, lake = _home(), os.environ.get("GUESTLIST_LEDGER"), os.environ.get("GUESTLIST_LAKE")
        if home is None and not (ledger and lake):
            told = "set GUESTLIST_HOME to a folder that outlives a restart, or GUESTLIST_LEDGER and GUESTLIST_LAKE"
            raise ConfigError(f"nobody has said where ledger and lake are kept: {told}, which all workers reach")
        home = home or _airflow_home() / "guestlist"
        return cls(
            home=home,
            segments=segments_folder(dag_file),
            ledger=ledger or f"sqlite:///{home / 'ledger.db'}",
            lake=lake or str(home / "lake"),
            vault_key=Path(os.environ.get("GUESTLIST_VAULT_KEY") or home / "vault.key").absolute(),
            retention_days=os.environ.get("GUESTLIST_RETENTION_DAYS") or cls.retention_days,
            files=readable_folders(),
        )


def _home() -> Path | None:
    """Of a wheel there is no default: ledger and lake are the memory of what platforms hold, and a container would lose it."""
    given = os.environ.get("GUESTLIST_HOME") or (_PROJECT and _PROJECT / ".guestlist")
    return Path(given).absolute() if given else None


def segments_folder(dag_file: Path | None = None) -> Path:
    """The folder of segment files. Of a wheel, where nothing is said: beside the DAG file, or in Airflow's folder of DAGs."""
    if given := os.environ.get("GUESTLIST_SEGMENTS"):
        return Path(given).absolute()
    if _PROJECT:
        return _PROJECT / "include" / "segments"
    return (dag_file.absolute().parent if dag_file else _dags_folder()) / "segments"


def _dags_folder() -> Path:
    return Path(os.environ.get("AIRFLOW__CORE__DAGS_FOLDER") or _airflow_home() / "dags").expanduser().absolute()


def _airflow_home() -> Path:
    return Path(os.environ.get("AIRFLOW_HOME") or "~/airflow").expanduser().absolute()


def readable_folders() -> tuple[Path, ...]:
    """The folders beside the project from which segments may read files; any where there are none."""
    return tuple(Path(name).absolute() for name in os.environ.get("GUESTLIST_FILES", "").split(os.pathsep) if name)


def alerted() -> tuple[str, ...]:
    """The connections over which people are told where a segment names none."""
    return tuple(name.strip() for name in os.environ.get("GUESTLIST_ALERTS", "").split(",") if name.strip())


def erasure_schedule() -> str | None:
    """When open erasures are finished; None for by hand."""
    return os.environ.get("GUESTLIST_ERASURE_SCHEDULE") or None


def intake_requests() -> int:
    """How many requests a minute one key for pushing may make.

    Raises:
        ConfigError: it is no whole number, or none at all.
    """
    given = os.environ.get("GUESTLIST_INTAKE_REQUESTS") or "600"
    if not (given.isascii() and given.isdigit() and int(given)):
        raise ConfigError("GUESTLIST_INTAKE_REQUESTS takes a whole number of requests a minute, at least 1")
    return int(given)
