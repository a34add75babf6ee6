"""The ledger: what was planned, sent, received, settled and sealed, in SQL; counts and names, never a match key."""

from guestlist.runtime.ledger.rows import BatchRow, SessionRow
from guestlist.runtime.ledger.store import Ledger, open_ledger

__all__ = ["BatchRow", "Ledger", "SessionRow", "open_ledger"]
