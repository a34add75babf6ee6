"""guestlist doctor: a mistake in a hash, or in a source, named without showing either."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import pty
import re
import subprocess
from typing import Any

import pytest
from cli.rig import INCLUDE, PROGRAM, Installation, guestlist, person, program_environment

from guestlist.cli import exits

WRONG = 3


def sha(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def platforms(output: str) -> dict[str, Any]:
    return {item["platform"]: item for item in json.loads(output)["platforms"]}


def test_a_hash_that_is_right_for_some_platforms_and_wrong_for_others() -> None:
    arguments = ("--email", " Dana.Smith@gmail.com", "--hash", sha("dana.smith@gmail.com"))
    told = guestlist("doctor", *arguments, "--json")
    assert told.exit_code == 0
    found = platforms(told.stdout)
    assert found["meta"]["verdict"] == found["snapchat_ads"]["verdict"] == "right"
    assert found["klaviyo"]["verdict"] == "unhashed"
    assert found["google_ads"]["verdict"] == "wrong"
    assert [item["name"] for item in found["google_ads"]["mistakes"]] == ["gmail_not_folded"]
    assert "commbox" not in found, "it takes no email"
    shown = guestlist("doctor", *arguments)
    for text in ("Gmail's dots or '+tag' were kept", "google_ads", "right", "wrong", "unhashed"):
        assert text in shown.stdout


def test_a_hash_that_is_wrong_for_all() -> None:
    told = guestlist("doctor", "--phone", "0151 12345678", "--region", "DE", "--hash", sha("+49015112345678"))
    assert told.exit_code == WRONG
    assert "written with the zero" in told.stdout
    assert "write it in E.164" in " ".join(told.stdout.split())


def test_a_hash_that_nobody_explains() -> None:
    told = guestlist("doctor", "--last-name", "Smith", "--hash", sha("salt|smith"))
    assert told.exit_code == WRONG
    assert "unknown" in told.stdout
    assert "wrong recipes" in told.stdout


def test_a_value_that_no_key_is_made_of() -> None:
    told = guestlist("doctor", "--phone", "0151 12345678", "--hash", sha("015112345678"))
    assert told.exit_code == WRONG
    assert "no_region" in told.stdout
    assert "--region" in told.stdout


FIELDS = {
    "--email": ("Dana@Example.com", "dana@example.com"),
    "--phone": ("+49 151 12345678", "+4915112345678"),
    "--first-name": ("Dana", "dana"),
    "--last-name": ("Smith", "smith"),
    "--city": ("New York", "newyork"),
    "--state": ("California", "ca"),
    "--postal-code": ("94105-1234", "94105"),
    "--country": ("Germany", "de"),
    "--mobile-ad-id": ("AAAAAAAA-bbbb-cccc-dddd-eeeeeeeeeeee", "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee"),
}


@pytest.mark.parametrize("option", FIELDS)
def test_every_field_has_an_option(option: str) -> None:
    value, right = FIELDS[option]
    told = guestlist("doctor", option, value, "--region", "US", "--hash", sha(right), "--json")
    assert told.exit_code == 0
    assert "right" in {item["verdict"] for item in platforms(told.stdout).values()}


def test_a_hash_by_itself() -> None:
    told = guestlist("doctor", "--hash", sha("null"), "--json")
    assert told.exit_code == WRONG
    found = json.loads(told.stdout)
    assert (found["right"], [item["name"] for item in found["constant"]]) == (False, ["text_null"])
    assert "the text 'null' was hashed" in guestlist("doctor", "--hash", sha("null")).stdout
    good = guestlist("doctor", "--hash", sha("dana@example.com"))
    assert (good.exit_code, "64 lower-case hex digits" in good.stdout) == (0, True)
    cut = guestlist("doctor", "--hash", sha("dana@example.com")[:63])
    assert (cut.exit_code, "not 64 of them" in cut.stdout) == (WRONG, True)


def test_the_value_may_come_from_standard_input() -> None:
    found = hashlib.md5(b"dana@example.com", usedforsecurity=False).hexdigest()
    for hash_, stdin in ((found, "dana@example.com\n"), ("-", f"dana@example.com\n{found}\n")):
        told = guestlist("doctor", "--email", "-", "--hash", hash_, stdin=stdin)
        assert told.exit_code == WRONG
        assert "it was hashed by MD5" in told.stdout
    spaced = guestlist("doctor", "--email", "-", "--hash", sha(" dana@example.com"), "--json", stdin=" Dana@example.com\n")
    assert platforms(spaced.stdout)["meta"]["mistakes"][0]["name"] == "outer_space_kept"


@pytest.mark.slow
def test_at_a_terminal_it_is_asked_for_and_not_echoed() -> None:
    ours, theirs = pty.openpty()
    command = [*PROGRAM, "doctor", "--email", "-", "--hash", sha("dana@example.com")]
    with subprocess.Popen(
        command,
        stdin=theirs,
        stdout=subprocess.PIPE,
        stderr=theirs,
        text=True,
        env=program_environment(),
        start_new_session=True,
    ) as process:
        os.close(theirs)
        asked = b""
        while not asked.endswith(b"email: "):  # the space comes once the echo is off
            asked += os.read(ours, 100)
        os.write(ours, b"dana@example.com\n")
        told, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    assert "right" in told
    with contextlib.suppress(OSError):  # the other end is closed
        asked += os.read(ours, 1000)
    os.close(ours)
    assert b"dana" not in asked


VALUES = [("--email", "dana.canary@example.com"), ("--phone", "0151 98765432"), ("--last-name", "Canaryname")]


@pytest.mark.parametrize("form", [(), ("--json",)], ids=["table", "json"])
@pytest.mark.parametrize(("option", "value"), VALUES)
def test_neither_value_nor_hash_is_printed(option: str, value: str, form: tuple[str, ...]) -> None:
    for found in (sha(value), sha(value.upper()), sha("salt"), value, "0x" + sha(value)):
        told = guestlist("doctor", option, value, "--hash", found, "--region", "DE", *form)
        assert value.lower() not in told.output.lower()
        assert found not in told.output
        assert sha(value)[:9] not in told.output


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("vips", "--hash", "x"),
        ("vips", "--email", "x"),
        ("--email", "x"),
        ("--email", "x", "--phone", "y", "--hash", "z"),
        ("--email", "dana\udcff@example.com", "--hash", "z"),
        ("vips", "--rows", "0"),
    ],
)
def test_wrong_usage(arguments: tuple[str, ...]) -> None:
    told = guestlist("doctor", *arguments)
    assert told.exit_code == exits.CONFIG
    assert "dana" not in told.output


def test_the_pages_example_is_true(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    page = (INCLUDE.parent / "docs" / "cli.md").read_text(encoding="utf-8")
    value, arguments, printed = re.findall(r"^\$ echo (\S+) \| guestlist (doctor .*)\n([^`]*)", page, re.MULTILINE)[0]
    told = guestlist(*arguments.split(), stdin=f"{value}\n")
    assert [line.rstrip() for line in told.stdout.splitlines()] == printed.splitlines()


# a segment's source

ODD = {"email": "person1@example.com", "phone": "person@example.org", "zip": "80331"}


def test_a_segment(installation: Installation) -> None:
    installation.segment()
    installation.people([person(1), person(2, **ODD), person(3, email="Person1@EXAMPLE.com"), person(4, ok="no")])
    told = guestlist("doctor", "vips")
    assert told.exit_code == 0
    for text in (
        "vips  match readiness",
        "keys a person",
        "4 rows read = 3 prepared + 1 dropped",
        "The same key in several spellings",
        "4 placeholders",
        "emails in it",
        "DE",
    ):
        assert text in told.stdout, text
    assert "No column looks suspicious" not in told.stdout
    found = json.loads(guestlist("doctor", "vips", "--json").stdout)
    assert found["segment"] == "vips"
    assert [(item["label"], item["people"]) for item in found["platforms"]] == [("google_main", 3), ("meta_main", 3)]
    assert [(item["column"], item["values"], item["of"]) for item in found["suspicions"]] == [("phone", 1, 4)]


def test_a_clean_segment(installation: Installation) -> None:
    installation.segment(identifiers={"email": "email"})
    installation.people([person(number, email=f"p{number}@shop.org") for number in range(5)])
    told = guestlist("doctor", "vips")
    assert "No column looks suspicious" in told.stdout
    assert "several spellings" not in told.stdout
    assert "placeholders" not in told.stdout


def test_only_so_many_rows_are_looked_at(installation: Installation) -> None:
    installation.segment()
    installation.people([person(number) for number in range(300)])
    for arguments, rows in (((), 300), (("--rows", "120"), 120)):
        assert json.loads(guestlist("doctor", "vips", "--json", *arguments).stdout)["drops"]["read"] == rows


def test_it_writes_nothing_and_shows_nobody(installation: Installation) -> None:
    installation.segment()
    installation.people([person(number) for number in range(50)])
    for arguments in ((), ("--json",)):
        told = guestlist("doctor", "vips", *arguments)
        assert told.exit_code == 0
        for number in range(50):
            for name in ("email", "phone", "last"):
                assert person(number)[name] not in told.output
    assert not installation.home.exists()


def test_a_missing_source(installation: Installation) -> None:
    installation.segment()
    told = guestlist("doctor", "vips")
    assert told.exit_code == WRONG
    assert "people.csv" in told.stderr
