"""Audiences pushed over HTTP through Airflow's API server and scheduler to the platforms, and by whom."""

from __future__ import annotations

import signal
import socket
import sqlite3
import subprocess
import sys
from contextlib import closing, suppress
from urllib.parse import urlsplit

import httpx
import pytest

from guestlist.cli.components import free_port
from web.intake.rig import Place, csv_of, until

pytestmark = pytest.mark.slow


def test_pushed_replaced_appended_and_deleted(place: Place) -> None:
    created = place.create("Life", csv_of(range(20)), destinations="meta_main")
    assert created.status_code == 201, created.text
    there = created.json()["id"]
    for method, numbers, members in (("", range(0), 20), ("PUT", range(10, 25), 15), ("POST", range(30, 33), 18)):
        if method:
            answer = place.push(method, there, csv_of(numbers))
            assert answer.status_code == 202, answer.text
        found = place.wait(there)
        assert (found["status"], found["progress_percent"]) == ("ready", 100), found
        [target] = found["destinations"]
        assert (target["state"], target["members"]) == ("sealed", members)
        assert target["platform_id"]
    assert place.ask("DELETE", f"/audiences/{there}").status_code == 202
    found = place.wait(there)
    assert (found["status"], found["deleted"], found["destinations"][0]["members"]) == ("ready", True, 0)
    assert place.create("Life", csv_of(range(2))).status_code == 201, "its name is free again"


def test_rows_that_cannot_be_used_are_counted_by_reason(place: Place) -> None:
    content = csv_of(range(5)) + b"c9,no email,,no phone,,,,,yes\n"
    there = place.create("Messy", content, destinations="meta_main").json()["id"]
    found = place.wait(there)
    assert found["total_rows"] == 6
    told = place.ask("GET", f"/audiences/{there}/rejections").json()
    assert sum(one["count"] for one in told["dropped"]) == 1
    assert [one["label"] for one in told["destinations"]] == ["meta_main"]
    [dropped] = told["dropped"]
    rows = place.ask("GET", f"/audiences/{there}/rejections", params={"format": "csv"}).text.splitlines()
    assert rows == ["where,reason,count", f",{dropped['name']},1"]


def test_a_broken_row_ends_in_failed_with_its_line(place: Place) -> None:
    there = place.create("Broken", csv_of(range(5)) + b"only,two\n").json()["id"]
    found = place.wait(there)
    assert (found["status"], "line 7" in found["message"]) == ("failed", True), found
    assert "example.com" not in str(found)


def test_users_of_airflow_push_by_their_permissions(place: Place) -> None:
    as_user = place.as_user()
    token = as_user["Authorization"].removeprefix("Bearer ")
    answer = place.create("By hand", csv_of(range(2)), intake="others", headers=as_user)
    assert answer.status_code == 201, answer.text
    assert place.ledger.pushed_audience(answer.json()["id"]).pushed_by == f"user:{place.airflow.user}"  # type: ignore[union-attr]
    for wrong in ("made-up", ".e30.", token[:-3]):
        assert place.ask("GET", "/audiences", headers={"Authorization": f"Bearer {wrong}"}).status_code == 401


def test_an_upload_that_is_broken_off_leaves_nothing(place: Place) -> None:
    before, listed = place.kept(), place.ask("GET", "/audiences").json()
    url = urlsplit(place.airflow.url)
    head = (
        f"POST /guestlist/api/v1/audiences HTTP/1.1\r\nHost: {url.netloc}\r\n"
        f"Authorization: {place.client.headers['Authorization']}\r\n"
        "Content-Type: multipart/form-data; boundary=b\r\nContent-Length: 2000000\r\n\r\n"
        "--b\r\nContent-Disposition: form-data; name=name\r\n\r\nBroken off\r\n"
        "--b\r\nContent-Disposition: form-data; name=file; filename=p.csv\r\n\r\n"
    )
    with socket.create_connection((url.hostname, url.port)) as sent:
        sent.sendall(head.encode() + csv_of(range(15_000)))
        until(lambda: len(place.kept()) > len(before))
    until(lambda: place.kept() == before)
    assert place.ask("GET", "/audiences").json() == listed


