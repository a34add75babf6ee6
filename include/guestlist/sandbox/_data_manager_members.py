"""Audience members of the Data Manager API: one member as JSON into match keys, or the violations that it holds.

https://developers.google.com/data-manager/api/reference/rpc/google.ads.datamanager.v1
"""

from __future__ import annotations

import base64
import binascii
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pycountry

from guestlist.sandbox import _google_lists as lists
from guestlist.sandbox._data_manager_errors import Violation
from guestlist.sandbox._data_manager_requests import snake
from guestlist.sandbox.core import SHA256_HEX, UUID_TEXT, Json

IDENTIFIERS_PER_MEMBER = 10
HEX, BASE64 = 1, 2
DATA_TYPES = {
    "userData": lists.CONTACT,
    "compositeData": lists.CONTACT,
    "mobileData": lists.MOBILE,
    "userIdData": lists.USER,
    "pairData": "PAIR_ID",
    "ppidData": "PSEUDONYMOUS_ID",
    "googleUserIdData": "PSEUDONYMOUS_ID",
    "partnerProvidedIdData": "PSEUDONYMOUS_ID",
}
"""The data of a member, and the kind of list that takes it."""
_REGIONS = frozenset(country.alpha_2 for country in pycountry.countries)
_POSTAL = re.compile(r"[0-9A-Za-z][0-9A-Za-z \-]{0,14}")
_US_POSTAL = re.compile(r"\d{5}(-?\d{4})?")
_ADDRESS = ("givenName", "familyName", "regionCode", "postalCode")
_ANALYTICS_ONLY = ("addressLine", "city", "administrativeArea")
_HEX_TEXT = re.compile(r"([0-9a-fA-F]{2})*")
_LONGEST_USER_ID = 512
_INVALID_FORMAT = "INVALID_FORMAT"


@dataclass(slots=True)
class Member:
    """One member: its data type, its keys, how many identifiers of which type, and why it fails later, if it does."""

    data_type: str = ""
    keys: list[tuple[str, str]] = field(default_factory=list)
    types: Counter[str] = field(default_factory=Counter)
    failing: str | None = None


