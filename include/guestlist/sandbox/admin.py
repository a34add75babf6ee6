"""The admin API: what tests read of the books and the log, and how they move the clock and script faults."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from guestlist.sandbox._books import Audience, Book
from guestlist.sandbox._faults import Fault
from guestlist.sandbox.core import Answer, Json, Platform, Refused, Request, endpoint, iso, moment_of

T = TypeVar("T")


class Admin(Platform):
    """Everything below ``/admin``; it is not a platform, and its requests are not logged."""

    name = "admin"
    book_name = "admin"

    @endpoint("GET", "/health", "read")
    def health(self, request: Request) -> Json:
        """Who is here, and where."""
        doors = sorted(name for name in self.world.platforms if name != "oauth")
        return {"ok": True, "platforms": doors, **self.world.addresses}

    @endpoint("GET", "/books/{book}", "read")
    def books(self, request: Request) -> Json:
        """The audiences of a book."""
        book = self._book(request)
        return [self._line(book, audience) for audience in book.all()]

    @endpoint("GET", "/books/{book}/{audience}", "read")
    def audience(self, request: Request) -> Json:
        """Every key that an audience holds; or so many (``limit``) of those behind ``after``, a kind, a colon and a key."""
        book = self._book(request)
        if (found := book.get(request.params["audience"])) is None:
            raise _refused(404, f"{book.name} has no audience {request.params['audience']}")
        kind, _, value = request.query.get("after", "").partition(":")
        limit = _read(lambda: int(request.query.get("limit", "-1")))
        keys = book.keys(found, (kind, value), limit)
        return {"id": found.id, "name": found.name, "account": found.account, "keys": keys}

    @endpoint("DELETE", "/books/{book}/{audience}", "delete")
    def delete_audience(self, request: Request) -> Json:
        """Delete an audience, as a person does on the platform's own pages."""
        book = self._book(request)
        if (found := book.get(request.params["audience"])) is None:
            raise _refused(404, f"{book.name} has no audience {request.params['audience']}")
        book.delete(found)
        return {"ok": True}

    def _line(self, book: Book, audience: Audience) -> Json:
        counts = book.counts(audience)
        return {
            "id": audience.id,
            "account": audience.account,
            "name": audience.name,
            "reference": audience.reference,
            "kind": audience.kind,
            "created": iso(audience.created),
            "members": sum(counts.values()),
            "by_kind": counts,
        }

    def _book(self, request: Request) -> Book:
        books = {platform.book_name: platform.book for platform in self.world.platforms.values()}
        if (found := books.get(request.params["book"])) is None:
            raise _refused(404, f"there is no book {request.params['book']!r}; there are: {', '.join(sorted(books))}")
        return found

    def _door(self, request: Request) -> Platform:
        door = request.params["door"]
        if (found := self.world.platforms.get(door)) is None:
            raise _refused(404, f"there is no platform {door!r}; there are: {', '.join(sorted(self.world.platforms))}")
        return found

    @endpoint("GET", "/requests/{door}", "read")
    def requests(self, request: Request) -> Json:
        """The log of a door, from number ``since`` on."""
        since = _read(lambda: int(request.query.get("since", "0")))
        total, found = self.world.requests.since(self._door(request).name, since)
        return {"total": total, "requests": found}

    @endpoint("GET", "/requests/{door}/summary", "read")
    def summary(self, request: Request) -> Json:
        """Counts of the log of a door."""
        return self.world.requests.summary(self._door(request).name)

    @endpoint("GET", "/clock", "read")
    def clock_now(self, request: Request) -> Json:
        """The sandbox's time."""
        return {"now": iso(self.clock.now())}

    @endpoint("POST", "/clock", "update")
    def clock_move(self, request: Request) -> Json:
        """Advance the clock, or set it."""
        _read(lambda: self._move(request.json()))
        self.world.settle()
        return {"now": iso(self.clock.now())}

    def _move(self, body: dict[str, Json]) -> None:
        if set(body) == {"advance"}:
            self.clock.advance(float(body["advance"]))
        elif set(body) == {"now"}:
            self.clock.set(moment_of(body["now"]))
        else:
            raise ValueError("say either advance (seconds) or now (RFC 3339)")

    @endpoint("GET", "/settings/{door}", "read")
    def settings_now(self, request: Request) -> Json:
        """The settings of a door."""
        return self._door(request).settings.all()

    @endpoint("POST", "/settings/{door}", "update")
    def settings_change(self, request: Request) -> Json:
        """Change settings of a door."""
        door = self._door(request)
        _read(lambda: door.settings.change(request.json()))
        return door.settings.all()

    @endpoint("GET", "/faults/{door}", "read")
    def faults_left(self, request: Request) -> Json:
        """How many faults are still to come at a door."""
        return {"left": self.world.faults.left(self._door(request).name)}

    @endpoint("POST", "/faults/{door}", "update")
    def faults_add(self, request: Request) -> Json:
        """Add to the fault script of a door."""
        door = self._door(request)
        faults = _read(lambda: [Fault.of(item) for item in request.json()["faults"]])
        _read(lambda: [door.error_named(fault.action.error, fault.action) for fault in faults if fault.action.error])
        self.world.faults.add(door.name, faults)
        return {"left": self.world.faults.left(door.name)}

    @endpoint("DELETE", "/faults/{door}", "delete")
    def faults_clear(self, request: Request) -> Json:
        """Forget the fault script of a door."""
        self.world.faults.clear(self._door(request).name)
        return {"left": 0}

    @endpoint("POST", "/reset", "delete")
    def reset(self, request: Request) -> Json:
        """Forget everything."""
        self.world.reset()
        return {"ok": True}

    def unknown_path(self, request: Request) -> Answer:
        """Say so in the admin API's own form."""
        return Answer(404, {"error": f"the admin API has no {request.method} {request.path}"})


def _read(read: Callable[[], T]) -> T:
    try:
        return read()
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError) as error:
        raise _refused(400, str(error)) from None


def _refused(status: int, message: str) -> Refused:
    return Refused(Answer(status, {"error": message}))
