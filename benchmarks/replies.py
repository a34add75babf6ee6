"""Meta and Google within this process: every request of the library `requests` is read to its end and answered at once."""

from __future__ import annotations

import io
import json
import re
import threading
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3 import HTTPResponse

_MEMBERS = {"meta": b"%5D%2C%5B", "google_ads": b'{"compositeData"'}
"""What stands between two members of Meta's form, and before each of Data Manager's."""
_USAGE = {
    "x-business-use-case-usage": '{"1": [{"type": "custom_audience", "call_count": 1, "total_cputime": 1, "total_time": 1}]}'
}


class Platforms:
    """Answers in place of the network, and counts the members that came."""

    def __init__(self) -> None:
        """From now on, for all sessions of this process."""
        self.members = 0
        self.requests = 0
        self._counting = threading.Lock()  # several requests may come at once
        HTTPAdapter.send = self._answer  # type: ignore[method-assign, assignment]

    def _answer(self, request: requests.PreparedRequest, **_options: Any) -> requests.Response:
        body = _whole(request.body)
        path = urlsplit(request.url or "").path
        response = requests.Response()
        response.status_code, response.request, response.url = 200, request, request.url or ""
        response.headers.update({"content-type": "application/json", **_USAGE})
        answer = io.BytesIO(json.dumps(self._body(request.method or "", path, body)).encode())
        response.raw = HTTPResponse(answer, status=200, preload_content=False)
        return response

    def _body(self, method: str, path: str, body: bytes) -> Mapping[str, Any]:
        if path == "/token":
            return {"access_token": "t", "expires_in": 3600, "token_type": "Bearer"}
        if path.endswith("/users"):
            count = body.count(_MEMBERS["meta"]) + 1
            self._count(count)
            return {"audience_id": "1", "session_id": "1", "num_received": count, "num_invalid_entries": 0}
        if path.endswith("audienceMembers:ingest"):
            return {"requestId": f"request-{self._count(body.count(_MEMBERS['google_ads']))}"}
        if path.endswith("/customaudiences"):
            return {"id": "1"} if method == "POST" else {"data": []}
        if re.search(r"/userLists$", path):
            return {"id": "1", "displayName": "Bench"} if method == "POST" else {"userLists": []}
        raise AssertionError(f"no platform answers {method} {path}")

    def _count(self, members: int) -> int:
        """Enter a request's members; returns its number."""
        with self._counting:
            self.members += members
            self.requests += 1
            return self.requests


def _whole(body: Any) -> bytes:
    """A body as it would go over the line: text, bytes, or pieces of them."""
    if isinstance(body, str):
        return body.encode()
    return body if isinstance(body, bytes) else b"".join(map(_whole, body or ()))
