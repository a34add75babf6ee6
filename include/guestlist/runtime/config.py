"""Where Guestlist keeps its things, from the environment; read when asked for, never at import.

GUESTLIST_HOME      folder for what has no address of its own (default: .guestlist in the project)
GUESTLIST_SEGMENTS  folder of segment files (default: segments beside the package)
GUESTLIST_LEDGER    SQLAlchemy address of the ledger (default: sqlite in GUESTLIST_HOME)
GUESTLIST_LAKE      folder or object-store address of the lake (default: lake in GUESTLIST_HOME)
GUESTLIST_VAULT_KEY file with the key of what is kept for plain-text platforms (default: vault.key in GUESTLIST_HOME)
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

_INCLUDE = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Config:
    """Addresses and folders of one installation."""

    home: Path
    segments: Path
    ledger: str
    lake: str
    vault_key: Path

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
        )
