"""Klaviyo's sandbox: what its documentation refuses is refused, with the documented errors."""

from __future__ import annotations

import base64
import json
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from sandbox.rig import Rig, digest

HEADERS = {
    "authorization": "Klaviyo-API-Key pk_sandbox",
    "revision": "2026-10-15",
    "accept": "application/vnd.api+json",
    "content-type": "application/vnd.api+json",
}
A, B = "a+1@example.com", "b@example.com"
JOBS = "profile-bulk-import-jobs"


def ask(rig: Rig, method: str, path: str, body: Any = None, **more: Any) -> httpx.Response:
    headers = {name: value for name, value in {**HEADERS, **more.pop("headers", {})}.items() if value}
    return rig.http.request(method, f"/klaviyo/api/{path}", json=body, headers=headers, params=more or None)


def first(reply: httpx.Response) -> tuple[int, str, dict[str, str]]:
    error = reply.json()["errors"][0]
    assert error["status"] == reply.status_code
    return reply.status_code, error["code"], error["source"]


def new_list(rig: Rig, name: str = "VIPs", **attributes: Any) -> str:
    reply = ask(rig, "POST", "lists", {"data": {"type": "list", "attributes": {"name": name, **attributes}}})
    assert reply.status_code == 201, reply.text
    return str(reply.json()["data"]["id"])


def profile(**attributes: Any) -> dict[str, Any]:
    return {"type": "profile", "attributes": attributes}


def upload(*profiles: Any, on: Any = None) -> dict[str, Any]:
    data: dict[str, Any] = {"type": "profile-bulk-import-job", "attributes": {"profiles": {"data": list(profiles)}}}
    if on is not None:
        data["relationships"] = {"lists": {"data": [{"type": "list", "id": item} for item in on]}}
    return {"data": data}


def imported(rig: Rig, *profiles: Any, on: Any = None) -> dict[str, Any]:
    """A job that is over."""
    reply = ask(rig, "POST", JOBS, upload(*profiles, on=on))
    assert reply.status_code == 202, reply.text
    rig.advance(31)
    attributes: dict[str, Any] = ask(rig, "GET", f"{JOBS}/{reply.json()['data']['id']}").json()["data"]["attributes"]
    return attributes


def ids_of(rig: Rig, field: str, *values: str) -> list[str]:
    wanted = ",".join(f'"{value}"' for value in values)
    reply = ask(rig, "GET", "profiles", filter=f"any({field},[{wanted}])")
    return [item["id"] for item in reply.json()["data"]]


# headers and keys


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"revision": ""}, (400, "invalid")),
        ({"revision": "tomorrow"}, (400, "invalid")),
        ({"revision": "2099-01-15"}, (400, "invalid")),
        ({"revision": "2022-10-17"}, (410, "revision_retired")),
        ({"authorization": ""}, (401, "not_authenticated")),
        ({"authorization": "Klaviyo-API-Key pk_other"}, (401, "authentication_failed")),
        ({"authorization": "Bearer pk_sandbox"}, (401, "authentication_failed")),
        ({"accept": "text/html"}, (406, "not_acceptable")),
    ],
)
def test_headers_are_required(rig: Rig, headers: dict[str, str], expected: tuple[int, str]) -> None:
    assert first(ask(rig, "GET", "lists", headers=headers))[:2] == expected


def test_bodies_are_json_api_or_plain_json(rig: Rig) -> None:
    body = {"data": {"type": "list", "attributes": {"name": "n"}}}
    assert first(ask(rig, "POST", "lists", body, headers={"content-type": "text/plain"}))[:2] == (415, "unsupported_media_type")
    assert ask(rig, "POST", "lists", body, headers={"content-type": "application/json"}).status_code == 201
    assert ask(rig, "GET", "lists", headers={"authorization": "Bearer sandbox-token"}).status_code == 200


@pytest.mark.parametrize(
    ("missing", "method", "path"),
    [
        ("lists:read", "GET", "lists"),
        ("lists:write", "POST", "lists"),
        ("profiles:read", "GET", "profiles"),
        ("profiles:write", "POST", JOBS),
    ],
)
def test_scopes(rig: Rig, missing: str, method: str, path: str) -> None:
    scopes = {"lists:read", "lists:write", "profiles:read", "profiles:write"}
    rig.settings("klaviyo", scopes=sorted(scopes - {missing}))
    assert first(ask(rig, method, path, {} if method == "POST" else None))[:2] == (403, "permission_denied")


