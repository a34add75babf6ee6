"""Who may call Meta's Marketing API: the access token, its proof, the terms; and where a request carries its parameters."""

from __future__ import annotations

import hmac
from typing import Any

from guestlist.sandbox._meta_errors import refused
from guestlist.sandbox._state import Settings
from guestlist.sandbox.core import Request

ACCESS_TOKEN = "sandbox-token"  # noqa: S105 - a constant of the sandbox, in its documentation
APP_ID = "1"
APP_SECRET = "sandbox-app-secret"  # noqa: S105 - the same


def check(request: Request, settings: Settings) -> None:
    """Refuse a token that is none, has expired or lacks its proof."""
    params = params_of(request)
    token = request.bearer or params.get("access_token")
    if request.action.expire_token or not settings["token_valid"]:
        raise refused(190, 463)
    if not token:
        raise refused(104)
    if token != ACCESS_TOKEN:
        raise refused(190)
    proof = params.get("appsecret_proof")
    if proof is None and settings["require_appsecret_proof"]:
        raise refused(100, message="API calls from the server require an appsecret_proof argument")
    expected = hmac.new(APP_SECRET.encode(), ACCESS_TOKEN.encode(), "sha256").hexdigest()
    if proof is not None and not hmac.compare_digest(str(proof), expected):
        raise refused(100, message="Invalid appsecret_proof provided in the API argument")


def require_terms(settings: Settings) -> None:
    """Refuse an account that has not accepted what uploads need."""
    for setting, subcode in (
        ("terms_accepted", 1870034),
        ("linked_to_business", 1870050),
        ("business_terms_accepted", 1870092),
    ):
        if not settings[setting]:
            raise refused(200, subcode)


def params_of(request: Request) -> dict[str, Any]:
    """Query, form and JSON body alike; the Graph API does not mind where a parameter comes from."""
    params: dict[str, Any] = dict(request.query)
    if request.headers.get("content-type", "").startswith("application/json") and request.body:
        try:
            body = request.json()
        except ValueError:
            raise refused(100, message="The body is not JSON") from None
        if not isinstance(body, dict):
            raise refused(100, message="The body must be a JSON object")
        params |= body
    return params | dict(request.form)
