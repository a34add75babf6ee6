"""The Google Ads API, through the official SDK, unmodified."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from typing import Any

import grpc
import pytest
from sandbox.rig import ACCOUNT, Rig, destination, digest, ingest_body, member

logging.getLogger("google.ads.googleads.client").setLevel(logging.CRITICAL)
JOB = "offline_user_data_job_error"


class Ads:
    """The SDK's client, and short ways to do the usual things."""

    def __init__(self, rig: Rig, login: str | None = "1112223333") -> None:
        from google.ads.googleads.client import GoogleAdsClient
        from google.oauth2.credentials import Credentials

        credentials = Credentials(
            None,
            refresh_token="sandbox-refresh",
            client_id="sandbox-client",
            client_secret="sandbox-secret",
            token_uri=f"{rig.sandbox.http_url}/oauth/token",
        )
        endpoint = rig.sandbox.grpc_endpoint
        self.client = GoogleAdsClient(
            credentials=credentials, endpoint=endpoint, use_proto_plus=True, login_customer_id=login, developer_token="ignored"
        )
        self.lists = self.client.get_service("UserListService")
        self.jobs = self.client.get_service("OfflineUserDataJobService")
        self.search_service = self.client.get_service("GoogleAdsService")

    def list_operation(self, name: str = "Lapsed", key_type: int = 2, **values: Any) -> Any:
        operation = self.client.get_type("UserListOperation")
        created = operation.create
        created.name, created.description = name, "d"
        created.crm_based_user_list.upload_key_type = key_type
        for field, value in values.items():
            setattr(created.crm_based_user_list if field == "app_id" else created, field, value)
        return operation

    def new_list(self, name: str = "Lapsed", key_type: int = 2, **values: Any) -> str:
        operations = [self.list_operation(name, key_type, **values)]
        return self.lists.mutate_user_lists(customer_id=ACCOUNT, operations=operations).results[0].resource_name

    def new_job(self, user_list: str | None, *, type_: int = 4, consent: int = 0, external_id: int | None = None) -> str:
        job = self.client.get_type("OfflineUserDataJob")
        job.type_ = type_
        if user_list:
            job.customer_match_user_list_metadata.user_list = user_list
        if consent:
            job.customer_match_user_list_metadata.consent.ad_user_data = consent
        if external_id is not None:
            job.external_id = external_id
        return self.jobs.create_offline_user_data_job(customer_id=ACCOUNT, job=job).resource_name

    def user(self, *identifiers: dict[str, Any]) -> Any:
        user = self.client.get_type("UserData")
        for values in identifiers:
            identifier = self.client.get_type("UserIdentifier")
            for name, value in values.items():
                if name == "address_info":
                    for part, text in value.items():
                        setattr(identifier.address_info, part, text)
                else:
                    setattr(identifier, name, value)
            user.user_identifiers.append(identifier)
        return user

    def operation(self, what: str, *identifiers: dict[str, Any]) -> Any:
        operation = self.client.get_type("OfflineUserDataJobOperation")
        if what == "remove_all":
            operation.remove_all = True
        else:
            setattr(operation, what, self.user(*identifiers))
        return operation

    def add(self, job: str, *operations: Any, **more: Any) -> Any:
        request = {"resource_name": job, "operations": list(operations), **more}
        return self.jobs.add_offline_user_data_job_operations(request=request)

    def run(self, job: str) -> Any:
        return self.jobs.run_offline_user_data_job(resource_name=job)

    def search(self, query: str) -> list[Any]:
        return list(self.search_service.search(customer_id=ACCOUNT, query=query))

    def status(self, job: str) -> str:
        field = "offline_user_data_job"
        rows = self.search(f"SELECT {field}.status FROM {field} WHERE {field}.resource_name = '{job}' LIMIT 1")
        return rows[0].offline_user_data_job.status.name


@pytest.fixture(scope="module")
def shared(running: Rig) -> Iterator[Ads]:
    ads = Ads(running)
    yield ads
    for service in (ads.lists, ads.jobs, ads.search_service):
        service.transport.close()


@pytest.fixture
def ads(rig: Rig, shared: Ads) -> Ads:
    return shared


