"""Wait for the dbt models of a segment, without holding a worker's slot, and refuse to go on where dbt's tests failed."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from typing import Any

from airflow.providers.standard.triggers.temporal import TimeDeltaTrigger

from guestlist.orchestration.operators import SegmentOperator
from guestlist.orchestration.plainly import plainly
from guestlist.orchestration.workspaces import segment_of, workspace_of
from guestlist.runtime import clock

log = logging.getLogger("guestlist.airflow")


class DbtOperator(SegmentOperator):
    """Look at dbt's artifacts, again and again, until the models are built. It takes no lease: nothing is read yet."""

    @plainly
    def execute(self, context: Any, event: Any = None, since: str | None = None) -> None:
        """Runs again after each wait; ``since`` is when the first look was."""
        from guestlist.runtime import sync

        workspace = workspace_of(context)
        began = datetime.fromisoformat(since) if since else clock.now()
        progress, warnings = sync.await_builds(workspace, segment_of(workspace, self.segment), began)
        for warning in warnings:
            log.warning("%s", warning)
        if not progress.done:
            trigger = TimeDeltaTrigger(timedelta(seconds=progress.wait))
            self.defer(trigger=trigger, method_name="execute", kwargs={"since": began.isoformat()})
