"""The assets of Guestlist: one for each segment, updated when it is prepared, and one for each audience, when it is sealed.

Airflow deactivates an asset that two DAGs describe differently, and the task then fails: hence one place, in which an asset's
address says all there is to say about it.
"""

from __future__ import annotations

from typing import Any

from airflow.sdk import Asset

from guestlist.model.segment import Destination

_OURS = "guestlist://"


def segment_asset(segment: str) -> Asset:
    """The prepared members of a segment, before any platform has them."""
    return asset_at(f"{_OURS}{segment}")


def audience_asset(segment: str, destination: Destination) -> Asset:
    """The audience on the platform."""
    return asset_at(f"{_OURS}{segment}/{destination.label}")


def asset_at(uri: str) -> Asset:
    """The asset of an address, ours or anybody's, for the DAG that updates it as for those that wait for it."""
    if not uri.startswith(_OURS):
        return Asset(name=uri, uri=uri)
    name = uri.rstrip("/")
    kind = "audience" if "/" in name.removeprefix(_OURS) else "segment"
    return Asset(name=name, uri=name, group=f"guestlist-{kind}")


def event_extra(counts: dict[str, Any]) -> dict[str, Any]:
    """What an asset event carries: counts and names, never a value."""
    return {name: value for name, value in counts.items() if value is not None}