def problems(error: Any) -> list[str]:
    """``group.NAME`` of each error."""
    found = []
    for item in error.errors:
        code = type(item).pb(item).error_code
        group = code.WhichOneof("error_code")
        name = code.DESCRIPTOR.fields_by_name[group].enum_type.values_by_number[getattr(code, group)].name
        found.append(f"{group}.{name}")
    return found


def refused(call: Any, *arguments: Any, **named: Any) -> tuple[str, str]:
    """The gRPC status and the first error of a call that the SDK refuses."""
    from google.ads.googleads.errors import GoogleAdsException

    with pytest.raises(GoogleAdsException) as caught:
        call(*arguments, **named)
    assert caught.value.request_id
    return caught.value.error.code().name, problems(caught.value.failure)[0]


def row_problems(ads: Ads, answer: Any) -> dict[int, str]:
    """Row -> error of a partial failure."""
    found = {}
    for detail in answer.partial_failure_error.details:
        failure = type(ads.client.get_type("GoogleAdsFailure")).deserialize(detail.value)
        for item, code in zip(failure.errors, problems(failure), strict=True):
            element = item.location.field_path_elements[0]
            assert element.field_name == "operations"
            found[element.index] = code.partition(".")[2]
    return found


def email(text: object) -> dict[str, Any]:
    return {"hashed_email": digest(text)}


ADDRESS = {"hashed_first_name": digest("f"), "hashed_last_name": digest("l"), "country_code": "US", "postal_code": "94045"}


def test_a_job_from_creation_to_success(rig: Rig, ads: Ads) -> None:
    job = ads.new_job(ads.new_list())
    ads.add(job, ads.operation("create", email("a"), {"hashed_phone_number": digest("1")}, {"address_info": ADDRESS}))
    assert ads.status(job) == "PENDING"
    ads.run(job)
    assert ads.status(job) == "RUNNING"
    assert rig.admin("GET", "books/google")[0]["members"] == 0
    rig.advance(601)
    assert ads.status(job) == "SUCCESS"
    address = "|".join([digest("f"), digest("l"), "US", "94045"])
    number = rig.admin("GET", "books/google")[0]["id"]
    assert rig.keys("google", number) == {"email": [digest("a")], "phone": [digest("1")], "address": [address]}
    assert rig.admin("GET", "requests/google_ads/summary")["rows_added"] == 1


def test_lists_are_shared_with_the_data_manager(rig: Rig, ads: Ads) -> None:
    name = ads.new_list(integration_code="ref", membership_life_span=30)
    number = name.rpartition("/")[2]
    path = f"accountTypes/GOOGLE_ADS/accounts/{ACCOUNT}/userLists/{number}"
    found = rig.dm("GET", path).json()
    assert (found["integrationCode"], found["membershipDuration"]) == ("ref", f"{30 * 86_400}s")
    rig.dm("POST", "audienceMembers:ingest", ingest_body(number, [member({"emailAddress": digest("a")})]))
    other = rig.dm_list("From the other door")
    job = ads.new_job(f"customers/{ACCOUNT}/userLists/{other}")
    ads.add(job, ads.operation("create", email("b")))
    ads.run(job)
    rig.advance(1801)
    assert rig.keys("google", number) == {"email": [digest("a")]}
    assert rig.keys("google", other) == {"email": [digest("b")]}
    assert [line["reference"] for line in rig.admin("GET", "books/google")] == ["ref", ""]
    rig.advance(30 * 86_400)
    assert rig.keys("google", number) == {}


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ({"name": ""}, "field_error.REQUIRED"),
        ({"name": "  "}, "user_list_error.INVALID_NAME"),
        ({"description": ""}, "user_list_error.INVALID_DESCRIPTION"),
        ({"membership_life_span": 541}, "range_error.TOO_HIGH"),
        ({"membership_life_span": 10_000}, "range_error.TOO_HIGH"),
        ({"membership_life_span": -1}, "range_error.TOO_LOW"),
        ({"key_type": 0}, "field_error.REQUIRED"),
        ({"key_type": 4}, "user_list_error.APP_ID_NOT_SET"),
        ({"app_id": "1"}, "user_list_error.APP_ID_NOT_ALLOWED"),
    ],
)
def test_bad_lists(rig: Rig, ads: Ads, values: dict[str, Any], code: str) -> None:
    assert refused(ads.new_list, **values) == ("INVALID_ARGUMENT", code)
    assert rig.admin("GET", "books/google") == []


