"""Who may push: keys that are shown once, kept as digests, for some intakes and some time; and how often they may ask."""

from __future__ import annotations

import hashlib
import json
import sqlite3

import pytest
from typer.testing import CliRunner

from guestlist.cli.main import app as command
from guestlist.web.intake import access
from web.intake.rig import Desk, csv_of

pytestmark = pytest.mark.slow
GOOD = csv_of(range(3))


def guestlist(*arguments: str) -> dict[str, object]:
    result = CliRunner().invoke(command, ["keys", *arguments])
    assert result.exit_code == 0, result.output
    found: dict[str, object] = json.loads(result.stdout) if "--json" in arguments else {}
    return found


def asked_with(desk: Desk, secret: str) -> int:
    return desk.ask("GET", "/audiences", headers={"Authorization": f"Bearer {secret}"}).status_code


def test_a_key_from_the_command_line_pushes_until_it_is_revoked(desk: Desk) -> None:
    made = guestlist("create", "shop", "--segment", "partners", "--json")
    secret = str(made["key"])
    desk.client.headers["Authorization"] = f"Bearer {secret}"
    assert desk.create("VIPs", GOOD).status_code == 201
    [listed] = guestlist("list", "--json")["keys"]  # type: ignore[misc]
    assert (listed["name"], listed["state"], listed["segments"]) == ("shop", "valid", ["partners"])  # type: ignore[index]
    assert secret not in json.dumps(listed)
    guestlist("revoke", str(made["id"]))
    assert asked_with(desk, secret) == 401
    assert CliRunner().invoke(command, ["keys", "revoke", str(made["id"])]).exit_code == 2


def test_only_a_digest_is_kept(desk: Desk) -> None:
    secret = desk.key()
    [row] = desk.ledger.intake_keys()
    assert row.digest == hashlib.sha256(secret.encode()).hexdigest()
    with sqlite3.connect(desk.folder / "ledger.db") as books:
        assert secret not in "".join(books.iterdump())
    books.close()


@pytest.mark.parametrize("secret", ["", "glk_made-up"])
def test_who_has_no_key_is_told_nothing(desk: Desk, secret: str) -> None:
    assert asked_with(desk, secret) == 401


def test_a_key_expires(desk: Desk) -> None:
    assert asked_with(desk, desk.key(hours=1)) == 200
    assert asked_with(desk, desk.key(seconds=-1)) == 401


def test_a_key_is_for_its_intakes_alone(desk: Desk) -> None:
    there = desk.create("VIPs", GOOD).json()["id"]
    assert desk.create("VIPs", GOOD, intake="others").status_code == 403
    desk.client.headers["Authorization"] = f"Bearer {desk.key(['others'])}"
    for method, path in (("GET", ""), ("GET", "/rejections"), ("DELETE", "")):
        assert desk.ask(method, f"/audiences/{there}{path}").status_code == 404
    assert desk.push("PUT", there, GOOD).status_code == 404
    assert desk.ask("GET", "/audiences").json()["audiences"] == []
    assert [one["name"] for one in desk.ask("GET", "/intakes").json()] == ["others"]
    desk.client.headers["Authorization"] = f"Bearer {desk.key(['others', 'partners'])}"
    assert desk.create("More", GOOD).status_code == 422, "it has to say which"
    assert desk.create("More", GOOD, intake="others").json()["intake"] == "others"


def test_who_asks_too_often_is_told_when_to_come_again(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GUESTLIST_INTAKE_REQUESTS", "3")
    access._allowance.cache_clear()
    answers = [desk.ask("GET", "/audiences") for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert 1 <= int(answers[-1].headers["Retry-After"]) <= 20
    assert asked_with(desk, desk.key()) == 200, "another key has its own"


def test_a_page_of_another_site_cannot_push_with_the_cookie(desk: Desk) -> None:
    sent = {"Authorization": "", "Origin": "https://example.com"}
    assert desk.ask("DELETE", "/audiences/aud_1", headers={**sent, "Cookie": "_token=x.y.z"}).status_code == 403
    assert desk.ask("DELETE", "/audiences/aud_1", headers=sent).status_code == 401, "without it nobody was tricked"
