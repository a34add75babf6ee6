"""The official SDKs of Meta and the Data Manager API, unmodified, against the sandbox."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from facebook_business.adobjects.adaccount import AdAccount
from facebook_business.adobjects.customaudience import CustomAudience
from facebook_business.api import FacebookAdsApi
from facebook_business.exceptions import FacebookRequestError
from facebook_business.session import FacebookSession
from google.ads import datamanager_v1 as dm
from google.api_core.exceptions import BadRequest, ServiceUnavailable, TooManyRequests
from google.oauth2.credentials import Credentials
from sandbox.rig import ACCOUNT, Rig, digest

PARENT = f"accountTypes/GOOGLE_ADS/accounts/{ACCOUNT}"


@pytest.fixture
def meta(rig: Rig) -> Iterator[FacebookAdsApi]:
    session = FacebookSession(app_id="1", app_secret="sandbox-app-secret", access_token="sandbox-token", timeout=30)
    session.GRAPH = f"{rig.sandbox.http_url}/meta"
    yield FacebookAdsApi(session, api_version="v26.0")
    session.requests.close()


def test_meta_creates_adds_removes_and_reads(rig: Rig, meta: FacebookAdsApi) -> None:
    params = {"name": "Lapsed", "subtype": "CUSTOM", "customer_file_source": "USER_PROVIDED_ONLY"}
    created = AdAccount("act_77", api=meta).create_custom_audience(params=params)
    audience = CustomAudience(created["id"], api=meta)
    payload = {"schema": ["EMAIL", "PHONE"], "is_raw": True, "data": [[digest("a"), ""], [digest("b"), digest("1")]]}
    session = {"session_id": 5, "batch_seq": 1, "last_batch_flag": True, "estimated_num_total": 2}
    taken = audience.create_user(params={"payload": payload, "session": session})
    assert (taken["audience_id"], taken["session_id"], taken["num_received"]) == (created["id"], "5", 2)
    removal = {"method": "DELETE", "payload": {**payload, "data": [[digest("a"), ""]]}}
    assert meta.call("POST", (created["id"], "users"), params=removal).json()["num_received"] == 1
    assert rig.keys("meta", created["id"]) == {"email": [digest("b")], "phone": [digest("1")]}
    read = audience.api_get(fields=["name", "operation_status"])
    assert (read["name"], read["operation_status"]["code"]) == ("Lapsed", 441)
    assert [item["session_id"] for item in audience.get_sessions(params={"session_id": "5"})] == ["5"]


def test_meta_walks_pages(meta: FacebookAdsApi) -> None:
    account = AdAccount("act_77", api=meta)
    for number in range(7):
        account.create_custom_audience(params={"name": f"list {number}", "subtype": "CUSTOM"})
    found = account.get_custom_audiences(fields=["name"], params={"limit": 3})
    assert [item["name"] for item in found] == [f"list {number}" for number in range(7)]


def test_meta_replaces(rig: Rig, meta: FacebookAdsApi) -> None:
    created = AdAccount("act_77", api=meta).create_custom_audience(params={"name": "n", "subtype": "CUSTOM"})
    payload = {"schema": ["EMAIL"], "is_raw": True, "data": [[digest("a")]]}
    session = {"session_id": 5, "batch_seq": 1, "last_batch_flag": True}
    CustomAudience(created["id"], api=meta).create_users_replace(params={"payload": payload, "session": session})
    rig.advance(601)
    assert rig.keys("meta", created["id"]) == {"email": [digest("a")]}


def test_meta_errors_carry_code_and_subcode(rig: Rig, meta: FacebookAdsApi) -> None:
    with pytest.raises(FacebookRequestError) as caught:
        CustomAudience("1", api=meta).api_get(fields=["name"])
    assert (caught.value.http_status(), caught.value.api_error_code(), caught.value.api_error_subcode()) == (400, 100, 33)
    rig.fault("meta", {"error": "2650/1870145"})
    with pytest.raises(FacebookRequestError) as caught:
        AdAccount("act_77", api=meta).api_get(fields=["tos_accepted"])
    assert caught.value.api_transient_error() is True


@pytest.fixture
def clients(rig: Rig) -> Iterator[tuple[dm.IngestionServiceClient, dm.UserListServiceClient]]:
    credentials = Credentials(
        None,
        refresh_token="sandbox-refresh",
        client_id="sandbox-client",
        client_secret="sandbox-secret",
        token_uri=f"{rig.sandbox.http_url}/oauth/token",
    )
    options = {"api_endpoint": f"{rig.sandbox.http_url}/data_manager"}
    both = (
        dm.IngestionServiceClient(credentials=credentials, transport="rest", client_options=options),
        dm.UserListServiceClient(credentials=credentials, transport="rest", client_options=options),
    )
    yield both
    for client in both:
        client.transport.close()


def new_list(lists: dm.UserListServiceClient) -> dm.UserList:
    info = dm.IngestedUserListInfo(upload_key_types=["CONTACT_ID"])
    wanted = dm.UserList(display_name="Lapsed", description="d", integration_code="ref", ingested_user_list_info=info)
    return lists.create_user_list(parent=PARENT, user_list=wanted, metadata=[("login-account", PARENT)])


def request_of(number: int, *emails: str) -> dict[str, Any]:
    account = dm.ProductAccount(account_type="GOOGLE_ADS", account_id=ACCOUNT)
    return {
        "destinations": [dm.Destination(operating_account=account, product_destination_id=str(number))],
        "audience_members": [
            dm.AudienceMember(
                composite_data=dm.CompositeData(
                    user_data=dm.UserData(user_identifiers=[dm.UserIdentifier(email_address=email)])
                )
            )
            for email in emails
        ],
        "encoding": "HEX",
    }


def test_data_manager_uploads_polls_removes(rig: Rig, clients: tuple[Any, Any]) -> None:
    ingestion, lists = clients
    made = new_list(lists)
    assert [found.id for found in lists.list_user_lists(request={"parent": PARENT, "filter": 'integration_code = "ref"'})] == [
        made.id
    ]
    upload = dm.IngestAudienceMembersRequest(
        **request_of(made.id, digest("a"), digest("b")),
        consent=dm.Consent(ad_user_data="CONSENT_GRANTED", ad_personalization="CONSENT_GRANTED"),
        terms_of_service=dm.TermsOfService(customer_match_terms_of_service_status="ACCEPTED"),
    )
    accepted = ingestion.ingest_audience_members(request=upload)
    ingestion.remove_audience_members(request=dm.RemoveAudienceMembersRequest(**request_of(made.id, digest("b"))))
    rig.advance(1801)
    status = ingestion.retrieve_request_status(request={"request_id": accepted.request_id}).request_status_per_destination[0]
    assert status.request_status.name == "SUCCESS"
    assert status.audience_members_ingestion_status.composite_data_ingestion_status.record_count == 2
    assert rig.keys("google", str(made.id)) == {"email": [digest("a")]}
    swept = ingestion.remove_all_audience_members(request={"destinations": upload.destinations})
    rig.advance(1801)
    status = ingestion.retrieve_request_status(request={"request_id": swept.request_id}).request_status_per_destination[0]
    assert "remove_all_audience_members_status" in status
    assert rig.keys("google", str(made.id)) == {}


def test_data_manager_changes_and_deletes_lists(rig: Rig, clients: tuple[Any, Any]) -> None:
    _, lists = clients
    made = new_list(lists)
    changed = lists.update_user_list(
        user_list=dm.UserList(name=made.name, display_name="Renamed"), update_mask={"paths": ["display_name"]}
    )
    assert (changed.display_name, lists.get_user_list(name=made.name).display_name) == ("Renamed", "Renamed")
    lists.delete_user_list(name=made.name)
    assert rig.admin("GET", "books/google") == []


def test_data_manager_errors_carry_reason_and_details(rig: Rig, clients: tuple[Any, Any]) -> None:
    ingestion, lists = clients
    made = new_list(lists)
    upload = dm.IngestAudienceMembersRequest(
        **request_of(made.id, digest("a"), "oops"),
        terms_of_service=dm.TermsOfService(customer_match_terms_of_service_status="ACCEPTED"),
    )
    with pytest.raises(BadRequest) as caught:
        ingestion.ingest_audience_members(request=upload, retry=None)
    assert caught.value.reason == "INVALID_HEX_ENCODING"
    violations = next(item for item in caught.value.details if "fieldViolations" in item)["fieldViolations"]
    assert violations[0]["field"].startswith("audience_members.audience_members[1]")
    rig.fault("data_manager", {"error": "RESOURCE_EXHAUSTED"})
    with pytest.raises(TooManyRequests) as quota:
        ingestion.ingest_audience_members(request=upload, retry=None)
    assert quota.value.metadata["quota_limit"] == "IngestionMutateRequestsPerMinutePerProject"
    rig.fault("data_manager", {"error": "UNAVAILABLE"})
    with pytest.raises(ServiceUnavailable):
        ingestion.ingest_audience_members(request=upload, retry=None)
