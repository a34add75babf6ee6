"""What comes twice, late, at once or broken off: one request is one upload, and what was accepted is never lost."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from guestlist.runtime import clock
from guestlist.runtime.intake import work
from guestlist.runtime.ledger import intake as books
from guestlist.runtime.wiring import Workspace
from web.intake.rig import Desk, csv_of

pytestmark = pytest.mark.slow
GOOD, OTHER = csv_of(range(3)), csv_of(range(4))
KEY = {"Idempotency-Key": "order-17"}


def test_the_same_request_twice_is_one_upload(desk: Desk) -> None:
    first, again = (desk.create("VIPs", GOOD, headers=KEY) for _ in range(2))
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.json() == first.json()
    assert len(desk.kept()) == 1
    assert len(desk.ask("GET", "/audiences").json()["audiences"]) == 1
    for _ in range(2):
        assert desk.push("PUT", first.json()["id"], OTHER, headers={"Idempotency-Key": "order-18"}).status_code == 202
    assert len(desk.ledger.uploads(first.json()["id"])) == 2


@pytest.mark.parametrize(("name", "content"), [("VIPs", OTHER), ("Others", GOOD)])
def test_another_request_under_the_same_key_is_refused(desk: Desk, name: str, content: bytes) -> None:
    desk.create("VIPs", GOOD, headers=KEY)
    answer = desk.create(name, content, headers=KEY)
    assert (answer.status_code, "Idempotency-Key" in answer.json()["detail"]) == (422, True)
    assert len(desk.kept()) == 1


def test_keys_of_two_pushers_are_two_requests(desk: Desk) -> None:
    desk.create("VIPs", GOOD, headers=KEY)
    answer = desk.create("VIPs too", GOOD, headers={**KEY, "Authorization": f"Bearer {desk.key()}"})
    assert answer.status_code == 201


def test_fifty_at_once_lose_nothing(desk: Desk) -> None:
    desk.ask("GET", "/audiences")
    with ThreadPoolExecutor(16) as threads:
        answers = list(threads.map(lambda number: desk.create(f"VIPs {number}", GOOD), range(50)))
    assert [answer.status_code for answer in answers] == [201] * 50
    assert len({answer.json()["id"] for answer in answers}) == len(work.due(Workspace())) == len(desk.kept()) == 50


def test_the_same_request_many_times_at_once_is_one_upload(desk: Desk) -> None:
    desk.ask("GET", "/audiences")
    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda _: desk.create("VIPs", GOOD, headers=KEY), range(8)))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.text for answer in answers}) == len(desk.kept()) == 1


def announced(desk: Desk, name: str = "VIPs", filename: str = "people.csv") -> tuple[str, str]:
    """An audience whose file is to come, and where to send it."""
    answer = desk.ask("POST", "/audiences", json={"name": name, "filename": filename})
    assert answer.status_code == 201, answer.text
    return answer.json()["id"], "/uploads" + answer.json()["address"]["url"].partition("/uploads")[2]


def test_a_file_comes_by_its_address_alone(desk: Desk) -> None:
    there, address = announced(desk)
    assert (desk.show(there)["status"], work.due(Workspace())) == ("pending", [])
    nobody = {"Authorization": ""}
    assert desk.client.put(address, content=b"mail\nx\n", headers=nobody).status_code == 422
    assert desk.kept() == []
    assert desk.client.put(address, content=GOOD, headers=nobody).status_code == 200
    assert len(work.due(Workspace())) == 1
    assert desk.client.put(address, content=GOOD, headers=nobody).status_code == 200, "the answer may have been lost"
    assert desk.client.put(address, content=OTHER, headers=nobody).status_code == 409
    assert len(desk.kept()) == 1


def test_an_address_holds_for_an_hour(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    there, address = announced(desk)
    changed = re.sub(r"(.)$", lambda last: "A" if last[1] != "A" else "B", address)
    for wrong in (changed[:-4] + "AAAA", address[:-30], "/uploads?token=made-up", "/uploads"):
        assert desk.client.put(wrong, content=GOOD).status_code == 403
    for minutes, gone in ((61, 0), (121, 1)):
        later = clock.now() + timedelta(minutes=minutes)
        with monkeypatch.context() as patch:
            for module in (clock, books):
                patch.setattr(module, "now", lambda: later)  # noqa: B023 - asked at once
            assert desk.client.put(address, content=GOOD).status_code == 403
            assert work.sweep(Workspace()) == gone, "one that has begun in time may still come"
    found = desk.show(there)
    assert (found["status"], "never came" in found["message"]) == ("failed", True)


def test_a_file_that_comes_late_counts_when_it_comes(desk: Desk) -> None:
    there, address = announced(desk)
    assert desk.push("PUT", there, OTHER).status_code == 202
    assert desk.client.put(address, content=GOOD).status_code == 200
    kinds = [row.id for row in reversed(desk.ledger.uploads(there)) if row.state == "received"]
    assert kinds[-1] == desk.show(there)["upload_id"] != kinds[0]
    [run] = work.due(Workspace())
    assert run.params["upload"] == kinds[0], "one after the other"


def test_deleted_is_deleted(desk: Desk) -> None:
    there, address = announced(desk)
    first, again = (desk.ask("DELETE", f"/audiences/{there}") for _ in range(2))
    assert (first.status_code, first.json()) == (202, again.json())
    assert first.json()["mode"] == "delete"
    assert desk.push("PUT", there, GOOD).status_code == 409
    assert desk.client.put(address, content=GOOD).status_code == 409, "what was announced before cannot fill it again"
    assert desk.kept() == []


def test_lists_go_on_where_they_were(desk: Desk) -> None:
    made = [desk.create(f"VIPs {number}", GOOD).json()["id"] for number in range(5)]
    seen, cursor = [], None
    while True:
        page = desk.ask("GET", "/audiences", params={"limit": 2, **({"cursor": cursor} if cursor else {})}).json()
        seen += [one["id"] for one in page["audiences"]]
        if (cursor := page["next_cursor"]) is None:
            break
        desk.create(f"New {len(seen)}", GOOD)
    assert seen == made[::-1]
    assert desk.ask("GET", "/audiences", params={"cursor": "made-up"}).status_code == 422
    rows = desk.ask("GET", "/audiences", params={"format": "csv", "limit": 10_000}).text.splitlines()
    assert [row.partition(",")[0] for row in rows[1:]][-len(made) :] == made[::-1]
