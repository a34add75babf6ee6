"""Whop's own Python client drives the sandbox: its models must be able to read every answer, its errors every refusal."""

from __future__ import annotations

import httpx
import pytest
from sandbox.rig import Rig
from whop_sdk import Whop
from whop_sdk.environment import WhopEnvironment
from whop_sdk.errors import BadRequestError, ConflictError, NotFoundError, UnauthorizedError
from whop_sdk.files import CompleteFilesRequestMultipartPartsItem

PEOPLE = b"email,phone\njane@example.com,+16577770000\njoe@example.com,\n"
MAPPING = {"email": "email", "phone": "phone"}


def client_of(rig: Rig, token: str = "sandbox-whop-key") -> Whop:
    root = f"{rig.sandbox.http_url}/whop/api/v1"
    return Whop(environment=WhopEnvironment(api=root, vault=root), token=token, max_retries=0, httpx_client=rig.http)


def uploaded(rig: Rig, client: Whop, content: bytes = PEOPLE) -> str:
    file = client.files.create(filename="people.csv", visibility="private")
    assert file.upload_url
    assert httpx.put(file.upload_url, content=content, headers=file.upload_headers).status_code == 200
    rig.advance(2)
    assert client.files.retrieve(file.id).upload_status == "ready"
    return file.id


def test_an_audience_from_its_file_to_its_end(rig: Rig) -> None:
    client = client_of(rig)
    made = client.audiences.create(account_id="biz_1", name="Lapsed", column_mapping=MAPPING, file_id=uploaded(rig, client))
    assert (made.status, made.source_type, made.audience_type) == ("pending", "csv_upload", "custom")
    more = uploaded(rig, client, b"email,phone\nzoe@example.com,\n")
    with pytest.raises(ConflictError) as caught:
        client.audiences.add_people(made.id, file_id=more)
    assert caught.value.body["error"]["type"] == "conflict"
    rig.advance(400)
    [found] = list(client.audiences.list(account_id="biz_1", audience_id=made.id))
    assert (found.status, found.total_rows, found.matched_rows) == ("ready", 2, 2)
    assert client.audiences.add_people(made.id, file_id=more).status == "pending"
    rig.advance(400)
    assert len(rig.keys("whop", made.id)["email"]) == 3
    assert client.audiences.update(made.id, name="Other").name == "Other"
    assert client.audiences.delete(made.id).success
    assert list(client.audiences.list(account_id="biz_1")) == []


def test_the_pages_of_the_list(rig: Rig) -> None:
    client = client_of(rig)
    for number in range(5):
        file = uploaded(rig, client)
        client.audiences.create(account_id="biz_1", name=f"n{number}", column_mapping=MAPPING, file_id=file)
    assert [one.name for one in client.audiences.list(account_id="biz_1", first=2)] == ["n4", "n3", "n2", "n1", "n0"]


def test_a_file_in_parts(rig: Rig) -> None:
    rig.settings("whop", multipart_chunk_size=30)
    client = client_of(rig)
    file = client.files.create(filename="people.csv", multipart=True, byte_size=len(PEOPLE))
    assert file.multipart_upload_urls
    assert file.multipart_chunk_size == 30
    parts = []
    for place in file.multipart_upload_urls:
        start = (place.part_number - 1) * 30
        etag = httpx.put(place.url, content=PEOPLE[start : start + 30]).headers["etag"]
        parts.append(CompleteFilesRequestMultipartPartsItem(etag=etag, part_number=place.part_number))
    upload = file.multipart_upload_id or ""
    assert client.files.complete(file.id, multipart_parts=parts, multipart_upload_id=upload).upload_status == "processing"


def test_refusals_are_the_clients_errors(rig: Rig) -> None:
    with pytest.raises(UnauthorizedError):
        list(client_of(rig, "other").audiences.list(account_id="biz_1"))
    client = client_of(rig)
    with pytest.raises(NotFoundError):
        client.files.retrieve("file_none")
    with pytest.raises(BadRequestError):
        client.audiences.create(account_id="biz_1", name="x", column_mapping=MAPPING, file_id="file_none")
    file = client.files.create(filename="people.csv")
    with pytest.raises(ConflictError):
        client.audiences.create(account_id="biz_1", name="x", column_mapping=MAPPING, file_id=file.id)
