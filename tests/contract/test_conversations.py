"""Every answer of a whole upload, recorded from the sandbox, then bent in every place: no conversation breaks on it."""

from __future__ import annotations

import copy
import dataclasses
import itertools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl
import pytest
from contract.carriers import Watched, recording
from contract.doors import EVERY_DOOR, all_doors
from contract.rig import Door, World, digest, people

from guestlist.destinations.base import Destination
from guestlist.model.audiences import AudienceRef, AudienceSpec, AudienceState, Finding, Marked
from guestlist.model.conversation import Call, Conversation, Json, Repeat, Reply
from guestlist.model.delivery import Batch, Consent, Receipt, Session, Settlement
from guestlist.model.errors import GuestlistError
from guestlist.model.vocabulary import Field, Mode, Operation
from guestlist.runtime.driver import Driver
from guestlist.runtime.wiring import Ready

MODES = [
    (door, mode) for door in all_doors() for mode in dict.fromkeys((door.mode, Mode.REPLACE)) if mode in door.capabilities.modes
]
BAD = [pytest.param(door, id=door.id) for door in all_doors() if door.bad_value]
BENT: tuple[Json, ...] = (None, True, 7, -1, 1.5, "unexpected", "", [], {}, [None], ["x"], [[]], {"x": 1})
EMAILS, PHONE = ("person@example.com", "other@example.com"), "+4915112345678"


@dataclass
class Recorded:
    """One conversation: how to begin it again, and what was said in it."""

    what: str
    begin: Callable[[], Conversation[Any]]
    calls: list[tuple[Call, Reply]]
    result: Any


def shown(door: Door, value: str) -> str:
    """A value as the platform is sent it."""
    return value if door.capabilities.plain_text else digest(value)


def sent_values(door: Door) -> dict[str, list[str | None]]:
    """Two people: the first has an email and a phone, the second an email; what the platform does not take is left out."""
    values: dict[str, list[str | None]] = {"email": [shown(door, email) for email in EMAILS]}
    phones = [PHONE, None] if "email" in door.kinds else [PHONE, "+4915187654321"]
    values["phone"] = [phone and shown(door, door.phone_prefix + phone.removeprefix("+")) for phone in phones]
    return {kind: values[kind] for kind in door.kinds}


def batch_of(door: Door, values: Mapping[str, list[str | None]]) -> Batch:
    """One row a person, with lists where the platform takes several values."""
    frame = pl.DataFrame(dict(values), schema=dict.fromkeys(values, pl.String))
    if not door.capabilities.limits.one_value_per_field:
        frame = frame.select(pl.concat_list(name).list.drop_nulls().alias(name) for name in values)
    return Batch("b", 1, frame)


def upload(world: World, door: Door, mode: Mode) -> tuple[Destination, list[Recorded]]:
    """A whole upload of two people, recorded conversation by conversation."""
    ready: Ready = world.ready(door, world.segment(door, world.name("said"), people(range(2))))
    destination, said = ready.destination, []
    operation = Operation.REPLACE if mode in (Mode.REPLACE, Mode.SNAPSHOT) else Operation.ADD
    fields = tuple(Field(kind) for kind in door.kinds)
    spec = AudienceSpec("People", "d", world.name("guestlist:"), fields, mode)
    batch = batch_of(door, sent_values(door))

    def hold(what: str, begin: Callable[[], Conversation[Any]]) -> Any:
        calls: list[tuple[Call, Reply]] = []
        driver = Driver(Watched(ready.driver.carriers, recording(calls)), destination.judge, sleep=world.sleep)
        result = driver.run(begin())
        said.append(Recorded(what, begin, calls, result))
        return result

    audience = hold("ensure, to create", lambda: destination.ensure(spec))
    assert hold("ensure, to find", lambda: destination.ensure(spec)) == audience
    session = Session(11, operation, audience, 1, batch.rows.height, "2026-03-01", fields, Consent(ad_user_data=True))
    handle = hold("open", lambda: destination.open(session))
    receipt: Receipt = hold("send", lambda: destination.send(session, handle, batch))
    assert receipt.accepted == 2
    jobs = (receipt.job,) if receipt.job else ()
    handle = hold("close", lambda: destination.close(session, handle, jobs))
    settlement = hold("settle, too early", lambda: destination.settle(session, handle, jobs))
    while not settlement.done:
        handle = settlement.handle
        world.advance(3600)
        settlement = hold("settle", lambda handle=handle: destination.settle(session, handle, jobs))
    hold("describe", lambda: destination.describe(settlement.audience or audience))
    hold("marked", destination.marked)
    hold("check", lambda: destination.check(spec))
    return destination, said


