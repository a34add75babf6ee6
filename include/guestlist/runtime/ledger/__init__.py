"""The ledger: what was planned, sent, received, settled and sealed, in SQL; counts and names, never a match key."""

from guestlist.runtime.ledger.rows import BatchRow, SessionRow
from guestlist.runtime.ledger.store import Ledger, migrate, open_ledger, tables_version

__all__ = ["BatchRow", "Ledger", "SessionRow", "migrate", "open_ledger", "tables_version"]