def test_nothing_personal_is_told_or_kept(place: Place) -> None:
    canary = "needle.in.haystack@example.com"
    there = place.create("Private", b"email,email2,phone,first,last,country,zip\n" + canary.encode() + b",,,,,,\n").json()["id"]
    found = place.wait(there)
    assert found["status"] == "ready", found
    assert canary not in str(found)
    assert canary not in place.airflow.log.read_text()
    assert not any(canary in path.read_text() for path in (place.stage.airflow_home / "logs").rglob("*.log"))
    for books in (place.folder / "ledger.db", place.stage.airflow_home / "airflow.db"):
        with closing(sqlite3.connect(books)) as database:
            assert canary not in "".join(database.iterdump())
    assert [path for path in place.kept() if found["upload_id"] in str(path)] == [], "its file is gone once it is sealed"


def test_a_run_that_is_marked_as_failed_holds_up_nobody(place: Place) -> None:
    created = place.create("Marked", csv_of(range(8_000)))
    assert created.status_code == 201, created.text
    there = created.json()["id"]
    until(lambda: place.show(there)["status"] in ("processing", "syncing"))
    run, as_user = f"intake__{place.show(there)['upload_id']}", place.as_user()
    marked = place.client.patch(f"/api/v2/dags/partners/dagRuns/{run}", json={"state": "failed"}, headers=as_user)
    assert marked.status_code == 200, marked.text
    begun = place.client.post("/api/v2/dags/guestlist_intake/dagRuns", json={"logical_date": None}, headers=as_user)
    assert begun.status_code == 200, begun.text
    found = place.wait(there)
    assert (found["status"], run in found["message"]) == ("failed", True), found
    assert place.push("PUT", there, csv_of(range(5))).status_code == 202
    assert place.wait(there)["status"] == "ready"


def test_an_address_of_an_upload_is_not_in_the_log(place: Place) -> None:
    asked = {"name": "Announced", "filename": "p.csv"}
    url = place.ask("POST", "/audiences", json=asked).json()["address"]["url"]
    assert place.client.put(url, content=b"not,a,column\n1,2,3\n").status_code == 422, "so that it may still be used"
    until(lambda: "/guestlist/uploads" in place.airflow.log.read_text())
    assert url.partition("token=")[2] not in place.airflow.log.read_text()


KILLED = """
import os, signal
from guestlist.web.intake import pushing
pushing.begin = lambda workspace: os.kill(os.getpid(), signal.SIGKILL)
from airflow.__main__ import main
main()
"""


def test_an_api_server_killed_before_the_run_began(place: Place) -> None:
    port = free_port(0)
    url = f"http://127.0.0.1:{port}"
    environment = {**place.stage.environment(place.sandbox), "AIRFLOW__API__PORT": str(port), "AIRFLOW__API__BASE_URL": url}
    command = [sys.executable, "-c", KILLED, "api-server", "--workers", "1"]
    with (place.folder / "killed.log").open("w") as log:
        server = subprocess.Popen(command, env=environment, cwd=place.folder, stdout=log, stderr=log)
    try:
        with Place.client_of(url) as client:
            client.headers["Authorization"] = place.client.headers["Authorization"]
            until(lambda: answers(client))
            form = {"data": {"name": "Killed"}, "files": {"file": ("p.csv", csv_of(range(4)))}}
            answer = client.post("/guestlist/api/v1/audiences", **form)
            assert answer.status_code == 201
        assert server.wait(60) == -signal.SIGKILL
    finally:
        server.kill()
        server.wait()
    assert place.wait(answer.json()["id"])["status"] == "ready", "guestlist_intake has begun it"


def answers(client: httpx.Client) -> bool:
    with suppress(httpx.TransportError):
        return client.get("/api/v2/monitor/health").status_code == 200
    return False
