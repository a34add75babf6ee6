"""A platform in one class: what `Platform` gives to whoever adds the next one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar

import pytest
from sandbox.rig import Rig

from guestlist.sandbox.core import Answer, Job, Platform, Refused, Request, World, endpoint


class Village(Platform):
    """A platform with one kind of list, whose people arrive later."""

    name = "village"
    book_name = "village"
    defaults: ClassVar[Mapping[str, Any]] = {"settle_seconds": 60, "closed": False}

    def admit(self, request: Request) -> None:
        if self.settings["closed"]:
            raise Refused(Answer(503, {"why": "closed"}, {"retry-after": "60"}))
        if wait := self.world.quotas.spend("village", 60, 5):
            raise Refused(Answer(429, {"wait": wait}))

    @endpoint("POST", "/v1/lists", "create")
    def create(self, request: Request) -> Any:
        number = str(self.records.next_number(1))
        made = self.book.create(number, "1", request.json()["name"])
        if not made.name:
            raise Refused(Answer(400, {"why": "no name"}))
        return {"id": made.id}

    @endpoint("PUT", "/v1/lists/{list}/people/", "add")
    def add(self, request: Request) -> Answer:
        people = request.json()
        request.rows = len(people)
        self.staging.put(request.params["list"], [["email", person] for person in people])
        self.later(request.params["list"])
        return Answer(202)

    def apply(self, job: Job) -> None:
        audience = self.book.get(job.owner)
        assert audience is not None
        for part in self.staging.take(job.owner):
            self.book.add(audience, part, added=job.due)


@pytest.fixture
def village(tmp_path: Path) -> Iterator[Village]:
    world = World(tmp_path)
    platform = Village(world)
    world.platforms = {platform.name: platform}
    yield platform
    world.store.close()


def ask(platform: Platform, method: str, path: str, body: bytes = b"") -> Answer:
    platform.world.settle()
    return platform.answer(Request(method, f"/village{path}", body=body))


def test_endpoints_by_method_and_template(village: Village) -> None:
    assert ask(village, "POST", "/v1/lists", b'{"name": "n"}').body == {"id": "1"}
    assert ask(village, "PUT", "/v1/lists/1/people/", b'["a", "b"]').status == 202
    assert ask(village, "PUT", "/v1/lists/1/people", b'["a"]').status == 404, "a trailing slash may matter"
    assert ask(village, "GET", "/v1/lists").status == 404


def test_a_refusal_leaves_no_trace(village: Village) -> None:
    assert ask(village, "POST", "/v1/lists", b'{"name": ""}').status == 400
    assert village.book.all() == []
    assert ask(village, "POST", "/v1/lists", b'{"name": "n"}').body == {"id": "1"}, "the number was not used up"


def test_later_work_is_done_when_its_time_has_come(village: Village) -> None:
    ask(village, "POST", "/v1/lists", b'{"name": "n"}')
    ask(village, "PUT", "/v1/lists/1/people/", b'["a"]')
    audience = village.book.all()[0]
    village.clock.advance(59)
    village.world.settle()
    assert village.book.keys(audience) == {}
    village.clock.advance(2)
    village.world.settle()
    assert village.book.keys(audience) == {"email": ["a"]}


def test_settings_and_quotas(village: Village) -> None:
    village.settings.change({"closed": True})
    assert ask(village, "POST", "/v1/lists").headers == {"retry-after": "60"}
    village.settings.change({"closed": False})
    village.clock.set(0.5 + 60 * 30_000_000)
    statuses = [ask(village, "POST", "/v1/lists", b'{"name": "n"}').status for _ in range(6)]
    assert statuses == [200] * 5 + [429]
    village.clock.advance(60)
    assert ask(village, "POST", "/v1/lists", b'{"name": "n"}').status == 200


def test_multipart_forms_are_read(rig: Rig) -> None:
    form = {"name": "n", "subtype": "CUSTOM"}
    files = {"file": ("people.csv", b"email\n")}
    reply = rig.http.post("/meta/v26.0/act_1/customaudiences", params={"access_token": "sandbox-token"}, data=form, files=files)
    assert reply.status_code == 200