def test_names_are_unique_and_partial_failure_keeps_the_rest(rig: Rig, ads: Ads) -> None:
    operations = [ads.list_operation("one"), ads.list_operation("one"), ads.list_operation("two")]
    request = {"customer_id": ACCOUNT, "operations": operations}
    assert refused(ads.lists.mutate_user_lists, request=request)[1] == "user_list_error.NAME_ALREADY_USED"
    assert rig.admin("GET", "books/google") == [], "all or nothing"
    answer = ads.lists.mutate_user_lists(request={**request, "partial_failure": True})
    assert row_problems(ads, answer) == {1: "NAME_ALREADY_USED"}
    assert [bool(result.resource_name) for result in answer.results] == [True, False, True]


def test_validate_only_leaves_nothing(rig: Rig, ads: Ads) -> None:
    operations = [ads.list_operation("one")]
    answer = ads.lists.mutate_user_lists(request={"customer_id": ACCOUNT, "operations": operations, "validate_only": True})
    assert list(answer.results) == []
    assert rig.admin("GET", "books/google") == []


def test_lists_can_be_changed_and_removed(rig: Rig, ads: Ads) -> None:
    name = ads.new_list()
    operation = ads.client.get_type("UserListOperation")
    operation.update.resource_name, operation.update.name = name, "Renamed"
    operation.update_mask.paths.append("name")
    ads.lists.mutate_user_lists(customer_id=ACCOUNT, operations=[operation])
    assert rig.admin("GET", "books/google")[0]["name"] == "Renamed"
    operation.update_mask.paths[:] = ["crm_based_user_list.upload_key_type"]
    assert refused(ads.lists.mutate_user_lists, customer_id=ACCOUNT, operations=[operation])[1] == "field_error.IMMUTABLE_FIELD"
    gone = ads.client.get_type("UserListOperation")
    gone.remove = name
    ads.lists.mutate_user_lists(customer_id=ACCOUNT, operations=[gone])
    assert rig.admin("GET", "books/google") == []
    assert refused(ads.lists.mutate_user_lists, customer_id=ACCOUNT, operations=[gone]) == (
        "NOT_FOUND",
        "request_error.RESOURCE_NOT_FOUND",
    )


def test_bad_jobs(ads: Ads) -> None:
    good = ads.new_list()
    assert refused(ads.new_job, None)[1] == "field_error.REQUIRED"
    assert refused(ads.new_job, good, type_=0)[1] == "field_error.REQUIRED"
    assert refused(ads.new_job, f"customers/{ACCOUNT}/userLists/1")[1] == f"{JOB}.INVALID_USER_LIST_ID"
    foreign = good.replace(ACCOUNT, "9999999999")
    assert refused(ads.new_job, foreign) == ("PERMISSION_DENIED", "authorization_error.USER_PERMISSION_DENIED")
    assert refused(ads.new_job, good, consent=3)[1] == f"{JOB}.CUSTOMER_NOT_ACCEPTED_CUSTOMER_DATA_TERMS"
    ads.new_job(good, external_id=7)
    assert refused(ads.new_job, good, external_id=7)[1] == f"{JOB}.EXTERNAL_UPDATE_ID_ALREADY_EXISTS"


BAD_ROWS: list[tuple[int, list[dict[str, Any]], str]] = [
    (2, [{"hashed_email": "a@example.com"}], "INVALID_SHA256_FORMAT"),
    (2, [{"hashed_email": digest("a").upper()}], "INVALID_SHA256_FORMAT"),
    (2, [], "MISSING_USER_IDENTIFIER"),
    (2, [{}], "MISSING_USER_IDENTIFIER"),
    (2, [email(number) for number in range(21)], "TOO_MANY_USER_IDENTIFIERS"),
    (2, [{"mobile_id": "AEBE52E7-03EE-455A-B3C4-E57283966239"}], "INCOMPATIBLE_UPLOAD_KEY_TYPE"),
    (2, [{"third_party_user_id": "7"}], "INCOMPATIBLE_UPLOAD_KEY_TYPE"),
    (2, [{"address_info": {**ADDRESS, "country_code": "UK"}}], "INVALID_COUNTRY_CODE"),
    (2, [{"address_info": {**ADDRESS, "hashed_first_name": "dana"}}], "INVALID_SHA256_FORMAT"),
    (2, [{"address_info": {**ADDRESS, "postal_code": ""}}], "REQUIRED"),
    (2, [{"address_info": {**ADDRESS, "city": "Paris"}}], "INCOMPATIBLE_USER_IDENTIFIER"),
    (4, [{"mobile_id": digest("a")}], "INVALID_MOBILE_ID_FORMAT"),
    (3, [{"third_party_user_id": " 7"}], "INVALID_ENCODING"),
    (3, [email("a")], "INCOMPATIBLE_UPLOAD_KEY_TYPE"),
]