class MemberReader:
    """Reads the members of one request and gathers every violation."""

    def __init__(self, encoding: int, *, encrypted: bool) -> None:
        self._encoding = encoding
        self._encrypted = encrypted
        self.violations: list[Violation] = []
        self.warnings: list[dict[str, str]] = []

    def _wrong(self, path: str, reason: str, description: str = "") -> None:
        self.violations.append(Violation(path, reason, description))

    def read(self, data: Json, place: int) -> Member:
        """Read one member."""
        path = f"audience_members.audience_members[{place}]"
        member = Member()
        if not isinstance(data, dict):
            self._wrong(path, "INVALID_AUDIENCE_MEMBER", "a member must be an object")
            return member
        found = [name for name in DATA_TYPES if name in data]
        if unknown := set(data) - set(DATA_TYPES) - {"destinationReferences", "consent"}:
            self._wrong(path, "INVALID_ARGUMENT", f"unknown names: {', '.join(sorted(unknown))}")
        if len(found) != 1:
            self._wrong(path, "INVALID_AUDIENCE_MEMBER", "exactly one kind of data must be set")
            return member
        member.data_type = found[0]
        readers: dict[str, Callable[[Json, str, Member], None]] = {
            "userData": self._user_data,
            "compositeData": self._composite,
            "mobileData": self._mobile,
            "userIdData": self._user_id,
        }
        if reader := readers.get(found[0]):
            reader(data[found[0]], f"{path}.{snake(found[0])}", member)
        return member

    def _composite(self, data: Json, path: str, member: Member) -> None:
        if not isinstance(data, dict) or not (data.get("userData") or data.get("ipData")):
            self._wrong(path, "REQUIRED_FIELD_MISSING", "user_data or ip_data must be set")
            return
        if "userData" in data:
            self._user_data(data["userData"], f"{path}.user_data", member)
        addresses = data.get("ipData") or []
        for place, address in enumerate(addresses if isinstance(addresses, list) else [None]):
            if not isinstance(address, dict) or not address.get("ipAddress"):
                self._wrong(f"{path}.ip_data[{place}].ip_address", "REQUIRED_FIELD_MISSING")
                continue
            member.types["IP_ADDRESS"] += 1  # it helps the match and identifies nobody, so the books do not hold it

    def _user_data(self, data: Json, path: str, member: Member) -> None:
        identifiers = data.get("userIdentifiers") if isinstance(data, dict) else None
        path = f"{path}.user_identifiers"
        if not identifiers or not isinstance(identifiers, list):
            self._wrong(path, "NO_IDENTIFIERS_PROVIDED")
            return
        if len(identifiers) > IDENTIFIERS_PER_MEMBER:
            self._wrong(path, "TOO_MANY_USER_IDENTIFIERS", f"at most {IDENTIFIERS_PER_MEMBER} identifiers a member")
            return
        for place, identifier in enumerate(identifiers):
            self._identifier(identifier, f"{path}[{place}]", member)

    def _identifier(self, identifier: Json, path: str, member: Member) -> None:
        names = list(identifier) if isinstance(identifier, dict) else []
        if len(names) != 1:
            self._wrong(path, "INVALID_ARGUMENT", "exactly one of email_address, phone_number and address must be set")
        elif names[0] == "emailAddress":
            self._digest_key("email", "EMAIL", identifier["emailAddress"], f"{path}.email_address", member)
        elif names[0] == "phoneNumber":
            self._digest_key("phone", "PHONE_NUMBER", identifier["phoneNumber"], f"{path}.phone_number", member)
        elif names[0] == "address":
            self._address(identifier["address"], f"{path}.address", member)
        else:
            self._wrong(path, "INVALID_ARGUMENT", f"unknown name: {names[0]}")

    def _digest_key(self, kind: str, counted: str, value: Json, path: str, member: Member) -> None:
        digest = self._digest(value, path)
        if digest is not None:
            member.types[counted] += 1
            member.keys.append((kind, digest))
            if not self._encrypted and len(set(digest)) == 1:
                # 64 times the same digit is no SHA-256 of anything: such rows fail when they are processed
                member.failing = _INVALID_FORMAT

    def _digest(self, value: Json, path: str) -> str | None:
        """The digest in lower-case hex; None, with a violation, if it is none."""
        if not isinstance(value, str) or not value:
            self._wrong(path, "REQUIRED_FIELD_MISSING")
        elif self._encrypted:
            return value
        elif self._encoding == HEX:
            if SHA256_HEX.fullmatch(value):
                return value
            self._wrong(path, "INVALID_SHA256_FORMAT" if _HEX_TEXT.fullmatch(value) else "INVALID_HEX_ENCODING")
        else:
            return self._from_base64(value, path)
        return None

    def _from_base64(self, value: str, path: str) -> str | None:
        try:
            decoded = base64.b64decode(value, validate=True)
        except binascii.Error:
            self._wrong(path, "INVALID_BASE64_ENCODING")
            return None
        if len(decoded) != 32:
            self._wrong(path, "INVALID_SHA256_FORMAT")
            return None
        return decoded.hex()

    def _address(self, address: Json, path: str, member: Member) -> None:
        parts: dict[str, Any] = address if isinstance(address, dict) else {}
        if unknown := set(parts) - {*_ADDRESS, *_ANALYTICS_ONLY}:
            self._wrong(path, "INVALID_ARGUMENT", f"unknown names: {', '.join(sorted(unknown))}")
        if missing := [name for name in _ADDRESS if not parts.get(name)]:
            for name in missing:
                self._wrong(f"{path}.{snake(name)}", "REQUIRED_FIELD_MISSING")
            return
        for name in (name for name in _ANALYTICS_ONLY if parts.get(name)):
            where = f"{path}.{snake(name)}"
            self.warnings.append(
                {"reason": "WARNING_REASON_GENERIC", "field": where, "description": "for Google Analytics only"}
            )
        names = [self._digest(parts[name], f"{path}.{snake(name)}") for name in _ADDRESS[:2]]
        region, postal = str(parts["regionCode"]), str(parts["postalCode"])
        if region not in _REGIONS:
            self._wrong(f"{path}.region_code", "INVALID_REGION_CODE")
        elif not _POSTAL.fullmatch(postal):
            self._wrong(f"{path}.postal_code", "INVALID_POSTAL_CODE")
        elif all(names):
            member.types["ADDRESS"] += 1
            member.keys.append(("address", "|".join([*map(str, names), region, postal])))
            if region == "US" and not _US_POSTAL.fullmatch(postal):
                member.failing = _INVALID_FORMAT

    def _mobile(self, data: Json, path: str, member: Member) -> None:
        ids = data.get("mobileIds") if isinstance(data, dict) else None
        if not ids or not isinstance(ids, list):
            self._wrong(f"{path}.mobile_ids", "NO_IDENTIFIERS_PROVIDED")
            return
        if len(ids) > IDENTIFIERS_PER_MEMBER:
            self._wrong(f"{path}.mobile_ids", "TOO_MANY_USER_IDENTIFIERS")
            return
        for place, value in enumerate(ids):
            if isinstance(value, str) and UUID_TEXT.fullmatch(value):
                member.keys.append(("mobile_ad_id", value))
                member.types["MOBILE_ID"] += 1
            else:
                self._wrong(f"{path}.mobile_ids[{place}]", "INVALID_MOBILE_ID_FORMAT")

    def _user_id(self, data: Json, path: str, member: Member) -> None:
        value = data.get("userId") if isinstance(data, dict) else None
        if not isinstance(value, str) or not value:
            self._wrong(f"{path}.user_id", "REQUIRED_FIELD_MISSING")
        elif len(value) > _LONGEST_USER_ID:
            self._wrong(f"{path}.user_id", "FIELD_VALUE_TOO_LONG")
        else:
            member.keys.append(("user_id", value))
            member.types["USER_ID"] += 1
