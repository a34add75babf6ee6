"""Diagnostics of the Data Manager API: what became of a request, a destination at a time.

https://developers.google.com/data-manager/api/devguides/diagnostics
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from guestlist.sandbox._google_lists import match_rate_range
from guestlist.sandbox.core import Json

_PREFIX = "PROCESSING_ERROR_REASON_"
_COUNTERS = {"userData": "userIdentifierCount", "mobileData": "mobileIdCount", "userIdData": "userIdCount"}
_SMALLEST_RATED = 100


def destination_status(request: Mapping[str, Any], destination: Mapping[str, Any], match_rate: float) -> Json:
    """The RequestStatusPerDestination. Rows are never named: failures are counts for each reason."""
    view: dict[str, Json] = {"destination": destination["sent"], "requestStatus": _status(request, destination)}
    if not request["done"]:
        return view
    if destination["errors"]:
        counts = [
            {"reason": f"{_PREFIX}{reason}", "recordCount": str(count)}
            for reason, count in sorted(destination["errors"].items())
        ]
        view["errorInfo"] = {"errorCounts": counts}
    if request["operation"] == "removeAll":
        view["removeAllAudienceMembersStatus"] = {}
        return view
    what = "Ingestion" if request["operation"] == "ingest" else "Removal"
    view[f"audienceMembers{what}Status"] = {f"{request['data_type']}{what}Status": _counters(request, destination, match_rate)}
    return view


def _status(request: Mapping[str, Any], destination: Mapping[str, Any]) -> str:
    if not request["done"]:
        return "PROCESSING"
    failed = sum(destination["errors"].values())
    if not failed:
        return "SUCCESS"
    return "FAILED" if failed >= destination["records"] else "PARTIAL_SUCCESS"


def _counters(request: Mapping[str, Any], destination: Mapping[str, Any], match_rate: float) -> Json:
    """``recordCount`` counts successes and failures."""
    types: Mapping[str, int] = destination["types"]
    counters: dict[str, Json] = {"recordCount": str(destination["records"])}
    if request["data_type"] == "compositeData":
        counters["dataTypeCounts"] = [{"type": name, "count": str(count)} for name, count in sorted(types.items())]
    else:
        counters[_COUNTERS[request["data_type"]]] = str(sum(types.values()))
    if request["operation"] == "ingest" and request["data_type"] in ("userData", "compositeData"):
        rated = destination["records"] >= _SMALLEST_RATED
        counters["uploadMatchRateRange"] = f"MATCH_RATE_RANGE_{match_rate_range(match_rate) if rated else 'NOT_ELIGIBLE'}"
    return counters