def test_a_clock_that_jumps_past_the_end_and_the_expiry_of_an_import_breaks_nothing(rig: Rig) -> None:
    ask(rig, "POST", JOBS, upload(profile(email=A)))
    rig.advance(8 * 86_400)
    assert len(ask(rig, "GET", "profiles").json()["data"]) == 1


def test_subscription_jobs_are_not_there(rig: Rig) -> None:
    assert ask(rig, "POST", "profile-subscription-bulk-delete-jobs", {}).status_code == 404


# windows


def test_windows_of_a_second_and_a_minute(rig: Rig) -> None:
    rig.admin("POST", "clock", {"now": "2030-01-01T00:00:00Z"})
    replies = [ask(rig, "GET", f"{JOBS}/x") for _ in range(11)]
    assert [reply.status_code for reply in replies] == [404] * 10 + [429]
    assert 1 <= int(replies[-1].headers["retry-after"]) <= 2
    assert "ratelimit-remaining" not in replies[-1].headers
    assert (replies[0].headers["ratelimit-limit"], replies[0].headers["ratelimit-remaining"]) == ("150", "149")
    assert 0 < int(replies[0].headers["ratelimit-reset"]) <= 60
    for _ in range(14):
        rig.advance(1)
        last = [ask(rig, "GET", f"{JOBS}/x").status_code for _ in range(10)]
    assert last == [404] * 10
    rig.advance(1)
    assert ask(rig, "GET", f"{JOBS}/x").status_code == 429
    rig.advance(60)
    assert ask(rig, "GET", f"{JOBS}/x").status_code == 404


def test_lists_a_day(rig: Rig) -> None:
    rig.settings("klaviyo", lists_per_day=1)
    new_list(rig)
    reply = ask(rig, "POST", "lists", {"data": {"type": "list", "attributes": {"name": "second"}}})
    assert first(reply)[:2] == (429, "throttled")
    rig.advance(86_400)
    assert new_list(rig)


# lists


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"data": {"type": "lists", "attributes": {"name": "n"}}},
        {"data": {"type": "list", "attributes": {}}},
        {"data": {"type": "list", "attributes": {"name": ""}}},
        {"data": {"type": "list", "attributes": {"name": "n", "opt_in_process": "none"}}},
        {"data": {"type": "list", "attributes": {"name": "n", "color": "red"}}},
    ],
)
def test_lists_that_are_refused(rig: Rig, body: Any) -> None:
    assert first(ask(rig, "POST", "lists", body))[:2] == (400, "invalid")


def test_names_of_lists_are_not_unique_and_their_opt_in_is_the_accounts(rig: Rig) -> None:
    one, two = new_list(rig), new_list(rig, opt_in_process="single_opt_in")
    assert one != two
    found = ask(rig, "GET", "lists", filter='equals(name,"VIPs")').json()["data"]
    assert [item["attributes"]["opt_in_process"] for item in found] == ["double_opt_in", "single_opt_in"]


def test_a_list_is_renamed_counted_and_deleted(rig: Rig) -> None:
    made = new_list(rig)
    renamed = {"data": {"type": "list", "id": made, "attributes": {"name": "New"}}}
    assert ask(rig, "PATCH", f"lists/{made}", renamed).json()["data"]["attributes"]["name"] == "New"
    imported(rig, profile(email=A), profile(email=B), on=[made])
    counted = ask(rig, "GET", f"lists/{made}", **{"additional-fields[list]": "profile_count"})
    assert counted.json()["data"]["attributes"]["profile_count"] == 2
    assert counted.headers["ratelimit-limit"] == "15"
    assert ask(rig, "DELETE", f"lists/{made}").status_code == 204
    assert first(ask(rig, "GET", f"lists/{made}"))[:2] == (404, "not_found")


# filters and pages


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ('equals(name,"a")', ["a"]),
        ("equals(name,'a')", ["a"]),
        ('any(name,["a","say \\"b\\""])', ["a", 'say "b"']),
        ("any(name, ['a', 'say \"b\"'])", ["a", 'say "b"']),
        ('equals(name,"\\u00fc")', ["ü"]),
        ('equals(name,"A")', []),
    ],
)
def test_filters(rig: Rig, text: str, names: list[str]) -> None:
    for name in ("a", 'say "b"', "ü"):
        new_list(rig, name)
    found = ask(rig, "GET", "lists", filter=text).json()["data"]
    assert [item["attributes"]["name"] for item in found] == names


