"""Guestlist's Airflow plugin: the Audiences pages and their API, and the link from a task to its audience."""

from __future__ import annotations

from importlib.metadata import entry_points
from typing import Any, ClassVar

from airflow.plugins_manager import AirflowPlugin

from guestlist import __version__
from guestlist.orchestration.links import AudienceLink


class GuestlistPlugin(AirflowPlugin):
    """Registers what Airflow has to know of Guestlist outside of DAG files."""

    name = "guestlist"
    operator_extra_links = (AudienceLink(),)
    react_apps: ClassVar = [
        {
            "name": "Audiences",
            "bundle_url": f"guestlist/static/audiences.js?{__version__}",  # browsers keep it until the version changes
            "destination": "nav",
            "url_route": "audiences",
            "nav_top_level": True,
        }
    ]

    @property
    def fastapi_apps(self) -> list[dict[str, Any]]:
        """The pages' API. Only the API server asks for it, so that no other process imports FastAPI."""
        from guestlist.web.app import app

        return [{"app": app, "url_prefix": "/guestlist", "name": "guestlist"}]


def is_installed() -> bool:
    """Whether Airflow finds the plugin by its entry point: one that comes twice is an error on Airflow's page."""
    return any(point.value == f"{__name__}:{GuestlistPlugin.__name__}" for point in entry_points(group="airflow.plugins"))
