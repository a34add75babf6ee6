"""The ledger's contract, the same on SQLite and PostgreSQL: each method, and what a kill or a race may not break."""

from __future__ import annotations

import dataclasses
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from runtime.books import Hand, enter, meanwhile, plan_of
from sqlalchemy import select, text

from guestlist.model.audiences import AudienceRef
from guestlist.model.delivery import Envelope, JobOutcome, Receipt, Settlement
from guestlist.model.plan import Breach, Counts, Cut, Upload
from guestlist.model.segment import Destination
from guestlist.model.vocabulary import Operation
from guestlist.runtime.ledger import Ledger, open_ledger
from guestlist.runtime.ledger import tables as t

# -- runs


def test_runs(ledger: Ledger, hand: Hand) -> None:
    assert ledger.run("vips", "a") is None
    assert list(ledger.last_runs("vips")) == []
    ledger.begin_run("vips", "a", "path/1", {"read": 3})
    ledger.begin_run("others", "a", "path/x", {})
    began = ledger.run("vips", "a")
    assert (began.state, began.prepared_path, began.drops, began.ended_at, began.report) == (
        "running",
        "path/1",
        {"read": 3},
        None,
        None,
    )
    ledger.end_run("vips", "a", "sealed", {"state": "sealed"})
    ended = ledger.run("vips", "a")
    assert (ended.state, ended.report) == ("sealed", {"state": "sealed"})
    assert ended.ended_at is not None
    ledger.begin_run("vips", "a", "path/2", {"read": 4})
    again = ledger.run("vips", "a")
    assert (again.state, again.prepared_path, again.drops, again.ended_at) == ("running", "path/2", {"read": 4}, None)
    assert again.started_at == began.started_at
    for number in range(12):
        ledger.begin_run("vips", f"r{number}", "p", {})
    assert [row.run_id for row in ledger.last_runs("vips", 3)] == ["r11", "r10", "r9"]
    assert len(ledger.last_runs("vips")) == 10
    assert ledger.run("others", "a").state == "running"
    ledger.end_run("vips", "never began", "failed", None)
    assert ledger.run("vips", "never began") is None


# -- audiences


def test_audiences(ledger: Ledger) -> None:
    target = Destination(platform="meta", connection="main", audience="A", name="label")
    assert ledger.audience("vips", "label") is None
    ledger.enter_audience("vips", target, AudienceRef("1", "A", "https://example.com/1"))
    ledger.enter_audience("others", target, AudienceRef("9", "A", "https://example.com/9"))
    assert ledger.audience("vips", "label") == AudienceRef("1", "A", "https://example.com/1")
    ledger.enter_audience("vips", target, AudienceRef("2", "A2", "https://example.com/2"))
    assert ledger.audience("vips", "label") == AudienceRef("2", "A2", "https://example.com/2")
    assert ledger.audience("others", "label").id == "9"


def counts(ledger: Ledger) -> tuple[bool, int]:
    """Whether a sealed generation counts, and how many plans since."""
    return ledger.generation("vips", "meta") is not None, len(ledger.unsealed_plans("vips", "meta"))


@pytest.mark.parametrize(
    ("platform_id", "mode", "kept"),
    [
        ("1", "mirror", True),
        ("1", "append", True),
        ("1", "replace", True),
        ("2", "mirror", False),
        ("1", "remove", False),
    ],
)
def test_what_was_sent_to_another_audience_or_in_the_opposite_mode_does_not_count(
    ledger: Ledger, platform_id: str, mode: str, kept: bool
) -> None:
    def known(platform_id: str, mode: str) -> None:
        target = Destination(platform="meta", connection="c", audience="A", name="meta", mode=mode)
        ledger.enter_audience("vips", target, AudienceRef(platform_id, "A", "https://example.com"))

    known("1", "mirror")
    ledger.seal(enter(ledger, 1), "path", 20)
    pending, elsewhere = enter(ledger, 2, run_id="run2"), enter(ledger, 3, label="google")
    known(platform_id, mode)
    assert counts(ledger) == ((True, 1) if kept else (False, 0))
    assert ledger.is_superseded(pending) != kept
    assert not ledger.is_superseded(elsewhere)
    following = enter(ledger, 4, run_id="run3")
    assert ledger.seal(following, "path/4", 5) == 2, "generations are counted on"
    assert ledger.generation("vips", "meta").path == "path/4"
    known(platform_id, mode)
    assert counts(ledger) == (True, 0)