@pytest.mark.parametrize(
    "text",
    [
        "",
        "name",
        'equals(name,"a"',
        "equals(name,a)",
        'equals(name,["a"])',
        'any(name,"a")',
        "any(name,[])",
        'has(name,"a")',
        'equals(color,"a")',
    ],
)
def test_filters_that_are_refused(rig: Rig, text: str) -> None:
    assert first(ask(rig, "GET", "lists", filter=text)) == (400, "invalid", {"parameter": "filter"})


def test_a_filter_has_a_hundred_values_at_most(rig: Rig) -> None:
    wanted = ",".join(f'"{number}@example.com"' for number in range(101))
    assert first(ask(rig, "GET", "profiles", filter=f"any(email,[{wanted}])"))[:2] == (400, "invalid")


def test_pages_are_of_ten_lists_and_twenty_to_a_hundred_profiles(rig: Rig) -> None:
    imported(rig, *(profile(email=f"{number}@example.com") for number in range(130)))
    page = ask(rig, "GET", "profiles").json()
    assert (len(page["data"]), page["links"]["prev"]) == (20, None)
    page = ask(rig, "GET", "profiles", **{"page[size]": "100"}).json()
    cursor = parse_qs(urlsplit(page["links"]["next"]).query)
    assert (len(page["data"]), cursor["page[size]"]) == (100, ["100"])
    last = ask(rig, "GET", "profiles", **{"page[size]": "100", "page[cursor]": cursor["page[cursor]"][0]}).json()
    assert (len(last["data"]), last["links"]["next"]) == (30, None)
    for path, size in (("profiles", "101"), ("profiles", "0"), ("profiles", "x"), ("lists", "11")):
        assert first(ask(rig, "GET", path, **{"page[size]": size}))[2] == {"parameter": "page[size]"}
    for cursor_text in ("x", base64.urlsafe_b64encode(b"[]").decode()):
        assert first(ask(rig, "GET", "profiles", **{"page[cursor]": cursor_text}))[2] == {"parameter": "page[cursor]"}


def walked(rig: Rig, made: str, size: int) -> tuple[list[list[str]], list[str | None]]:
    """The pages of a list's profiles, and how each links to the one before."""
    found, links, query = [], [], {"page[size]": str(size)}
    while True:
        page = ask(rig, "GET", f"lists/{made}/relationships/profiles", **query).json()
        found.append([item["id"] for item in page["data"]])
        links.append(page["links"]["prev"])
        if (following := page["links"]["next"]) is None:
            return found, links
        query = {name: values[0] for name, values in parse_qs(urlsplit(following).query).items()}


def test_pages_of_a_list_have_each_of_its_profiles_once_and_lead_both_ways(rig: Rig) -> None:
    made, other = new_list(rig), new_list(rig, "others")
    both = [profile(email=f"{number}@example.com", phone_number=f"+4915112{number:06d}") for number in range(20)]
    phones = [profile(phone_number=f"+4915113{number:06d}", external_id=f"C{number}") for number in range(20)]
    imported(rig, *both, *phones, on=[made])
    imported(rig, *(profile(email=f"other{number}@example.com") for number in range(20)), on=[other])
    pages, links = walked(rig, made, 15)
    assert [len(page) for page in pages] == [15, 15, 10]
    assert len({profile_id for page in pages for profile_id in page}) == 40
    assert links[0] is None
    for before, link in zip(pages, links[1:], strict=False):
        query = {name: values[0] for name, values in parse_qs(urlsplit(str(link)).query).items()}
        again = ask(rig, "GET", f"lists/{made}/relationships/profiles", **query).json()
        assert [item["id"] for item in again["data"]] == before
    counted = ask(rig, "GET", f"lists/{made}", **{"additional-fields[list]": "profile_count"}).json()
    assert counted["data"]["attributes"]["profile_count"] == 40
    for place in (15, "x", ["email"], ["email", 1], None):
        cursor = base64.urlsafe_b64encode(json.dumps({"next": place}).encode()).decode()
        refused = ask(rig, "GET", f"lists/{made}/relationships/profiles", **{"page[cursor]": cursor})
        assert first(refused)[2] == {"parameter": "page[cursor]"}


def steps_of(rig: Rig, made: str) -> int:
    """How many steps (of 100 instructions each) SQLite takes for the second page of a list's profiles."""
    page = ask(rig, "GET", f"lists/{made}/relationships/profiles", **{"page[size]": "100"}).json()
    [cursor] = parse_qs(urlsplit(page["links"]["next"]).query)["page[cursor]"]
    books, steps = rig.sandbox._gate._world.store._connection, [0]

    def step() -> None:
        steps[0] += 1

    books.set_progress_handler(step, 100)
    found = ask(rig, "GET", f"lists/{made}/relationships/profiles", **{"page[size]": "100", "page[cursor]": cursor}).json()
    books.set_progress_handler(None, 0)
    assert len(found["data"]) == 100
    return steps[0]


