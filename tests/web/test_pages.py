"""The page of an audience, its runs down to the ids of requests, and the logs: what they say is what the ledger says."""

import csv
import io
import re

import httpx
import pytest

from web.site import FAILED, IN_STEP, WAITING, Site

pytestmark = pytest.mark.slow


def path(key: tuple[str, str], rest: str = "") -> str:
    return f"/segments/{key[0]}/destinations/{key[1]}{rest}"


def got(site: Site, path: str, **asked):
    with site.client("viewer") as viewer:
        answer = viewer.get(path, params=asked)
    assert answer.status_code == 200, answer.text
    return list(csv.DictReader(io.StringIO(answer.text))) if asked.get("format") == "csv" else answer.json()


def test_the_page_of_an_audience(site: Site) -> None:
    page = got(site, path(IN_STEP))
    ledger = site.ledger
    assert [(one["generation"], one["members"]) for one in page["sealed"]] == [
        (one.number, one.members) for one in ledger.generations(*IN_STEP)
    ]
    assert page["sealed"][-1]["run_id"] == page["runs"][0]["run_id"] == site.last_run
    assert len(page["runs"]) == 6
    assert page["runs"][0]["added"] == page["audience"]["added"]
    assert page["audience_url"].startswith("https://")
    assert (page["schedule"]["text"], page["schedule"]["paused"]) == ("0 5 * * *", True)
    assert (page["waiting"], page["problem"], page["owner"]) == (None, None, "growth")
    assert page["seen"][0]["at"] < page["seen"][-1]["at"]
    assert {one["low"] for one in page["seen"]} >= {page["audience"]["size"]}


def test_the_plan_that_waits(site: Site) -> None:
    waiting = got(site, path(WAITING))["waiting"]
    plan = site.ledger.newest_plan(*WAITING)
    assert (waiting["plan"], waiting["run_id"], waiting["decided"]) == (plan.id, plan.run_id, None)
    [breach] = waiting["breaches"]
    assert (breach["guard"], breach["found"]) == ("max_removed", plan.breaches[0]["found"])
    numbers = {one["name"]: one["count"] for one in waiting["numbers"]}
    assert numbers["leave"] == numbers["rows to remove"] == plan.counts["gone"]
    assert waiting["page_url"].endswith("/tasks/meta_main.guard/required_actions")
    [logged] = [row for row in got(site, "/guards")["rows"] if row["plan"] == plan.id]
    assert (logged["outcome"], logged["text"]) == ("waiting", breach["text"])


def test_a_run_down_to_the_ids_of_requests(site: Site) -> None:
    runs = got(site, path(FAILED, "/runs"), limit=2)
    assert (runs["total"], len(runs["rows"])) == (6, 2)
    newest = runs["rows"][0]
    assert (newest["state"], newest["rejected"]) == ("rejected", 12)
    whole = got(site, path(FAILED, f"/runs/{newest['run_id']}"))
    assert whole["run"] == newest
    assert {"kind": "rejected", "column": None, "reason": "INVALID_EMAIL", "count": 12} in whole["reasons"]
    assert {one["kind"] for one in whole["reasons"]} == {"dropped_row", "dropped_key", "without_key", "rejected"}
    assert sum(one["rows"] for one in whole["sessions"]) == newest["rows_planned"]
    [adding] = [one for one in whole["sessions"] if one["operation"] == "add"]
    found = got(site, path(FAILED, f"/runs/{newest['run_id']}/sessions/{adding['id']}/batches"))
    kept = site.ledger.batches(int(adding["id"]))
    assert [(one["request_id"], one["rows"], one["rejected"]) for one in found["rows"]] == [
        (one.request_id, one.rows, len(one.rejected)) for one in kept
    ]
    assert found["rows"][0]["reasons"] == [{"name": "INVALID_EMAIL", "count": 12}]


def test_a_session_of_another_audience_is_not_shown(site: Site) -> None:
    other = site.ledger.sessions(site.ledger.generation(*IN_STEP).plan_id)[0]
    with site.client("viewer") as viewer:
        answer = viewer.get(path(FAILED, f"/runs/{site.last_run}/sessions/{other.id}/batches"))
        assert answer.status_code == 404
        assert viewer.get(path(FAILED, "/runs/nothing")).status_code == 404


def test_lineage_goes_from_column_to_field(site: Site) -> None:
    lineage = got(site, path(WAITING, "/lineage"))
    edges = {(one["column"], one["use"], one["recipe"], one["platform_field"], one["hashed"]) for one in lineage["origins"]}
    assert {
        ("second_email", "match_key", "email.lower.v1", "EMAIL", True),
        ("country", "region", "phone.e164_digits.v1", "PHONE", True),
        ("customer_id", "member_key", "member", None, True),
        ("consent_ads", "consent", "ad_user_data", None, False),
    } <= edges
    assert (lineage["source"], lineage["source_connection"]) == ("sql/all_customers.sql", "warehouse")