def test_an_audience_that_is_made_of_its_first_files_is_no_other_one_when_it_is_there(ledger: Ledger) -> None:
    """A kill between the making and the receipt: the next run finds what was made, and the files count that it was made of."""
    target = Destination(platform="tiktok_ads", connection="c", audience="A", name="meta", mode="append")
    ledger.enter_audience("vips", target, AudienceRef("", "A", "https://example.com"))
    pending = enter(ledger)
    ledger.enter_audience("vips", target, AudienceRef("7", "A", "https://example.com"))
    assert not ledger.is_superseded(pending)
    assert ledger.audience("vips", "meta").id == "7"
    ledger.enter_audience("vips", target, AudienceRef("", "A", "https://example.com"))
    assert ledger.is_superseded(pending), "somebody has deleted it"


# -- plans


def test_a_plan_is_entered_with_its_sessions_and_batches(ledger: Ledger) -> None:
    plan_id = enter(ledger)
    assert ledger.plan_path(plan_id) == "vips/plans/meta/run-1"
    (row,) = ledger.plans_of_run("vips", "meta", "run")
    assert (row.id, row.attempt, row.basis, row.state, row.dry) == (plan_id, 1, "basis1", "planned", False)
    assert Counts(**row.counts) == Counts(wanted=20, new=20)
    assert [Breach(**breach) for breach in row.breaches] == [Breach("max_added", "300%", 20, 5)]
    remove, add = ledger.sessions(plan_id)
    assert (remove.id, remove.operation, add.id, add.operation) == (10, Operation.REMOVE, 11, Operation.ADD)
    assert (add.plan_id, add.rows, add.batches, add.parts, add.state) == (plan_id, 25, 3, 2, "planned")
    assert (add.handle, add.polls, add.requests, add.rejected_later, add.match_rate, add.closed_at) == (
        {},
        0,
        0,
        {},
        None,
        None,
    )
    assert [(b.sequence, b.batch_id, b.part, b.offset, b.rows) for b in ledger.batches(11)] == [
        (1, "1-add-1", 0, 0, 10),
        (2, "1-add-2", 0, 10, 10),
        (3, "1-add-3", 1, 0, 10),
    ]
    assert {batch.state for batch in ledger.batches(10)} == {"planned"}


def test_a_dry_plan_has_nothing_to_send(ledger: Ledger) -> None:
    plan_id = enter(ledger, dry=True)
    assert ledger.sessions(plan_id) == []
    assert ledger.unsealed_plans("vips", "meta") == []
    assert [row.dry for row in ledger.plans_of_run("vips", "meta", "run")] == [True]


def test_a_plan_is_entered_whole_or_not_at_all(ledger: Ledger) -> None:
    def die() -> None:
        raise KeyboardInterrupt

    meanwhile(ledger, "INSERT INTO batches", die)
    with pytest.raises(KeyboardInterrupt):
        enter(ledger)
    assert list(ledger.plans_of_run("vips", "meta", "run")) == []
    assert ledger.sessions(1) == []
    assert enter(ledger) > 0


def test_attempts_of_a_run_the_newest_first(ledger: Ledger) -> None:
    first, second = enter(ledger, 1), enter(ledger, 2)
    enter(ledger, 3, label="google")
    enter(ledger, 4, run_id="other")
    assert [row.id for row in ledger.plans_of_run("vips", "meta", "run")] == [second, first]


def test_decisions_the_newest_counts(ledger: Ledger) -> None:
    plan_id, other = enter(ledger, 1), enter(ledger, 2)
    assert ledger.decision(plan_id) is None
    ledger.decide(plan_id, "approve", "ann")
    ledger.decide(plan_id, "reject", "ben")
    assert (ledger.decision(plan_id).decision, ledger.decision(plan_id).who) == ("reject", "ben")
    assert ledger.decision(other) is None


# -- sealing


def test_sealing_counts_generations_and_leaves_earlier_plans_behind(ledger: Ledger) -> None:
    first, second = enter(ledger, 1), enter(ledger, 2, run_id="run2")
    elsewhere = enter(ledger, 3, label="google")
    assert ledger.generation("vips", "meta") is None
    assert [row.id for row in ledger.unsealed_plans("vips", "meta")] == [first, second]
    assert ledger.seal(second, "path/2", 20) == 1
    sealed = ledger.generation("vips", "meta")
    assert (sealed.number, sealed.plan_id, sealed.path, sealed.members) == (1, second, "path/2", 20)
    assert [row.state for row in ledger.plans_of_run("vips", "meta", "run")] == ["superseded"]
    assert [ledger.is_superseded(plan) for plan in (first, second, elsewhere)] == [True, False, False]
    assert [row.state for row in ledger.plans_of_run("vips", "meta", "run2")] == ["sealed"]
    assert ledger.unsealed_plans("vips", "meta") == []
    assert [row.id for row in ledger.unsealed_plans("vips", "google")] == [elsewhere]
    third = enter(ledger, 4, run_id="run3")
    assert [row.id for row in ledger.unsealed_plans("vips", "meta")] == [third]
    assert ledger.seal(third, "path/3", 21) == 2
    assert ledger.generation("vips", "meta").number == 2
    assert ledger.generation("vips", "google") is None


