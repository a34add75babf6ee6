"""Requests that no client means: each is refused in the form of its door, without a trace of ours or a value of theirs."""

from __future__ import annotations

import gzip
import json
import socket
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from contract.rig import digest
from destinations.test_meta import DOOR as META
from web.dialects.rig import Station
from web.dialects.test_edgetag import batch, kept, users
from web.intake.rig import API

pytestmark = pytest.mark.slow
ROOT = "/guestlist/dialects"
CANARY = "jane.doe@example.com"
ROW = f"email,phone\n{CANARY},442079832100\n".encode()
DOORS: dict[str, tuple[str, str, str, dict[str, str], bytes]] = {
    "own": (f"{API}/audiences", "Bearer", "file", {"name": "VIPs"}, ROW),
    "preview": (f"{API}/audiences/preview", "Bearer", "file", {}, ROW),
    "commbox": (f"{ROOT}/commbox/audiences", "Bearer", "audience_file", {"name": "VIPs"}, b"phone1\n442079832100\n"),
    "pitchtarget": (
        f"{ROOT}/pitchtarget/custom_audiences",
        "OAuth",
        "file",
        {"fb_ad_account_id": "2", "name": "VIPs", "user_type": "email_hash"},
        digest(CANARY).encode(),
    ),
    "edgetag": (
        f"{ROOT}/edgetag/audience",
        "Bearer",
        "users",
        {"name": "VIPs", "batch": json.dumps(batch(1, 1, 1, 1))},
        json.dumps(users([1])).encode(),
    ),
}
"""Path, scheme of the key, the part that is the file, the other parts, and what the file holds."""
NO_FORM, BROKEN = "is no form", "form cannot be read"


def told(answer: httpx.Response) -> str:
    """The reason, wherever the door has a place for it."""
    assert CANARY not in answer.text
    assert "Traceback" not in answer.text
    return answer.headers.get("guestlist-reason") or answer.text


@pytest.fixture(params=DOORS)
def push(station: Station, request: pytest.FixtureRequest) -> Iterator[Callable[..., httpx.Response]]:
    """Pushes to one of the doors a form that is in order, but for what is said; of what is refused nothing is kept."""
    path, scheme, field, parts, content = DOORS[request.param]
    intake = station.intake(META, identifiers={"email": "email", "phone": "phone"})
    key, before = station.key(intake), kept(station)

    def ask(more: Any = (), filename: str = "p.csv", headers: Any = None, **sent: Any) -> httpx.Response:
        form = [*((name, (None, value)) for name, value in parts.items()), (field, (filename, content)), *more]
        sent = sent or {"files": form}
        return station.http.post(path, headers={"authorization": f"{scheme} {key}", **(headers or {})}, **sent)

    ask.door, ask.form = request.param, {"files": [*((n, (None, v)) for n, v in parts.items()), (field, ("p.csv", content))]}  # type: ignore[attr-defined]
    yield ask
    while station.settle():
        pass
    assert kept(station) == before


REFUSED = {"own": (400, 415, 422), "preview": (400, 415, 422), "commbox": (400,), "pitchtarget": (422,), "edgetag": (400,)}


def test_bodies_that_are_no_form(push: Any) -> None:
    body = json.dumps({"name": CANARY}).encode()
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "application/json; charset=utf-16"):
        answer = push(content=body, headers={"content-type": kind})
        assert answer.status_code in REFUSED[push.door], f"{kind}: {answer.text}"
        told(answer)
    whole = httpx.Request("POST", "http://made.up", **push.form)
    packed = {"content-type": whole.headers["content-type"], "content-encoding": "gzip"}
    answer = push(content=gzip.compress(whole.read()), headers=packed)
    assert (answer.status_code in REFUSED[push.door], BROKEN in told(answer) or "Malformed" in answer.text) == (True, True)


PARTS = {
    "a header without an end": b"--b\r\nX: " + b"y" * 500_000 + b"\r\n\r\nx\r\n--b--\r\n",
    "headers without an end": b"--b\r\n" + b"X: y\r\n" * 50_000 + b"\r\nx\r\n--b--\r\n",
    "a part without a name": b"--b\r\nContent-Disposition: form-data\r\n\r\nx\r\n--b--\r\n",
    "cut off": b'--b\r\nContent-Disposition: form-data; name="name"\r\n\r\n' + CANARY.encode(),
}


@pytest.mark.parametrize("part", PARTS)
def test_parts_that_are_none(push: Any, part: str) -> None:
    answer = push(content=PARTS[part], headers={"content-type": "multipart/form-data; boundary=b"})
    assert answer.status_code in REFUSED[push.door], answer.text
    assert answer.status_code != 415, "it is a form"
    told(answer)


def test_more_parts_than_a_form_has(push: Any) -> None:
    answer = push([(f"field{number}", (None, CANARY)) for number in range(120)])
    assert (answer.status_code in REFUSED[push.door], "more than 100 parts" in told(answer)) == (True, True)


