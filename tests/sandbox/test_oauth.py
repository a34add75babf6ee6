"""The token endpoint and what the Google doors make of its tokens."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from google.auth.transport.requests import Request
from google.oauth2 import service_account
from sandbox.rig import ACCOUNT, Rig

LISTS = f"/data_manager/v1/accountTypes/GOOGLE_ADS/accounts/{ACCOUNT}/userLists"
SCOPE = "https://www.googleapis.com/auth/datamanager"


@pytest.mark.parametrize(
    ("form", "status", "error"),
    [
        ({"client_secret": "wrong"}, 401, "invalid_client"),
        ({"refresh_token": "wrong"}, 400, "invalid_grant"),
        ({"grant_type": "password"}, 400, "unsupported_grant_type"),
        ({"scope": "https://www.googleapis.com/auth/drive"}, 400, "invalid_scope"),
    ],
)
def test_wrong_credentials_are_refused(rig: Rig, form: dict[str, str], status: int, error: str) -> None:
    asked = {"grant_type": "refresh_token", "client_id": "sandbox-client", "client_secret": "sandbox-secret"}
    reply = rig.http.post("/oauth/token", data={**asked, "refresh_token": "sandbox-refresh", **form})
    assert (reply.status_code, reply.json()["error"]) == (status, error)


def test_a_revoked_grant(rig: Rig) -> None:
    rig.settings("oauth", grant_revoked=True)
    asked = {"grant_type": "refresh_token", "client_id": "sandbox-client", "client_secret": "sandbox-secret"}
    reply = rig.http.post("/oauth/token", data={**asked, "refresh_token": "sandbox-refresh"})
    assert (reply.status_code, reply.json()["error"]) == (400, "invalid_grant")


def test_missing_unknown_and_expired_tokens(rig: Rig) -> None:
    assert rig.http.get(LISTS).status_code == 401
    assert rig.http.get(LISTS, headers={"authorization": "Bearer nonsense"}).status_code == 401
    rig.settings("oauth", token_seconds=0)
    late = rig.http.get(LISTS, headers={"authorization": f"Bearer {rig.token()}"})
    assert late.json()["error"]["status"] == "UNAUTHENTICATED"
    assert late.json()["error"]["details"][0]["reason"] == "ACCESS_TOKEN_EXPIRED"


def test_the_fault_expires_the_token_for_good(rig: Rig) -> None:
    bearer = {"authorization": f"Bearer {rig.token()}"}
    rig.fault("data_manager", {"expire_token": True})
    assert [rig.http.get(LISTS, headers=bearer).status_code for _ in range(2)] == [401, 401]


def test_a_token_of_another_scope_is_refused(rig: Rig) -> None:
    bearer = {"authorization": f"Bearer {rig.token(scope='https://www.googleapis.com/auth/adwords')}"}
    reply = rig.http.get(LISTS, headers=bearer)
    assert reply.status_code == 403
    assert reply.json()["error"]["details"][0]["reason"] == "ACCESS_TOKEN_SCOPE_INSUFFICIENT"


def test_the_service_account_file_works_with_google_auth(rig: Rig) -> None:
    file = rig.admin("GET", "health")["service_account_file"]
    credentials = service_account.Credentials.from_service_account_file(file, scopes=[SCOPE])
    credentials.refresh(Request())
    assert rig.http.get(LISTS, headers={"authorization": f"Bearer {credentials.token}"}).status_code == 200


def test_an_assertion_signed_by_somebody_else_is_refused(rig: Rig, tmp_path: Path) -> None:
    from cryptography.hazmat.primitives.asymmetric import rsa
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
    from google.auth.exceptions import RefreshError

    data = json.loads(Path(rig.admin("GET", "health")["service_account_file"]).read_text())
    key = rsa.generate_private_key(65537, 2048)
    data["private_key"] = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    credentials = service_account.Credentials.from_service_account_info(data, scopes=[SCOPE])
    with pytest.raises(RefreshError, match="invalid_grant"):
        credentials.refresh(Request())