@pytest.mark.parametrize(("key_type", "identifiers", "code"), BAD_ROWS)
def test_bad_rows(ads: Ads, key_type: int, identifiers: list[dict[str, Any]], code: str) -> None:
    values = {"app_id": "1"} if key_type == 4 else {}
    job = ads.new_job(ads.new_list(key_type=key_type, **values))
    bad = ads.operation("create", *identifiers)
    assert refused(ads.add, job, bad)[1].endswith(f".{code}")
    assert row_problems(ads, ads.add(job, bad, enable_partial_failure=True)) == {0: code}


def test_partial_failure_names_rows_and_keeps_the_others(rig: Rig, ads: Ads) -> None:
    job = ads.new_job(ads.new_list())
    operations = [ads.operation("create", {"hashed_email": value}) for value in (digest("a"), "bad", digest("b"), "worse")]
    refused(ads.add, job, *operations)
    answer = ads.add(job, *operations, enable_partial_failure=True)
    assert row_problems(ads, answer) == {1: "INVALID_SHA256_FORMAT", 3: "INVALID_SHA256_FORMAT"}
    ads.run(job)
    rig.advance(601)
    assert rig.keys("google", rig.admin("GET", "books/google")[0]["id"]) == {"email": sorted([digest("a"), digest("b")])}


def test_clear_then_create_and_remove(rig: Rig, ads: Ads) -> None:
    name = ads.new_list()

    def do(*operations: Any) -> dict[str, list[str]]:
        job = ads.new_job(name)
        ads.add(job, *operations)
        ads.run(job)
        rig.advance(601)
        assert ads.status(job) == "SUCCESS"
        return rig.keys("google", name.rpartition("/")[2])

    assert do(ads.operation("create", email("a")), ads.operation("create", email("b")))["email"]
    assert do(ads.operation("remove", email("a"))) == {"email": [digest("b")]}
    assert do(ads.operation("remove_all"), ads.operation("create", email("c"))) == {"email": [digest("c")]}
    job = ads.new_job(name)
    assert refused(ads.add, job, ads.operation("create", email("a")), ads.operation("remove", email("b")))[1] == (
        f"{JOB}.CONFLICTING_OPERATION"
    )
    ads.add(job, ads.operation("create", email("a")))
    assert refused(ads.add, job, ads.operation("remove_all"))[1] == f"{JOB}.INVALID_OPERATION_ORDER"


def test_a_job_is_filled_before_it_runs_and_run_within_five_days(rig: Rig, ads: Ads) -> None:
    name = ads.new_list()
    job, late = ads.new_job(name), ads.new_job(name)
    ads.run(job)
    assert refused(ads.add, job, ads.operation("create", email("a")))[1] == f"{JOB}.JOB_ALREADY_STARTED"
    assert refused(ads.run, job)[1] == f"{JOB}.JOB_ALREADY_STARTED"
    rig.advance(5 * 86_400 + 1)
    assert ads.status(job) == "SUCCESS", "also with nothing in it"
    assert ads.status(late) == "PENDING"
    assert refused(ads.run, late)[1] == "request_error.RESOURCE_NOT_FOUND"


def test_a_list_takes_one_running_job_at_a_time(rig: Rig, ads: Ads) -> None:
    name = ads.new_list()
    first, second = ads.new_job(name), ads.new_job(name)
    ads.run(first)
    assert refused(ads.run, second) == ("ABORTED", "database_error.CONCURRENT_MODIFICATION")
    rig.advance(601)
    ads.run(second)


