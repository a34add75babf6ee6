"""Pushed audiences on the pages: each is a segment of the ledger's own, shown by its name, with its intake's permissions."""

import httpx
import pytest

from web.site import ARRIVED, INTAKE, PUSHED, PUSHED_ID, PUSHED_LABELS, PUSHED_WAITS, Site

pytestmark = pytest.mark.slow
WHERE = f"/segments/{PUSHED}/destinations"


def got(site: Site, path: str, role: str = "viewer", **asked):
    with site.client(role) as client:
        answer = client.get(path, params=asked)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_they_stand_on_the_overview_with_the_names_that_they_were_given(site: Site) -> None:
    rows = {(row["segment"], row["destination"]): row for row in got(site, "/overview", segment=INTAKE)["rows"]}
    assert set(rows) == {(name, label) for name in (PUSHED, ARRIVED) for label in PUSHED_LABELS}
    waiting = rows[PUSHED_WAITS]
    assert waiting["pushed"] == {"id": PUSHED_ID, "name": "VIPs", "intake": INTAKE}
    assert (waiting["dag_id"], waiting["audience"], waiting["status"]) == (INTAKE, "VIPs of partners", "waiting")
    assert rows[PUSHED, "edgetag_main"]["status"] == "in_step"
    assert {rows[ARRIVED, label]["status"] for label in PUSHED_LABELS} == {"running"}, "its own upload waits for its turn"
    assert {row["pushed"] for row in got(site, "/overview", segment="segment_0000")["rows"]} == {None}
    assert {row["segment"] for row in got(site, "/overview", search="vips partners")["rows"]} == {PUSHED}


def test_their_pages_are_those_of_any_audience(site: Site) -> None:
    page = got(site, f"{WHERE}/meta_main")
    assert (page["dag_url"], page["audience"]["pushed"]["name"]) == (f"/dags/{INTAKE}", "VIPs")
    assert page["description"] == "What partners push"
    assert page["waiting"]["plan"] == site.ledger.newest_plan(*PUSHED_WAITS).id
    runs = got(site, f"{WHERE}/meta_main/runs")["rows"]
    assert [row["run_id"] for row in runs] == [row["run_id"] for row in page["runs"]]
    assert got(site, f"{WHERE}/meta_main/runs/{runs[0]['run_id']}")["run"] == runs[0]
    lineage = got(site, f"{WHERE}/meta_main/lineage")
    assert (lineage["source"], lineage["audience"]) == ("pushed", "VIPs of partners")
    assert {one["column"] for one in lineage["origins"]} >= {"second_email", "zip"}
    assert PUSHED in {row["segment"] for row in got(site, "/guards")["rows"]}
    [newest, *_] = got(site, "/erasures")["rows"]
    names = {step["segment"]: step["pushed"] for step in got(site, f"/erasures/{newest['id']}/steps")["rows"]}
    assert (names[PUSHED]["name"], names["segment_0000"]) == ("VIPs", None)


def test_the_permission_is_the_one_on_the_intake(site: Site) -> None:
    """The analyst sees another DAG alone; a viewer may look and not decide."""
    plan = site.ledger.newest_plan(*PUSHED_WAITS).id
    with site.client("analyst") as analyst:
        for rest in ("meta_main", "meta_main/runs", "meta_main/lineage", "edgetag_main/sealed"):
            assert analyst.get(f"{WHERE}/{rest}").status_code == 403, rest
        assert PUSHED not in {row["segment"] for row in analyst.get("/guards").json()["rows"]}
        assert INTAKE not in {name for row in analyst.get("/platforms").json()["rows"] for name in row["segments"]}
    with site.client("viewer") as viewer:
        refused = viewer.post(f"{WHERE}/meta_main/approval", json={"plan": plan, "decision": "approve"})
        assert (refused.status_code, INTAKE in refused.json()["detail"]) == (403, True)
        assert viewer.get(f"/segments/{INTAKE}__no_such/destinations/meta_main").status_code == 404
    assert site.ledger.decision(plan) is None


def test_who_sees_the_intake_looks_and_who_may_trigger_it_pushes(site: Site) -> None:
    """By Airflow's cookie or token, with no key."""
    file = {"file": ("p.csv", b"email\nann.lee@example.com\n")}
    told = {role: _asked(site, role) for role in ("analyst", "viewer", "admin")}
    assert told == {"analyst": [403, 403, 403], "viewer": [403, 200, 200], "admin": [200, 200, 200]}
    form = {"name": "Refused", "columns": '{"email": "email"}'}
    for role in ("analyst", "viewer"):
        with site.client(role) as client:
            asked = (
                client.post("/audiences", data=form, files=file),
                client.post("/audiences/preview", files=file),
                client.put(f"/audiences/{PUSHED_ID}/members", files=file),
                client.delete(f"/audiences/{PUSHED_ID}"),
            )
        assert [(one.status_code, "trigger its DAG" in one.json()["detail"]) for one in asked] == [(403, True)] * 4
    shown = got(site, f"/audiences/{PUSHED_ID}")
    assert (shown["segment"], shown["columns"]["email"]["columns"]) == (PUSHED, ["email", "second_email"])
    cookie = {"cookies": {"_token": site.token("admin")}, "timeout": 60}
    refused = httpx.post(f"{site.url}/guestlist/api/v1/audiences/preview", files=file, **cookie)
    assert refused.status_code == 403
    here = {"Sec-Fetch-Site": "same-origin"}
    looked_at = httpx.post(f"{site.url}/guestlist/api/v1/audiences/preview", files=file, headers=here, **cookie)
    assert looked_at.json()["mapping"]["email"]["columns"] == ["email"]
    assert len(site.ledger.pushed_audiences([INTAKE], 9)) == 2, "nothing of it came in"


def _asked(site: Site, role: str) -> list[int]:
    with site.client(role) as client:
        return [client.get(path).status_code for path in ("/intakes", "/audiences", f"/audiences/{PUSHED_ID}")]


def test_a_guard_is_decided_on_and_a_run_by_hand_is_refused(site: Site) -> None:
    """A run of an intake begins with an upload."""
    plan = site.ledger.newest_plan(*PUSHED_WAITS).id
    with site.client("admin") as admin:
        refused = admin.post(f"/segments/{PUSHED}/runs", json={})
        assert (refused.status_code, "push" in refused.json()["detail"]) == (409, True)
        assert admin.get("/overview", params={"segment": INTAKE}).json()["rows"][0]["can_run"] is False
        decided = admin.post(f"{WHERE}/meta_main/approval", json={"plan": plan, "decision": "reject"})
        assert decided.status_code == 201, decided.text
        log = admin.get(f"{site.url}/api/v2/eventLogs", params={"dag_id": INTAKE}).json()["event_logs"]
    assert site.ledger.decision(plan).who == "admin"
    assert "guestlist_decision" in {one["event"] for one in log}
