"""The admin API: health, clock, log, settings, faults, reset."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path

import httpx
import pytest
from sandbox.rig import Rig, digest


def test_health_names_the_doors_and_addresses(rig: Rig) -> None:
    health = rig.admin("GET", "health")
    assert health["ok"] is True
    assert {"meta", "data_manager", "google_ads"} <= set(health["platforms"])
    assert health["http"] == rig.sandbox.http_url
    assert health["grpc"] == rig.sandbox.grpc_endpoint
    assert Path(health["ca_file"]).read_text().startswith("-----BEGIN CERTIFICATE-----")


def test_a_process_asks_its_own_sandbox_the_same_without_http(rig: Rig) -> None:
    rig.meta_audience()
    for path in ("health", "books/meta", "settings/meta", "requests/meta?since=1"):
        assert rig.sandbox.admin("GET", path) == rig.admin("GET", path)
    rig.sandbox.admin("POST", "clock", {"now": "2030-01-02T03:04:05Z"})
    assert rig.admin("GET", "clock")["now"].startswith("2030-01-02T03:04:0")
    with pytest.raises(ValueError, match="no platform 'nowhere'"):
        rig.sandbox.admin("GET", "requests/nowhere")


def test_clock_starts_real_can_be_moved_and_is_told_in_the_date_header(rig: Rig) -> None:
    start = datetime.fromisoformat(rig.admin("GET", "clock")["now"])
    assert abs(start - datetime.now(UTC)) < timedelta(seconds=5)
    rig.admin("POST", "clock", {"now": "2030-01-02T03:04:05Z"})
    told = parsedate_to_datetime(rig.meta("GET", "act_77").headers["date"])
    assert abs(told - datetime(2030, 1, 2, 3, 4, 5, tzinfo=UTC)) < timedelta(seconds=5)


@pytest.mark.parametrize("body", [{}, {"advance": "soon"}, {"now": "yesterday"}, {"advance": 1, "now": "2030-01-01"}])
def test_a_bad_clock_is_refused(rig: Rig, body: dict) -> None:
    assert rig.http.post("/admin/clock", json=body).status_code == 400


def test_log_counts_what_was_done_and_holds_no_values(rig: Rig) -> None:
    audience = rig.meta_audience()
    payload = {"schema": ["EMAIL"], "data": [[digest("a")], [digest("b")]]}
    rig.meta("POST", f"{audience}/users", payload=payload)
    rig.meta("DELETE", f"{audience}/users", query={"payload": '{"schema":["EMAIL"],"data":[["' + digest("a") + '"]]}'})
    rig.meta("POST", f"{audience}/users", payload={"schema": ["NOPE"], "data": [["x"], ["y"], ["z"]]})
    log = rig.log("meta")
    assert [(line["n"], line["operation"], line["rows"], line["status"]) for line in log] == [
        (1, "create", 0, 200),
        (2, "add", 2, 200),
        (3, "remove", 1, 200),
        (4, "add", 0, 400),
    ]
    assert digest("a") not in str(log)
    assert "sandbox-token" not in str(log)
    assert rig.admin("GET", "requests/meta?since=3")["requests"] == log[3:]
    assert rig.admin("GET", "requests/meta/summary") == {
        "total": 4,
        "by_operation": {"add": 2, "create": 1, "remove": 1},
        "rows_added": 2,
        "rows_removed": 1,
    }


def test_unknown_settings_books_doors_and_faults_are_refused_with_what_there_is(rig: Rig) -> None:
    assert "settle_seconds" in rig.http.post("/admin/settings/meta", json={"settle": 1}).json()["error"]
    assert "google" in rig.http.get("/admin/books/nobody").json()["error"]
    assert "meta" in rig.http.get("/admin/requests/nobody").json()["error"]
    bad = {"faults": [{"match": {}, "action": {"explode": True}}]}
    assert "malformed" in rig.http.post("/admin/faults/meta", json=bad).json()["error"]
    for action in ({"delay": "long"}, {"drop": "sometimes"}, {"status": "500"}, {"fail_job": "often"}, {"reject_rows": 1}, {}):
        assert rig.http.post("/admin/faults/meta", json={"faults": [{"action": action}]}).status_code == 400
    assert rig.admin("GET", "faults/meta") == {"left": 0}
    unnamed = {"faults": [{"action": {"error": "99999"}}]}
    assert "2650/1870145" in rig.http.post("/admin/faults/meta", json=unnamed).json()["error"]


def test_reset_forgets_everything_but_tokens(rig: Rig) -> None:
    rig.meta_audience()
    rig.settings("meta", terms_accepted=False)
    rig.advance(1e6)
    bearer = rig.bearer
    rig.admin("POST", "reset")
    assert rig.admin("GET", "books/meta") == []
    assert rig.log("meta") == []
    assert rig.admin("GET", "settings/meta")["terms_accepted"] is True
    assert abs(datetime.fromisoformat(rig.admin("GET", "clock")["now"]) - datetime.now(UTC)) < timedelta(seconds=5)
    lists = f"/data_manager/v1/accountTypes/GOOGLE_ADS/accounts/{1234567890}/userLists"
    assert rig.http.get(lists, headers=bearer).status_code == 200


def test_faults_skip_count_and_match(rig: Rig) -> None:
    rig.fault("meta", {"status": 503, "body": "down", "headers": {"retry-after": "7"}}, path="/act_77$", skip=1, times=2)
    statuses = [rig.meta("GET", path).status_code for path in ("act_77", "act_78", "act_77", "act_77", "act_77")]
    assert statuses == [200, 200, 503, 503, 200]
    rig.fault("meta", {"status": 503, "headers": {"retry-after": "7"}})
    assert rig.meta("GET", "act_77").headers["retry-after"] == "7"
    rig.fault("meta", {"status": 503})
    assert rig.admin("GET", "faults/meta") == {"left": 1}
    rig.admin("DELETE", "faults/meta")
    assert rig.meta("GET", "act_77").status_code == 200


@pytest.mark.parametrize(("when", "members"), [("before", 0), ("after", 1)])
def test_a_dropped_connection_before_or_after_acting(rig: Rig, when: str, members: int) -> None:
    audience = rig.meta_audience()
    rig.fault("meta", {"drop": when}, path="/users$")
    with pytest.raises(httpx.TransportError):
        rig.meta("POST", f"{audience}/users", payload={"schema": ["EMAIL"], "data": [[digest("a")]]})
    assert rig.admin("GET", "books/meta")[0]["members"] == members
    assert rig.log("meta")[-1]["status"] == 0


def test_a_delay_after_acting_looks_like_a_timeout_that_acted(rig: Rig) -> None:
    rig.fault("meta", {"delay": 0.4, "when": "after"}, path="customaudiences$")
    form = {"name": "n", "subtype": "CUSTOM"}
    with pytest.raises(httpx.ReadTimeout):
        rig.http.post("/meta/v26.0/act_1/customaudiences", params={"access_token": "sandbox-token"}, data=form, timeout=0.15)
    assert len(rig.admin("GET", "books/meta")) == 1


def test_a_silent_platform_has_acted(rig: Rig) -> None:
    rig.fault("meta", {"silent": True}, path="customaudiences$")
    form = {"name": "n", "subtype": "CUSTOM"}
    with pytest.raises(httpx.ReadTimeout):
        rig.http.post("/meta/v26.0/act_1/customaudiences", params={"access_token": "sandbox-token"}, data=form, timeout=0.15)
    assert len(rig.admin("GET", "books/meta")) == 1
    assert rig.log("meta")[-1]["status"] == 0


def test_somebody_deletes_the_audience_just_before_a_request(rig: Rig) -> None:
    audience = rig.meta_audience()
    rig.fault("meta", {"delete_audiences": True}, path="/users$")
    payload = {"schema": ["EMAIL"], "data": [[digest("a")]]}
    assert rig.meta("POST", f"{audience}/users", payload=payload).json()["error"]["error_subcode"] == 33
    assert rig.admin("GET", "books/meta") == []


def test_a_delay_before_acting_only_takes_time(rig: Rig) -> None:
    rig.fault("meta", {"delay": 0.2})
    start = time.monotonic()
    assert rig.meta("GET", "act_77").status_code == 200
    assert time.monotonic() - start >= 0.2


def test_malformed_answers_come_after_acting(rig: Rig) -> None:
    bodies = {}
    for kind in ("html", "empty", "truncated", "wrong_type"):
        rig.fault("meta", {"malformed": kind})
        reply = rig.meta("POST", "act_77/customaudiences", name=kind, subtype="CUSTOM")
        assert reply.status_code == 200
        bodies[kind] = reply
    assert "html" in bodies["html"].headers["content-type"]
    assert bodies["empty"].content == b""
    with pytest.raises(ValueError, match=r"."):
        bodies["truncated"].json()
    assert isinstance(bodies["wrong_type"].json()["id"], list)
    assert [line["name"] for line in rig.admin("GET", "books/meta")] == ["html", "empty", "truncated", "wrong_type"]
