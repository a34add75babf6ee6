"""Klaviyo's official client, unmodified, against the sandbox; and our own requests, read by the client's models."""

from __future__ import annotations

import json
import logging
from typing import Any
from urllib.parse import parse_qs, urlsplit

import polars as pl
import pytest
from klaviyo_api import KlaviyoAPI
from klaviyo_api.filter_builder import FilterBuilder
from openapi_client.exceptions import ApiException, UnauthorizedException
from openapi_client.models.list_create_query import ListCreateQuery
from openapi_client.models.list_members_delete_query import ListMembersDeleteQuery
from openapi_client.models.profile_import_job_create_query import ProfileImportJobCreateQuery
from sandbox.rig import Rig, digest

from guestlist.destinations import destination_class
from guestlist.model.audiences import AudienceRef, AudienceSpec
from guestlist.model.conversation import Call, Reply
from guestlist.model.delivery import Batch, Session
from guestlist.model.vocabulary import Field, Operation


@pytest.fixture
def client(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> KlaviyoAPI:
    urllib3 = logging.getLogger("urllib3")
    monkeypatch.setattr(urllib3, "setLevel", lambda _level: None)  # the client would set it for the whole process
    return KlaviyoAPI("pk_sandbox", max_delay=1, max_retries=1, test_host=f"{rig.sandbox.http_url}/klaviyo")


def upload(*emails: str, **attributes: Any) -> dict[str, Any]:
    profiles = [{"type": "profile", "attributes": {"email": email, **attributes}} for email in emails]
    return {"data": {"type": "profile-bulk-import-job", "attributes": {"profiles": {"data": profiles}}}}


def on_list(body: dict[str, Any], list_id: str) -> dict[str, Any]:
    body["data"]["relationships"] = {"lists": {"data": [{"type": "list", "id": list_id}]}}
    return body


def new_list(client: KlaviyoAPI, name: str = "VIPs") -> str:
    made = client.Lists.create_list({"data": {"type": "list", "attributes": {"name": name}}})
    return str(made.data.id)


def any_of(field: str, *values: str) -> str:
    builder = FilterBuilder()
    builder.any(field, list(values))
    return builder.build()


def cursor_of(link: str) -> str:
    return parse_qs(urlsplit(link).query)["page[cursor]"][0]


def test_it_makes_finds_renames_counts_and_deletes_lists(rig: Rig, client: KlaviyoAPI) -> None:
    made = new_list(client, 'VIPs "of" 2026')
    builder = FilterBuilder()
    builder.equals("name", "VIPs")
    other = new_list(client)
    assert [item.id for item in client.Lists.get_lists(filter=builder.build()).data] == [other]
    assert client.Lists.get_list(made).data.attributes.name == 'VIPs "of" 2026'
    renamed = {"data": {"type": "list", "id": made, "attributes": {"name": "Others"}}}
    assert client.Lists.update_list(made, renamed).data.attributes.name == "Others"
    counted = client.Lists.get_list(made, additional_fields_list=["profile_count"])
    assert counted.data.attributes.profile_count == 0
    client.Lists.delete_list(made)
    assert [book["id"] for book in rig.admin("GET", "books/klaviyo")] == [other]


def test_it_walks_the_pages_of_lists(rig: Rig, client: KlaviyoAPI) -> None:
    for number in range(13):
        new_list(client, f"list {number}")
        rig.advance(1)
    first = client.Lists.get_lists(page_size=10)
    second = client.Lists.get_lists(page_size=10, page_cursor=cursor_of(first.links.next))
    names = [item.attributes.name for item in (*first.data, *second.data)]
    assert (names, second.links.next) == ([f"list {number}" for number in range(13)], None)


def test_it_imports_polls_looks_up_and_removes(rig: Rig, client: KlaviyoAPI) -> None:
    made = new_list(client)
    job = client.Profiles.bulk_import_profiles(on_list(upload("a+1@example.com", "b@example.com"), made))
    assert (job.data.attributes.status, job.data.attributes.total_count) == ("queued", 2)
    assert client.Profiles.get_bulk_import_profiles_job(job.data.id).data.attributes.completed_count == 0
    rig.advance(31)
    done = client.Profiles.get_bulk_import_profiles_job(job.data.id).data.attributes
    assert (done.status, done.completed_count, done.failed_count) == ("complete", 2, 0)
    assert rig.keys("klaviyo", made) == {"email": sorted([digest("a+1@example.com"), digest("b@example.com")])}
    found = client.Profiles.get_profiles(filter=any_of("email", "a+1@example.com", "nobody@example.com"), page_size=100)
    assert [item.attributes.email for item in found.data] == ["a+1@example.com"]
    client.Lists.remove_profiles_from_list(made, {"data": [{"type": "profile", "id": found.data[0].id}]})
    assert rig.keys("klaviyo", made) == {"email": [digest("b@example.com")]}
    ids = [item.id for item in client.Lists.get_profile_ids_for_list(made).data]
    assert ids == [item.id for item in client.Profiles.get_profiles_for_bulk_import_profiles_job(job.data.id).data][1:]


def test_it_reads_what_an_import_could_not_use(rig: Rig, client: KlaviyoAPI) -> None:
    rig.fault("klaviyo", {"reject_rows": [1], "reason": "invalid"}, "bulk-import")
    job = client.Profiles.bulk_import_profiles(on_list(upload("a@example.com", "b@example.com"), new_list(client)))
    rig.advance(31)
    assert client.Profiles.get_bulk_import_profiles_job(job.data.id).data.attributes.failed_count == 1
    [error] = client.Profiles.get_errors_for_bulk_import_profiles_job(job.data.id).data
    assert (error.attributes.code, error.attributes.original_payload["attributes"]) == ("invalid", {"email": "b@example.com"})


def test_its_exceptions_carry_status_and_code(rig: Rig, client: KlaviyoAPI) -> None:
    with pytest.raises(ApiException) as caught:
        client.Lists.get_list("AAAAAA")
    assert (caught.value.status, "not_found" in str(caught.value.body)) == (404, True)
    client.Profiles.create_profile({"data": {"type": "profile", "attributes": {"email": "a@example.com"}}})
    with pytest.raises(ApiException) as caught:
        client.Profiles.create_profile({"data": {"type": "profile", "attributes": {"email": "a@example.com"}}})
    assert (caught.value.status, "duplicate_profile_id" in str(caught.value.body)) == (409, True)
    with pytest.raises(UnauthorizedException):
        KlaviyoAPI("pk_other", max_retries=1, test_host=f"{rig.sandbox.http_url}/klaviyo").Lists.get_lists()


def test_it_comes_again_when_it_was_told_to_wait(rig: Rig, client: KlaviyoAPI) -> None:
    rig.fault("klaviyo", {"error": "throttled", "headers": {"retry-after": "0"}})
    assert client.Lists.get_lists().data == []
    assert [line["status"] for line in rig.log("klaviyo")] == [429, 200]


# our requests, by the client's models: what they do not know, they leave out


def understood(model: Any, body: Any) -> Any:
    return without_nulls(json.loads(model.from_dict(body).to_json()))


def without_nulls(body: Any) -> Any:
    if isinstance(body, dict):
        return {name: without_nulls(value) for name, value in body.items() if value is not None}
    return [without_nulls(item) for item in body] if isinstance(body, list) else body


def calls(operation: Operation, membership: str, **options: Any) -> list[Call]:
    cls = destination_class("klaviyo")
    destination = cls(cls.Settings(api_key="pk"), cls.Options(membership=membership, **options))
    rows = pl.DataFrame({"email": ["a@example.com", "b@example.com"], "first_name": ["Zoë", None], "city": [None, "São Paulo"]})
    fields = (Field.EMAIL, Field.FIRST_NAME, Field.CITY)
    session = Session(7, operation, AudienceRef("AAAAAA", "VIPs", "u"), 1, 2, "2026-03-01", fields)
    conversation, found = destination.send(session, {}, Batch("b", 1, rows)), []
    call = next(conversation)
    try:
        while True:
            found.append(call)
            body = {"data": [{"type": "profile", "id": "01A"}]} if call.method == "GET" else {"data": {"id": "job"}}
            call = conversation.send(Reply(200, body))
    except StopIteration:
        return found


@pytest.mark.parametrize("membership", ["list", "property"])
@pytest.mark.parametrize("operation", [Operation.ADD, Operation.REMOVE])
def test_our_imports_are_of_the_clients_schema(membership: str, operation: Operation) -> None:
    call = calls(operation, membership, profile_fields="write")[-1]
    model = ListMembersDeleteQuery if call.method == "DELETE" else ProfileImportJobCreateQuery
    assert understood(model, call.body) == call.body


def test_our_lists_are_of_the_clients_schema() -> None:
    cls = destination_class("klaviyo")
    destination = cls(cls.Settings(api_key="pk"), cls.Options(opt_in_process="single_opt_in"))
    conversation = destination.ensure(AudienceSpec("VIPs", "", "r", (Field.EMAIL,)))
    next(conversation)
    body = conversation.send(Reply(200, {"data": []})).body
    assert understood(ListCreateQuery, body) == body
