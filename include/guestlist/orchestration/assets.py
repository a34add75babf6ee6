"""The assets of Guestlist: one for each audience, updated when it is sealed; every Asset object is made here.

Airflow deactivates an asset that two DAGs describe differently, and the task then fails: hence one place.
"""

from __future__ import annotations

from typing import Any

from airflow.sdk import Asset

from guestlist.model.segment import Destination


def audience_asset(segment: str, destination: Destination) -> Asset:
    """The audience on the platform, for DAGs that wait for it."""
    uri = f"guestlist://{segment}/{destination.label}"
    return Asset(name=uri, uri=uri, group="guestlist-audience", extra={"platform": destination.platform})


def event_extra(counts: dict[str, Any]) -> dict[str, Any]:
    """What an asset event carries: counts and names, never a value."""
    return {name: value for name, value in counts.items() if value is not None}
