"""EdgeTag's Audience API: one request that hands users to every provider of a deployment.

No credential is documented, so none is asked for. A book holds what *every* provider holds, as digests, under the name that
the providers show; what a provider that fails has missed is not in it. Stricter than the page: parts, keys and query
parameters that the page does not list are refused, and so is a session whose batches contradict each other.
https://docs.edgetag.io (Audience API)
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from datetime import date
from typing import Any, ClassVar, NamedTuple

from guestlist.sandbox._faults import Action
from guestlist.sandbox.core import Answer, Audience, Json, Platform, Refused, Request, digest, endpoint

PREFIX = "blotout_"
_KINDS = {"edgeTagId": "external_id", "email": "email", "phone": "phone"}
_TEXTS = (*_KINDS, "firstName", "lastName", "country", "postalCode")
_PARTS = {"name", "type", "batch", "users"}
_NUMBERS = ("sessionId", "sequence", "totalBatches", "totalUsers")
_PURCHASE = {"currency", "profit", "total7Days"}
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


class Batch(NamedTuple):
    """The header of a batch."""

    session: int
    sequence: int
    batches: int
    users: int


class EdgeTag(Platform):
    """One deployment of EdgeTag."""

    name = "edgetag"
    book_name = "edgetag"
    connection: ClassVar[Mapping[str, Json]] = {"endpoint": "{http}/edgetag"}
    defaults: ClassVar[Mapping[str, Json]] = {
        "providers": ["facebook", "tiktok", "klaviyo"],
        "failing_providers": [],
        "largest_batch": 10_000,  # the page recommends it; here nobody passes it unnoticed
    }

    @endpoint("POST", "/audience", "add")
    def audience(self, request: Request) -> Json:
        """Take one batch of an audience and hand it to the providers."""
        if not request.headers.get("content-type", "").startswith("multipart/form-data"):
            raise _said("Malformed request body, must be form data")
        unprefixed, sync = (_flag(request.query, name) for name in ("disablePrefix", "sync"))
        _only("query parameter", request.query, {"disablePrefix", "sync"})
        _only("part", request.form, _PARTS)
        name, kind = _text(request.form, "name"), _text(request.form, "type", "custom")
        if kind not in ("custom", "primary"):
            raise _payload("type is custom or primary")
        batch = _batch(_json(request.form, "batch"))
        users = _users(_json(request.form, "users"))
        request.rows = len(users)
        if not users:
            raise _said("The segment has no users")
        if len(users) > self.settings["largest_batch"]:
            raise _said("The batch is too large", 413)
        shown = name if unprefixed else PREFIX + name
        self._keep_session(batch, {"name": shown, "type": kind}, len(users))
        failed = self._hand_out(shown, kind, users, request.action)
        if failed and sync:
            return Answer(400, _failure([f"{provider}: upload failed" for provider in failed]))
        return {"success": True}

    def _keep_session(self, batch: Batch, facts: dict[str, Json], users: int) -> None:
        """All batches of a session agree, and together hold as many users as each of them says."""
        facts |= {"totalBatches": batch.batches, "totalUsers": batch.users}
        name = str(batch.session)
        known = self.records.get("session", name) or {"facts": facts, "taken": {}}
        if known["facts"] != facts:
            raise _payload("name, type, totalBatches and totalUsers are the same in all batches of a session")
        taken = known["taken"] | {str(batch.sequence): users}
        total = sum(taken.values())
        if len(taken) > batch.batches or total > batch.users or (len(taken) == batch.batches and total != batch.users):
            raise _payload("the batches of the session do not add up to totalBatches and totalUsers")
        self.records.put("session", name, {"facts": facts, "taken": taken})

    def _hand_out(self, name: str, kind: str, users: list[dict[str, Any]], action: Action) -> list[str]:
        """Each provider finds the segment by its name or creates it, then takes the users; gives those that failed."""
        audience = self._segment(name, kind)
        providers = self.settings["providers"]
        failed = [provider for provider in providers if action.fail_job or provider in self.settings["failing_providers"]]
        if not failed:
            self.book.add(audience, [key for user in users for key in _keys(user)])
        counts = audience.data["handed_out"]
        for provider in providers:
            counts[provider] = counts.get(provider, 0) + (0 if provider in failed else len(users))
        self.book.save(audience)
        return failed

    def _segment(self, name: str, kind: str) -> Audience:
        return self.book.get(name) or self.book.create(name, "", name, kind=kind, handed_out={})

    def error_named(self, code: str, action: Action) -> Answer:
        """The faults ``form``, ``payload``, ``no_users`` and ``provider``: the four documented refusals."""
        answers = {
            "form": _said("Malformed request body, must be form data").answer,
            "payload": _payload("the payload is corrupted or missing").answer,
            "no_users": _said("The segment has no users").answer,
            "provider": Answer(400, _failure(["facebook: upload failed"])),
        }
        if code not in answers:
            raise ValueError(f"edgetag has no error {code}; it has: {', '.join(answers)}")
        return answers[code]

    def unknown_path(self, request: Request) -> Answer:
        """A deployment has other paths; of these the sandbox knows nothing."""
        return _said("Not found", 404).answer


def _said(text: str, status: int = 400) -> Refused:
    return Refused(Answer(status, text, {"content-type": "text/plain; charset=utf-8"}))


def _payload(message: str) -> Refused:
    return Refused(Answer(400, _failure([f"Payload is corrupted or missing: {message}"])))


def _failure(errors: list[str]) -> Json:
    return {"success": False, "errors": errors}


def _only(what: str, given: Mapping[str, Any], known: set[str]) -> None:
    if unknown := sorted(set(given) - known):
        raise _payload(f"nobody documents the {what} {', '.join(unknown)}")


def _flag(query: Mapping[str, str], name: str) -> bool:
    value = query.get(name, "false")
    if value not in ("true", "false"):
        raise _payload(f"{name} is true or false")
    return value == "true"


def _text(form: Mapping[str, Any], name: str, default: str = "") -> str:
    value = form.get(name, default)
    if not isinstance(value, str) or not value:
        raise _payload(f"{name} is a text")
    return value


def _json(form: Mapping[str, Any], name: str) -> Json:
    try:
        return json.loads(_text(form, name))
    except ValueError:
        raise _payload(f"{name} is a JSON string") from None


def _batch(given: Json) -> Batch:
    if not isinstance(given, dict):
        raise _payload("batch is an object")
    _only("key of batch", given, {*_NUMBERS, "pullDate"})
    numbers = [given.get(name) for name in _NUMBERS]
    if not all(_whole(number) for number in numbers):
        raise _payload(f"{', '.join(_NUMBERS)} are numbers")
    batch = Batch(*numbers)  # type: ignore[arg-type]  # each was looked at
    if "pullDate" in given and not _is_day(given["pullDate"]):
        raise _payload("pullDate is YYYY-MM-DD")
    if not (batch.session > 0 and 0 <= batch.sequence <= batch.batches and batch.batches > 0 and batch.users > 0):
        raise _payload("sequence counts from 0 or 1 to totalBatches")
    return batch


def _whole(value: Json) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**53


def _is_day(value: Json) -> bool:
    if not isinstance(value, str) or not _DAY.fullmatch(value):
        return False
    try:
        return bool(date.fromisoformat(value))
    except ValueError:
        return False


def _users(given: Json) -> list[dict[str, Any]]:
    if not isinstance(given, list) or not all(isinstance(user, dict) for user in given):
        raise _payload("users is an array of objects")
    for user in given:
        _only("key of a user", user, {*_TEXTS, "purchase"})
        if not all(isinstance(value, str) for name, value in user.items() if name != "purchase"):
            raise _payload("all fields of a user but purchase are strings")
        if "purchase" in user:
            _check_purchase(user["purchase"])
    return given


def _check_purchase(purchase: Json) -> None:
    if not isinstance(purchase, dict):
        raise _payload("purchase is an object")
    _only("key of purchase", purchase, _PURCHASE)
    checks: Mapping[str, Callable[[Json], bool]] = {"currency": lambda value: isinstance(value, str)}
    for name, value in purchase.items():
        if not checks.get(name, lambda value: isinstance(value, int | float) and not isinstance(value, bool))(value):
            raise _payload(f"purchase.{name} has the wrong type")


def _keys(user: dict[str, Any]) -> list[tuple[str, str, float | None]]:
    """What identifies a user, as digests, and what the user is worth."""
    purchase = user.get("purchase", {})
    worth = purchase.get("profit", purchase.get("total7Days"))
    return [(kind, digest(user[name]), worth) for name, kind in _KINDS.items() if user.get(name)]


PLATFORM = EdgeTag
