"""What people do from the pages: a run by hand, and a decision that the ledger keeps."""

import pytest

from web.site import TO_DECIDE, Site

pytestmark = pytest.mark.slow


def test_a_run_by_hand_is_a_run_of_the_dag(site: Site) -> None:
    with site.client("admin") as admin:
        begun = admin.post("/segments/segment_0003/runs", json={"dry_run": True, "destinations": ["meta_main"]})
        assert begun.status_code == 201, begun.text
        run = begun.json()["run_id"]
        found = admin.get(f"{site.url}/api/v2/dags/segment_0003/dagRuns/{run}").json()
        assert found["conf"] == {"dry_run": True, "destinations": ["meta_main"]}
        assert (found["run_type"], found["state"], found["triggering_user_name"]) == ("manual", "queued", "admin")
        log = admin.get(f"{site.url}/api/v2/eventLogs", params={"dag_id": "segment_0003"}).json()["event_logs"]
        refused = admin.post("/segments/segment_0003/runs", json={"destinations": ["no_such"]})
        assert refused.status_code == 400, refused.text
        assert admin.post("/segments/segment_0003/runs", json={"full_resend": True}).status_code == 422
        assert admin.post("/segments/no_such/runs", json={}).status_code == 404
    assert [(one["event"], one["owner"], one["run_id"]) for one in log] == [("trigger_dag_run", "admin", run)]


@pytest.mark.parametrize(("decision", "key"), [*zip(("approve", "reject"), TO_DECIDE, strict=True)])
def test_the_first_decision_holds(site: Site, decision: str, key: tuple[str, str]) -> None:
    where = f"/segments/{key[0]}/destinations/{key[1]}"
    ledger = site.ledger
    plan = ledger.newest_plan(*key).id
    with site.client("admin") as admin:
        assert admin.post(f"{where}/approval", json={"plan": plan + 1, "decision": decision}).status_code == 409
        decided = admin.post(f"{where}/approval", json={"plan": plan, "decision": decision})
        assert decided.status_code == 201, decided.text
        kept = ledger.decision(plan)
        assert (kept.decision, kept.who) == (decision, "admin") == (decided.json()["decision"], decided.json()["who"])
        again = admin.post(f"{where}/approval", json={"plan": plan, "decision": decision})
        assert (again.status_code, ledger.decision(plan).id) == (201, kept.id), "twice is once"
        other = {"approve": "reject", "reject": "approve"}[decision]
        late = admin.post(f"{where}/approval", json={"plan": plan, "decision": other})
        assert late.status_code == 409
        assert "by admin" in late.json()["detail"]
        page = admin.get(where).json()
        assert page["waiting"]["decided"]["who"] == "admin"
        assert page["audience"]["status"] != "waiting"
        [logged] = [row for row in admin.get("/guards").json()["rows"] if row["plan"] == plan]
    assert (logged["outcome"], logged["who"]) == ({"approve": "approved", "reject": "rejected"}[decision], "admin")
    assert ledger.decision(plan).id == kept.id