def test_sealing_again_changes_nothing(ledger: Ledger) -> None:
    plan_id = enter(ledger)
    assert ledger.seal(plan_id, "path", 20) == 1
    assert ledger.seal(plan_id, "another", 99) == 1
    assert (ledger.generation("vips", "meta").path, ledger.generation("vips", "meta").members) == ("path", 20)


@pytest.mark.parametrize("statement", ["INSERT INTO generations", "UPDATE plans", "SELECT max(generations"])
def test_a_kill_while_sealing_leaves_nothing_or_all(ledger: Ledger, statement: str) -> None:
    plan_id = enter(ledger)

    def die() -> None:
        raise KeyboardInterrupt

    meanwhile(ledger, statement, die)
    with pytest.raises(KeyboardInterrupt):
        ledger.seal(plan_id, "path", 20)
    assert ledger.generation("vips", "meta") is None
    assert [row.state for row in ledger.plans_of_run("vips", "meta", "run")] == ["planned"]
    assert ledger.seal(plan_id, "path", 20) == 1


# -- sessions and batches


def test_the_life_of_a_session(ledger: Ledger, hand: Hand) -> None:
    _, add = ledger.sessions(enter(ledger))
    assert ledger.session_times(add.id) == (None, None)
    ledger.opened(add.id, {"job": "j1", "list": [1, None]})
    opened = ledger.session(add.id)
    assert (opened.state, opened.handle) == ("opened", {"job": "j1", "list": [1, None]})
    ledger.closed(add.id, {"job": "j1", "closed": True})
    closed = ledger.session(add.id)
    assert (closed.state, closed.handle) == ("closed", {"job": "j1", "closed": True})
    assert abs(closed.closed_at - hand.time) < timedelta(seconds=1), "with its time zone, on every database"
    ledger.settled(add.id, Settlement(done=False, handle={"poll": 1}))
    polled = ledger.session(add.id)
    assert (polled.state, polled.handle, polled.polls) == ("closed", {"poll": 1}, 1)
    ledger.settled(add.id, Settlement(done=True, handle={}, match_rate="50-60 %"))
    done = ledger.session(add.id)
    assert (done.state, done.polls, done.match_rate) == ("settled", 2, "50-60 %")
    opened_at, settled_at = ledger.session_times(add.id)
    assert timedelta(0) < settled_at - opened_at < timedelta(seconds=1)
    ledger.count_requests(add.id, 3)
    ledger.count_requests(add.id, 4)
    assert ledger.session(add.id).requests == 7
    ledger.unconfirmed(add.id)
    assert ledger.session(add.id).state == "unconfirmed"
    assert ledger.session(10).state == "planned", "its sister is untouched"


def test_a_match_rate_that_was_told_once_is_kept(ledger: Ledger) -> None:
    _, add = ledger.sessions(enter(ledger))
    ledger.settled(add.id, Settlement(done=False, match_rate="10 %"))
    ledger.settled(add.id, Settlement(done=True))
    assert ledger.session(add.id).match_rate == "10 %"


def attempts(ledger: Ledger, session: int, sequence: int) -> int:
    with ledger.engine.connect() as connection:
        where = (t.batches.c.session_id == session) & (t.batches.c.sequence == sequence)
        return connection.execute(select(t.batches.c.attempts).where(where)).scalar_one()


def test_the_life_of_a_batch(ledger: Ledger) -> None:
    enter(ledger)
    ledger.sending(11, 2)
    assert [batch.state for batch in ledger.batches(11)] == ["planned", "sending", "planned"]
    ledger.sending(11, 2)
    assert attempts(ledger, 11, 2) == 2
    ledger.received(11, 2, Receipt(8, {9: "bad", 0: "worse"}, "req-1", "job-1"), requests=3)
    batch = ledger.batches(11)[1]
    assert (batch.state, batch.accepted, batch.rejected) == ("received", 8, {0: "worse", 9: "bad"})
    assert (batch.job, batch.job_state, batch.requests) == ("job-1", None, 3)
    ledger.sending(11, 2)
    assert ledger.batches(11)[1].state == "received", "what has a receipt is not sent again"
    assert attempts(ledger, 11, 2) == 2
    assert [batch.sequence for batch in ledger.batches(11, part=0)] == [1, 2]
    assert [batch.sequence for batch in ledger.batches(11, part=1)] == [3]
    assert ledger.batches(11, part=7) == []
    assert {batch.state for batch in ledger.batches(10)} == {"planned"}


