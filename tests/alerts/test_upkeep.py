"""What no run tells, because it lies between runs: audiences that drift, and audiences that are stale. Each is told once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import httpx
import pytest
from alerts.conftest import Project
from alerts.webhook import Webhook, run

from guestlist.runtime import clock
from guestlist.runtime.ledger import audiences, checkpoints
from guestlist.runtime.segments import find_segment
from guestlist.runtime.sync.run import run_segment
from guestlist.runtime.wiring import Workspace

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]  # Airflow's own deprecations, not ours


@contextmanager
def ago(hours: float) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as earlier:
        for module in (audiences, checkpoints):
            earlier.setattr(module, "now", lambda: clock.now() - timedelta(hours=hours))
        yield


def sealed(hours: float) -> None:
    """The segment was sealed some hours ago."""
    workspace = Workspace()
    with ago(hours):
        report = run_segment(workspace, find_segment("people", workspace.config.segments), f"{hours} hours ago")
    assert report.state == "sealed"


def test_an_audience_that_is_gone_is_told_once_although_its_task_is_red(project: Project, webhook: Webhook) -> None:
    sealed(hours=2)
    [book] = httpx.get(f"{project.sandbox.http_url}/admin/books/meta").json()
    httpx.delete(f"{project.sandbox.http_url}/admin/books/meta/{book['id']}").raise_for_status()
    assert run("guestlist_reconcile")[0] == "failed"
    assert webhook.titles == ["people: drift: meta_main broken"]
    assert "meta_main (meta, audience 'People'), size not told, 200 members held: it is not there any more" in webhook.text
    with ago(-23):  # the next checkpoint has come, and it is still gone
        assert run("guestlist_reconcile")[0] == "failed"
    assert len(webhook.got) == 1


def test_a_stale_audience_is_told_once_and_the_fresh_one_beside_it_is_not(project: Project, webhook: Webhook) -> None:
    sealed(hours=3)
    assert run("people", destinations=["google_ads_main"])[0] == "success"
    assert run("guestlist_watch")[0] == "success"
    assert webhook.titles == ["people: stale: meta_main"]
    assert "see whether the DAG is paused" in webhook.text
    assert run("guestlist_watch")[0] == "success"
    assert len(webhook.got) == 1


def test_an_audience_that_is_as_fresh_as_its_schedule_is_told_by_nobody(project: Project, webhook: Webhook) -> None:
    sealed(hours=0)
    assert run("guestlist_watch")[0] == "success"
    assert run("guestlist_reconcile")[0] == "success"
    assert webhook.got == []
