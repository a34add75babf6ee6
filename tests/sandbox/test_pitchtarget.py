"""PitchTarget's emulator: what its pages document, as plain requests."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from sandbox.rig import Rig, digest

TOKEN = {"authorization": "OAuth sandbox-token"}
LOGIN = {"username": "sandbox-user", "password": "sandbox-password", "grant_type": "password", "client_id": "sandbox-client"}
FORM = {"fb_ad_account_id": "2", "name": "Spending users", "user_type": "email_hash"}
ADA, BOB = digest("ada@example.com"), digest("bob@example.com")
AD_ID = "aebe52e7-03ee-455a-b3c4-e57283966239"


def send(rig: Rig, method: str = "POST", path: str = "", lines: str | None = ADA, **parts: Any) -> httpx.Response:
    """A request that is right but for what is given; a part that is None is left out."""
    given = {**(FORM if method == "POST" else {name: FORM[name] for name in ("fb_ad_account_id", "user_type")}), **parts}
    kind = given.pop("kind", "text/plain")
    form: dict[str, Any] = {name: (None, value) for name, value in given.items() if value is not None}
    if lines is not None:
        form["file"] = ("spending_users.csv", lines, kind)
    return rig.http.request(method, f"/pitchtarget/custom_audiences{path}", files=form, headers=TOKEN)


def get(rig: Rig, path: str, **query: Any) -> Any:
    return rig.http.get(f"/pitchtarget/{path}", params=query, headers=TOKEN)


def made(rig: Rig, **parts: Any) -> str:
    number = send(rig, **parts).json()["fb_custom_audience"]["id"]
    rig.advance(301)
    return str(number)


def test_the_page_s_own_example(rig: Rig) -> None:
    optional = {"description": "Users who bought something on my site", "opt_out_link": "http://www.myshop.com/opt_out"}
    reply = send(rig, **optional)
    assert reply.status_code == 201
    assert reply.headers["x-request-id"]
    assert reply.json() == {
        "fb_custom_audience": {
            "id": 54,
            "name": "Spending users",
            "description": None,
            "opt_out_link": "http://www.myshop.com/opt_out",
            "user_type": "email_hash",
            "fb_id": None,
        }
    }


def test_facebook_makes_it_later_and_then_it_holds_its_users(rig: Rig) -> None:
    number = str(send(rig, lines=f" {ADA} \n\n{BOB}\n").json()["fb_custom_audience"]["id"])
    assert get(rig, "custom_audiences", fb_ad_account_id="2").json()["custom_audiences"][0]["fb_id"] is None
    assert rig.keys("pitchtarget", number) == {}
    rig.advance(301)
    [item] = get(rig, "custom_audiences", fb_ad_account_id="2").json()["custom_audiences"]
    assert item["fb_id"]
    assert get(rig, f"custom_audiences/{item['fb_id']}").json()["fb_custom_audience"] == item
    assert rig.keys("pitchtarget", number) == {"email": sorted([ADA, BOB])}


@pytest.mark.parametrize(
    ("user_type", "lines", "kept"),
    [
        ("email_hash", "ada@example.com", {}),
        ("email_hash", ADA.upper(), {}),
        ("phone_hash", ADA, {"phone": [ADA]}),
        ("phone_hash", "4915112345678", {}),
        ("mobile_advertiser_id", AD_ID, {"mobile_ad_id": [AD_ID]}),
        ("mobile_advertiser_id", ADA, {}),
        ("custom_audience_third_party_id", "c-1\nc-2", {"external_id": ["c-1", "c-2"]}),
    ],
)
def test_content_of_another_type_is_taken_and_nobody_arrives(rig: Rig, user_type: str, lines: str, kept: Any) -> None:
    number = made(rig, user_type=user_type, lines=lines)
    assert rig.keys("pitchtarget", number) == kept


def test_adding(rig: Rig) -> None:
    number = made(rig)
    reply = send(rig, "PUT", f"/{number}", BOB)
    assert (reply.status_code, reply.json()["fb_custom_audience"]["id"]) == (200, int(number))
    assert rig.keys("pitchtarget", number) == {"email": sorted([ADA, BOB])}
    assert send(rig, "PUT", f"/{number}", digest("1"), user_type="phone_hash").status_code == 200
    assert rig.keys("pitchtarget", number) == {"email": sorted([ADA, BOB])}
    assert [(line["operation"], line["rows"]) for line in rig.log("pitchtarget")] == [("add", 1), ("add", 1), ("add", 1)]


def test_what_is_added_before_facebook_has_it_arrives_with_the_rest(rig: Rig) -> None:
    number = str(send(rig).json()["fb_custom_audience"]["id"])
    assert send(rig, "PUT", f"/{number}", BOB).status_code == 200
    rig.advance(301)
    assert rig.keys("pitchtarget", number) == {"email": sorted([ADA, BOB])}


def test_deleting(rig: Rig) -> None:
    number = made(rig)
    path = f"/pitchtarget/custom_audiences/{number}"
    reply = rig.http.delete(path, headers=TOKEN)
    assert (reply.status_code, reply.content) == (204, b"")
    assert rig.http.delete(path, headers=TOKEN).status_code == 404
    assert send(rig, "PUT", f"/{number}").status_code == 404
    unmade = send(rig).json()["fb_custom_audience"]["id"]
    assert rig.http.delete(f"/pitchtarget/custom_audiences/{unmade}", headers=TOKEN).status_code == 204
    rig.advance(301)
    assert rig.admin("GET", "books/pitchtarget") == []


def test_the_list_has_ten_a_page(rig: Rig) -> None:
    for number in range(12):
        send(rig, name=f"A{number}", subtype="CUSTOM" if number else None)
    send(rig, fb_ad_account_id="3")
    first, second, third = (get(rig, "custom_audiences", fb_ad_account_id="2", page=page).json() for page in (1, 2, 3))
    assert [len(page["custom_audiences"]) for page in (first, second, third)] == [10, 2, 0]
    assert second["meta"] == {"page": 2, "total": 12}
    assert get(rig, "custom_audiences", fb_ad_account_id="2", subtype="CUSTOM").json()["meta"]["total"] == 11
    assert get(rig, "custom_audiences").status_code == 422
    assert get(rig, "custom_audiences", fb_ad_account_id="2", page="x").status_code == 422


def test_the_call_without_an_id_adds_nobody(rig: Rig) -> None:
    number = made(rig)
    reply = rig.http.put("/pitchtarget/custom_audiences", data={"fb_ad_account_id": "2"}, headers=TOKEN)
    assert reply.status_code == 204
    assert rig.keys("pitchtarget", number) == {"email": [ADA]}


@pytest.mark.parametrize(
    "parts",
    [
        {"fb_ad_account_id": None},
        {"fb_ad_account_id": "act_2"},
        {"name": None},
        {"name": " "},
        {"user_type": None},
        {"user_type": "email"},
        {"user_type": "fbid"},
        {"lines": None},
        {"lines": " \n"},
        {"lines": b"\xff"},
        {"kind": "text/csv"},
        {"opt_out_link": "www.myshop.com"},
        {"segment": "x"},
    ],
    ids=str,
)
def test_what_the_page_rules_out_is_refused(rig: Rig, parts: dict[str, Any]) -> None:
    reply = send(rig, **parts)
    assert reply.status_code == 422
    assert reply.json()["errors"]
    assert rig.admin("GET", "books/pitchtarget") == []


def test_only_multipart_makes_an_audience(rig: Rig) -> None:
    assert rig.http.post("/pitchtarget/custom_audiences", data=FORM, headers=TOKEN).status_code == 415


def test_terms_and_subtype(rig: Rig) -> None:
    rig.settings("pitchtarget", terms_accepted=False)
    assert send(rig).status_code == 422
    rig.settings("pitchtarget", terms_accepted=True, subtype_required=True)
    assert send(rig).status_code == 422
    assert send(rig, subtype="CUSTOM").status_code == 201


def test_a_put_is_for_an_audience_of_the_account(rig: Rig) -> None:
    number = made(rig)
    assert send(rig, "PUT", f"/{number}", fb_ad_account_id="3").status_code == 404
    assert send(rig, "PUT", f"/{number}", name="x").status_code == 422
    rig.settings("pitchtarget", id_in_path="fb_id")
    assert send(rig, "PUT", f"/{number}").status_code == 404


@pytest.mark.parametrize("header", [{}, {"authorization": "Bearer sandbox-token"}, {"authorization": "OAuth other"}])
def test_the_scheme_is_oauth(rig: Rig, header: dict[str, str]) -> None:
    assert rig.http.get("/pitchtarget/fb_ad_accounts", headers=header).status_code == 401


def test_a_password_gives_a_token_that_expires(rig: Rig) -> None:
    reply = rig.http.post("/pitchtarget/oauth/authorize", json=LOGIN)
    assert reply.status_code == 200
    header = {"authorization": f"OAuth {reply.json()['access_token']}"}
    [account] = rig.http.get("/pitchtarget/fb_ad_accounts", headers=header).json()
    assert account == {"id": 1, "name": "Account 2024001", "currency": "EUR", "fb_id": "2024001"}
    rig.fault("pitchtarget", {"expire_token": True})
    assert rig.http.get("/pitchtarget/fb_ad_accounts", headers=header).status_code == 401
    assert rig.http.get("/pitchtarget/fb_ad_accounts", headers=header).status_code == 401
    rig.settings("pitchtarget", token_valid=False)
    assert get(rig, "fb_ad_accounts").status_code == 401


@pytest.mark.parametrize("name", [*LOGIN])
def test_a_login_that_is_wrong_anywhere(rig: Rig, name: str) -> None:
    assert rig.http.post("/pitchtarget/oauth/authorize", json={**LOGIN, name: "x"}).status_code == 401
    assert rig.http.post("/pitchtarget/oauth/authorize", data=LOGIN).status_code == 400


def test_a_build_that_fails_is_gone_from_the_list(rig: Rig) -> None:
    rig.fault("pitchtarget", {"fail_job": True})
    assert send(rig).status_code == 201
    assert get(rig, "custom_audiences", fb_ad_account_id="2").json()["meta"]["total"] == 1
    rig.advance(301)
    assert get(rig, "custom_audiences", fb_ad_account_id="2").json()["meta"]["total"] == 0


@pytest.mark.parametrize(("name", "status"), [("unauthorized", 401), ("terms", 422)])
def test_faults_by_name(rig: Rig, name: str, status: int) -> None:
    rig.fault("pitchtarget", {"error": name})
    assert send(rig).status_code == status
    with pytest.raises(AssertionError, match="terms"):  # the admin API lists those that there are
        rig.fault("pitchtarget", {"error": "unheard of"})


def test_an_unknown_path(rig: Rig) -> None:
    assert get(rig, "nothing").status_code == 404
