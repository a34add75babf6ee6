"""Meta over its official SDK, `facebook-business`: versions, signatures and encoding are its own; its faults are cured here.

The cures (docs/platforms/meta.md tells more): no global default and no crash reporter (`FacebookAdsApi.init` is not used);
a time-out; answers are read before the SDK interprets them, since it takes an HTML error page for a success and breaks on
some others; its exceptions, which quote the whole request, never leave this file.
"""

from __future__ import annotations

import string
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote_plus

import msgspec
import requests
from facebook_business.api import FacebookAdsApi
from facebook_business.exceptions import FacebookError
from facebook_business.session import FacebookSession

from guestlist.destinations.meta import MetaSettings
from guestlist.model.conversation import Call, Json, Reply
from guestlist.runtime.carriers._answers import LastAnswer, network_errors

_PUNCTUATION = {mark: quote_plus(mark) for mark in '"[]{},:'}
_SIMPLE = str.maketrans("", "", string.ascii_letters + string.digits + "_.-~" + "".join(_PUNCTUATION))


class MetaCarrier:
    """One ad account's connection to the Graph API."""

    def __init__(self, settings: MetaSettings) -> None:
        """Sign in; nothing is sent yet."""
        session = FacebookSession(
            app_id=settings.app_id,
            app_secret=settings.app_secret.get_secret_value() if settings.app_secret else None,
            access_token=settings.access_token.get_secret_value(),
            timeout=settings.timeout_seconds,
        )
        signed = session.requests
        session.requests = _Requests()
        session.requests.params, session.requests.verify = signed.params, signed.verify
        if settings.endpoint:
            session.GRAPH = settings.endpoint.rstrip("/")
        if settings.ca_file:
            session.requests.verify = settings.ca_file
        self._session = session
        self._answer = LastAnswer(session.requests)
        self._api = FacebookAdsApi(session, api_version=settings.api_version)

    def send(self, call: Call) -> Reply:
        """``path`` is below the version; ``body`` are the parameters: in the address of a GET, in the form of a POST."""
        self._answer.forget()
        with network_errors("Meta"):
            try:
                self._api.call(call.method, tuple(call.path.split("/")), params=_parameters(call.body or {}))
            except FacebookError:
                return self._answer.reply()
            except (
                TypeError,
                AttributeError,
                ValueError,
                LookupError,
                RecursionError,
            ):  # the SDK, on an error of a form that it does not expect
                if not self._answer.came:
                    raise
        return self._answer.reply()

    def refresh(self) -> None:
        """A system user's token is not refreshed; a person makes a new one."""

    def close(self) -> None:
        """Close the connections."""
        self._session.requests.close()


class _Requests(requests.Session):
    """Encodes forms by itself: `requests` looks at each of a payload's millions of characters in Python."""

    def request(self, method: str, url: str, data: Any = None, headers: Any = None, **options: Any) -> requests.Response:  # type: ignore[override]
        """As the base has it; ``data`` is a form."""
        if data:
            data = "&".join(f"{quote_plus(name)}={_quoted(str(value))}" for name, value in data.items())
            headers = {**(headers or {}), "content-type": "application/x-www-form-urlencoded"}
        return super().request(method, url, data=data, headers=headers, **options)


def _parameters(body: Mapping[str, Json]) -> dict[str, Json]:
    """Values of more than one part as JSON: the SDK's own encoder knows no text that is JSON already."""
    return {
        name: msgspec.json.encode(value).decode() if isinstance(value, dict | list | bool) else value
        for name, value in body.items()
    }


def _quoted(text: str) -> str:
    """As `quote_plus`, at once for what payloads of hashes are made of."""
    if text.translate(_SIMPLE):
        return quote_plus(text)
    for character, quoted in _PUNCTUATION.items():
        text = text.replace(character, quoted)
    return text


CARRIER = MetaCarrier