def test_a_page_of_a_long_list_takes_no_more_than_one_of_a_short_list(rig: Rig) -> None:
    taken = []
    for name, count in (("short", 300), ("long", 9_000)):
        made = new_list(rig, name)
        imported(rig, *(profile(email=f"{name}{number}@example.com") for number in range(count)), on=[made])
        taken.append(steps_of(rig, made))
    short, long = taken
    assert long < 2 * short


# uploads


def test_an_import_is_queued_then_runs_then_is_complete(rig: Rig) -> None:
    made = new_list(rig)
    reply = ask(rig, "POST", JOBS, upload(profile(email=A), profile(phone_number="+4915112345678"), on=[made]))
    job = reply.json()["data"]
    assert (reply.status_code, job["type"], job["attributes"]["status"]) == (202, "profile-bulk-import-job", "queued")
    rig.advance(16)
    assert ask(rig, "GET", f"{JOBS}/{job['id']}").json()["data"]["attributes"]["status"] == "processing"
    assert rig.keys("klaviyo", made) == {}
    rig.advance(15)
    done = ask(rig, "GET", f"{JOBS}/{job['id']}").json()["data"]["attributes"]
    assert (done["status"], done["total_count"], done["completed_count"], done["failed_count"]) == ("complete", 2, 2, 0)
    assert done["completed_at"]
    assert rig.keys("klaviyo", made) == {"email": [digest(A)], "phone": [digest("+4915112345678")]}
    listed = ask(rig, "GET", JOBS, filter='equals(status,"complete")').json()["data"]
    assert [item["id"] for item in listed] == [job["id"]]
    assert len(ask(rig, "GET", f"{JOBS}/{job['id']}/profiles").json()["data"]) == 2
    rig.advance(8 * 86_400)
    assert first(ask(rig, "GET", f"{JOBS}/{job['id']}"))[:2] == (404, "not_found")


@pytest.mark.parametrize(
    ("bad", "pointer"),
    [
        ({"email": "no address"}, "/attributes/email"),
        ({"email": digest(A)}, "/attributes/email"),
        ({"email": 7}, "/attributes/email"),
        ({"phone_number": "015112345678"}, "/attributes/phone_number"),
        ({"external_id": "x" * 256}, "/attributes/external_id"),
        ({"first_name": "Ann"}, ""),
        ({"email": A, "anonymous_id": "x"}, "/attributes/anonymous_id"),
        ({"email": A, "location": {"planet": "x"}}, "/attributes/location"),
        ({"email": A, "properties": {"$own": True}}, "/attributes/properties"),
        ({"email": A, "title": "x" * 100_000}, ""),
    ],
)
def test_a_bad_profile_refuses_the_whole_and_is_pointed_at(rig: Rig, bad: dict[str, Any], pointer: str) -> None:
    reply = ask(rig, "POST", JOBS, upload(profile(email=B), profile(**bad)))
    assert first(reply) == (400, "invalid", {"pointer": f"/data/attributes/profiles/data/1{pointer}"})
    rig.settings("klaviyo", points_at_rows=False)
    assert first(ask(rig, "POST", JOBS, upload(profile(**bad))))[2] == {"pointer": "/data/attributes/profiles/data"}
    assert ask(rig, "GET", "profiles").json()["data"] == []


@pytest.mark.parametrize(
    "meta", [7, {"patch_properties": 7}, {"patch_properties": {"clear": []}}, {"patch_properties": {"unset": [7]}}]
)
def test_meta_that_is_refused(rig: Rig, meta: Any) -> None:
    assert ask(rig, "POST", JOBS, upload({**profile(email=A), "meta": meta})).status_code == 400


