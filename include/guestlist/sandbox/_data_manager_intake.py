"""Reads a Data Manager ingest or remove as a whole: fail-fast checks, then the keys for each destination.

https://developers.google.com/data-manager/api/devguides/audiences/send-audience-members
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from guestlist.sandbox import _data_manager_requests as requests
from guestlist.sandbox._data_manager_errors import Violation, invalid, refused
from guestlist.sandbox._data_manager_members import DATA_TYPES, Member, MemberReader
from guestlist.sandbox._faults import Action
from guestlist.sandbox._google_lists import Lists
from guestlist.sandbox.core import Audience, Json, Request, Settings

Placed = tuple[dict[str, Any], Audience]
_ACCOUNT_RULES = (
    ("terms_accepted", "TERMS_AND_CONDITIONS_NOT_SIGNED"),
    ("allowlisted", "NOT_ALLOWLISTED"),
    ("eu_political_declared", "EU_POLITICAL_ADVERTISING_DECLARATION_REQUIRED"),
)


def view_of(sent: dict[str, Any], audience: Audience) -> dict[str, Any]:
    """What is kept of one destination of a request, for its status."""
    return {"sent": sent, "list": audience.id, "records": 0, "types": Counter(), "errors": Counter()}


class Intake:
    """The checks of IngestAudienceMembers and RemoveAudienceMembers."""

    def __init__(self, lists: Lists, settings: Settings) -> None:
        self._lists = lists
        self._settings = settings

    def destinations(self, body: Mapping[str, Any]) -> list[Placed]:
        """Each destination as it was sent, with its list."""
        found = requests.Destinations(self._lists, self._settings["managers"]).read(body)
        for setting, reason in _ACCOUNT_RULES:
            if not self._settings[setting]:
                raise refused(reason)
        return found

    def members(
        self, request: Request, body: Mapping[str, Any], operation: str
    ) -> tuple[dict[str, Any], list[list[Any]], list[dict[str, str]]]:
        """The document of the request, the keys to be applied to each destination, and warnings."""
        if not (given := body.get("audienceMembers")):
            raise invalid("audience_members", "REQUIRED_FIELD_MISSING")
        request.rows = len(given)
        if len(given) > requests.MEMBERS_PER_REQUEST:
            raise invalid("audience_members", "TOO_MANY_AUDIENCE_MEMBERS")
        destinations = self.destinations(body)
        data_type = _data_type(given)
        for place, (_, audience) in enumerate(destinations):
            if data_type and audience.kind != DATA_TYPES[data_type]:
                raise invalid(f"destinations[{place}].product_destination_id", "INVALID_USER_LIST_TYPE")
        if operation == "ingest":
            requests.require_terms(body, data_type)
        reader = MemberReader(requests.read_encoding(body, data_type), encrypted="encryptionInfo" in body)
        members = [reader.read(item, place) for place, item in enumerate(given)]
        _refuse(reader.violations or _scripted(request.action))
        views = [view_of(sent, audience) for sent, audience in destinations]
        keys = self._place(request, body, operation, list(zip(given, members, strict=True)), views)
        return {"operation": operation, "data_type": data_type, "destinations": views}, keys, reader.warnings

    def _place(
        self,
        request: Request,
        body: Mapping[str, Any],
        operation: str,
        members: Sequence[tuple[Any, Member]],
        views: Sequence[dict[str, Any]],
    ) -> list[list[Any]]:
        """Count each member for its destinations; give the keys of those that will not fail when they are processed."""
        general = requests.read_consent(body.get("consent"), "consent")
        references = [view["sent"].get("reference") for view in views]
        keys: list[list[Any]] = [[] for _ in views]
        for place, (given, member) in enumerate(members):
            failure = _scripted_failure(request.action, place) or member.failing
            if "encryptionInfo" in body:
                failure = failure or "DEK_DECRYPTION_ERROR"  # the sandbox holds nobody's keys
            if operation == "ingest":
                own = requests.read_consent(given.get("consent"), f"audience_members.audience_members[{place}].consent")
                failure = failure or requests.consent_failure(own or general, required=self._settings["require_consent"])
            for target in _targets(given, references, place):
                views[target]["records"] += 1
                views[target]["types"].update(member.types)
                if failure:
                    views[target]["errors"][failure] += 1
                else:
                    keys[target] += member.keys
        return keys


def _data_type(given: Sequence[Any]) -> str:
    """The one kind of data that all members have; "" where the first has none, which its reader will tell."""
    found = {name for item in given if isinstance(item, dict) for name in item if name in DATA_TYPES}
    if len(found) > 1:
        raise invalid("audience_members", "MULTIPLE_DATA_TYPES_NOT_ALLOWED")
    return next(iter(found), "")


def _targets(given: Mapping[str, Any], references: list[Json], place: int) -> Sequence[int]:
    wanted = given.get("destinationReferences")
    if not wanted:
        return range(len(references))
    field = f"audience_members.audience_members[{place}].destination_references"
    wanted = requests.typed(wanted, [str], field)
    if unknown := [name for name in wanted if name not in references]:
        raise invalid(field, "INVALID_DESTINATION", f"no destination is called {unknown[0]}")
    return [references.index(name) for name in wanted]


def _scripted(action: Action) -> list[Violation]:
    reason = action.reason or "INVALID_SHA256_FORMAT"
    return [Violation(f"audience_members.audience_members[{row}]", reason) for row in action.reject_rows]


def _scripted_failure(action: Action, place: int) -> str | None:
    """A fault may have all members, or the first ``count``, fail when they are processed."""
    failing = action.fail_job is True or (action.fail_job == "partial" and place < (action.count or 1))
    return (action.reason or "INTERNAL_ERROR") if failing else None


def _refuse(violations: Sequence[Violation]) -> None:
    """One bad member has the whole request refused, with every violation named."""
    if violations:
        raise refused(violations[0].reason, *violations, message="There was a problem with the request.")
