"""What a task needs, from Airflow: connections by their id, the template variables of its run, its params."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseHook
from airflow.sdk.exceptions import AirflowNotFoundException

from guestlist.model.connection import Connection, connection_of
from guestlist.model.errors import ConfigError
from guestlist.runtime.config import Config

if TYPE_CHECKING:
    from guestlist.model.segment import Segment
    from guestlist.runtime.wiring import Workspace

_VARIABLES = (
    "ds", "ds_nodash", "ts", "ts_nodash", "logical_date", "data_interval_start", "data_interval_end", "run_id", "params",
)  # fmt: skip


def connection_from_airflow(name: str) -> Connection:
    """A connection as Airflow finds it: secrets backend, environment, database."""
    try:
        found = BaseHook.get_connection(name)
    except AirflowNotFoundException:
        raise ConfigError(f"there is no connection {name!r}: add it under Admin, Connections") from None
    return connection_of(name, found)


def workspace_of(context: Mapping[str, Any]) -> Workspace:
    """The workspace of a task. A run without a logical date has no ``ds``: then the day is that of its ``run_after``."""
    from guestlist.runtime.wiring import Workspace

    variables = {name: context[name] for name in _VARIABLES if name in context}
    run_after = context["dag_run"].run_after
    if "ds" not in variables and run_after is not None:
        variables |= {"ds": run_after.date().isoformat(), "ds_nodash": run_after.strftime("%Y%m%d")}
    config = Config.from_environment(Path(context["dag"].fileloc))
    return Workspace(config, connection_from_airflow, variables)


def segment_of(workspace: Workspace, name: str) -> Segment:
    """The segment as its file says now; of an intake that of the upload which the run is for."""
    from guestlist.runtime.intake.audiences import segment_of_upload
    from guestlist.runtime.segments import find_segment

    segment = find_segment(name, workspace.config.segments)
    if segment.source.intake is None:
        return segment
    return segment_of_upload(workspace, segment, (workspace.variables.get("params") or {}).get("upload"))
