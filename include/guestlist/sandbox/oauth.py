"""The token endpoint that Google's doors share: refresh tokens and service-account assertions in, access tokens out.

Accepted out of the box (constants of the sandbox, not secrets): client ``sandbox-client`` with secret ``sandbox-secret`` and
refresh token ``sandbox-refresh``; or the service account whose key file the sandbox writes to ``service-account.json``.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key

from guestlist.sandbox.core import Answer, Json, Platform, Refused, Request, endpoint

CLIENT_ID = "sandbox-client"
CLIENT_SECRET = "sandbox-secret"  # noqa: S105 - a constant of the sandbox, in its documentation
REFRESH_TOKEN = "sandbox-refresh"  # noqa: S105 - the same
DATA_MANAGER = "https://www.googleapis.com/auth/datamanager"
ADWORDS = "https://www.googleapis.com/auth/adwords"
_SCOPES = [DATA_MANAGER, ADWORDS]
_ASSERTION = "urn:ietf:params:oauth:grant-type:jwt-bearer"
_GOOGLES_OWN = "https://oauth2.googleapis.com/token"  # google-auth signs for it whatever the key file's token_uri says
_ACCOUNT = "sandbox@guestlist-sandbox.iam.gserviceaccount.com"


class OAuth(Platform):
    """The token endpoint."""

    name = "oauth"
    book_name = "oauth"
    defaults: ClassVar[Mapping[str, Json]] = {"token_seconds": 3600, "grant_revoked": False}

    @endpoint("POST", "/token", "token")
    def token(self, request: Request) -> Answer:
        """Give out an access token."""
        form = {name: value for name, value in request.form.items() if isinstance(value, str)}
        if self.settings["grant_revoked"]:
            raise _refused(400, "invalid_grant", "Token has been expired or revoked.")
        match form.get("grant_type"):
            case "refresh_token":
                scopes = self._by_refresh_token(form)
            case grant if grant == _ASSERTION:
                scopes = self._by_assertion(form.get("assertion", ""))
            case _:
                raise _refused(400, "unsupported_grant_type", "grant_type must be refresh_token or jwt-bearer")
        seconds = self.settings["token_seconds"]
        body = {
            "access_token": self.world.tokens.issue(scopes, seconds),
            "expires_in": seconds,
            "token_type": "Bearer",
            "scope": " ".join(scopes),
        }
        return Answer(200, body, {"cache-control": "no-store"})

    def _by_refresh_token(self, form: dict[str, str]) -> list[str]:
        if (form.get("client_id"), form.get("client_secret")) != (CLIENT_ID, CLIENT_SECRET):
            raise _refused(401, "invalid_client", "The OAuth client was not found.")
        if form.get("refresh_token") != REFRESH_TOKEN:
            raise _refused(400, "invalid_grant", "Bad Request")
        return _granted(form.get("scope"))

    def _by_assertion(self, assertion: str) -> list[str]:
        key = load_pem_private_key(_service_key(self.world.state_dir).encode(), None)
        try:
            claims: dict[str, Any] = jwt.decode(
                assertion,
                key.public_key(),  # type: ignore[arg-type]  # the union is wider than what we wrote
                algorithms=["RS256"],
                audience=[self.world.addresses["token_uri"], _GOOGLES_OWN],
                options={"require": ["iss", "aud", "exp", "iat"]},
            )
        except jwt.InvalidTokenError:
            raise _refused(400, "invalid_grant", "Invalid JWT: it is not signed by the key, not for us, or not now.") from None
        if claims["iss"] != _ACCOUNT or claims["exp"] - claims["iat"] > 3600:
            raise _refused(400, "invalid_grant", "Invalid JWT: wrong issuer, or a life above one hour.")
        return _granted(claims.get("scope"))


def _granted(scope: str | None) -> list[str]:
    wanted = (scope or " ".join(_SCOPES)).split()
    if refused := [name for name in wanted if name not in (*_SCOPES, "https://www.googleapis.com/auth/cloud-platform")]:
        raise _refused(400, "invalid_scope", f"Some requested scopes were invalid: {refused}")
    return wanted


def _refused(status: int, error: str, description: str) -> Refused:
    return Refused(Answer(status, {"error": error, "error_description": description}))


def _service_key(state_dir: Path) -> str:
    return str(json.loads((state_dir / "service-account.json").read_text())["private_key"])


def write_service_account(state_dir: Path, token_uri: str) -> Path:
    """Write the key file of the sandbox's service account; the key is made once, the address each time."""
    path = state_dir / "service-account.json"
    if path.exists():
        private_key = _service_key(state_dir)
    else:
        key = rsa.generate_private_key(65537, 2048)
        private_key = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    path.touch(mode=0o600)
    account = {
        "type": "service_account",
        "project_id": "guestlist-sandbox",
        "private_key_id": "sandbox",
        "private_key": private_key,
        "client_email": _ACCOUNT,
        "client_id": "1",
        "token_uri": token_uri,
    }
    path.write_text(json.dumps(account, indent=2))
    return path


PLATFORM = OAuth
