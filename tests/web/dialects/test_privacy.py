"""Canaries come through each door, well and badly: the server's log, its answers, the ledger and the lake know nobody."""

from __future__ import annotations

import subprocess
from pathlib import Path

import httpx
import pytest
from contract.rig import digest
from destinations.test_meta import DOOR as META
from intake.rig import IDENTIFIERS
from privacy.canaries import CANARIES, digests, hits, people
from privacy.places import left_behind
from web.dialects.apart import server_apart
from web.dialects.pushes import ALL, DIALECTS, ROOT, pushed, table
from web.dialects.rig import Station

SOMEBODY = CANARIES[0]
KNOWN = people() | digests()


def refused(http: httpx.Client, key: str) -> list[httpx.Response]:
    """What is refused at each door, with somebody's data in all sorts of places."""
    bearer, email = {"authorization": f"Bearer {key}"}, SOMEBODY["email"]
    headless = table(CANARIES, "email", "phone", "last").split(b"\n", 1)[1]
    formula = table(CANARIES, "email", "phone") + f"={email},\n".encode()
    batch = (None, '{"sessionId": 1, "sequence": 1, "totalBatches": 1, "totalUsers": 1}')
    answers = [
        http.post("/guestlist/api/v1/audiences", data={"name": "n"}, files={"file": (f"{email}.csv", content)}, headers=bearer)
        for content in (headless, formula)
    ]
    answers += [
        http.post(f"{ROOT}/commbox/audiences", data={"name": "n"}, files={"audience_file": ("p.csv", content)}, headers=bearer)
        for content in (headless, formula)
    ]
    for users in (f'[{{"email": ["{email}"]}}]', f'["{digest(email.lower())}"]', f'[{{"email": "={email}"}}]', email):
        parts = {"name": (None, "n"), "batch": batch, "users": (None, users)}
        answers.append(http.post(f"{ROOT}/edgetag/audience", files=parts, headers=bearer))
    for content in (email.encode(), headless):
        form = {"fb_ad_account_id": "2", "name": "n", "user_type": "email_hash"}
        oauth = {"authorization": f"OAuth {key}"}
        answers.append(
            http.post(f"{ROOT}/pitchtarget/custom_audiences", data=form, files={"file": ("p", content)}, headers=oauth)
        )
    job = {"name": "Refused", "dsp": ["meta"]}
    made = http.post(f"{ROOT}/topsort/public/v1/offsite-ads/audiences/user-list", json=job, headers=bearer).json()
    file = http.post(f"{ROOT}/whop/files", json={"filename": f"{email}.csv"}, headers=bearer).json()
    announced = {"name": "Refused too", "filename": f"{email}.csv"}
    asked = http.post("/guestlist/api/v1/audiences", json=announced, headers=bearer).json()
    for address in (made["url"], file["upload_url"], asked["address"]["url"]):
        answers.append(http.put(address, content=formula, headers={"content-type": "text/csv"}))
    wrong = {"account_id": "biz_1", "name": 1, "column_mapping": {"email": {"of": email}}, "file_id": email}
    answers.append(http.post(f"{ROOT}/whop/audiences", json=wrong, headers=bearer))
    return answers


@pytest.mark.slow
def test_who_came_through_a_door_is_known_nowhere(station: Station, tmp_path: Path) -> None:
    intake = station.intake(META, identifiers=IDENTIFIERS)
    key = station.key(intake)
    with server_apart(station, tmp_path) as (url, _), httpx.Client(base_url=url, timeout=120) as http:
        http.headers["authorization"] = f"Bearer {key}"
        answers = refused(http, key)
        assert all(400 <= answer.status_code < 500 for answer in answers)
        for door, push in ALL.items():
            answer = pushed(push, http, key, door, CANARIES)
            assert answer.is_success, f"{door}: {answer.text}"
            answers.append(answer)
        while station.settle():
            pass
        found = {one.name: one for one in station.audiences(intake)}
        for door in ALL:
            assert station.state(found[door]).status == "ready", door
            answers += [http.get(f"/guestlist/api/v1/audiences/{found[door].id}{path}") for path in ("", "/rejections")]
    for answer in answers:
        assert hits(f"{answer.text} {answer.headers}", KNOWN) == set()
    # by another process: one that reads SQLite's files takes away the locks that it has on them
    subprocess.run(["cp", "-r", station.world.folder, tmp_path / "world"], check=True)
    searched = dict(left_behind(tmp_path))
    for where, text in searched.items():
        if not where.startswith("world/sandbox"):
            hashes_may_stand_there = where.startswith("world/lake/") and "parquet" in where
            assert hits(text, people() if hashes_may_stand_there else KNOWN) == set(), where
    assert {"world/ledger.db, uploads.told", "world/ledger.db, pushed_audiences.details"} <= set(searched)
    assert all(f"/guestlist/dialects/{dialect}" in searched["log"] for dialect in DIALECTS)