def test_uploads_that_are_refused_as_a_whole(rig: Rig) -> None:
    made = new_list(rig)
    profiles = "/data/attributes/profiles/data"
    assert first(ask(rig, "POST", JOBS, {"data": {"type": "job"}}))[2] == {"pointer": "/data/type"}
    assert first(ask(rig, "POST", JOBS, {"data": {"type": "profile-bulk-import-job", "attributes": []}}))[0] == 400
    assert first(ask(rig, "POST", JOBS, upload()))[2] == {"pointer": profiles}
    assert first(ask(rig, "POST", JOBS, upload({"type": "person"})))[2] == {"pointer": f"{profiles}/0"}
    assert first(ask(rig, "POST", JOBS, upload(profile(email=A), profile(email=A))))[2] == {"pointer": f"{profiles}/1"}
    assert first(ask(rig, "POST", JOBS, upload(profile(email=A), on=[made, made])))[0] == 400
    assert first(ask(rig, "POST", JOBS, upload(profile(email=A), on=["AAAAAA"])))[:2] == (404, "not_found")
    too_many = [profile(external_id=str(number)) for number in range(10_001)]
    rig.advance(1)
    assert first(ask(rig, "POST", JOBS, upload(*too_many)))[2] == {"pointer": profiles}
    large = [profile(email=f"{number}@example.com", title="x" * 90_000) for number in range(60)]
    assert first(ask(rig, "POST", JOBS, upload(*large)))[:2] == (413, "payload_too_large")


def test_null_changes_nothing(rig: Rig) -> None:
    made = new_list(rig)
    imported(rig, profile(email=A, external_id="C1"), on=[made])
    assert imported(rig, profile(email=A, external_id=None), on=[made])["failed_count"] == 0
    assert rig.keys("klaviyo", made) == {"email": [digest(A)], "external_id": [digest("C1")]}


def test_two_identifiers_of_two_profiles_conflict_and_one_of_one_re_keys_it(rig: Rig) -> None:
    made = new_list(rig)
    imported(rig, profile(email=A), profile(external_id="C1"), on=[made])
    reply = ask(rig, "POST", JOBS, upload(profile(email=A, external_id="C1")))
    rig.advance(31)
    job = reply.json()["data"]["id"]
    [error] = ask(rig, "GET", f"{JOBS}/{job}/import-errors").json()["data"]
    assert error["attributes"]["code"] == "duplicate_profile"
    assert error["attributes"]["original_payload"] == profile(email=A, external_id="C1")
    imported(rig, profile(email=B, external_id="C1"))
    imported(rig, profile(email="new@example.com", external_id="C1"))
    assert rig.keys("klaviyo", made) == {
        "email": sorted([digest(A), digest("new@example.com")]),
        "external_id": [digest("C1")],
    }
    assert ids_of(rig, "email", B) == []


def test_boolean_properties_are_audiences(rig: Rig) -> None:
    def held() -> Any:
        return rig.keys("klaviyo", "vip")

    imported(rig, profile(email=A, properties={"vip": True, "shoe": 43}), profile(email=B, properties={"vip": True}))
    assert held() == {"email": sorted([digest(A), digest(B)])}
    imported(rig, profile(email=A, properties={"vip": False}))
    assert held() == {"email": [digest(B)]}
    unset = {**profile(email=B), "meta": {"patch_properties": {"unset": "vip"}}}
    imported(rig, unset)
    assert held() == {}
    [known] = ids_of(rig, "email", B)
    imported(rig, {"type": "profile", "id": known, "attributes": {"properties": {"vip": True}}})
    assert held() == {"email": [digest(B)]}
    assert imported(rig, {"type": "profile", "id": "01NOBODY", "attributes": {}})["failed_count"] == 1
    assert ask(rig, "GET", "lists").json()["data"] == []
    assert ask(rig, "GET", "lists/vip").status_code == 404


@pytest.mark.parametrize(
    ("action", "status", "failed"),
    [
        ({"fail_job": True}, "cancelled", 0),
        ({"fail_job": "partial", "count": 1}, "complete", 1),
        ({"reject_rows": [0, 1]}, "complete", 2),
    ],
)
def test_jobs_that_fail(rig: Rig, action: dict[str, Any], status: str, failed: int) -> None:
    made = new_list(rig)
    rig.fault("klaviyo", action, "bulk-import")
    done = imported(rig, profile(email=A), profile(email=B), on=[made])
    assert (done["status"], done["failed_count"]) == (status, failed)
    assert sum(map(len, rig.keys("klaviyo", made).values())) == (0 if status == "cancelled" else 2 - failed)


# profiles and relationships


def test_profiles_are_found_by_any_identifier_and_shown_by_the_value_asked(rig: Rig) -> None:
    imported(rig, profile(email=A, phone_number="+4915112345678", external_id="C1"), profile(email=B))
    [one] = ids_of(rig, "email", A)
    assert ids_of(rig, "phone_number", "+4915112345678") == ids_of(rig, "external_id", "C1") == ids_of(rig, "id", one) == [one]
    shown = ask(rig, "GET", "profiles", filter=f'equals(email,"{A}")').json()["data"][0]["attributes"]
    assert shown == {"email": A, "phone_number": None, "external_id": None}
    narrow = ask(rig, "GET", "profiles", filter=f'equals(email,"{A}")', **{"fields[profile]": "created"}).json()["data"][0]
    assert A not in str(narrow)