def test_the_header_that_a_batch_was_sent_under_is_kept(ledger: Ledger) -> None:
    enter(ledger)
    envelope = Envelope(11, 2, 3, 25, "2026-03-01")
    ledger.sending(11, 2, envelope)
    ledger.received(11, 2, Receipt(10), 1)
    with ledger.engine.connect() as connection:
        where = (t.batches.c.session_id == 11) & (t.batches.c.sequence == 2)
        assert connection.execute(select(t.batches.c.envelope).where(where)).scalar_one() == envelope.as_json()


def test_a_batch_without_a_receipt_is_unknown_after_a_kill(ledger: Ledger, ledger_url: str) -> None:
    enter(ledger)
    ledger.sending(11, 1)
    ledger.engine.dispose()
    assert [batch.state for batch in open_ledger(ledger_url).batches(11)] == ["sending", "planned", "planned"]


def test_parts_that_are_sent_at_the_same_time_do_not_get_in_each_others_way(ledger: Ledger, ledger_url: str) -> None:
    plan = plan_of()
    cuts = tuple(Cut(str(number), number, (number - 1) // 10, 0, 1) for number in range(1, 41))
    parted = dataclasses.replace(plan, uploads=(Upload(Operation.ADD, 77, 40, 40, 4, cuts),))
    ledger.enter_plan(parted, "basis", 1, dry=False)

    def send(part: int) -> None:
        mine = open_ledger(ledger_url)
        for batch in mine.batches(77, part):
            mine.sending(77, batch.sequence)
            mine.received(77, batch.sequence, Receipt(1, job=f"job {part}"), 1)
            mine.count_requests(77, 1)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(send, range(4)))
    assert {batch.state for batch in ledger.batches(77)} == {"received"}
    assert {batch.job for batch in ledger.batches(77)} == {f"job {part}" for part in range(4)}
    assert ledger.session(77).requests == 40


def states(ledger: Ledger) -> list[str | None]:
    return [batch.job_state for batch in ledger.batches(11)]


def test_outcomes_of_jobs_are_entered_with_their_batches(ledger: Ledger) -> None:
    enter(ledger)
    for sequence, job in ((1, "j1"), (2, "j1"), (3, "j2")):
        ledger.received(11, sequence, Receipt(10, job=job), 1)
    ledger.settled(11, Settlement(done=False, jobs={"j1": JobOutcome(rejected={"late": 2})}))
    assert states(ledger) == ["partial", "partial", None]
    ledger.settled(11, Settlement(done=True, jobs={"j2": JobOutcome(failed=True, rejected={"late": 1, "bad": 1})}))
    assert states(ledger) == ["partial", "partial", "failed"]
    assert ledger.session(11).rejected_later == {"late": 3, "bad": 1}


def test_an_outcome_of_the_whole_session_is_one_of_each_received_batch(ledger: Ledger) -> None:
    enter(ledger)
    ledger.received(11, 1, Receipt(10), 1)
    ledger.received(10, 1, Receipt(10), 1)
    ledger.sending(11, 2)
    ledger.settled(11, Settlement(done=True, jobs={"": JobOutcome()}))
    assert states(ledger) == ["done", None, None]
    assert ledger.batches(10)[0].job_state is None


def test_a_poll_is_entered_whole_or_not_at_all(ledger: Ledger) -> None:
    enter(ledger)
    ledger.received(11, 1, Receipt(10), 1)

    def die() -> None:
        raise KeyboardInterrupt

    meanwhile(ledger, "UPDATE sessions", die)
    with pytest.raises(KeyboardInterrupt):
        ledger.settled(11, Settlement(done=True, jobs={"": JobOutcome(rejected={"late": 2})}))
    assert states(ledger) == [None, None, None]
    ledger.settled(11, Settlement(done=True, jobs={"": JobOutcome(rejected={"late": 2})}))
    assert ledger.session(11).rejected_later == {"late": 2}


def test_big_session_ids_are_kept(ledger: Ledger) -> None:
    plan = plan_of()
    big = 2**53 - 1
    upload = Upload(Operation.ADD, big, 1, 1, 1, (Cut("id", 1, 0, 0, 1),))
    plan_id = ledger.enter_plan(dataclasses.replace(plan, uploads=(upload,)), "b", 1, dry=False)
    assert ledger.sessions(plan_id)[0].id == big
    assert ledger.batches(big)[0].session_id == big


def test_no_column_of_the_ledger_is_made_for_keys_or_values() -> None:
    names = {column.name for table in t.metadata.tables.values() for column in table.columns}
    assert not names & {"email", "phone", "key", "keys", "hash", "member", "body", "row", "payload"}


def test_times_are_in_utc(ledger: Ledger) -> None:
    ledger.begin_run("vips", "a", "p", {})
    with ledger.engine.connect() as connection:
        written = connection.execute(text("SELECT started_at FROM runs")).scalar_one()
    moment = datetime.fromisoformat(str(written))
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    assert abs(moment - datetime.now(UTC)) < timedelta(minutes=1)
