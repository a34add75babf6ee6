"""User lists of the Data Manager API: creating, changing, listing, filtering."""

from __future__ import annotations

from typing import Any

import pytest
from sandbox.rig import ACCOUNT, Rig, digest, ingest_body, member
from sandbox.test_data_manager import ingest, reason

PATH = f"accountTypes/GOOGLE_ADS/accounts/{ACCOUNT}/userLists"
CONTACT = {"uploadKeyTypes": ["CONTACT_ID"]}


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"displayName": None}, "REQUIRED_FIELD_MISSING"),
        ({"displayName": " "}, "INVALID_DISPLAY_NAME"),
        ({"description": None}, "INVALID_DESCRIPTION"),
        ({"membershipStatus": "AJAR"}, "INVALID_ENUM_VALUE"),
        ({"membershipDuration": "86401s"}, "INVALID_ARGUMENT"),
        ({"membershipDuration": "0s"}, "INVALID_ARGUMENT"),
        ({"membershipDuration": f"{541 * 86_400}s"}, "MEMBERSHIP_DURATION_TOO_LONG"),
        ({"ingestedUserListInfo": None}, "REQUIRED_FIELD_MISSING"),
        ({"ingestedUserListInfo": {"uploadKeyTypes": ["PAIR_ID"]}}, "UNSUPPORTED_USER_LIST_UPLOAD_KEY_TYPES"),
        ({"ingestedUserListInfo": {**CONTACT, "mobileIdInfo": {}}}, "UNSUPPORTED_INGESTED_USER_LIST_INFO_CONFIG"),
        ({"ingestedUserListInfo": {"uploadKeyTypes": [2], "mobileIdInfo": {"appId": "1"}}}, "REQUIRED_FIELD_MISSING"),
        (
            {"ingestedUserListInfo": {**CONTACT, "contactIdInfo": {"dataSourceType": 2}}},
            "ADVERTISER_NOT_ALLOWLISTED_FOR_UPLOADED_DATA",
        ),
        ({"color": "red"}, "INVALID_ARGUMENT"),
    ],
)
def test_bad_lists(rig: Rig, change: dict[str, Any], expected: str) -> None:
    body = {"displayName": "n", "description": "d", "ingestedUserListInfo": CONTACT, **change}
    assert reason(rig.dm("POST", PATH, body)) == expected
    assert rig.admin("GET", "books/google") == []


def test_names_are_unique_in_an_account(rig: Rig) -> None:
    number = rig.dm_list("Lapsed")
    body = {"displayName": "Lapsed", "description": "d", "ingestedUserListInfo": CONTACT}
    assert reason(rig.dm("POST", PATH, body)) == "DISPLAY_NAME_ALREADY_USED"
    assert rig.dm("POST", "accountTypes/GOOGLE_ADS/accounts/9999999999/userLists", body).status_code == 200
    rig.dm_list("Other")
    assert reason(rig.dm("PATCH", f"{PATH}/{number}", {"displayName": "Other"}, updateMask="displayName")) == (
        "DISPLAY_NAME_ALREADY_USED"
    )


def test_accounts_need_ten_digits_and_headers_a_principal(rig: Rig) -> None:
    assert reason(rig.dm("GET", "accountTypes/GOOGLE_ADS/accounts/77/userLists")) == "PERMISSION_DENIED"
    assert reason(rig.dm("GET", PATH, headers={"login-account": "1112223333"})) == "INVALID_RESOURCE_NAME"
    principal = {"login-account": "accountTypes/GOOGLE_ADS/accounts/1112223333"}
    assert rig.dm("GET", PATH, headers=principal).status_code == 200
    rig.settings("data_manager", managers=["4445556666"])
    assert reason(rig.dm("GET", PATH, headers=principal)) == "PERMISSION_DENIED"


def test_reading_changing_and_deleting(rig: Rig) -> None:
    number = rig.dm_list(integrationCode="ref-1")
    found = rig.dm("GET", f"{PATH}/{number}").json()
    assert (found["integrationCode"], found["membershipDuration"]) == ("ref-1", "46656000s")
    change = {"displayName": "Renamed", "membershipDuration": "864000s"}
    changed = rig.dm("PATCH", f"{PATH}/{number}", change, updateMask="displayName,membership_duration").json()
    assert (changed["displayName"], changed["membershipDuration"]) == ("Renamed", "864000s")
    immutable = {"ingestedUserListInfo": {"uploadKeyTypes": ["USER_ID"]}}
    assert (
        reason(rig.dm("PATCH", f"{PATH}/{number}", immutable, updateMask="ingestedUserListInfo"))
        == "IMMUTABLE_FIELD_FOR_UPDATE"
    )
    assert reason(rig.dm("PATCH", f"{PATH}/{number}", {}, updateMask="id")) == "INVALID_UPDATE_MASK"
    assert rig.dm("DELETE", f"{PATH}/{number}").status_code == 200
    assert reason(rig.dm("GET", f"{PATH}/{number}")) == "PERMISSION_DENIED"


def test_pages(rig: Rig) -> None:
    for place in range(5):
        rig.dm_list(f"list {place}")
    first = rig.dm("GET", PATH, pageSize=3).json()
    second = rig.dm("GET", PATH, pageSize=3, pageToken=first["nextPageToken"]).json()
    assert [item["displayName"] for page in (first, second) for item in page["userLists"]] == [f"list {n}" for n in range(5)]
    assert "nextPageToken" not in second
    assert reason(rig.dm("GET", PATH, pageToken="nonsense")) == "INVALID_PAGE_TOKEN"


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ('integration_code = "ref-1"', ["one"]),
        ("integrationCode = 'ref-1'", ["one"]),
        ('integration_code != "ref-1"', ["two", "three"]),
        ('display_name : "T" AND membership_status = "OPEN"', ["two", "three"]),
        ('IN(display_name, "one", "three")', ["one", "three"]),
        ("id > 7000000001 AND id < 7000000003", ["two"]),
        ('ingested_user_list_info.upload_key_types : "USER_ID"', ["three"]),
    ],
)
def test_filters(rig: Rig, text: str, names: list[str]) -> None:
    rig.dm_list("one", integrationCode="ref-1")
    rig.dm_list("two")
    rig.dm_list("three", "USER_ID")
    assert [item["displayName"] for item in rig.dm("GET", PATH, filter=text).json()["userLists"]] == names


@pytest.mark.parametrize(
    "text", ["colour = 1", "id ~ 1", "id = 1 OR id = 2", "id = 1 AND", "integration_code = 1 AND displayName = 2"]
)
def test_bad_filters(rig: Rig, text: str) -> None:
    assert reason(rig.dm("GET", PATH, filter=text)) == "INVALID_FILTER"


def test_sizes_show_a_day_later_and_only_from_100_on(rig: Rig) -> None:
    number, small = rig.dm_list("big"), rig.dm_list("small")
    ingest(rig, ingest_body(number, [member({"emailAddress": digest(place)}) for place in range(3456)]))
    ingest(rig, ingest_body(small, [member({"emailAddress": digest(place)}) for place in range(120)]))
    rig.advance(1801)
    assert rig.dm("GET", f"{PATH}/{number}").json()["sizeInfo"]["searchNetworkMembersCount"] == "0"
    rig.advance(86_400)
    sizes = [rig.dm("GET", f"{PATH}/{found}").json()["sizeInfo"]["searchNetworkMembersCount"] for found in (number, small)]
    assert sizes == ["2200", "0"]
