"""Runs through Airflow that end badly in every way that people are told of: each is told once, with what to do."""

from __future__ import annotations

import threading

import pytest
from airflow.sdk.exceptions import AirflowFailException
from alerts.conftest import Project
from alerts.webhook import Webhook, run

from guestlist.model.errors import Unconfirmed
from guestlist.model.segment import Segment
from guestlist.model.vocabulary import Operation
from guestlist.runtime import clock, sync
from guestlist.runtime.sync.deliver import Progress
from guestlist.runtime.wiring import Workspace

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]  # Airflow's own deprecations, not ours
DENIED = {"status": 400, "body": {"error": {"code": 190, "message": "person7@example.com is not who you think"}}}


def test_a_good_run_tells_nobody(project: Project, webhook: Webhook) -> None:
    assert run("people")[0] == "success"
    assert webhook.got == []


def test_a_platform_that_refuses_is_told_once_in_our_own_words(project: Project, webhook: Webhook) -> None:
    project.fault("meta", DENIED, "users")
    state, tasks = run("people")
    assert (state, tasks["google_ads_main.seal[-1]"]) == ("failed", "success")
    assert webhook.titles == ["people: failed: meta_main"]
    said = "meta_main.additions.send: the access token is not accepted, or the account is blocked: make a new one"
    numbers = "meta_main (meta, audience 'People') is unconfirmed (200 rows unconfirmed); wanted 200, held before 0, added 0"
    for part in (said, numbers, "What to do: mend what the red task says", "/dags/people/runs/manual__"):
        assert part in webhook.text
    assert webhook.got[0][1]["type"] == "failure"
    assert "person7" not in str(webhook.got), "what the platform quotes is not told on"
    assert "google_ads_main" not in webhook.text


def test_one_cause_of_ten_red_tasks_is_one_alert(project: Project, webhook: Webhook) -> None:
    project.people(0)
    assert run("people")[0] == "failed"
    assert webhook.titles == ["people: failed: google_ads_main, meta_main"]
    assert webhook.text.count("prepare: ") == 1


def test_a_task_that_dies_is_told_by_the_report(project: Project, webhook: Webhook, monkeypatch: pytest.MonkeyPatch) -> None:
    def die(*_: object) -> None:
        raise AirflowFailException

    monkeypatch.setattr(sync, "seal", die)
    assert run("people", destinations=["meta_main"])[0] == "failed"
    assert webhook.titles == ["people: failed: meta_main"]
    assert "meta_main.seal: it died or failed without a word; its log tells why" in webhook.text


def test_what_a_platform_never_confirms_is_told_as_that(
    project: Project, webhook: Webhook, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = sync.close_and_poll

    def silent(workspace: Workspace, segment: Segment, plan_id: int, operation: Operation) -> Progress:
        if operation is Operation.ADD:
            raise Unconfirmed("Meta has not said within 24 h what became of it")
        return real(workspace, segment, plan_id, operation)

    monkeypatch.setattr(sync, "close_and_poll", silent)
    assert run("people", destinations=["meta_main"])[0] == "failed"
    assert webhook.titles == ["people: unconfirmed: meta_main"]
    assert "What to do: nothing; the next run sends these rows again." in webhook.text


def test_a_guard_is_told_when_it_asks_and_not_once_more_by_the_report(project: Project, webhook: Webhook) -> None:
    assert run("people", destinations=["meta_main"])[0] == "success"
    project.people(50)
    thread = threading.Thread(target=reject_once_asked, args=(webhook,))
    thread.start()
    assert run("people", destinations=["meta_main"])[0] == "failed"
    thread.join()
    assert webhook.titles == ["people: guard: the plan for meta_main waits for a person"]
    for part in ("max_removed: 150 of 200 (75.0%), allowed 20%", "leave 150", "`guestlist approve people`"):
        assert part in webhook.text


def reject_once_asked(webhook: Webhook) -> None:
    while not webhook.got:
        clock.sleep(0.2)
    ledger = Workspace().ledger
    ledger.decide(ledger.newest_plan("people", "meta_main").id, sync.REJECT, "ben")


@pytest.mark.parametrize("alerts", ["{to: ops, of: [drift]}", "{to: ops, of: []}", "{}"])
def test_nobody_is_told_of_what_nobody_wants_to_know(project: Project, webhook: Webhook, alerts: str) -> None:
    project.segment(alerts)
    project.people(0)
    assert run("people")[0] == "failed"
    assert webhook.got == []


def test_who_names_nobody_has_those_of_the_installation(
    project: Project, webhook: Webhook, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GUESTLIST_ALERTS", "ops")
    project.segment("{}")
    project.people(0)
    assert run("people")[0] == "failed"
    assert len(webhook.got) == 1


def test_an_alert_that_cannot_be_sent_is_an_error_of_the_log_and_of_nothing_else(
    project: Project, webhook: Webhook, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    webhook.status = 500
    project.segment("{to: [ops, nobody_there]}")
    project.people(0)
    state, tasks = run("people")
    assert (state, tasks["report[-1]"]) == ("failed", "failed")
    told = "people: failed: google_ads_main, meta_main; not told over"
    assert f"{told} 'ops': the service did not take it" in caplog.text
    assert f"{told} 'nobody_there': there is no connection 'nobody_there'" in caplog.text
    assert "sekret-path" not in caplog.text + "".join(capfd.readouterr())
