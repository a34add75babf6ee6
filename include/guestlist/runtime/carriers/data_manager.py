"""Google's Data Manager API over its official client, `google-ads-datamanager`, with our own retries instead of its own."""

from __future__ import annotations

from typing import Any

import msgspec
from google.ads import datamanager_v1 as dm
from google.api_core.exceptions import GoogleAPICallError, RetryError
from google.auth.exceptions import GoogleAuthError
from google.protobuf import json_format

from guestlist.destinations._google import GoogleSettings
from guestlist.model.conversation import Call, Json, Reply
from guestlist.model.errors import ConfigError
from guestlist.runtime.carriers._answers import LastAnswer, network_errors
from guestlist.runtime.carriers._google_credentials import (
    TokenRequest,
    auth_error,
    google_credentials,
    keep_google_quiet,
    refresh,
)

_SCOPE = "https://www.googleapis.com/auth/datamanager"
_LISTS = {
    "CreateUserList": ("create_user_list", dm.CreateUserListRequest),
    "GetUserList": ("get_user_list", dm.GetUserListRequest),
    "ListUserLists": ("list_user_lists", dm.ListUserListsRequest),
}
_MEMBERS = ("IngestAudienceMembers", "RemoveAudienceMembers")
_UPLOADS = {
    "RemoveAllAudienceMembers": ("remove_all_audience_members", dm.RemoveAllAudienceMembersRequest),
    "RetrieveRequestStatus": ("retrieve_request_status", dm.RetrieveRequestStatusRequest),
}


class DataManagerCarrier:
    """One account's connection, over REST: the same way in production and against any other server."""

    def __init__(self, settings: GoogleSettings) -> None:
        """Make both clients; nothing is sent yet."""
        keep_google_quiet()
        self._settings = settings
        self._credentials = google_credentials(settings, _SCOPE)
        self._tokens = TokenRequest(settings)
        options = {"api_endpoint": settings.endpoint.rstrip("/")} if settings.endpoint else {}
        client: dict[str, Any] = {"credentials": self._credentials, "transport": "rest", "client_options": options}
        self._uploads = dm.IngestionServiceClient(**client)
        self._lists = dm.UserListServiceClient(**client)
        # the clients' own sessions are the only way to headers and broken answers, and to leave refreshes to the driver
        sessions = {id(service): service.transport._session for service in (self._uploads, self._lists)}  # noqa: SLF001
        for session in sessions.values():
            session._max_refresh_attempts = 0  # noqa: SLF001
            session._auth_request = self._tokens  # noqa: SLF001
        self._answers = {name: LastAnswer(session) for name, session in sessions.items()}

    def send(self, call: Call) -> Reply:
        """``method`` names the RPC, ``path`` its parent or name, ``body`` is the request as JSON (enums by name)."""
        if call.method in _MEMBERS:
            return self._send_members(call)
        service, name, request = self._request(call)
        answer = self._answers[id(service)]
        answer.forget()
        with network_errors("Google"):
            try:
                response = getattr(service, name)(
                    request=request, retry=None, timeout=self._settings.timeout_seconds, metadata=self._metadata(call)
                )
            except GoogleAuthError as error:
                raise auth_error(error) from None
            except (GoogleAPICallError, RetryError):
                return answer.reply()
            except (AttributeError, TypeError, ValueError, RecursionError, json_format.ParseError):  # its parser cannot read it
                return _malformed(answer.reply())
        reply = answer.reply()
        if not isinstance(reply.body, dict):
            return _malformed(reply)  # the client takes some of these for an empty message
        # the pager of list_user_lists wraps its first page
        message = getattr(response, "_response", response)
        return Reply(reply.status, json_format.MessageToDict(type(message).pb(message)), reply.headers, reply.request_id)

    def _send_members(self, call: Call) -> Reply:
        """Over the client's own signed session, past its encoder, which writes indented JSON in Python."""
        transport = self._uploads.transport
        answer = self._answers[id(self._uploads)]
        answer.forget()
        with network_errors("Google"):
            try:
                transport._session.post(  # noqa: SLF001
                    f"{transport._host}/v1/{call.path}",  # noqa: SLF001
                    data=msgspec.json.encode(call.body),
                    headers={"content-type": "application/json"},
                    timeout=self._settings.timeout_seconds,
                )
            except GoogleAuthError as error:
                raise auth_error(error) from None
        reply = answer.reply()
        return reply if isinstance(reply.body, dict) else _malformed(reply)

    def _request(self, call: Call) -> tuple[Any, str, Any]:
        if call.method in _UPLOADS:
            name, kind = _UPLOADS[call.method]
            return self._uploads, name, _parsed(call.body, kind)
        if call.method not in _LISTS:
            raise ConfigError(f"the Data Manager carrier knows no call {call.method!r}")
        name, kind = _LISTS[call.method]
        where = {"CreateUserList": "parent", "ListUserLists": "parent", "GetUserList": "name"}[call.method]
        body = {"userList": call.body} if call.method == "CreateUserList" else dict(call.body or {})
        return self._lists, name, _parsed({where: call.path, **body}, kind)

    def _metadata(self, call: Call) -> list[tuple[str, str]]:
        """Lists take the manager account as a header; uploads have it in the body."""
        manager = self._settings.login_customer_id
        if call.method not in _LISTS or not manager:
            return []
        return [("login-account", f"accountTypes/GOOGLE_ADS/accounts/{manager}")]

    def refresh(self) -> None:
        """Get a fresh access token."""
        refresh(self._credentials, self._tokens)

    def close(self) -> None:
        """Close the connections."""
        for service in (self._uploads, self._lists):
            service.transport.close()


def _parsed(body: Json, kind: Any) -> Any:
    message = kind.pb(kind())
    json_format.ParseDict(body, message)
    return kind.wrap(message)


def _malformed(reply: Reply) -> Reply:
    """An answer that is no message of the API; nobody knows more of it than its status."""
    return reply if reply.status >= 400 else Reply(reply.status, None, reply.headers, reply.request_id, malformed=True)


CARRIER = DataManagerCarrier
