"""Guestlist's Airflow plugin: makes the link from a task to its audience known to the API server."""

from __future__ import annotations

from importlib.metadata import entry_points
from typing import ClassVar

from airflow.plugins_manager import AirflowPlugin

from guestlist.orchestration.links import AudienceLink


class GuestlistPlugin(AirflowPlugin):
    """Registers what Airflow has to know of Guestlist outside of DAG files."""

    name = "guestlist"
    operator_extra_links = (AudienceLink(),)
    react_apps: ClassVar = [
        {
            "name": "Audiences",
            "bundle_url": "guestlist/static/audiences.js",
            "destination": "nav",
            "url_route": "audiences",
            "nav_top_level": True,
        }
    ]


def is_installed() -> bool:
    """Whether Airflow finds the plugin by its entry point: one that comes twice is an error on Airflow's page."""
    return any(point.value == f"{__name__}:{GuestlistPlugin.__name__}" for point in entry_points(group="airflow.plugins"))