def test_platforms(site: Site) -> None:
    rows = {row["connection"]: row for row in got(site, "/platforms")["rows"]}
    assert len(rows) == 10
    [error] = rows["google_ads_main"]["errors"]
    assert (error["kind"], error["destination"], error["task"]) == ("AuthError", FAILED[1], "google_ads_main.plan")
    assert rows["meta_main"]["errors"] == []
    assert {connection: (row["check"] or {}).get("ok") for connection, row in rows.items()} | {} == {
        **dict.fromkeys(rows, True), "commbox_main": None, "snapchat_ads_main": False,
    }  # fmt: skip
    assert rows["snapchat_ads_main"]["check"]["findings"][0]["mend"]
    assert {one["name"] for one in rows["meta_main"]["limits"]} >= {"rows per batch"}
    assert rows["meta_main"]["requests_last_day"] > 0
    assert any(row["rates"] for row in rows.values())


def test_erasures_tell_counts_and_ids(site: Site) -> None:
    opened, done = got(site, "/erasures")["rows"]
    assert (opened["closed_at"], done["closed_at"] is not None) == (None, True)
    assert done["given"] == [{"name": "email", "count": 2}, {"name": "phone", "count": 1}]
    assert (done["receipts"], opened["receipts"]) == ([1, 2], [3])
    many = len(site.ledger.steps(done["id"]))
    assert (done["outcomes"], opened["outcomes"]) == ([{"name": "removed", "count": many}], [{"name": "open", "count": many}])
    assert [one["id"] for one in got(site, "/erasures", offset=1)["rows"]] == [done["id"]]
    steps = f"/erasures/{done['id']}/steps"
    pages = [got(site, steps, limit=30, offset=offset) for offset in (0, 30)]
    assert [len(page["rows"]) for page in pages] == [30, many - 30]
    assert {one["outcome"] for page in pages for one in page["rows"]} == {"removed"}
    with site.client("viewer") as viewer:
        assert viewer.get("/erasures/er-none/steps").status_code == 404


def test_the_log_of_guards_goes_on_where_it_ended(site: Site) -> None:
    whole = got(site, "/guards")
    assert whole["next"] is None
    found, before = [], {}
    while before is not None:
        page = got(site, "/guards", limit=2, **before)
        found += page["rows"]
        before = {"before": page["next"]} if page["next"] is not None else None
    assert found == whole["rows"]
    assert len(found) > 4
    assert {one["outcome"] for one in got(site, "/guards", outcome="waiting", limit=1)["rows"]} == {"waiting"}


@pytest.mark.parametrize("rest", ["/runs", "/sealed", "/seen", "/lineage", "/runs/{run}/reasons", "/runs/{run}/sessions"])
def test_every_list_is_a_table_too(site: Site, rest: str) -> None:
    where = path(FAILED, rest.format(run=site.last_run))
    answer = got(site, where)
    rows = answer if isinstance(answer, list) else answer.get("rows", answer.get("origins"))
    table = got(site, where, format="csv")
    assert len(table) == len(rows) > 0
    assert set(table[0]) == set(rows[0])


@pytest.mark.parametrize("where", ["/guards", "/platforms", "/erasures", "/erasures/er-20260301-0000000a/steps"])
def test_the_logs_are_tables_too(site: Site, where: str) -> None:
    assert got(site, where, format="csv")


def test_the_document_of_the_api_knows_every_path(site: Site) -> None:
    document = got(site, "/openapi.json")
    assert document["servers"] == [{"url": "/guestlist"}]
    named = {name.rpartition("/")[2] for name in re.findall(r"'\$ref': '([^']+)'", str(document))}
    assert named <= set(document["components"]["schemas"]), "a reference that leads nowhere breaks `make web`"
    assert "/api/v1/segments/{segment}/destinations/{destination}/approval" in document["paths"]
    assert {"/api/v1/audiences", "/api/v1/audiences/preview", "/api/v1/intakes"} <= set(document["paths"]), "the intake's, too"
    document_url = f"{site.url}/guestlist/api/v1/openapi.json"
    by_cookie = httpx.get(document_url, cookies={"_token": site.token("analyst")}, timeout=60)
    assert by_cookie.json() == document, "whoever is logged in opens it in the browser"
    anonymous = httpx.get(document_url, timeout=60)
    assert (anonymous.status_code, set(anonymous.json())) == (401, {"detail"})
    with site.client("viewer") as viewer:
        for hidden in ("docs", "redoc", "openapi.json"):
            assert viewer.get(f"{site.url}/guestlist/{hidden}").status_code == 404


def test_nothing_personal_is_on_any_page_or_in_the_log(site: Site) -> None:
    """Users' own addresses are in Airflow's database alone."""
    wheres = ("/overview", "/platforms", "/guards", "/erasures", path(FAILED), path(FAILED, "/runs"))
    assert "@" not in "".join(str(got(site, where)) for where in wheres)
    assert "@example.com" not in site.log