@pytest.mark.parametrize("filename", [f"../../etc/{CANARY}", f"C:\\temp\\{CANARY}.exe", f"nul\0{CANARY}", "p.csv "])
def test_names_of_files_are_not_repeated_and_lead_nowhere(push: Any, filename: str) -> None:
    answer = push(filename=filename)
    if push.door not in ("edgetag", "pitchtarget"):  # these ask for no name
        assert answer.status_code in REFUSED[push.door], answer.text
    told(answer)


FILES = {
    "a header alone": (b"email,phone\n", "no rows below its header"),
    "quotes without an end": (b'email,phone\n"' + CANARY.encode() + b",442079832100\n", None),
    "no text": (b"email,phone\n" + b"\0" * 5_000, "no column 'email'"),
    "another text": (f"email,phone\n{CANARY},442079832100\n".encode("utf-32"), None),
    "a gzip file by another name": (gzip.compress(ROW, mtime=0) + b"\n" + b"\1" * 99, "no column 'email'"),
    "a page": (f"<html><body>{CANARY}</body></html>\n".encode() * 9, "no column 'email'"),
    "JSON without an end": (b'{"email": "' + CANARY.encode(), "line 1"),
    "JSON too deep": (b'{"email": ' + b"[" * 50_000 + b"\n", "nested too deeply"),
}


@pytest.mark.parametrize("file", FILES)
def test_files_that_are_none(station: Station, file: str) -> None:
    """Those that are taken end in a run that fails, or drops each row; neither tells whom they were about."""
    content, why = FILES[file]
    intake = station.intake(META, identifiers={"email": "email", "phone": "phone"})
    answer = station.http.post(
        f"{API}/audiences",
        data={"name": "VIPs"},
        files={"file": ("p.ndjson" if "JSON" in file else "p.csv", content)},
        headers={"authorization": f"Bearer {station.key(intake)}"},
    )
    if why:
        assert (answer.status_code, why in told(answer)) == (422, True), answer.text
        assert station.audiences(intake) == []
        return
    assert answer.status_code == 201, answer.text
    while station.settle():
        pass
    [audience] = station.audiences(intake)
    state = station.state(audience)
    assert state.is_over
    assert CANARY not in str(state)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        (f"{API}/audiences", {"name": "VIPs", "filename": "p.csv", "destinations": ["\ud800"]}),
        (f"{API}/audiences", {"name": "VIPs", "filename": "p.csv", "intake": "\ud800"}),
        (f"{API}/audiences", {"name": "VIPs", "filename": "p.csv", "columns": {"email": "\ud800"}}),
        (f"{API}/audiences", {"name": "VIPs", "filename": "p.csv", "key": "\ud800"}),
        (f"{API}/audiences", {"name": "VIPs", "filename": "p.csv", "\ud800": 1}),
        (f"{ROOT}/topsort/public/v1/offsite-ads/audiences/user-list", {"name": "\ud800", "dsp": ["meta"]}),
        (f"{ROOT}/topsort/public/v1/offsite-ads/audiences/user-list", {"name": "VIPs", "dsp": ["\ud800"]}),
        (f"{ROOT}/whop/files", {"filename": "\ud800.csv"}),
        (f"{ROOT}/whop/audiences", {"account_id": "b", "name": "n", "column_mapping": {"email": "e"}, "file_id": "\ud800"}),
        (f"{ROOT}/whop/audiences", {"account_id": "b", "name": "n", "column_mapping": {"email": "\ud800"}, "file_id": "f"}),
    ],
)
def test_half_a_character_in_json(station: Station, path: str, body: dict[str, Any]) -> None:
    headers = {"authorization": f"Bearer {station.key(station.intake(META))}", "content-type": "application/json"}
    answer = station.http.post(path, content=json.dumps(body), headers=headers)
    assert answer.status_code in (400, 403, 422), answer.text


@pytest.mark.parametrize("length", ["Content-Length: 99999999999999999999999", "Content-Length: -5", "Content-Length: x"])
def test_lengths_that_are_none_reach_nobody(station: Station, length: str) -> None:
    url = urlsplit(station.url)
    head = f"POST {ROOT}/commbox/audiences HTTP/1.1\r\nHost: {url.netloc}\r\n{length}\r\nConnection: close\r\n\r\n"
    with socket.create_connection((url.hostname, url.port)) as sent:
        sent.sendall(head.encode() + b"x")
        assert sent.recv(100).startswith(b"HTTP/1.1 400 ")


def test_a_form_that_comes_in_pieces_without_a_length_is_taken(push: Any) -> None:
    whole = httpx.Request("POST", "http://made.up", **push.form)
    body, kind = whole.read(), whole.headers["content-type"]
    pieces = (body[start : start + 7] for start in range(0, len(body), 7))
    answer = push(content=pieces, headers={"content-type": kind, "x-long": "h" * 30_000})
    assert answer.status_code in (200, 201), answer.text
