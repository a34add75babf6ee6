"""Whop's dialect, driven by Whop's own client as it is, and held to the page's OpenAPI."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from contract.rig import digest
from destinations.test_meta import DOOR as META
from sandbox.openapi import OpenApi
from web.dialects.rig import Station
from whop_sdk import Whop
from whop_sdk.environment import WhopEnvironment
from whop_sdk.errors import BadRequestError, ConflictError, NotFoundError, UnauthorizedError
from whop_sdk.files import CompleteFilesRequestMultipartPartsItem

OPENAPI = OpenApi("whop")
PEOPLE = b"E-Mail,Phone,Country\nJane@Example.com,+1 657 777 0000,US\njoe@example.com,,US\n"
MAPPING = {"email": "E-Mail", "phone": "Phone", "country": "Country"}
HELD = {"email": {digest("jane@example.com"), digest("joe@example.com")}, "phone": {digest("16577770000")}}


def client_of(station: Station, key: str) -> Whop:
    root = f"{station.url}/guestlist/dialects/whop"
    return Whop(environment=WhopEnvironment(api=root, vault=root), token=key, max_retries=0, httpx_client=station.http)


def uploaded(client: Whop, content: bytes = PEOPLE) -> str:
    file = client.files.create(filename="people.csv", visibility="private")
    assert file.upload_url
    assert client.files.retrieve(file.id).upload_status == "pending"
    assert httpx.put(file.upload_url, content=content, headers=file.upload_headers).status_code == 200
    assert client.files.retrieve(file.id).upload_status == "ready"
    return file.id


@pytest.mark.slow
def test_whops_client_makes_an_audience_and_watches_it_become_ready(station: Station) -> None:
    intake = station.intake(META)
    client = client_of(station, station.key(intake))
    wish: Any = {"account_id": "biz_1", "name": "Lapsed", "column_mapping": MAPPING, "file_id": uploaded(client)}
    made = client.audiences.create(**wish)
    assert (made.status in ("pending", "processing", "syncing", "ready"), made.name) == (True, "Lapsed")
    assert client.audiences.create(**wish).id == made.id, "the same request again is the same audience"
    station.settle()
    [found] = list(client.audiences.list(account_id="biz_1", audience_id=made.id))
    assert (found.status, found.total_rows, found.processed_rows, found.matched_rows) == ("ready", 2, 2, 2)
    assert (found.progress_percent, found.error_message, len(found.platform_audience_ids)) == (100, None, 1)
    [audience] = station.audiences(intake)
    assert station.held(audience, "meta") == HELD
    client.audiences.add_people(made.id, file_id=uploaded(client, b"E-Mail,Phone,Country\nzoe@example.com,,\n"))
    station.settle()
    assert station.held(audience, "meta")["email"] == HELD["email"] | {digest("zoe@example.com")}
    assert client.audiences.delete(made.id).success
    station.settle()
    assert list(client.audiences.list(account_id="biz_1")) == []
    assert not any(station.held(audience, "meta").values())


@pytest.mark.slow
def test_the_list_has_pages(station: Station) -> None:
    client = client_of(station, station.key(station.intake(META)))
    for number in range(5):
        account = "biz_1" if number % 2 else "biz_2"
        client.audiences.create(account_id=account, name=f"n{number}", column_mapping=MAPPING, file_id=uploaded(client))
    assert [one.name for one in client.audiences.list(account_id="biz_2", first=2)] == ["n4", "n2", "n0"]
    assert [one.name for one in client.audiences.list(account_id="biz_1", first=1)] == ["n3", "n1"]


@pytest.mark.slow
def test_a_file_in_parts(station: Station) -> None:
    intake = station.intake(META)
    client = client_of(station, station.key(intake))
    people = b"E-Mail,Phone,Country,Notes\n" + b"".join(b"person%d@example.com,,US,%4000s\n" % (n, b"") for n in range(1500))
    file = client.files.create(filename="people.csv", multipart=True, byte_size=len(people))
    assert file.multipart_upload_urls
    assert file.multipart_chunk_size
    size, parts = file.multipart_chunk_size, []
    for place in file.multipart_upload_urls:
        start = (place.part_number - 1) * size
        etag = httpx.put(place.url, content=people[start : start + size], timeout=60).headers["etag"]
        parts.append(CompleteFilesRequestMultipartPartsItem(etag=etag, part_number=place.part_number))
    upload = file.multipart_upload_id or ""
    with pytest.raises(BadRequestError):
        client.files.complete(file.id, multipart_parts=parts[:-1], multipart_upload_id=upload)
    done = client.files.complete(file.id, multipart_parts=parts, multipart_upload_id=upload)
    assert (done.upload_status, done.size) == ("ready", len(people))
    made = client.audiences.create(account_id="biz_1", name="Many", column_mapping=MAPPING, file_id=file.id)
    assert made.total_rows == 1500
    assert not list(station.world.folder.glob(f"lake/_uploads/{upload}/*"))


@pytest.mark.slow
def test_refusals_are_the_clients_errors(station: Station) -> None:
    one, other = station.intake(META), station.intake(META)
    with pytest.raises(UnauthorizedError):
        list(client_of(station, "glk_unknown").audiences.list(account_id="biz_1"))
    client = client_of(station, station.key(one))
    with pytest.raises(NotFoundError):
        client.files.retrieve("file_none")
    empty = client.files.create(filename="people.csv").id
    for file, mapping, error in (
        (empty, MAPPING, ConflictError),
        (uploaded(client), {"email": "Mail"}, BadRequestError),
        (uploaded(client), {"first_name": "Country"}, BadRequestError),
        (uploaded(client), {**MAPPING, "ltv": "Country"}, BadRequestError),
    ):
        with pytest.raises(error) as caught:
            client.audiences.create(account_id="biz_1", name="x", column_mapping=mapping, file_id=file)
        assert set(caught.value.body["error"]) == {"type", "message"}
    assert not station.audiences(one)
    strangers = client_of(station, station.key(one))
    with pytest.raises(NotFoundError):
        strangers.files.retrieve(empty)
    answer = httpx.get(
        f"{station.url}/guestlist/dialects/whop/audiences?account_id=biz_1",
        headers={"authorization": f"Bearer {station.key(one, other)}"},
    )
    assert (answer.status_code, answer.json()["error"]["type"]) == (403, "forbidden")


@pytest.mark.slow
@pytest.mark.parametrize("version", ["", "/api/v1"])
def test_the_undated_form_is_the_pages(station: Station, version: str) -> None:
    key = station.key(station.intake(META))
    client = client_of(station, key)
    body = {"account_id": "biz_1", "name": "Lapsed", "column_mapping": MAPPING, "file_id": uploaded(client)}
    headers = {"authorization": f"Bearer {key}"}
    made = httpx.post(f"{station.url}/guestlist/dialects/whop{version}/audiences", json=body, headers=headers)
    OPENAPI.check_answer("POST", "/audiences", made.status_code, made.json())
    station.settle()
    found = httpx.get(f"{station.url}/guestlist/dialects/whop{version}/audiences/{made.json()['id']}", headers=headers).json()
    OPENAPI.check_answer("POST", "/audiences", 201, found)
    assert found["status"] == "ready"
    refused = httpx.post(f"{station.url}/guestlist/dialects/whop/audiences", json=body, headers={})
    OPENAPI.check_answer("POST", "/audiences", refused.status_code, refused.json())
