"""Fifty uploads at one moment, through every door of a real Airflow: each is in the books, and its people on the platform."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from threading import Barrier
from typing import Any

import httpx
import pytest
from contract.rig import digest, people

from web.dialects.pushes import ALL, COLUMNS, ROOT, table
from web.intake.rig import API, CROWD, ENDED, Place, until

pytestmark = pytest.mark.slow
EACH = 5
"""People of an upload."""
APPENDS, SESSIONS, BATCHES = 3, 3, 11
NEW = ("form",) * 5 + ("address",) * 4 + ("topsort", "topsort", "pitchtarget", "whop", "commbox")
ONE_IDENTIFIER = {"pitchtarget": "email", "topsort": "email", "commbox": "phone"}
"""What a dialect carries of a person, where it is not all."""
UPLOADS = len(NEW) + APPENDS + SESSIONS * BATCHES


@dataclass(frozen=True)
class Upload:
    """One of them: what sends it, what its people are, and on which audience they belong."""

    send: Callable[[httpx.Client], Iterator[httpx.Response]]
    audience: str
    numbers: range
    carries: str = "email and phone"

    def keys(self) -> set[tuple[str, str]]:
        """What the platform has to hold of its people."""
        phones = {("phone", digest(row["phone"].removeprefix("+"))) for row in people(self.numbers)}
        emails = {("email", digest(row["email"])) for row in people(self.numbers)}
        return (emails if "email" in self.carries else set()) | (phones if "phone" in self.carries else set())


def of_a_new_audience(door: str, name: str, numbers: range, key: str) -> Upload:
    return Upload(
        lambda http: ALL[door](http, key, name, people(numbers)),
        name,
        numbers,
        ONE_IDENTIFIER.get(door, "email and phone"),
    )


def appended(audience_id: str, name: str, numbers: range, key: str) -> Upload:
    def send(http: httpx.Client) -> Iterator[httpx.Response]:
        files = {"file": ("p.csv", table(people(numbers), *COLUMNS))}
        yield http.post(f"{API}/audiences/{audience_id}/members", files=files, headers={"authorization": f"Bearer {key}"})

    return Upload(send, name, numbers)


def batch_of_a_session(session: int, sequence: int, name: str, numbers: range, key: str) -> Upload:
    users = [{"email": row["email"], "phone": row["phone"]} for row in people(numbers)]
    header = {"sessionId": session, "sequence": sequence, "totalBatches": BATCHES, "totalUsers": EACH * BATCHES}
    parts = {"name": (None, name), "batch": (None, json.dumps(header)), "users": (None, json.dumps(users))}

    def send(http: httpx.Client) -> Iterator[httpx.Response]:
        yield http.post(f"{ROOT}/edgetag/audience?disablePrefix=true", files=parts, headers={"x-api-key": key})

    return Upload(send, name, numbers)


def all_of_them(key: str, there: str, there_is_called: str) -> list[Upload]:
    """Two sessions of EdgeTag's are of one audience, and so are those that are appended to one that is there."""
    numbers = (range(start, start + EACH) for start in range(1000, 10_000, EACH))
    found = [of_a_new_audience(door, f"crowd {place} {door}", next(numbers), key) for place, door in enumerate(NEW)]
    found += [appended(there, there_is_called, next(numbers), key) for _ in range(APPENDS)]
    return found + [
        batch_of_a_session(session, sequence, f"crowd of sessions {session % 2}", next(numbers), key)
        for sequence in range(BATCHES)
        for session in range(SESSIONS)
    ]


def sent_at_once(place: Place, uploads: list[Upload]) -> list[httpx.Response]:
    """The answer to each of them; all begin when the last one of their threads is there."""
    ready = Barrier(len(uploads))

    def send(upload: Upload) -> httpx.Response:
        with Place.client_of(place.airflow.url) as http:
            ready.wait()
            for answer in upload.send(http):
                assert answer.is_success, f"{upload.audience}: {answer.status_code} {answer.text}"
            return answer

    with ThreadPoolExecutor(len(uploads)) as threads:
        return list(threads.map(send, uploads))


def held(place: Place, audience: dict[str, Any]) -> set[tuple[str, str]]:
    [target] = audience["destinations"]
    books = place.sandbox.admin("GET", f"books/meta/{target['platform_id']}")["keys"]
    return {(kind, value) for kind, values in books.items() for value in values}


def test_fifty_uploads_at_once_lose_nobody(place: Place) -> None:
    key = place.key([CROWD])
    place.client.headers, before = httpx.Headers({"Authorization": f"Bearer {key}"}), place.client.headers
    try:
        first = of_a_new_audience("form", "crowd that is there", range(EACH), key)
        [answer] = first.send(place.client)
        there = answer.json()["id"]
        uploads = all_of_them(key, there, first.audience)
        assert len(uploads) == UPLOADS == 50
        answers = sent_at_once(place, uploads)
        assert len(answers) == 50

        audiences = {row.name: row.id for row in place.ledger.live_audiences(CROWD)}
        assert set(audiences) == {upload.audience for upload in [first, *uploads]}
        entered = [row for audience_id in audiences.values() for row in place.ledger.uploads(audience_id)]
        assert len(entered) == 1 + len(NEW) + APPENDS + SESSIONS, "the batches of a session are one upload"
        assert {row.state for row in entered} <= {"received", "running", "ended"}
        pieces = [piece for row in entered for piece in place.ledger.pieces(row.id)]
        assert len(pieces) == 1 + 50
        header = {".csv": 1, ".ndjson": 0}
        lines = sum(piece.lines - header["." + piece.path.rpartition(".")[2]] for piece in pieces)
        assert lines == 51 * EACH

        def all_ended() -> bool:
            return all(row.outcome for audience_id in audiences.values() for row in place.ledger.uploads(audience_id))

        until(all_ended, seconds=1500)
        for name, audience_id in audiences.items():
            assert [row.outcome for row in place.ledger.uploads(audience_id)] == ["ready"] * len(
                place.ledger.uploads(audience_id)
            ), f"{name}: {[row.told for row in place.ledger.uploads(audience_id)]}"
            shown = place.show(audience_id)
            assert shown["status"] in ENDED
            wanted = set[tuple[str, str]]().union(*(one.keys() for one in [first, *uploads] if one.audience == name))
            assert held(place, shown) == wanted, name
    finally:
        place.client.headers = before