def test_two_batches_at_once_clash(rig: Rig, ads: Ads) -> None:
    job = ads.new_job(ads.new_list())
    rig.fault("google_ads", {"delay": 0.6}, path="Operations$")
    slow = threading.Thread(target=ads.add, args=(job, ads.operation("create", email("a"))))
    slow.start()
    while rig.admin("GET", "faults/google_ads")["left"]:
        pass
    assert refused(ads.add, job, ads.operation("create", email("b"))) == ("ABORTED", "database_error.CONCURRENT_MODIFICATION")
    slow.join()
    ads.add(job, ads.operation("create", email("b")))
    ads.run(job)
    rig.advance(601)
    assert rig.admin("GET", "books/google")[0]["members"] == 2


def test_identifiers_of_a_request_are_limited(rig: Rig, ads: Ads) -> None:
    job = ads.new_job(ads.new_list())
    rig.settings("google_ads", identifiers_per_request=3)
    batch = [ads.operation("create", email(number), email(-number)) for number in (1, 2)]
    assert refused(ads.add, job, *batch)[1] == f"{JOB}.TOO_MANY_USER_IDENTIFIERS"


def test_attributes_need_their_own_kind_of_job(ads: Ads) -> None:
    operation = ads.operation("create", email("a"))
    operation.create.user_attribute.lifetime_value_bucket = 11
    plain, attributes = ads.new_job(ads.new_list()), ads.new_job(None, type_=5)
    assert refused(ads.add, plain, operation)[1] == f"{JOB}.ATTRIBUTES_NOT_APPLICABLE_FOR_CUSTOMER_MATCH_USER_LIST"
    assert refused(ads.add, attributes, operation)[1] == f"{JOB}.LIFETIME_VALUE_BUCKET_NOT_IN_RANGE"
    operation.create.user_attribute.lifetime_value_bucket = 10
    operation.create.user_attribute.lifecycle_stage = "Asleep"
    assert refused(ads.add, attributes, operation)[1] == f"{JOB}.INVALID_LIFECYCLE_STAGE"
    operation.create.user_attribute.lifecycle_stage = "Active"
    ads.add(attributes, operation)


def test_consent_on_an_operation_is_only_warned_of(ads: Ads) -> None:
    job = ads.new_job(ads.new_list())
    operation = ads.operation("create", email("a"))
    operation.create.consent.ad_user_data = 3
    answer = ads.add(job, operation, enable_warnings=True)
    assert (answer.partial_failure_error.code, answer.warning.code) == (0, 3)


@pytest.mark.parametrize(
    ("settings", "status", "code"),
    [
        ({"uploads_allowed": False}, "PERMISSION_DENIED", "not_allowlisted_error.CUSTOMER_NOT_ALLOWLISTED_FOR_THIS_FEATURE"),
        ({"terms_accepted": False}, "INVALID_ARGUMENT", f"{JOB}.CUSTOMER_NOT_ACCEPTED_CUSTOMER_DATA_TERMS"),
        ({"managers": ["4445556666"]}, "PERMISSION_DENIED", "authorization_error.USER_PERMISSION_DENIED"),
        (
            {"approved_for_production": False},
            "PERMISSION_DENIED",
            "authorization_error.CLOUD_PROJECT_NOT_APPROVED_FOR_PRODUCTION",
        ),
        ({"customer_enabled": False}, "PERMISSION_DENIED", "authorization_error.CUSTOMER_NOT_ENABLED"),
    ],
)
def test_accounts_that_may_not_upload(rig: Rig, ads: Ads, settings: dict[str, Any], status: str, code: str) -> None:
    name = ads.new_list()
    rig.settings("google_ads", **settings)
    assert refused(ads.new_job, name) == (status, code)


def test_customers_have_ten_digits(ads: Ads) -> None:
    search = ads.search_service.search
    assert (
        refused(search, customer_id="123", query="SELECT customer.id FROM customer")[1] == "request_error.INVALID_CUSTOMER_ID"
    )


def test_tokens_expire(rig: Rig, ads: Ads) -> None:
    rig.fault("google_ads", {"expire_token": True})
    expired = Ads(rig)
    assert refused(expired.search, "SELECT customer.id FROM customer") == (
        "UNAUTHENTICATED",
        "authentication_error.OAUTH_TOKEN_EXPIRED",
    )


