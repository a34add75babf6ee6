"""TikTok's envelope and its return codes: HTTP stays 200, the code in the body decides.

https://business-api.tiktok.com/portal/docs?id=1737172488964097
"""

from __future__ import annotations

import secrets

from guestlist.sandbox.core import Answer, Json, Refused

_MESSAGES = {
    "20001": "Partial success",
    "40000": "Bad request",
    "40001": "No permission to operate on this advertiser",
    "40002": "Invalid parameter",
    "40002/processing": "The audience is processing and cannot be updated",
    "40002/not_editable": "The audience is not editable",
    "40002/unfinished_replace": "There is an existing unfinished replace; at most one replace per day is advised",
    "40006": "This API version is not supported",
    "40007": "The object does not exist",
    "40008": "The endpoint is not supported",
    "40009": "The endpoint is not supported in the sandbox",
    "40010": "The endpoint is deprecated",
    "40011": "Too many ids",
    "40014": "The endpoint is not available",
    "40016": "Too many requests of the app",
    "40050": "Duplicated request",
    "40051": "Misuse of the endpoint",
    "40100": "Too many requests",
    "40101": "The auth code has expired",
    "40102": "The access token has expired",
    "40104": "The access token is empty: put it into the header Access-Token",
    "40105": "The access token is incorrect or has been revoked",
    "40106": "The core user is not the expected one",
    "40110": "The auth code is invalid",
    "40113": "The app id is invalid",
    "40115": "The app secret is invalid",
    "40118": "The app is not on the allow-list",
    "40119": "The app belongs to another company",
    "40125": "No permission",
    "40132": "Too many requests with this value of a field",
    "40133": "Too many requests of the advertiser",
    "40200": "Task error",
    "40201": "The task is not ready",
    "40202": "Write conflict",
    "40300": "The object does not exist",
    "40301": "The advertiser does not exist",
    "40700": "Internal validation error",
    "40900": "The file signature does not match",
    "40905": "The file does not exist",
    "40906": "The file is empty",
    "40907": "The file is too large",
    "40908": "The file type is not supported",
    "40909": "The calculate_type is wrong",
    "40910": "The file has expired",
    "40914": "The file is invalid",
    "40915": "The file does not follow the specification",
    "41001": "Misuse of the sandbox",
    "50000": "System error",
    "50002": "Internal service error",
    "51305": "Internal service error",
    "60001": "The service is under maintenance",
}


def envelope(data: Json = None, code: int = 0, message: str = "OK") -> Answer:
    """An answer in the form that all of them have."""
    number = secrets.token_hex(16)
    body = {"code": code, "message": message, "request_id": number, "data": {} if data is None else data}
    return Answer(200, body, {"x-tt-logid": number})


def refused(code: str, message: str = "") -> Refused:
    """The refusal of that code; ``40002/processing`` and its kin are the same code with another message."""
    return Refused(named(code, message))


def named(code: str, message: str = "") -> Answer:
    """The answer of that code; `ValueError` if it is not documented."""
    if code not in _MESSAGES:
        raise ValueError(f"tiktok_ads has no error {code}; it has: {', '.join(_MESSAGES)}")
    return envelope(code=int(code.partition("/")[0]), message=message or _MESSAGES[code])


def bad(what: str) -> Refused:
    """A parameter that is missing, unknown or wrong."""
    return refused("40002", f"Invalid parameter: {what}")
