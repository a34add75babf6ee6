"""Customer lists of Google, one book for both doors: a list's id is the same in the Data Manager and the Google Ads API."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from guestlist.sandbox.core import Audience, Book, Platform, Records

BOOK = "google"
MAX_DAYS = 540
CONTACT, MOBILE, USER = "CONTACT_ID", "MOBILE_ID", "USER_ID"
"""A list's ``kind``, in the words of the Data Manager API."""
_DAY = 86_400


class Lists:
    """The lists of every Google Ads account; every account of ten digits exists."""

    def __init__(self, platform: Platform) -> None:
        self._records = Records(platform.world.store, BOOK)
        self._clock = platform.clock
        self.book: Book = platform.book

    def create(self, account: str, name: str, kind: str, **data: Any) -> Audience:
        """Open a list. ``data``: description, status, days, integration_code, app_id, key_space."""
        reference = data.pop("integration_code", "")
        number = str(self._records.next_number(7_000_000_001))
        return self.book.create(number, account, name, reference=reference, kind=kind, **data)

    def named(self, account: str, name: str) -> Audience | None:
        """The list of that name, which is unique in its account."""
        return next((found for found in self.book.of_account(account) if found.name == name), None)

    def of(self, account: str, number: str) -> Audience | None:
        """The list of that id if it belongs to the account."""
        found = self.book.get(number)
        return found if found is not None and found.account == account else None

    def add(self, audience: Audience, keys: Iterable[Sequence[Any]], added: float) -> None:
        """Put keys in; membership counts from the most recent addition."""
        self.book.add(audience, keys, added=added, lapses=added + audience.data["days"] * _DAY)

    def size(self, audience: Audience, lag: float, match_rate: float) -> int:
        """The size that is shown: 0 below 100 people, else two significant digits."""
        people = int(self.book.people(audience, lag) * match_rate)
        if people < 100:
            return 0
        digits = len(str(people))
        return round(people, 2 - digits)


def match_rate_range(rate: float) -> str:
    """``61_TO_70`` and the like, as both APIs' enums end."""
    percent = round(rate * 100)
    if percent < 20:
        return "LESS_THAN_20"
    low = min(max(percent - 1, 20) // 10 * 10, 90)
    return "20_TO_30" if low == 20 else f"{low + 1}_TO_{low + 10}"