def test_daily_operations_run_out_as_resource_exhausted(rig: Rig, ads: Ads) -> None:
    from google.api_core.exceptions import ResourceExhausted

    ads.search("SELECT customer.id FROM customer")
    rig.settings("google_ads", operations_per_day=1)
    with pytest.raises(ResourceExhausted) as caught:
        ads.search("SELECT customer.id FROM customer")
    trailing = dict(caught.value.response.trailing_metadata())
    failure = type(ads.client.get_type("GoogleAdsFailure")).deserialize(
        trailing["google.ads.googleads.v26.errors.googleadsfailure-bin"]
    )
    assert problems(failure) == ["quota_error.RESOURCE_EXHAUSTED"]
    rig.advance(86_400)
    ads.search("SELECT customer.id FROM customer")


def test_short_quota_faults_tell_the_delay(rig: Rig, ads: Ads) -> None:
    from google.api_core.exceptions import ResourceExhausted

    rig.fault("google_ads", {"error": "quota_error.RESOURCE_TEMPORARILY_EXHAUSTED"}, path="Search$")
    with pytest.raises(ResourceExhausted) as caught:
        ads.search("SELECT customer.id FROM customer")
    trailing = dict(caught.value.response.trailing_metadata())
    failure = type(ads.client.get_type("GoogleAdsFailure")).deserialize(
        trailing["google.ads.googleads.v26.errors.googleadsfailure-bin"]
    )
    assert failure.errors[0].details.quota_error_details.retry_delay.seconds == 30


def test_lists_read_with_sizes_a_day_later(rig: Rig, ads: Ads) -> None:
    name = ads.new_list(integration_code="ref")
    job = ads.new_job(name)
    ads.add(job, *[ads.operation("create", email(number)) for number in range(1234)])
    ads.run(job)
    query = (
        "SELECT user_list.resource_name, user_list.size_for_search, user_list.size_range_for_search, user_list.type,"
        " user_list.match_rate_percentage, user_list.crm_based_user_list.upload_key_type, customer.id"
        " FROM user_list WHERE user_list.integration_code = 'ref' AND user_list.membership_status = 'OPEN'"
    )
    fresh = ads.search(query)[0].user_list
    assert (fresh.resource_name, "size_for_search" in fresh) == (name, False)
    rig.advance(2 * 86_400)
    row = ads.search(query)[0]
    assert (row.user_list.size_for_search, row.user_list.match_rate_percentage) == (800, 65)
    assert row.user_list.size_range_for_search.name == "LESS_THAN_ONE_THOUSAND"
    assert (row.user_list.type_.name, row.user_list.crm_based_user_list.upload_key_type.name) == ("CRM_BASED", "CONTACT_INFO")
    assert row.customer.id == int(ACCOUNT)


def test_streaming_terms_and_match_rate(rig: Rig, ads: Ads) -> None:
    query = "SELECT customer.conversion_tracking_setting.accepted_customer_data_terms FROM customer"
    rows = [row for batch in ads.search_service.search_stream(customer_id=ACCOUNT, query=query) for row in batch.results]
    assert rows[0].customer.conversion_tracking_setting.accepted_customer_data_terms is True
    job = ads.new_job(ads.new_list())
    ads.run(job)
    rig.advance(601)
    fields = ("offline_user_data_job.operation_metadata.match_rate_range", "offline_user_data_job.type")
    query = f"SELECT {', '.join(fields)} FROM offline_user_data_job"
    found = ads.search(query)[0].offline_user_data_job
    assert (found.operation_metadata.match_rate_range.name, found.type_.name) == (
        "MATCH_RANGE_61_TO_70",
        "CUSTOMER_MATCH_USER_LIST",
    )


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("SELECT campaign.id FROM campaign", "BAD_RESOURCE_TYPE_IN_FROM_CLAUSE"),
        ("SELECT user_list.shoe_size FROM user_list", "UNRECOGNIZED_FIELD"),
        ("SELECT user_list.crm_based_user_list FROM user_list", "PROHIBITED_FIELD_IN_SELECT_CLAUSE"),
        ("SELECT user_list.id FROM user_list WHERE user_list.membership_status = 'AJAR'", "BAD_ENUM_CONSTANT"),
        ("SELECT user_list.id FROM user_list LIMIT 0", "LIMIT_VALUE_TOO_LOW"),
    ],
)
def test_bad_queries(ads: Ads, query: str, code: str) -> None:
    assert refused(ads.search, query) == ("INVALID_ARGUMENT", f"query_error.{code}")


