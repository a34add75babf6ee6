"""Google credentials from a connection's settings: an OAuth client with a refresh token, or a service account's key file."""

from __future__ import annotations

from typing import Any

from google.auth.exceptions import GoogleAuthError, RefreshError, TransportError
from google.auth.transport.requests import Request
from google.oauth2 import credentials as oauth
from google.oauth2 import service_account

from guestlist.destinations._google import GoogleSettings
from guestlist.model.errors import AuthError, ConfigError, GuestlistError, TransientError


def google_credentials(settings: GoogleSettings, scope: str) -> Any:
    """The credential; nothing is sent yet."""
    if settings.service_account_file:
        try:
            return service_account.Credentials.from_service_account_file(settings.service_account_file, scopes=[scope])
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


def refresh(credentials: Any) -> None:
    """Get a fresh access token now."""
    try:
        credentials.refresh(Request())
    except GoogleAuthError as error:
        raise auth_error(error) from None


def auth_error(error: GoogleAuthError) -> GuestlistError:
    """What google-auth raised, without its text, which may quote the answer of the token endpoint."""
    if isinstance(error, TransportError) or (isinstance(error, RefreshError) and error.retryable):
        return TransientError("Google's token endpoint cannot be reached")
    return AuthError("Google does not give an access token: the refresh token is revoked or the client is wrong; consent again")
