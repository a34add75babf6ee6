"""A preview shows enough to recognise a test row and nothing more, and reads no more than it shows."""

from __future__ import annotations

import json
import re

import pytest
from cli.rig import Installation, guestlist, person

ODD = [
    person(1),
    person(2, email="not an address", phone="0151 12345678 ext 9"),
    person(3, ok="no"),
    person(4, id=""),
    person(5, email="x@y.org", phone="123", first="", last="", zip=""),
]


@pytest.mark.parametrize("arguments", [(), ("--json",)])
def test_no_raw_value_is_shown(installation: Installation, arguments: tuple[str, ...]) -> None:
    installation.segment()
    installation.people([person(number) for number in range(1, 40)])
    told = guestlist("preview", "vips", *arguments)
    assert told.exit_code == 0
    for number in range(1, 40):
        for name, value in person(number).items():
            if len(value) > 3 or name == "id":
                assert not re.search(rf"\b{re.escape(value)}\b", told.output), name
    assert not re.search(r"[0-9a-f]{9}", told.output), "eight digits of a hash at most"


def test_rows_tell_their_keys_and_why_they_are_dropped(installation: Installation) -> None:
    installation.segment()
    installation.people(ODD)
    told = guestlist("preview", "vips", "--json")
    found = json.loads(told.stdout)
    assert found["destinations"] == ["google_main", "meta_main"]
    assert [row["dropped"] for row in found["rows"]] == [None, None, "no_consent", "no_member_key", None]
    email = found["rows"][0]["fields"][0]
    assert email["field"] == "email"
    assert email["values"] == {"email": "p***@e***.com"}
    assert email["keys"]["google_main"] == email["keys"]["meta_main"]
    assert re.fullmatch(r"[0-9a-f]{8}…", email["keys"]["meta_main"][0])
    assert found["rows"][1]["fields"][0]["keys"] == {"google_main": [], "meta_main": []}
    assert "not_an_email" in str(found["rows"][1]["fields"][0]["dropped"]) or found["rows"][1]["fields"][0]["dropped"]
    assert found["rows"][0]["fields"][1]["values"]["phone"] == "01…01"
    assert found["rows"][2]["fields"][0]["keys"] == {}, "nothing is made of a row without consent"
    assert found["drops"]["rows"] == {"no_consent": 1, "no_member_key": 1}


def test_the_table_shows_each_platform(installation: Installation) -> None:
    installation.segment()
    installation.people(ODD)
    told = guestlist("preview", "vips", "--rows", "3")
    assert told.stdout.count("google_main") == 3
    assert "row 3, dropped: no_consent" in told.stdout
    assert "5 rows read = 3 prepared + 2 dropped" in told.stdout


def test_it_reads_only_what_it_needs(installation: Installation) -> None:
    installation.segment()
    installation.people([person(number) for number in range(200_000)])
    found = json.loads(guestlist("preview", "vips", "--rows", "2", "--json").stdout)
    assert len(found["rows"]) == 2
    assert 0 < found["drops"]["read"] < 150_000


def test_hashed_columns_are_shortened(installation: Installation) -> None:
    installation.segment(identifiers={"email": {"columns": "email", "hashed": True}})
    installation.people([person(1, email="ab" * 32)])
    told = guestlist("preview", "vips", "--json")
    email = json.loads(told.stdout)["rows"][0]["fields"][0]
    assert email["values"]["email"] == "abababab…"
    assert email["keys"]["meta_main"] == ["abababab…"]


def test_suppression_lists_are_said_to_be_left_out(installation: Installation) -> None:
    installation.people([person(1)])
    installation.segment(suppress=[{"file": "people.csv", "identifiers": {"email": "email"}}])
    assert "Suppression lists are not read" in guestlist("preview", "vips").stdout


def test_a_missing_source(installation: Installation) -> None:
    installation.segment()
    told = guestlist("preview", "vips")
    assert told.exit_code == 3
    assert "people.csv" in told.stderr
