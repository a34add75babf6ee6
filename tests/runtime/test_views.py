"""What people are shown of the ledger: many audiences at once say what each by itself does, on either database."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, timedelta
from pathlib import Path

import pytest
from past import Past, write_segments
from sqlalchemy import event

from guestlist.model.segment import Segment
from guestlist.runtime import clock
from guestlist.runtime.ledger import Ledger
from guestlist.runtime.segments import read_segment, segment_files
from guestlist.runtime.stopped import stopped_plan
from guestlist.runtime.upkeep.stale import stale_audiences, stale_before
from guestlist.runtime.views import history, logs
from guestlist.runtime.views.logs import breached_plans, requests_since
from guestlist.runtime.views.standing import at_work, standings
from guestlist.runtime.views.status import Activity, Status, is_late, status_of

META, KLAVIYO = ("segment_0000", "meta_main"), ("segment_0000", "klaviyo_main")
ENDS = {
    META: "stopped",
    KLAVIYO: "rejected",
    ("segment_0001", "meta_main"): "unconfirmed",
    ("segment_0001", "klaviyo_main"): "sealed",
}
KEYS = list(ENDS)


@pytest.fixture
def segments(tmp_path: Path) -> list[Segment]:
    write_segments(tmp_path / "many", 2, ("meta", "klaviyo"))
    return [read_segment(path) for path in segment_files(tmp_path / "many")]


@pytest.fixture
def filled(ledger: Ledger, segments: Sequence[Segment]) -> Ledger:
    Past(clock.now(), 5, ENDS).write(ledger, segments)
    return ledger


def status(ledger: Ledger, key: tuple[str, str], activity: Activity | None = None) -> Status:
    before = stale_before("0 5 * * *", clock.now())
    return status_of(standings(ledger, KEYS)[key], activity or Activity(), before)[0]


def test_all_at_once_is_each_by_itself(filled: Ledger) -> None:
    found = standings(filled, KEYS)
    for key in KEYS:
        sealed, run = filled.generation(*key), filled.last_runs(key[0], 1)[0]
        [told] = [item for item in run.report["destinations"] if item["label"] == key[1]]
        one = found[key]
        assert (one.sealed.number, one.sealed.members) == (sealed.number, sealed.members)
        assert (one.run.run_id, one.report.added, one.report.state) == (run.run_id, told["added"], ENDS[key])
        assert (one.stopped.id if one.stopped else None) == (stopped.id if (stopped := stopped_plan(filled, *key)) else None)
    assert [key for key in KEYS if found[key].stopped] == [META]


def test_words_for_how_an_audience_stands(filled: Ledger) -> None:
    assert [status(filled, key) for key in KEYS] == [Status.WAITING, Status.FAILED, Status.UNCONFIRMED, Status.IN_STEP]
    sealed = filled.last_runs("segment_0001", 1)[0].run_id
    assert status(filled, KEYS[3], Activity({"another"})) is Status.RUNNING
    assert status(filled, KEYS[3], Activity({sealed})) is Status.IN_STEP, "this run has sealed it already"
    began = filled.last_runs("segment_0001", 1)[0].started_at.replace(tzinfo=UTC)
    later, earlier = (Activity((), "another", began + timedelta(hours=hours)) for hours in (1, -1))
    assert status(filled, KEYS[3], later) is Status.FAILED, "it never came as far as the ledger"
    assert status(filled, KEYS[3], earlier) is Status.IN_STEP
    assert status(filled, META, Activity({"r"})) is Status.WAITING
    filled.decide(stopped_plan(filled, *META).id, "reject", "ann")
    told = status_of(standings(filled, KEYS)[META], Activity(), None)
    assert (told[0], told[1].startswith("rejected by ann, ")) == (Status.FAILED, True)
    assert standings(filled, [("segment_0009", "meta_main")])["segment_0009", "meta_main"].newest is None


def test_runs_that_do_not_count(filled: Ledger) -> None:
    """A run under way, a dry one and one of other destinations leave standing what was before."""
    key, run = KEYS[3], filled.last_runs("segment_0001", 1)[0]
    items = run.report["destinations"]
    dry = [{**item, "state": "dry"} for item in items]
    other = [item for item in items if item["label"] == "meta_main"]
    for name, state, told in (("dry", "dry", dry), ("part", "unconfirmed", other)):
        filled.begin_run("segment_0001", name, "path", run.drops)
        filled.end_run("segment_0001", name, state, {**run.report, "destinations": told})
    assert standings(filled, [key])[key].run.run_id == run.run_id
    assert status(filled, key) is Status.IN_STEP
    filled.begin_run("segment_0001", "killed", "path", run.drops)
    assert status(filled, key, Activity({"killed"})) is Status.RUNNING
    assert status_of(standings(filled, [key])[key], Activity(), None) == (
        Status.FAILED,
        "the run killed was broken off before its report",
    )
    filled.end_run("segment_0001", "killed", "failed", None)
    assert status(filled, key) is Status.FAILED


def test_a_report_that_was_read_before_is_read_again_once_another_is_written(filled: Ledger) -> None:
    before = standings(filled, KEYS)[KLAVIYO]
    report = filled.run(KLAVIYO[0], before.run.run_id).report
    for item in report["destinations"]:
        item["wanted"] += 1
    filled.end_run(KLAVIYO[0], before.run.run_id, before.run.state, report)
    assert standings(filled, KEYS)[KLAVIYO].told["wanted"] == before.told["wanted"] + 1


def test_late_is_who_is_stale(filled: Ledger, segments: Sequence[Segment]) -> None:
    until = clock.now() + timedelta(days=3)
    stale = {(one.segment, one.label) for segment in segments for one in stale_audiences(filled, segment, until)}
    before = stale_before("0 5 * * *", until)
    found = standings(filled, KEYS)
    assert {key for key in KEYS if is_late(found[key], before)} == stale == set(KEYS)


def test_who_is_at_work(filled: Ledger) -> None:
    filled.take_lease("segment_0000", clock.process_holder())
    filled.take_lease("segment_0001", "airflow run")
    assert at_work(filled) == {"segment_0000"}


def test_the_newest_looks_and_trends(filled: Ledger) -> None:
    key = KEYS[3]
    assert history.trends(filled, ["segment_0001"])[key] == [one.members for one in filled.generations(*key)]
    for looks in (history.looks(filled), history.looks(filled, ["segment_0001"])):
        assert (looks[key].low, looks[key].done_at) == ((seen := filled.last_seen(*key)).low, seen.done_at)
    assert META not in history.looks(filled, ["segment_0001"])
    assert len(history.all_looks(filled, key, 100)) > 4


def test_runs_sessions_and_batches(filled: Ledger) -> None:
    total, found = history.runs(filled, KLAVIYO, limit=2, offset=1)
    assert (total, [one.row.run_id for one in found]) == (5, [one.run_id for one in filled.last_runs("segment_0000", 3)[1:]])
    sessions = history.sessions(filled, [plan.id for plan in found[0].plans])
    assert sum(one.rows for one in sessions) == found[0].report.rows_planned > 0
    count, batches = history.batches(filled, sessions[-1].id, limit=1)
    assert (count, batches[0].request_id) == (sessions[-1].batches, filled.batches(sessions[-1].id)[0].request_id)


def test_what_guards_have_stopped(filled: Ledger) -> None:
    one, *older = breached_plans(filled, 9)
    assert (one.segment, one.label, one.decision) == (*META, None)
    filled.decide(one.id, "expired", "nobody")
    filled.decide(one.id, "approve", "ann")
    assert breached_plans(filled, 1)[0][-3:-1] == ("approve", "ann")
    assert breached_plans(filled, 9, before=one.id) == older


def test_stopped_plans_are_found_among_many_by_their_index(filled: Ledger) -> None:
    if filled.engine.dialect.name != "sqlite":
        pytest.skip("of so few rows PostgreSQL reads all")
    asked: list[str] = []
    event.listen(filled.engine, "before_cursor_execute", lambda *told: asked.append(told[2]))
    breached_plans(filled, 9, before=99)
    query = next(one for one in asked if "plans" in one)
    with filled.reading() as connection:
        plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {query}", (99, 9, 0)).all()
    assert any("ix_plans_breached" in row.detail for row in plan)
    assert any("ix_approvals_plan" in row.detail for row in plan)


def test_erasures_are_read_a_page_at_a_time(filled: Ledger) -> None:
    for number in range(3):
        filled.enter_erasure(f"er-{number}", 1, {"email": 1}, "made-up", "0" * 64)
        filled.enter_steps(f"er-{number}")
    step = filled.steps("er-1")[0]
    filled.set_step(step, outcome="removed")
    filled.close_erasure("er-1", {})
    total, rows = logs.erasures(filled, 2, 1)
    assert (total, [row.id for row in rows]) == (3, ["er-1", "er-0"])
    assert logs.outcomes(filled, ["er-1", "er-0"])["er-1"] == {"removed": 1, "open": len(filled.steps("er-1")) - 1}
    assert logs.receipts(filled, ["er-1", "er-2"]) == {"er-1": [2, 4], "er-2": [3]}


def test_requests_are_counted_by_connection(filled: Ledger) -> None:
    since = clock.now() - timedelta(days=1)
    sessions = [
        session
        for key in (KLAVIYO, KEYS[3])
        for session in history.sessions(filled, [history.runs(filled, key, 1)[1][0].plans[0].id])
    ]
    wanted = sum(session.requests + sum(batch.requests for batch in filled.batches(session.id)) for session in sessions)
    assert requests_since(filled, since)["klaviyo", "klaviyo_main"] == wanted > 0
    assert requests_since(filled, clock.now()) == {}


def test_of_people_who_decide_at_once_one_is_the_first(filled: Ledger) -> None:
    plan = stopped_plan(filled, *META).id
    who = [("approve", f"a{number}") for number in range(4)] + [("reject", f"b{number}") for number in range(4)]
    with ThreadPoolExecutor(8) as pool:
        held = {(row.decision, row.who) for row in pool.map(lambda one: filled.decide_first(plan, *one), who)}
    assert len(held) == 1
    assert len(history.decisions(filled, [plan])) == 1
    assert {(filled.decision(plan).decision, filled.decision(plan).who)} == held


def test_after_a_guard_has_waited_in_vain_somebody_may_still_decide(filled: Ledger) -> None:
    plan = stopped_plan(filled, *META).id
    filled.decide(plan, "expired", "nobody")
    assert stopped_plan(filled, *META).open
    assert filled.decide_first(plan, "approve", "ann").who == "ann"
    assert not stopped_plan(filled, *META).open


def test_checks_are_kept_one_for_each_connection(filled: Ledger) -> None:
    kept = {row.connection: row.ok for row in filled.checks()}
    assert kept == {"meta_main": True}, "the first of them was never checked"
    filled.enter_check("meta", "meta_main", [])
    assert len(filled.checks()) == 1
