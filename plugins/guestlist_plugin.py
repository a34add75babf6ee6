"""Guestlist's Airflow plugin: makes the link from a task to its audience known to the API server."""

from airflow.plugins_manager import AirflowPlugin

from guestlist.orchestration.links import AudienceLink


class GuestlistPlugin(AirflowPlugin):
    """Registers what Airflow has to know of Guestlist outside of DAG files."""

    name = "guestlist"
    operator_extra_links = (AudienceLink(),)
