"""The sample warehouse: a DuckDB file with made-up customers and orders, the same for the same seed.

Nobody in it exists: addresses are at example.com, .org and .net, or at gmail.com with a local part that begins with
``guestlist.sample``; phone numbers count upwards from libphonenumber's own example number of each country.
"""

from guestlist.sample.changes import Changes, change
from guestlist.sample.warehouse import build

__all__ = ["Changes", "build", "change"]