def test_small_uploads(rig: Rig, ads: Ads) -> None:
    service = ads.client.get_service("UserDataService")
    name = ads.new_list()

    def upload(count: int, per_row: int = 1) -> Any:
        request = ads.client.get_type("UploadUserDataRequest")
        request.customer_id = ACCOUNT
        request.customer_match_user_list_metadata.user_list = name
        for number in range(count):
            operation = ads.client.get_type("UserDataOperation")
            operation.create = ads.user(*[email(f"{number} {place}") for place in range(per_row)])
            request.operations.append(operation)
        return service.upload_user_data(request=request)

    assert upload(10).received_operations_count == 10
    assert refused(upload, 11)[1] == "collection_size_error.TOO_MANY"
    assert refused(upload, 10, 11)[1] == "user_data_error.TOO_MANY_USER_IDENTIFIERS"
    rig.advance(601)
    assert len(rig.keys("google", name.rpartition("/")[2])["email"]) == 10
    service.transport.close()


def test_scripted_rows_jobs_and_drops(rig: Rig, ads: Ads) -> None:
    from google.api_core.exceptions import ServiceUnavailable

    name = ads.new_list()
    job = ads.new_job(name)
    rig.fault("google_ads", {"reject_rows": [1], "reason": f"{JOB}.INVALID_ENCODING"}, path="Operations$")
    rows = [ads.operation("create", email(number)) for number in range(4)]
    assert row_problems(ads, ads.add(job, *rows, enable_partial_failure=True)) == {1: "INVALID_ENCODING"}
    rig.fault("google_ads", {"drop": "after"}, path="RunOffline")
    with pytest.raises(ServiceUnavailable):
        ads.run(job)
    assert ads.status(job) == "RUNNING", "it acted before the connection broke"
    rig.advance(601)
    again = ads.new_job(name)
    ads.add(again, *[ads.operation("create", email(f"x{number}")) for number in range(4)])
    rig.fault("google_ads", {"fail_job": "partial", "count": 3}, path="RunOffline")
    ads.run(again)
    rig.advance(601)
    assert ads.status(again) == "FAILED"
    assert len(rig.keys("google", name.rpartition("/")[2])["email"]) == 4


def test_malformed_and_bare_statuses(rig: Rig, ads: Ads) -> None:
    from google.api_core.exceptions import GoogleAPICallError, ServiceUnavailable

    for action in ({"error": "UNAVAILABLE"}, {"status": 503}, {"malformed": "html"}, {"drop": "before"}):
        rig.fault("google_ads", action)
        with pytest.raises(ServiceUnavailable):
            ads.search("SELECT customer.id FROM customer")
    for action in ({"malformed": "truncated"}, {"malformed": "wrong_type"}):
        rig.fault("google_ads", action)
        with pytest.raises((GoogleAPICallError, grpc.RpcError)):
            ads.search("SELECT customer.id FROM customer")
    rig.fault("google_ads", {"malformed": "empty"})
    assert ads.search("SELECT customer.id FROM customer") == []


def test_batches_above_the_default_message_size_are_taken(rig: Rig, ads: Ads) -> None:
    job = ads.new_job(ads.new_list())
    rows = [ads.operation("create", email(number), email(f"a{number}"), email(f"b{number}")) for number in range(20_000)]
    ads.add(job, *rows)
    ads.run(job)
    rig.advance(601)
    assert rig.admin("GET", "books/google")[0]["members"] == 60_000


def test_a_manager_is_not_always_needed(rig: Rig, ads: Ads) -> None:
    rig.settings("google_ads", managers=[])
    direct = Ads(rig, login=None)
    assert refused(direct.search, "SELECT customer.id FROM customer")[1] == "authorization_error.USER_PERMISSION_DENIED"
    own = Ads(rig, login=ACCOUNT)
    assert own.search("SELECT customer.id FROM customer")


def test_the_data_manager_door_sees_destinations_of_this_door(rig: Rig, ads: Ads) -> None:
    number = ads.new_list(key_type=3).rpartition("/")[2]
    body = ingest_body(number, [{"userIdData": {"userId": "C-1"}}], destinations=[destination(number)])
    assert rig.dm("POST", "audienceMembers:ingest", body).status_code == 200
