"""The ledger: what was planned, sent, received, settled and sealed, in SQL; counts and names, never a match key."""

from guestlist.runtime.ledger.store import BatchRow, Ledger, SessionRow, open_ledger

__all__ = ["BatchRow", "Ledger", "SessionRow", "open_ledger"]
