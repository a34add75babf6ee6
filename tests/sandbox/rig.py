"""Short ways to talk to a running sandbox, as a client without an SDK would."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import httpx

from guestlist.sandbox.server import Sandbox

ACCOUNT = "1234567890"


def digest(text: object) -> str:
    return hashlib.sha256(str(text).encode()).hexdigest()


class Rig:
    """The sandbox, and short ways to talk to it as a client without an SDK would."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.http = httpx.Client(base_url=sandbox.http_url, timeout=30)
        self._token = ""

    def admin(self, method: str, path: str, body: Any = None) -> Any:
        reply = self.http.request(method, f"/admin/{path}", json=body)
        assert reply.status_code == 200, reply.text
        return reply.json()

    def advance(self, seconds: float) -> None:
        self.admin("POST", "clock", {"advance": seconds})

    def settings(self, door: str, **values: Any) -> None:
        self.admin("POST", f"settings/{door}", values)

    def fault(self, door: str, action: dict[str, Any], path: str = "", **more: Any) -> None:
        self.admin("POST", f"faults/{door}", {"faults": [{"match": {"path": path}, "action": action, **more}]})

    def keys(self, book: str, audience: str) -> dict[str, list[str]]:
        return self.admin("GET", f"books/{book}/{audience}")["keys"]

    def log(self, door: str) -> list[dict[str, Any]]:
        return self.admin("GET", f"requests/{door}")["requests"]

    def token(self, **form: str) -> str:
        asked = {"grant_type": "refresh_token", "client_id": "sandbox-client", "client_secret": "sandbox-secret"}
        reply = self.http.post("/oauth/token", data={**asked, "refresh_token": "sandbox-refresh", **form})
        assert reply.status_code == 200, reply.text
        return reply.json()["access_token"]

    @property
    def bearer(self) -> dict[str, str]:
        self._token = self._token or self.token()
        return {"authorization": f"Bearer {self._token}"}

    # Meta

    def meta(self, verb: str, path: str, *, token: str = "sandbox-token", query: Any = None, **form: Any) -> httpx.Response:
        sent = {name: value if isinstance(value, str) else json.dumps(value) for name, value in form.items()}
        params = {"access_token": token, **(query or {})}
        return self.http.request(verb, f"/meta/v26.0/{path}", params=params, data=sent or None)

    def meta_audience(self, **more: Any) -> str:
        reply = self.meta("POST", "act_77/customaudiences", name="Lapsed", subtype="CUSTOM", **more)
        assert reply.status_code == 200, reply.text
        return reply.json()["id"]

    # Data Manager

    def dm(self, method: str, path: str, body: Any = None, *, headers: Any = None, **params: Any) -> httpx.Response:
        sent = {**self.bearer, **(headers or {})}
        return self.http.request(method, f"/data_manager/v1/{path}", json=body, params=params, headers=sent)

    def dm_list(self, name: str = "Lapsed", kind: str = "CONTACT_ID", **more: Any) -> str:
        body = {"displayName": name, "description": "d", "ingestedUserListInfo": {"uploadKeyTypes": [kind]}, **more}
        if kind == "MOBILE_ID":
            body["ingestedUserListInfo"]["mobileIdInfo"] = {"keySpace": "IOS", "appId": "1"}
        reply = self.dm("POST", f"accountTypes/GOOGLE_ADS/accounts/{ACCOUNT}/userLists", body)
        assert reply.status_code == 200, reply.text
        return reply.json()["id"]


def destination(number: str, **more: Any) -> dict[str, Any]:
    return {"operatingAccount": {"accountType": "GOOGLE_ADS", "accountId": ACCOUNT}, "productDestinationId": number, **more}


def member(*identifiers: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"compositeData": {"userData": {"userIdentifiers": list(identifiers)}}, **more}


def ingest_body(number: str, members: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
    granted = {"adUserData": "CONSENT_GRANTED", "adPersonalization": "CONSENT_GRANTED"}
    return {
        "destinations": [destination(number)],
        "audienceMembers": members,
        "consent": granted,
        "encoding": "HEX",
        "termsOfService": {"customerMatchTermsOfServiceStatus": "ACCEPTED"},
        **more,
    }
