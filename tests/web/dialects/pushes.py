"""People pushed through each dialect, and through our own API: as a program does that was written for it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence

import httpx
from contract.rig import digest

Rows = Sequence[Mapping[str, str]]
Push = Callable[[httpx.Client, str, str, Rows], Iterator[httpx.Response]]
"""Pushes rows as `contract.rig.people` has them, with a key, under a name, to an intake with the `IDENTIFIERS` of `intake.rig`.

Gives each answer; the one that counts is the last.
"""
ROOT = "/guestlist/dialects"


def table(rows: Rows, *columns: str) -> bytes:
    """Some columns of rows as text, below a header."""
    lines = [columns, *([row[name] for name in columns] for row in rows)]
    return "\n".join([*(",".join(line) for line in lines), ""]).encode()


def topsort(http: httpx.Client, key: str, name: str, rows: Rows) -> Iterator[httpx.Response]:
    path = f"{ROOT}/topsort/public/v1/offsite-ads/audiences/user-list"
    made = http.post(path, json={"name": name, "dsp": ["meta"]}, headers={"authorization": f"Bearer {key}"})
    yield made
    hashed = [{"hashed_email": digest(row["email"]), "hashed_first_name": digest(row["first"])} for row in rows]
    content = table(hashed, "hashed_email", "hashed_first_name")
    yield http.put(made.json()["url"], content=content, headers={"content-type": "text/csv"})


def pitchtarget(http: httpx.Client, key: str, name: str, rows: Rows) -> Iterator[httpx.Response]:
    content = "".join(f"{digest(row['email'])}\n" for row in rows).encode()
    yield http.post(
        f"{ROOT}/pitchtarget/custom_audiences",
        data={"fb_ad_account_id": "2", "name": name, "user_type": "email_hash"},
        files={"file": ("users.csv", content, "text/plain")},
        headers={"authorization": f"OAuth {key}"},
    )


def whop(http: httpx.Client, key: str, name: str, rows: Rows) -> Iterator[httpx.Response]:
    headers = {"authorization": f"Bearer {key}"}
    file = http.post(f"{ROOT}/whop/files", json={"filename": "p.csv"}, headers=headers)
    yield file
    content = table(rows, "email", "phone", "first", "last", "country")
    yield http.put(file.json()["upload_url"], content=content, headers=file.json()["upload_headers"])
    mapping = {"email": "email", "phone": "phone", "first_name": "first", "last_name": "last", "country": "country"}
    body = {"account_id": "biz_1", "name": name, "column_mapping": mapping, "file_id": file.json()["id"]}
    yield http.post(f"{ROOT}/whop/audiences", json=body, headers=headers)


def edgetag(http: httpx.Client, key: str, name: str, rows: Rows, sync: str = "false") -> Iterator[httpx.Response]:
    users = [{"email": row["email"], "phone": row["phone"], "firstName": row["first"], "lastName": row["last"]} for row in rows]
    batch = {"sessionId": 1, "sequence": 1, "totalBatches": 1, "totalUsers": len(users)}
    parts = {"name": (None, name), "batch": (None, json.dumps(batch)), "users": (None, json.dumps(users))}
    query = {"disablePrefix": "true", "sync": sync}
    yield http.post(f"{ROOT}/edgetag/audience", params=query, files=parts, headers={"x-api-key": key, "authorization": ""})


def commbox(http: httpx.Client, key: str, name: str, rows: Rows) -> Iterator[httpx.Response]:
    content = table([{"phone1": row["phone"].removeprefix("+"), "name": row["last"]} for row in rows], "phone1", "name")
    yield http.post(
        f"{ROOT}/commbox/audiences",
        data={"name": name},
        files={"audience_file": ("audience.csv", content)},
        headers={"authorization": f"Bearer {key}"},
    )


DIALECTS: Mapping[str, Push] = {one.__name__: one for one in (topsort, pitchtarget, whop, edgetag, commbox)}
COLUMNS = ("email", "email2", "phone", "first", "last", "country", "zip")


def form(http: httpx.Client, key: str, name: str, rows: Rows) -> Iterator[httpx.Response]:
    yield http.post(
        "/guestlist/api/v1/audiences",
        data={"name": name},
        files={"file": ("p.csv", table(rows, *COLUMNS))},
        headers={"authorization": f"Bearer {key}"},
    )


def address(http: httpx.Client, key: str, name: str, rows: Rows) -> Iterator[httpx.Response]:
    asked = {"name": name, "filename": "p.csv"}
    made = http.post("/guestlist/api/v1/audiences", json=asked, headers={"authorization": f"Bearer {key}"})
    yield made
    yield http.put(made.json()["address"]["url"], content=table(rows, *COLUMNS))


ALL: Mapping[str, Push] = {**DIALECTS, "form": form, "address": address}


def pushed(push: Push, http: httpx.Client, key: str, name: str, rows: Rows) -> httpx.Response:
    """The answer to a whole push, or the first refusal."""
    for answer in push(http, key, name, rows):
        if not answer.is_success:
            break
    return answer