def paths(body: Json, here: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every place of a JSON value."""
    yield here
    inner = body.items() if isinstance(body, dict) else enumerate(body) if isinstance(body, list) else ()
    for key, value in inner:
        yield from paths(value, (*here, key))


def at(body: Json, path: tuple[Any, ...]) -> Json:
    for key in path:
        body = body[key]
    return body


def bent(body: Json, path: tuple[Any, ...], value: Json, *, leave_out: bool = False) -> Json:
    if not path:
        return value
    made = copy.deepcopy(body)
    place = at(made, path[:-1])
    if leave_out:
        del place[path[-1]]
    else:
        place[path[-1]] = value
    return made


def variations(body: Json) -> Iterator[tuple[tuple[Any, ...], Json, Json]]:
    """Where a body was bent, to what, and the whole of it."""
    for path in paths(body):
        for value in BENT:
            if at(body, path) != value or type(at(body, path)) is not type(value):
                yield path, value, bent(body, path, value)
        if path:
            yield path, "(left out)", bent(body, path, None, leave_out=True)


def replay(destination: Destination, recorded: Recorded, turn: int, body: Json) -> tuple[Any, Call | None]:
    """Hold the conversation again with another body at one turn: its result or error, and the call that came after."""
    conversation = recorded.begin()
    call = next(conversation)
    try:
        for index, (_, reply) in enumerate(recorded.calls[: turn + 1]):
            answer = Reply(reply.status, body, reply.headers, reply.request_id) if index == turn else reply
            error = destination.judge(call, answer).error
            call = conversation.throw(error) if error else conversation.send(answer)
    except StopIteration as end:
        return end.value, None
    except GuestlistError as error:
        return error, None
    conversation.close()
    return None, call


def sane(result: Any, *, builds: bool) -> bool:
    """What comes out of a conversation is an error of ours, or of the promised kind.

    Only a platform that builds whole audiences may have none yet.
    """
    match result:
        case None | GuestlistError():
            return True
        case AudienceRef():
            whole = all(isinstance(value, str) and value for value in (result.name, result.url))
            return whole and isinstance(result.id, str) and (bool(result.id) or builds)
        case Receipt():
            return result.accepted + len(result.rejected) == 2 and isinstance(result.job, str | None)
        case Settlement():
            counts = [count for outcome in result.jobs.values() for count in outcome.rejected.values()]
            return isinstance(result.done, bool) and all(isinstance(count, int) and count >= 0 for count in counts)
        case AudienceState():
            return all(isinstance(value, str | None) for value in (result.size, result.match_rate, result.status))
        case tuple() | list():
            return all(isinstance(item, Finding | Marked) for item in result)
    return isinstance(result, Mapping)


@pytest.mark.parametrize(("door", "mode"), MODES, ids=lambda value: getattr(value, "id", str(value)))
def test_no_answer_breaks_a_conversation(world: World, door: Door, mode: Mode) -> None:
    destination, said = upload(world, door, mode)
    builds = mode in (Mode.REPLACE, Mode.SNAPSHOT) and door.whole
    tried = 0
    for recorded in said:
        for turn, (_, reply) in enumerate(recorded.calls):
            for path, value, body in variations(reply.body):
                result, following = replay(destination, recorded, turn, body)
                where = f"{recorded.what}, turn {turn}, at {path}: {value!r} -> {result!r}"
                assert sane(result, builds=builds), where
                # a list of audiences that cannot be read is not an empty one
                container = isinstance(at(reply.body, path), dict | list) and not isinstance(value, dict | list | None)
                if container and value != "(left out)":
                    assert following is None or following.repeat is not Repeat.LOOKUP, where
                tried += 1
    assert tried > 30 * sum(bool(reply.body) for recorded in said for _, reply in recorded.calls)


@EVERY_DOOR
def test_no_call_ever_shows_what_is_in_it(world: World, door: Door) -> None:
    _, said = upload(world, door, door.mode)
    calls = [(call, reply) for recorded in said for call, reply in recorded.calls]
    assert sum(call.rows for call, _ in calls) == 2
    for call, reply in calls:
        assert repr(call.body) not in repr(call)
        for value in itertools.chain(*sent_values(door).values(), ["People"]):
            assert value is None or value not in f"{call!r} {call!s} {reply!r} {reply!s}"


@pytest.mark.parametrize("door", BAD)
def test_a_batch_of_one_bad_row_is_cut_down_to_it(world: World, door: Door) -> None:
    """One hash that is none, among good ones: the platform refuses the row, or the whole, and only the row is lost."""
    assert door.bad_value
    ready = world.ready(door, world.segment(door, world.name("bad"), people(range(2))))
    destination, driver = ready.destination, ready.driver
    audience = driver.run(destination.ensure(ready.spec))
    good = [f"p{number}@example.com" for number in range(40)]
    kind = door.kinds[0]
    sent = [shown(door, email) for email in good]
    batch = batch_of(door, {kind: [*sent[:17], door.bad_value, *sent[17:]]})
    operation = Operation.REPLACE if door.whole else Operation.ADD
    session = Session(12, operation, audience, 1, 41, "2026-03-01", (Field(kind),))
    handle = driver.run(destination.open(session))
    before = driver.requests
    receipt = driver.run(destination.send(session, handle, batch))
    assert (receipt.accepted, list(receipt.rejected)) == (40, [17])
    assert driver.requests - before <= 12
    assert door.bad_value not in f"{receipt!r}"
    jobs = tuple(filter(None, [receipt.job]))
    handle = driver.run(destination.close(session, handle, jobs))
    settling = dataclasses.replace(session, refused=1)
    settlement = driver.run(destination.settle(settling, handle, jobs))
    while not settlement.done:
        world.advance(3600)
        settlement = driver.run(destination.settle(settling, settlement.handle, jobs))
    assert world.held(door, (settlement.audience or audience).id) == {kind: {digest(email) for email in good}}
