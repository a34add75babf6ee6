"""Idempotency-Key: for a day the same POST with the same key is answered with what it was answered before.

https://docs.whop.com/developer/api/idempotency
"""

from __future__ import annotations

from guestlist.sandbox._whop_errors import refused
from guestlist.sandbox.core import Answer, Platform, Refused, Request, digest

_DAY = 86_400
_LONGEST = 255
_REPLAYED = "idempotent-replayed"


class Replays:
    """The answers of one platform that were given under a key; keys are those of one caller."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform

    def look(self, request: Request) -> None:
        """Before a request acts: raise what it was answered before, refusals included; 400 if it was another request."""
        key = request.headers.get("idempotency-key")
        if key is None or request.method != "POST":
            return
        if not 0 < len(key.encode()) <= _LONGEST:
            raise refused(400, "Idempotency-Key must have 1 to 255 bytes")
        known = self._platform.records.get("replay", self._name(request))
        if known is None or known["ends"] <= self._platform.clock.now():
            return
        if known["request"] != _fingerprint(request):
            raise refused(400, "Idempotency-Key was used with another request", "idempotency_key_mismatch")
        raise Refused(Answer(known["status"], known["body"], {_REPLAYED: "true"}))

    def keep(self, request: Request, answer: Answer) -> None:
        """After a request has acted or was refused. What failed on our side is not kept, nor is who nobody knows."""
        acted = request.method == "POST" and "idempotency-key" in request.headers
        if not acted or _REPLAYED in answer.headers or answer.status >= 500 or answer.status in (401, 429):
            return
        mismatch = isinstance(answer.body, dict) and "idempotency_key_mismatch" in str(answer.body.get("error"))
        if not mismatch:
            facts = {"request": _fingerprint(request), "status": answer.status, "body": answer.body}
            self._platform.records.put("replay", self._name(request), {**facts, "ends": self._platform.clock.now() + _DAY})

    @staticmethod
    def _name(request: Request) -> str:
        return digest(f"{request.bearer}|{request.headers['idempotency-key']}")


def _fingerprint(request: Request) -> str:
    version = request.headers.get("api-version-date", "")
    query = sorted(request.query.items())
    return digest(f"{request.method}|{request.path}|{query}|{version}|{request.body.decode('utf-8', 'replace')}")
