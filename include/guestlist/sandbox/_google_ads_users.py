"""UserData of the Google Ads API: one operation into match keys, or the problems that it has.

https://developers.google.com/google-ads/api/docs/remarketing/audience-segments/customer-match/get-started
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pycountry

from guestlist.sandbox import _google_lists as lists
from guestlist.sandbox._google_ads_errors import Problem, at_operation
from guestlist.sandbox.core import SHA256_HEX, UUID_TEXT

IDENTIFIERS_PER_OPERATION = 20
_REGIONS = frozenset(country.alpha_2 for country in pycountry.countries)
_POSTAL = re.compile(r"[0-9A-Za-z][0-9A-Za-z \-]{0,14}")
_JOB = "offline_user_data_job_error."
_ELSEWHERE = ("city", "state", "hashed_street_address")
_STAGES = ("", "Lead", "Active", "Churned")
_EVENTS = ("Viewed", "Cart", "Purchased", "Recommended")
_TIME = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d([+-]\d\d:\d\d)?")
Key = tuple[str, str]


class RowError(Exception):
    """An operation that cannot be taken."""

    def __init__(self, code: str, *path: str) -> None:
        super().__init__(code)
        self.code = code
        self.path = path


@dataclass(frozen=True, slots=True)
class Rules:
    """What the job's list takes. ``attributes`` is set for jobs with attributes, which take contact information only."""

    kind: str
    attributes: bool
    user_ids: bool
    now: float


def read_user(user: Any, rules: Rules, place: int, *, removing: bool) -> list[Key] | Problem:
    """The keys of one UserData, or why it is not taken."""
    try:
        _check_attributes(user, rules, removing=removing)
        return [_read_identifier(identifier, rules) for identifier in _identifiers(user)]
    except RowError as error:
        return Problem(error.code, path=at_operation(place, "remove" if removing else "create", *error.path))


def _identifiers(user: Any) -> Any:
    if not user.user_identifiers:
        raise RowError(f"{_JOB}MISSING_USER_IDENTIFIER", "user_identifiers")
    if len(user.user_identifiers) > IDENTIFIERS_PER_OPERATION:
        raise RowError(f"{_JOB}TOO_MANY_USER_IDENTIFIERS", "user_identifiers")
    return user.user_identifiers


def _read_identifier(identifier: Any, rules: Rules) -> Key:
    which = identifier.WhichOneof("identifier")
    if which is None:
        raise RowError(f"{_JOB}MISSING_USER_IDENTIFIER", "user_identifiers")
    kind, read = _READERS[which]
    if kind != rules.kind:
        code = "INCOMPATIBLE_USER_IDENTIFIER_FOR_ATTRIBUTES" if rules.attributes else "INCOMPATIBLE_UPLOAD_KEY_TYPE"
        raise RowError(f"{_JOB}{code}", "user_identifiers", which)
    if kind == lists.USER and not rules.user_ids:
        raise RowError(f"{_JOB}NOT_ON_ALLOWLIST_FOR_USER_ID", "user_identifiers", which)
    return read(getattr(identifier, which))


def _digest(value: str, name: str) -> str:
    if not SHA256_HEX.fullmatch(value):
        raise RowError(f"{_JOB}INVALID_SHA256_FORMAT", "user_identifiers", name)
    return value


def _address(address: Any) -> Key:
    parts = ("hashed_first_name", "hashed_last_name", "country_code", "postal_code")
    for name in parts:
        if not getattr(address, name):
            raise RowError("field_error.REQUIRED", "user_identifiers", "address_info", name)
    for name in _ELSEWHERE:
        if getattr(address, name):
            raise RowError(f"{_JOB}INCOMPATIBLE_USER_IDENTIFIER", "user_identifiers", "address_info", name)
    for name in parts[:2]:
        _digest(getattr(address, name), name)
    if address.country_code not in _REGIONS:
        raise RowError(f"{_JOB}INVALID_COUNTRY_CODE", "user_identifiers", "address_info", "country_code")
    if not _POSTAL.fullmatch(address.postal_code):
        raise RowError("field_error.INVALID_VALUE", "user_identifiers", "address_info", "postal_code")
    return "address", "|".join(getattr(address, name) for name in parts)


def _mobile(value: str) -> Key:
    if not UUID_TEXT.fullmatch(value):
        raise RowError(f"{_JOB}INVALID_MOBILE_ID_FORMAT", "user_identifiers", "mobile_id")
    return "mobile_ad_id", value


def _user_id(value: str) -> Key:
    if not value or value != value.strip():
        raise RowError(f"{_JOB}INVALID_ENCODING", "user_identifiers", "third_party_user_id")
    return "user_id", value


_READERS: dict[str, tuple[str, Callable[[Any], Key]]] = {
    "hashed_email": (lists.CONTACT, lambda value: ("email", _digest(value, "hashed_email"))),
    "hashed_phone_number": (lists.CONTACT, lambda value: ("phone", _digest(value, "hashed_phone_number"))),
    "address_info": (lists.CONTACT, _address),
    "mobile_id": (lists.MOBILE, _mobile),
    "third_party_user_id": (lists.USER, _user_id),
}


def _check_attributes(user: Any, rules: Rules, *, removing: bool) -> None:
    if user.HasField("transaction_attribute"):
        raise RowError("field_error.VALUE_MUST_BE_UNSET", "transaction_attribute")
    if not user.HasField("user_attribute"):
        return
    if not rules.attributes:
        raise RowError(f"{_JOB}ATTRIBUTES_NOT_APPLICABLE_FOR_CUSTOMER_MATCH_USER_LIST", "user_attribute")
    attribute = user.user_attribute
    for code in _attribute_errors(attribute, rules.now, removing=removing):
        raise RowError(f"{_JOB}{code}", "user_attribute")


def _attribute_errors(attribute: Any, now: float, *, removing: bool) -> Iterator[str]:
    bucket = attribute.lifetime_value_bucket
    if attribute.HasField("lifetime_value_bucket") and not (1 <= bucket <= 10 or (removing and bucket == 0)):
        yield "LIFETIME_VALUE_BUCKET_NOT_IN_RANGE"
    names = ("first_purchase_date_time", "last_purchase_date_time", "acquisition_date_time")
    first, last, acquired = (_moment(getattr(attribute, name)) for name in names)
    if any(moment is not None and moment > now for moment in (first, last, acquired)):
        yield "FUTURE_TIME_NOT_ALLOWED"
    if last is not None and acquired is not None and last < acquired:
        yield "LAST_PURCHASE_TIME_LESS_THAN_ACQUISITION_TIME"
    if first is not None and last is not None and first > last:
        yield "FIRST_PURCHASE_TIME_GREATER_THAN_LAST_PURCHASE_TIME"
    if attribute.lifecycle_stage not in _STAGES:
        yield "INVALID_LIFECYCLE_STAGE"
    for event in attribute.event_attribute:
        if not (event.event and event.event_date_time and event.item_attribute):
            yield "EVENT_ATTRIBUTE_ALL_FIELDS_ARE_REQUIRED"
        elif event.event not in _EVENTS:
            yield "INVALID_EVENT_VALUE"


def _moment(text: str) -> float | None:
    """Seconds of ``YYYY-MM-DD HH:MM:SS[+HH:MM]``; the sandbox's accounts are in UTC."""
    if not text:
        return None
    if not _TIME.fullmatch(text):
        raise RowError("field_error.INVALID_VALUE", "user_attribute")
    parsed = datetime.fromisoformat(text)
    return (parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)).timestamp()
