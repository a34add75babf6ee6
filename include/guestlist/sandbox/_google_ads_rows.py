"""What GAQL can read here: jobs, lists and the customer, as rows of fields by their full names.

https://developers.google.com/google-ads/api/fields/v26/overview
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from google.ads.googleads.v26.services.types import google_ads_service

from guestlist.sandbox import _google_lists as lists
from guestlist.sandbox._gaql import GaqlError, Query
from guestlist.sandbox.core import Audience, Json

_ROW: Any = google_ads_service.GoogleAdsRow.pb()
_KEY_TYPES = {lists.CONTACT: "CONTACT_INFO", lists.USER: "CRM_ID", lists.MOBILE: "MOBILE_ADVERTISING_ID"}
_LIST_DATA = ("description", "status", "days")
_JOB_DATA = ("customer", "name", "id", "list", "type", "status", "external_id", "preview")
_RANGES = (
    (500, "LESS_THAN_FIVE_HUNDRED"),
    (1_000, "LESS_THAN_ONE_THOUSAND"),
    (10_000, "ONE_THOUSAND_TO_TEN_THOUSAND"),
    (50_000, "TEN_THOUSAND_TO_FIFTY_THOUSAND"),
    (100_000, "FIFTY_THOUSAND_TO_ONE_HUNDRED_THOUSAND"),
    (300_000, "ONE_HUNDRED_THOUSAND_TO_THREE_HUNDRED_THOUSAND"),
    (500_000, "THREE_HUNDRED_THOUSAND_TO_FIVE_HUNDRED_THOUSAND"),
    (1_000_000, "FIVE_HUNDRED_THOUSAND_TO_ONE_MILLION"),
    (2_000_000, "ONE_MILLION_TO_TWO_MILLION"),
    (3_000_000, "TWO_MILLION_TO_THREE_MILLION"),
    (5_000_000, "THREE_MILLION_TO_FIVE_MILLION"),
    (10_000_000, "FIVE_MILLION_TO_TEN_MILLION"),
    (20_000_000, "TEN_MILLION_TO_TWENTY_MILLION"),
    (30_000_000, "TWENTY_MILLION_TO_THIRTY_MILLION"),
    (50_000_000, "THIRTY_MILLION_TO_FIFTY_MILLION"),
)


def customer_fields(customer: str, *, terms: bool, test: bool) -> dict[str, Any]:
    """The fields of ``customer``."""
    return {
        "customer.resource_name": f"customers/{customer}",
        "customer.id": int(customer),
        "customer.descriptive_name": f"Sandbox account {customer}",
        "customer.currency_code": "EUR",
        "customer.time_zone": "Etc/UTC",
        "customer.manager": False,
        "customer.test_account": test,
        "customer.status": "ENABLED",
        "customer.conversion_tracking_setting.accepted_customer_data_terms": terms,
    }


def list_fields(audience: Audience, size: int | None, match_rate: float) -> dict[str, Any]:
    """The fields of ``user_list``; sizes are null until they were computed."""
    size_range = None
    if size is not None:
        size_range = next((name for limit, name in _RANGES if size < limit), "OVER_FIFTY_MILLION")
    return {
        "user_list.resource_name": f"customers/{audience.account}/userLists/{audience.id}",
        "user_list.id": int(audience.id),
        "user_list.name": audience.name,
        "user_list.description": audience.data["description"],
        "user_list.membership_status": audience.data["status"],
        "user_list.membership_life_span": audience.data["days"],
        "user_list.integration_code": audience.reference,
        "user_list.type": "CRM_BASED",
        "user_list.read_only": False,
        "user_list.access_reason": "OWNED",
        "user_list.account_user_list_status": "ENABLED",
        "user_list.closing_reason": None,
        "user_list.eligible_for_search": bool(size),
        "user_list.eligible_for_display": bool(size),
        "user_list.size_for_search": size,
        "user_list.size_for_display": size,
        "user_list.size_range_for_search": size_range,
        "user_list.size_range_for_display": size_range,
        "user_list.match_rate_percentage": round(match_rate * 100) if size else None,
        "user_list.crm_based_user_list.upload_key_type": _KEY_TYPES[audience.kind],
        "user_list.crm_based_user_list.data_source_type": "FIRST_PARTY",
        "user_list.crm_based_user_list.app_id": audience.data.get("app_id"),
    }


def job_fields(job: Mapping[str, Json], match_rate: float) -> dict[str, Any]:
    """The fields of ``offline_user_data_job``."""
    rated = job["status"] == "SUCCESS" or (job["status"] == "RUNNING" and job["preview"])
    prefix = "offline_user_data_job"
    listed = f"customers/{job['customer']}/userLists/{job['list']}" if job["list"] else None
    return {
        f"{prefix}.resource_name": job["name"],
        f"{prefix}.id": job["id"],
        f"{prefix}.external_id": job["external_id"],
        f"{prefix}.type": job["type"],
        f"{prefix}.status": job["status"],
        f"{prefix}.failure_reason": "UNSPECIFIED" if job["status"] != "FAILED" else "UNKNOWN",
        f"{prefix}.operation_metadata.match_rate_range": f"MATCH_RANGE_{lists.match_rate_range(match_rate)}" if rated else None,
        f"{prefix}.customer_match_user_list_metadata.user_list": listed,
    }


def fields_of(resource: str) -> list[str]:
    """The fields that a query from a resource may name; raises `GaqlError`."""
    samples: dict[str, dict[str, Any]] = {
        "customer": {},
        "user_list": list_fields(Audience(0, "1", "1", "", "", lists.CONTACT, 0.0, dict.fromkeys(_LIST_DATA)), None, 0.0),
        "offline_user_data_job": job_fields(dict.fromkeys(_JOB_DATA), 0.0),
    }
    if resource not in samples:
        known = ", ".join(samples)
        raise GaqlError("BAD_RESOURCE_TYPE_IN_FROM_CLAUSE", f"the sandbox reads {known}, not {resource}")
    return [*customer_fields("0", terms=True, test=False), *samples[resource]]


def check(query: Query, known: Sequence[str]) -> None:
    """Refuse fields that there are not, and enum constants that there are not; raises `GaqlError`."""
    asked = [*query.fields, *(condition.field for condition in query.conditions), *(name for name, _ in query.order)]
    for name in asked:
        if name not in known:
            groups = [other for other in known if other.startswith(f"{name}.")]
            code = "PROHIBITED_FIELD_IN_SELECT_CLAUSE" if groups else "UNRECOGNIZED_FIELD"
            raise GaqlError(code, f"{query.resource} has no field {name} in the sandbox")
    for condition in query.conditions:
        field = _descriptor(condition.field)
        for value in condition.values if field.enum_type else ():
            if str(value) not in field.enum_type.values_by_name:
                raise GaqlError("BAD_ENUM_CONSTANT", f"{condition.field} has no value {value}")


def _steps(name: str) -> list[str]:
    """The attribute names of a field's full name; ``type`` is spelt ``type_`` in these messages."""
    return ["type_" if part == "type" else part for part in name.split(".")]


def _descriptor(name: str) -> Any:
    message = _ROW.DESCRIPTOR
    *outer, last = _steps(name)
    for part in outer:
        message = message.fields_by_name[part].message_type
    return message.fields_by_name[last]


def message_of(row: Mapping[str, Any], fields: Sequence[str]) -> Any:
    """A GoogleAdsRow with the selected fields."""
    message = _ROW()
    for name in fields:
        value = row[name]
        if value is None:
            continue
        *outer, last = _steps(name)
        place = message
        for part in outer:
            place = getattr(place, part)
        enum = _descriptor(name).enum_type
        setattr(place, last, enum.values_by_name[value].number if enum else value)
    return message
