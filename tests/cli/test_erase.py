"""guestlist erase and guestlist verify, as a privacy officer uses them; nothing that is typed is shown again."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from cli.rig import Installation, RunningSandbox, guestlist, person

PEOPLE = 30
SHA = hashlib.sha256(b"person6@example.com").hexdigest()


@pytest.fixture
def synced(installation: Installation, sandbox: RunningSandbox) -> RunningSandbox:
    installation.segment()
    installation.people([person(number) for number in range(PEOPLE)])
    assert guestlist("sync", "vips", "--json").exit_code == 0
    return sandbox


def erased(*arguments: str, code: int = 0, stdin: str | None = None) -> dict[str, Any]:
    told = guestlist("erase", *arguments, "--json", stdin=stdin)
    assert told.exit_code == code, told.stderr
    for private in ("person", "0151", "4915112340", SHA):
        assert private not in told.stdout.replace("person_", "") + told.stderr
    found: dict[str, Any] = json.loads(told.stdout)
    return found


@pytest.mark.slow
def test_by_options_by_file_and_by_answers(synced: RunningSandbox, tmp_path: Path) -> None:
    (one,) = erased("--email", "person1@example.com", "--phone", "0151 12340002", "--region", "DE")["erasures"]
    assert one["state"] == "closed"
    assert [step["outcome"] for step in one["audiences"]] == ["removed", "removed"]
    assert synced.members("google") == synced.members("meta") == [PEOPLE - 2]
    people = tmp_path / "requests.csv"
    people.write_text(f"email,phone,email,region\nperson3@example.com,,,\n,0151 12340004,person5@example.com,DE\n{SHA},,,\n")
    erased("--file", str(people))
    assert synced.members("google") == synced.members("meta") == [PEOPLE - 6]
    told = guestlist("erase", stdin="person7@example.com\n\n\n\n\n")
    assert told.exit_code == 0, told.stderr
    assert "person7" not in told.output
    assert synced.members("google") == synced.members("meta") == [PEOPLE - 7]
    again = guestlist("sync", "vips", "--json")
    assert again.exit_code == 0, again.stderr
    assert json.loads(again.stdout)["drops"]["rows"] == {"erased": 7}
    assert synced.members("google") == synced.members("meta") == [PEOPLE - 7]


@pytest.mark.slow
def test_what_cannot_be_done_now_stays_open_and_is_finished_later(
    synced: RunningSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced.connect(monkeypatch, access_token="wrong")
    (one,) = erased("--email", "person1@example.com", code=4)["erasures"]
    assert (one["state"], [step["outcome"] for step in one["audiences"]]) == ("open", ["removed", None])
    synced.connect(monkeypatch)
    (again,) = erased("--resume")["erasures"]
    assert (again["erasure"], again["state"]) == (one["erasure"], "closed")
    assert synced.members("meta") == [PEOPLE - 1]
    assert erased("--resume")["erasures"] == []
    (entered,) = erased("--email", "person2@example.com", "--enter-only")["erasures"]
    assert (entered["state"], entered["audiences"]) == ("open", [])
    assert synced.members("meta") == [PEOPLE - 1]


@pytest.mark.slow
def test_verify_names_the_first_receipt_that_does_not_fit(
    installation: Installation, synced: RunningSandbox, tmp_path: Path
) -> None:
    erased("--email", "person1@example.com")
    head = erased("--email", "person2@example.com")["head"]
    whole = guestlist("verify", "--json")
    assert (whole.exit_code, json.loads(whole.stdout)["head"]) == (0, head)
    (tmp_path / "receipts.json").write_text(whole.stdout)
    assert guestlist("verify", str(tmp_path / "receipts.json"), "--head", head).exit_code == 0
    removed = json.loads(json.loads(whole.stdout)["receipts"][1]["content"])["audiences"][1]
    assert (removed["platform"], removed["outcome"], removed["removed"]) == ("meta", "removed", {"email": 1, "phone": 1})
    assert removed["audience_id"]
    assert removed["request_ids"]
    with sqlite3.connect(installation.home / "ledger.db") as ledger:
        ledger.execute("DELETE FROM erasure_receipts WHERE number = 4")
    cut = guestlist("verify")
    assert (cut.exit_code, "has no receipt that it was closed" in cut.stderr) == (3, True)
    pinned = guestlist("verify", "--head", head)
    assert (pinned.exit_code, "receipt 4 is not there any more" in pinned.stderr) == (3, True)
    with sqlite3.connect(installation.home / "ledger.db") as ledger:
        ledger.execute("""UPDATE erasure_receipts SET content = replace(content, 'removed', 'left') WHERE number = 2""")
    changed = guestlist("verify")
    assert (changed.exit_code, "receipt 2 was changed" in changed.stderr) == (3, True)


@pytest.mark.parametrize(
    ("text", "told", "code"),
    [
        ("person1@example.com\n", "column 1", 2),
        ("email\nno address\n", "this email cannot be used: not_an_email", 3),
        ("email,phone\nperson1@example.com,0151 12340002\n", "this phone cannot be used: no_region", 3),
        ("email,phone\n,\n", "line 2 of the file names nobody", 3),
        ("email\n", "has nobody in it", 3),
        ("", "cannot be read", 3),
    ],
)
def test_a_file_that_cannot_be_used_enters_nobody(
    installation: Installation, tmp_path: Path, text: str, told: str, code: int
) -> None:
    people = tmp_path / "requests.csv"
    people.write_text(text)
    result = guestlist("erase", "--file", str(people))
    assert (result.exit_code, told in result.stderr) == (code, True), result.stderr
    assert "person1" not in result.output
    assert guestlist("verify").stdout == "0 receipts, whole; the newest is -\n"


def test_nobody_is_nobody(installation: Installation) -> None:
    told = guestlist("erase", stdin="\n\n\n\n\n")
    assert (told.exit_code, "nobody was named" in told.stderr) == (2, True)


def test_what_is_no_export_cannot_be_verified(tmp_path: Path) -> None:
    (tmp_path / "file.json").write_text("[]")
    assert guestlist("verify", str(tmp_path / "file.json")).exit_code == 3
