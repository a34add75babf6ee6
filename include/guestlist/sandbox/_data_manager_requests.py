"""What surrounds the members of a Data Manager request: destinations, consent, encoding, terms.

https://developers.google.com/data-manager/api/reference/rpc/google.ads.datamanager.v1
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from guestlist.sandbox._data_manager_errors import invalid, refused
from guestlist.sandbox._google_lists import Lists
from guestlist.sandbox.core import Audience, Json

MEMBERS_PER_REQUEST = 10_000
DESTINATIONS_PER_REQUEST = 10
_ACCOUNT = re.compile(r"\d{10}")
_ACCOUNT_TYPES = (
    "ACCOUNT_TYPE_UNKNOWN",
    "GOOGLE_ADS",
    "DISPLAY_VIDEO_PARTNER",
    "DISPLAY_VIDEO_ADVERTISER",
    "DATA_PARTNER",
    "GOOGLE_ANALYTICS_PROPERTY",
    "GOOGLE_AD_MANAGER_AUDIENCE_LINK",
    "FLOODLIGHT_CONFIG",
    "GOOGLE_AD_MANAGER",
)
_CONSENT = ("CONSENT_STATUS_UNSPECIFIED", "CONSENT_GRANTED", "CONSENT_DENIED")
_TERMS = ("TERMS_OF_SERVICE_STATUS_UNSPECIFIED", "ACCEPTED", "REJECTED")
_ENCODING = ("ENCODING_UNSPECIFIED", "HEX", "BASE64")


def enum(value: Json, names: Sequence[str], field: str) -> int:
    """An enum's number: the REST client sends numbers, people write names."""
    if value is None:
        return 0
    if isinstance(value, str) and value in names:
        return names.index(value)
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < len(names):
        return value
    raise invalid(field, "INVALID_ENUM_VALUE")


def typed(value: Json, shape: Any, field: str) -> Any:
    """A JSON value that has the shape of its message, without its nulls, which mean unset; raises `Refused` if it has not.

    A shape is a type or a tuple of types, a list of one shape, or a dict of shapes by name.
    """
    if isinstance(shape, dict):
        if not isinstance(value, dict):
            raise invalid(field, "INVALID_ARGUMENT", f"{field or 'the body'} must be an object")
        if unknown := sorted(set(value) - set(shape)):
            raise invalid(field, "INVALID_ARGUMENT", f"unknown names in {field or 'the body'}: {', '.join(unknown)}")
        inner = ((name, shape[name], f"{field}.{snake(name)}".lstrip(".")) for name in value)
        return {name: typed(value[name], part, path) for name, part, path in inner if value[name] is not None}
    if isinstance(shape, list):
        if not isinstance(value, list):
            raise invalid(field, "INVALID_ARGUMENT", f"{field} must be a list")
        return [typed(item, shape[0], f"{field}[{place}]") for place, item in enumerate(value)]
    if shape is not object and (not isinstance(value, shape) or (isinstance(value, bool) and shape is not bool)):
        raise invalid(field, "INVALID_ARGUMENT", f"{field} has the wrong type")
    return value


def snake(name: str) -> str:
    """``userData`` as ``user_data``, the way errors name fields."""
    return re.sub(r"([A-Z])", r"_\1", name).lower()


ENUM = (int, str)
_ACCOUNT_SHAPE = {"product": ENUM, "accountId": str, "accountType": ENUM}
_DESTINATION_SHAPE = {
    "reference": str,
    "loginAccount": _ACCOUNT_SHAPE,
    "linkedAccount": _ACCOUNT_SHAPE,
    "operatingAccount": _ACCOUNT_SHAPE,
    "productDestinationId": str,
}
_CONSENT_SHAPE = {"adUserData": ENUM, "adPersonalization": ENUM}
REMOVE_SHAPE = {
    "destinations": [_DESTINATION_SHAPE],
    "audienceMembers": [object],
    "validateOnly": bool,
    "encoding": ENUM,
    "encryptionInfo": dict,
}
INGEST_SHAPE = {
    **REMOVE_SHAPE,
    "consent": _CONSENT_SHAPE,
    "termsOfService": {"customerMatchTermsOfServiceStatus": ENUM},
}
REMOVE_ALL_SHAPE = {"destinations": [_DESTINATION_SHAPE], "removeAsOfTime": str, "validateOnly": bool}


