"""Google credentials from a connection's settings: an OAuth client with a refresh token, or a service account's key file."""

from __future__ import annotations

import json
from typing import Any, Self

import requests
from google.auth.exceptions import GoogleAuthError, RefreshError, TransportError
from google.auth.transport.requests import Request
from google.oauth2 import credentials as oauth
from google.oauth2 import service_account

from guestlist.destinations._google import GoogleSettings
from guestlist.destinations._reading import count, text
from guestlist.model.errors import AuthError, ConfigError, GuestlistError, TransientError
from guestlist.runtime.carriers._bodies import bounded
from guestlist.runtime.carriers._sign_in import trouble
from guestlist.runtime.carriers._vendors import alone, keep_quiet


class _ServiceAccount(service_account.Credentials):  # type: ignore[misc]  # google-auth has no types
    """Gets its tokens from the key file's token endpoint, also where the clients would rather sign tokens of their own."""

    def with_always_use_jwt_access(self, _wish: object) -> Self:
        """The same credential, not a copy: `refresh` must reach the one that the client uses."""
        return self


def keep_google_quiet() -> None:
    """Google's clients attach whole requests and tokens to their log records at DEBUG, and some failed ones at WARNING."""
    keep_quiet("google.ads", "google.auth", "google.oauth2")


def google_credentials(settings: GoogleSettings, scope: str) -> Any:
    """The credential; nothing is sent yet."""
    if settings.service_account_file:
        try:
            return _ServiceAccount.from_service_account_file(settings.service_account_file, scopes=[scope])
        except (OSError, ValueError):
            raise ConfigError("service_account_file is not there or is not a service account's key file") from None
    return oauth.Credentials(
        None,
        refresh_token=settings.refresh_token.get_secret_value() if settings.refresh_token else None,
        client_id=settings.client_id,
        client_secret=settings.client_secret.get_secret_value() if settings.client_secret else None,
        token_uri=settings.token_uri,
        scopes=[scope],
    )


class TokenRequest(Request):  # type: ignore[misc]  # google-auth has no types
    """The way to the token endpoint: with the connection's time-out, and without google-auth's own retries and sleeps.

    What is no answer to a sign-in is told here, because google-auth takes it for a refusal of the credential, or breaks on it.
    """

    def __init__(self, settings: GoogleSettings) -> None:
        """Remember the time-out."""
        super().__init__(bounded(requests.Session()))
        self._timeout = settings.timeout_seconds

    def __call__(self, *arguments: Any, **options: Any) -> Any:
        """Ask once.

        Raises:
            TransientError: what came is no answer. ProtocolError: it is one without an access token.
        """
        answer = super().__call__(*arguments, **{**options, "timeout": self._timeout})
        try:
            body = json.loads(answer.data)
        except (ValueError, RecursionError):
            body = None
        headers = {name.lower(): value for name, value in answer.headers.items()}
        if error := trouble(answer.status, headers, malformed=body is None):
            raise error
        if answer.status < 400:
            text(body, "access_token")
            count(body, "expires_in")
        return answer


def refresh(credentials: Any, request: TokenRequest) -> None:
    """Get a fresh access token now."""
    with alone():
        try:
            credentials.refresh(request)
        except GoogleAuthError as error:
            raise auth_error(error) from None


def auth_error(error: GoogleAuthError) -> GuestlistError:
    """What google-auth raised, without its text, which may quote the answer of the token endpoint."""
    if isinstance(error, TransportError) or (isinstance(error, RefreshError) and error.retryable):
        return TransientError("Google's token endpoint cannot be reached")
    return AuthError("Google does not give an access token: the refresh token is revoked or the client is wrong; consent again")