def test_a_plus_that_is_not_encoded_finds_nobody(rig: Rig) -> None:
    imported(rig, profile(email=A))
    reply = rig.http.get(f'/klaviyo/api/profiles?filter=equals(email,"{A}")', headers=HEADERS)
    encoded = rig.http.get(f'/klaviyo/api/profiles?filter=equals(email,"{A.replace("+", "%2B")}")', headers=HEADERS)
    assert (len(reply.json()["data"]), len(encoded.json()["data"])) == (0, 1)


def test_profiles_are_put_on_and_taken_off_by_id_a_thousand_at_a_time(rig: Rig) -> None:
    made, path = new_list(rig), "relationships/profiles"
    imported(rig, profile(email=A, external_id="C1"), profile(email=B))
    one, two = ids_of(rig, "email", A, B)
    both = {"data": [{"type": "profile", "id": one}, {"type": "profile", "id": two}]}
    assert ask(rig, "POST", f"lists/{made}/{path}", both).status_code == 204
    assert {item["id"] for item in ask(rig, "GET", f"lists/{made}/{path}").json()["data"]} == {one, two}
    absent = {"data": [{"type": "profile", "id": one}, {"type": "profile", "id": "01NOBODY"}]}
    assert ask(rig, "DELETE", f"lists/{made}/{path}", absent).status_code == 204
    assert rig.keys("klaviyo", made) == {"email": [digest(B)]}
    rig.settings("klaviyo", unknown_ids_are_missed=True)
    assert first(ask(rig, "DELETE", f"lists/{made}/{path}", absent))[:2] == (404, "not_found")
    many = {"data": [{"type": "profile", "id": str(number)} for number in range(1001)]}
    for bad in (many, {"data": []}, {"data": [{"type": "list", "id": one}]}, {"data": [{"type": "profile"}]}):
        assert first(ask(rig, "DELETE", f"lists/{made}/{path}", bad))[:2] == (400, "invalid")
    assert ask(rig, "DELETE", f"lists/AAAAAA/{path}", both).status_code == 404


def test_a_profile_that_is_there_already_is_named(rig: Rig) -> None:
    made = ask(rig, "POST", "profiles", {"data": profile(email=A)})
    again = ask(rig, "POST", "profiles", {"data": profile(email=A)})
    assert (made.status_code, first(again)[:2]) == (201, (409, "duplicate_profile"))
    assert again.json()["errors"][0]["meta"]["duplicate_profile_id"] == made.json()["data"]["id"]
    assert ask(rig, "POST", "profiles", {"data": profile(email="no")}).status_code == 400


# faults, log, disk


def test_errors_by_name(rig: Rig) -> None:
    for name, status in (("throttled", 429), ("duplicate_profile", 409), ("error", 500), ("revision_retired", 410)):
        rig.fault("klaviyo", {"error": name})
        assert first(ask(rig, "GET", "lists"))[:2] == (status, name)
    rig.fault("klaviyo", {"expire_token": True})
    assert ask(rig, "GET", "lists").status_code == 401


def test_what_was_sent_never_reaches_the_disk_and_is_gone_after_the_job(rig: Rig) -> None:
    made = new_list(rig)
    rig.fault("klaviyo", {"reject_rows": [0]}, "bulk-import")
    imported(
        rig, profile(email="canary-one@example.com", first_name="canary"), profile(email="canary-two@example.com"), on=[made]
    )
    ids_of(rig, "email", "canary-two@example.com")
    kept = b"".join(path.read_bytes() for path in rig.sandbox.state_dir.glob("sandbox.sqlite*"))
    assert b"canary" not in kept
    assert digest("canary-two@example.com").encode() in kept
    assert "canary" not in str(rig.log("klaviyo"))


def test_the_log_counts_rows_by_what_was_done(rig: Rig) -> None:
    imported(rig, profile(email=A, properties={"vip": True}), profile(email=B, properties={"vip": True}))
    imported(rig, profile(email=A, properties={"vip": False}))
    summary = rig.admin("GET", "requests/klaviyo/summary")
    assert (summary["rows_added"], summary["rows_removed"]) == (2, 1)