class Destinations:
    """Reads the destinations of a request into the lists that they mean."""

    def __init__(self, lists: Lists, managers: Sequence[str] | None) -> None:
        self._lists = lists
        self._managers = managers

    def read(self, body: Mapping[str, Any]) -> list[tuple[dict[str, Any], Audience]]:
        """Each destination as it was sent, with its list."""
        if not (given := body.get("destinations")):
            raise invalid("destinations", "REQUIRED_FIELD_MISSING")
        if len(given) > DESTINATIONS_PER_REQUEST:
            raise invalid("destinations", "TOO_MANY_DESTINATIONS")
        found = [self._one(item, f"destinations[{place}]") for place, item in enumerate(given)]
        references = [item["reference"] for item, _ in found if item.get("reference")]
        if len(set(references)) != len(references):
            raise invalid("destinations", "DUPLICATE_DESTINATION_REFERENCE")
        return found

    def _one(self, data: dict[str, Any], path: str) -> tuple[dict[str, Any], Audience]:
        operating = self._account(data.get("operatingAccount"), f"{path}.operating_account")
        if "loginAccount" in data:
            login = self._account(data["loginAccount"], f"{path}.login_account")
            if self._managers is not None and login not in (operating, *self._managers):
                raise invalid(f"{path}.login_account", "OPERATING_ACCOUNT_LOGIN_ACCOUNT_MISMATCH")
        elif self._managers is not None:
            raise refused("PERMISSION_DENIED")
        if "linkedAccount" in data:
            raise invalid(f"{path}.linked_account", "INVALID_DESTINATION", "linked accounts are for data partners")
        return data, self._list(data.get("productDestinationId"), operating, path)

    def _account(self, data: dict[str, Any] | None, path: str) -> str:
        if data is None:
            raise invalid(path, "REQUIRED_FIELD_MISSING")
        kind = enum(data.get("accountType"), _ACCOUNT_TYPES, f"{path}.account_type")
        product = enum(data.get("product"), _ACCOUNT_TYPES, f"{path}.product")
        if kind and product and kind != product:
            raise invalid(f"{path}.account_type", "INVALID_DESTINATION", "account_type and product must be the same")
        if not (kind or product):
            raise invalid(f"{path}.account_type", "REQUIRED_FIELD_MISSING")
        if (kind or product) != 1:
            raise invalid(f"{path}.account_type", "INVALID_DESTINATION", "the sandbox emulates GOOGLE_ADS accounts")
        number = data.get("accountId")
        if not number:
            raise invalid(f"{path}.account_id", "REQUIRED_FIELD_MISSING")
        if not number.isdigit():
            raise invalid(f"{path}.account_id", "INVALID_FORMAT", "an account id is a string of digits")
        if not _ACCOUNT.fullmatch(number):
            raise refused("PERMISSION_DENIED")  # also the answer where an account does not exist
        return str(number)

    def _list(self, number: Json, operating: str, path: str) -> Audience:
        field = f"{path}.product_destination_id"
        if not number:
            raise invalid(field, "REQUIRED_FIELD_MISSING")
        if not number.isdigit():
            raise invalid(field, "INVALID_USER_LIST_ID", "it is the list's number, not its resource name")
        if (found := self._lists.of(operating, number)) is None:
            raise invalid(field, "INVALID_USER_LIST_ID")
        return found


def read_consent(data: Json, field: str) -> tuple[int, int] | None:
    """The two consents as numbers; None where there are none."""
    if data is None:
        return None
    consent = typed(data, _CONSENT_SHAPE, field)
    return (
        enum(consent.get("adUserData"), _CONSENT, f"{field}.ad_user_data"),
        enum(consent.get("adPersonalization"), _CONSENT, f"{field}.ad_personalization"),
    )


def consent_failure(consent: tuple[int, int] | None, *, required: bool) -> str | None:
    """The reason for which a member with this consent is not processed."""
    if consent is not None and 2 in consent:
        return "DENIED_CONSENT"
    return "NO_CONSENT" if required and (consent is None or 0 in consent) else None


def read_encoding(body: Mapping[str, Any], data_type: str) -> int:
    """HEX or BASE64; mandatory for user data."""
    encoding = enum(body.get("encoding"), _ENCODING, "encoding")
    if not encoding and data_type in ("userData", "compositeData"):
        raise invalid("encoding", "REQUIRED_FIELD_MISSING")
    return encoding


def require_terms(body: Mapping[str, Any], data_type: str) -> None:
    """Customer Match terms must be accepted in each ingest of user or mobile data."""
    terms = body.get("termsOfService", {})
    field = "terms_of_service.customer_match_terms_of_service_status"
    status = enum(terms.get("customerMatchTermsOfServiceStatus"), _TERMS, field)
    if status != 1 and data_type in ("userData", "compositeData", "mobileData"):
        raise invalid(field, "TERMS_AND_CONDITIONS_NOT_SIGNED")
