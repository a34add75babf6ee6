"""``guestlist check`` and ``guestlist vault``: what is wrong with a connection is told with the way to mend it."""

from __future__ import annotations

import json
import stat
from typing import Any

import pytest
from cli.rig import Installation, RunningSandbox, guestlist, person

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def people(installation: Installation, sandbox: RunningSandbox) -> None:
    installation.segment()
    installation.people([person(number) for number in range(120)])


def checked(*arguments: str, code: int = 0) -> dict[str, Any]:
    told = guestlist("check", "vips", *arguments, "--json")
    assert told.exit_code == code, told.stderr
    found: dict[str, Any] = json.loads(told.stdout)
    return {one["label"]: one for one in found["checked"]}


def test_everything_is_well_and_nothing_is_changed(installation: Installation, sandbox: RunningSandbox) -> None:
    found = checked()
    assert list(found) == ["source", "google_main", "meta_main"]
    assert all(one["ok"] for one in found.values())
    assert "will be made" in found["meta_main"]["findings"][-1]["what"]
    assert sandbox.admin("GET", "books/meta") == sandbox.admin("GET", "books/google") == []
    assert not list(installation.home.glob("lake/**/*.parquet"))
    assert guestlist("sync", "vips").exit_code == 0
    found = checked("--only", "meta_main")
    assert list(found) == ["source", "meta_main"]
    assert found["meta_main"]["findings"][-1]["what"] == "audience 'VIPs' is there"


def test_for_a_person(sandbox: RunningSandbox) -> None:
    told = guestlist("check", "vips")
    assert told.exit_code == 0, told.stderr
    assert "ok  meta_main (meta, connection meta_main)\n    terms custom_audience_tos are accepted" in told.stdout


def test_terms_that_nobody_accepted(sandbox: RunningSandbox) -> None:
    sandbox.admin("POST", "settings/meta", {"terms_accepted": False})
    found = checked(code=4)["meta_main"]
    assert not found["ok"]
    assert found["findings"][0]["what"] == "terms custom_audience_tos are not accepted"
    assert "tos/?act=" in found["findings"][0]["mend"]
    told = guestlist("check", "vips")
    assert "bad meta_main" in told.stdout
    assert "to mend: " in told.stdout


def test_a_credential_that_was_revoked_does_not_hide_the_others(sandbox: RunningSandbox) -> None:
    sandbox.admin("POST", "settings/meta", {"token_valid": False})
    found = checked(code=4)
    assert (found["google_main"]["ok"], found["meta_main"]["ok"]) == (True, False)
    assert "credential" in found["meta_main"]["findings"][0]["mend"]


def test_a_connection_and_a_source_that_are_not_there(
    installation: Installation, sandbox: RunningSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AIRFLOW_CONN_META_MAIN")
    (installation.segments.parent / "people.csv").unlink()
    found = checked(code=3)
    assert found["source"]["exit_code"] == 3
    assert found["meta_main"]["exit_code"] == 2
    assert "AIRFLOW_CONN_META_MAIN" in found["meta_main"]["findings"][0]["what"]


def test_a_key_is_wanted_for_plain_text_and_made_by_one_command(installation: Installation, sandbox: RunningSandbox) -> None:
    target = {"platform": "edgetag", "connection": "edgetag_main", "audience": "VIPs", "mode": "append"}
    installation.segment(destinations=[target])
    found = checked(code=2)
    assert "guestlist vault create" in found["vault"]["findings"][0]["what"]
    made = guestlist("vault", "create")
    assert made.exit_code == 0, made.stderr
    key = installation.home / "vault.key"
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert key.read_text().strip() not in made.stderr + made.stdout
    assert checked()["vault"]["ok"]
    assert guestlist("vault", "create").exit_code == 2
