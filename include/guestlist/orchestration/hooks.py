"""Airflow's hooks, one called after each platform: *Test* on a connection's page tells what `guestlist check` tells."""

from __future__ import annotations

from typing import Any, ClassVar

from airflow.sdk import BaseHook

from guestlist import destinations
from guestlist.orchestration.provider import connection_type, title
from guestlist.orchestration.workspaces import connection_from_airflow


class PlatformHook(BaseHook):
    """A connection to a platform. DAGs of segments need no hook: their tasks read the connection."""

    conn_name_attr = "guestlist_conn_id"
    platform: ClassVar[str]

    def __init__(self, guestlist_conn_id: str) -> None:
        super().__init__()
        self.guestlist_conn_id = guestlist_conn_id

    def test_connection(self) -> tuple[bool, str]:
        """Whether a run could deliver over the connection, and what was found."""
        from guestlist.runtime.sync.check import check_connection

        checked = check_connection(self.platform, connection_from_airflow(self.guestlist_conn_id))
        told = [found.what if found.ok else f"{found.what}; to mend: {found.mend}" for found in checked.findings]
        return checked.ok, ". ".join(told)


def __getattr__(platform: str) -> type[PlatformHook]:
    """The hook of a platform, made when Airflow asks for it by its name."""
    if platform not in destinations.names():
        raise AttributeError(platform)
    named: dict[str, Any] = {
        "__module__": __name__,
        "platform": platform,
        "conn_type": connection_type(platform),
        "default_conn_name": f"{platform}_main",
        "hook_name": title(platform),
    }
    return type(platform, (PlatformHook,), named)
