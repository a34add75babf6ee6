"""Trouble on the way, in each dialect: uploads that break off, a disk that is full, files that were made to do harm."""

from __future__ import annotations

import dataclasses
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from contract.rig import digest, expected_keys, people
from destinations.test_meta import DOOR as META
from intake.rig import IDENTIFIERS
from web.dialects.pushes import DIALECTS, ROOT, pushed
from web.dialects.rig import Station
from web.dialects.test_edgetag import kept
from web.intake.rig import until
from web.intake.test_refusals import workbook

from guestlist.runtime.lake import Lake

pytestmark = pytest.mark.slow
ROWS = people(range(30))
TOLD: dict[str, Callable[[httpx.Response], tuple[int, Any]]] = {
    "topsort": lambda answer: (503, "<Code>ServiceUnavailable</Code>" in answer.text),
    "pitchtarget": lambda answer: (507, list(answer.json()["errors"]) == ["base"]),
    "whop": lambda answer: (503, "<Code>ServiceUnavailable</Code>" in answer.text),
    "edgetag": lambda answer: (507, answer.json()["success"] is False),
    "commbox": lambda answer: (500, answer.json()["description"] == "Server Error"),
}
"""The status and the form in which each says that there is no room."""


def delivered(station: Station, audience: Any) -> bool:
    """Whether Meta has all of the people, by whatever the dialect carries."""
    held, wanted = station.held(audience, "meta"), expected_keys(ROWS, META)
    found = {kind: keys for kind, keys in held.items() if keys}
    return bool(found) and all(found[kind] == wanted[kind] for kind in found)


def test_a_full_disk(station: Station, small_disk: Path) -> None:
    config = dataclasses.replace(station.workspace.config, lake=str(small_disk / "lake"))
    station.workspace.config, station.workspace.lake = config, Lake(config.lake, lambda: station.workspace.vault)
    intakes = {dialect: station.intake(META, identifiers=IDENTIFIERS) for dialect in DIALECTS}
    keys = {dialect: station.key(intake) for dialect, intake in intakes.items()}
    filler = small_disk / "filler"
    with pytest.raises(OSError, match="No space"):
        filler.write_bytes(bytes(2 << 20))
    for dialect, push in DIALECTS.items():
        answer = pushed(push, station.http, keys[dialect], "VIPs", ROWS)
        assert TOLD[dialect](answer) == (answer.status_code, True), f"{dialect}: {answer.status_code} {answer.text}"
    assert (kept(station), station.settle()) == (set(), 0)
    filler.unlink()
    for dialect, push in DIALECTS.items():
        assert pushed(push, station.http, keys[dialect], "VIPs", ROWS).is_success
        station.settle()
        audience = station.audiences(intakes[dialect])[-1]
        assert delivered(station, audience), dialect


def head_of(verb: str, address: str, headers: dict[str, str]) -> bytes:
    """The head of a request that announces more than will come."""
    url, told = urlsplit(address), "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"{verb} {url.path}?{url.query} HTTP/1.1\r\nHost: {url.netloc}\r\n{told}Content-Length: 9000000\r\n\r\n".encode()


def form_of(field: str, key: str, scheme: str = "Bearer") -> tuple[dict[str, str], bytes]:
    """The headers of a form, and how it begins with its file."""
    part = f'--b\r\nContent-Disposition: form-data; name="{field}"; filename="p.csv"\r\n\r\n'
    return {"Authorization": f"{scheme} {key}", "Content-Type": "multipart/form-data; boundary=b"}, part.encode()


@pytest.mark.parametrize("dialect", ["topsort", "pitchtarget", "whop", "commbox"])
def test_an_upload_that_breaks_off_leaves_nothing(station: Station, dialect: str) -> None:
    intake = station.intake(META, identifiers=IDENTIFIERS)
    key = station.key(intake)
    if dialect in ("topsort", "whop"):
        first = next(iter(DIALECTS[dialect](station.http, key, "VIPs", ROWS))).json()
        verb, address = "PUT", first.get("url") or first["upload_url"]
        headers, begin = {"Content-Type": "text/csv"}, b"hashed_email\n"
    else:
        path, field, scheme = {
            "pitchtarget": ("custom_audiences", "file", "OAuth"),
            "commbox": ("audiences", "audience_file", "Bearer"),
        }[dialect]
        verb, address = "POST", f"{station.url}{ROOT}/{dialect}/{path}"
        headers, begin = form_of(field, key, scheme)
    url, before = urlsplit(address), kept(station)
    with socket.create_connection((url.hostname, url.port)) as sent:
        sent.sendall(head_of(verb, address, headers) + begin + f"{digest('a')}\n".encode() * 30_000)
        until(lambda: len(kept(station)) > len(before))
    until(lambda: kept(station) == before)
    assert station.settle() == 0
    assert pushed(DIALECTS[dialect], station.http, key, "VIPs", ROWS).is_success
    station.settle()
    assert delivered(station, station.audiences(intake)[-1])


HARM = {
    "a formula": ("audience.csv", b"phone1,name\n442079832100,=cmd|' /C calc'!A0\n"),
    "a workbook with formulas": ("a.xlsx", workbook('<row><c r="A1"><f>1+1</f></c></row>')),
    "a workbook that is a bomb": ("a.xlsx", workbook(" " * (80 << 20))),
    "a workbook with a program": ("a.xlsx", workbook("", **{"xl__vbaProject.bin": b"x"})),
}


def test_files_that_were_made_to_do_harm(station: Station) -> None:
    intake = station.intake(META, identifiers=IDENTIFIERS)
    bearer, before = {"authorization": f"Bearer {station.key(intake)}"}, kept(station)
    for told, (filename, content) in HARM.items():
        files = {"audience_file": (filename, content)}
        answer = station.http.post(f"{ROOT}/commbox/audiences", data={"name": "n"}, files=files, headers=bearer)
        assert (answer.status_code, answer.json()["description"]) == (400, "Bad Request"), told
        assert ("formula" in answer.headers["guestlist-reason"]) == ("formula" in told)
    formula = b"hashed_email,mail\n" + digest("a").encode() + b",=1+1\n"
    for dialect in ("topsort", "whop"):
        first = next(iter(DIALECTS[dialect](station.http, station.key(intake), "VIPs", ROWS))).json()
        address = first.get("url") or first["upload_url"]
        answer = httpx.put(address, content=formula, headers={"content-type": "text/csv"})
        assert (answer.status_code, "formula" in answer.text) == (400, True)
    form = {"fb_ad_account_id": "2", "name": "n", "user_type": "email_hash"}
    answer = station.http.post(
        f"{ROOT}/pitchtarget/custom_audiences",
        data=form,
        files={"file": ("p.csv", digest("a").encode() + b"\n=1+1\n")},
        headers={"authorization": f"OAuth {station.key(intake)}"},
    )
    assert (answer.status_code, "formula" in str(answer.json()["errors"])) == (422, True)
    assert (kept(station), station.settle()) == (before, 0)
