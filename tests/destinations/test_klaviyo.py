"""Klaviyo: the forms on the wire, lists and properties, removal by profile id, and jobs."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from contract.rig import Door, digest
from destinations.klaviyo import (
    AUDIENCE,
    IMPORTS,
    JOB,
    SPEC,
    A,
    B,
    C,
    batch,
    import_errors,
    job,
    klaviyo,
    pointer,
    profiles,
    refusal,
    resources,
    session,
)
from destinations.talk import Script, answered, ask
from pydantic import ValidationError

from guestlist.model.audiences import AudienceRef
from guestlist.model.conversation import Call, Repeat, Reply
from guestlist.model.delivery import Batch, JobOutcome, Receipt
from guestlist.model.errors import ConfigError, GuestlistError, OutcomeUnknown, ProtocolError, TransientError
from guestlist.model.vocabulary import Field, Operation

DOORS = (
    Door(
        id="klaviyo",
        platform="klaviyo",
        door="klaviyo",
        book="klaviyo",
        paths={
            "create": r"/api/lists$",
            "find": r"/api/lists$",
            "add": r"/profile-bulk-import-jobs$",
            "remove": r"/relationships/profiles$",
            "ask": r"/profile-bulk-import-jobs/[^/]+$",
        },
        busy=({"status": 429, "headers": {"retry-after": "7"}}, 7),
        down={"error": "service_unavailable"},
        denied={"error": "authentication_failed"},
        extra={"api_key": "pk_sandbox", "endpoint": "{http}/klaviyo"},
        secrets=("api_key",),
        late_failure={"fail_job": True},
        methods={"create": "POST"},
        kinds=("email",),
    ),
)

[DOOR] = DOORS
REMOVE = Operation.REMOVE


def refused(call: Call, reply: Reply) -> GuestlistError:
    """What the driver would throw into the conversation."""
    error = klaviyo().judge(call, reply).error
    assert error is not None
    return error


def hold(conversation: Any, *replies: Reply) -> Script:
    """A conversation whose answers are judged as the driver judges them."""
    judged = klaviyo()
    answers = [judged.judge(Call("http", "POST", "x", rows=1), reply).error or reply for reply in replies]
    return Script(conversation, *answers)


# uploads


def test_an_import_is_profiles_with_one_identifier_and_one_list() -> None:
    call = ask(klaviyo().send(session(), {}, batch()))
    assert (call.carrier, call.method, call.path, call.rows, call.repeat) == ("http", "POST", IMPORTS, 2, Repeat.SAFE)
    assert call.body == {
        "data": {
            "type": "profile-bulk-import-job",
            "attributes": {
                "profiles": {
                    "data": [
                        {"type": "profile", "attributes": {"email": A}},
                        {"type": "profile", "attributes": {"email": B}},
                    ]
                }
            },
            "relationships": {"lists": {"data": [{"type": "list", "id": "Y6nRLr"}]}},
        }
    }
    assert not call.query


def test_a_property_is_set_by_the_same_import_without_a_list() -> None:
    call = ask(klaviyo(membership="property").send(session(), {}, batch(A)))
    assert profiles(call.body) == [{"type": "profile", "attributes": {"email": A, "properties": {"VIPs": True}}}]
    assert "relationships" not in call.body["data"]


@pytest.mark.parametrize(("by", "wire"), [("email", "email"), ("phone", "phone_number"), ("external_id", "external_id")])
def test_nobody_is_sent_with_two_identifiers_which_could_be_two_profiles(by: str, wire: str) -> None:
    keys = klaviyo(identify_by=by, profile_fields="write").capabilities.keys
    assert [(key.wire, key.plain) for key in keys if key.identifies] == [(wire, True)]
    assert {key.wire for key in keys if not key.identifies} == {
        "first_name", "last_name", "location.city", "location.region", "location.zip", "location.country",
    }  # fmt: skip
    assert [key.wire for key in klaviyo(identify_by=by).capabilities.keys] == [wire]


def test_names_and_places_are_written_where_asked_for_and_nothing_is_cleared() -> None:
    rows = batch(A, B, first_name=["Zoë", None], city=[None, "São Paulo"], country=[None, "Brazil"])
    fields = (Field.EMAIL, Field.FIRST_NAME, Field.CITY, Field.COUNTRY)
    call = ask(klaviyo(profile_fields="write").send(session(Operation.ADD, *fields), {}, rows))
    assert [profile["attributes"] for profile in profiles(call.body)] == [
        {"email": A, "first_name": "Zoë"},
        {"email": B, "location": {"city": "São Paulo", "country": "Brazil"}},
    ]


def test_of_two_people_with_one_address_the_last_counts_and_both_are_accepted() -> None:
    rows = batch(A, B, A, first_name=["Old", "Bo", "New"])
    sent = session(Operation.ADD, Field.EMAIL, Field.FIRST_NAME)
    script = Script(klaviyo(profile_fields="write").send(sent, {}, rows), JOB)
    assert [profile["attributes"]["first_name"] for profile in profiles(script.calls[0].body)] == ["New", "Bo"]
    assert script.calls[0].rows == 3
    assert script.result == Receipt(3, {}, "request-1", "job-1")


def test_profiles_that_klaviyo_points_at_are_set_aside_and_the_others_sent_again() -> None:
    script = hold(klaviyo().send(session(), {}, batch(A, "bad", C, "bad")), refusal(pointer(1)), JOB)
    assert [profile["attributes"]["email"] for profile in profiles(script.calls[1].body)] == [A, C]
    assert script.result == Receipt(2, {1: "invalid", 3: "invalid"}, "request-1", "job-1")


def test_a_batch_of_nothing_but_bad_rows_is_all_rejected() -> None:
    script = hold(klaviyo().send(session(), {}, batch("x", "y")), refusal(pointer(0), pointer(1)))
    assert script.result == Receipt(0, {0: "invalid", 1: "invalid"})


def test_where_klaviyo_always_points_at_another_row_halves_are_sent() -> None:
    """Eight times a row is set aside and the rest sent again; then the batch is cut, and the halves are taken."""
    people = [f"p{number}@example.com" for number in range(20)]
    script = hold(klaviyo().send(session(), {}, batch(*people)), *[refusal(pointer(0))] * 8, JOB, JOB)
    assert [call.rows for call in script.calls] == [*range(20, 12, -1), 10, 10]
    assert (script.result.accepted, script.result.rejected) == (20, {})


def test_removals_wait_for_imports_and_give_up_after_a_bounded_number_of_looks() -> None:
    busy, quiet = resources("profile-bulk-import-job", "job-9"), resources("profile-bulk-import-job")
    done = hold(klaviyo().open(session(Operation.REMOVE)), busy, quiet, busy, quiet)
    assert done.result == {}
    assert [call.query["filter"] for call in done.calls] == [
        f'equals(status,"{status}")' for status in ("queued", "queued", "processing", "processing")
    ]
    never = hold(klaviyo().open(session(Operation.REMOVE)), *[busy] * 40)
    assert isinstance(never.error, TransientError)
    assert len(never.calls) == 40


@pytest.mark.parametrize("whole", [refusal("/data"), refusal(pointer(99)), refusal("/data", status=413, code="")])
def test_where_nobody_is_pointed_at_halves_are_sent(whole: Reply) -> None:
    second = Reply(202, {"data": {"id": "job-2"}})
    script = hold(klaviyo().send(session(), {}, batch(A, B, C)), whole, JOB, second)
    assert [call.rows for call in script.calls] == [3, 1, 2]
    assert (script.result.accepted, script.result.job) == (3, "job-1 job-2")


def test_a_request_is_cut_by_bytes_before_it_is_sent() -> None:
    rows = batch(*(f"{number}@example.com" for number in range(9000)), first_name=["é" * 300] * 9000)
    sent = session(Operation.ADD, Field.EMAIL, Field.FIRST_NAME)
    script = Script(klaviyo(profile_fields="write").send(sent, {}, rows), JOB, JOB)
    sizes = [len(json.dumps(call.body, ensure_ascii=False).encode()) for call in script.calls]
    assert (script.result.accepted, len(sizes)) == (9000, 2)
    assert max(sizes) < 5_000_000


def test_a_profile_over_a_hundred_kilobytes_is_set_aside_alone() -> None:
    rows = batch(A, B, first_name=["x" * 100_000, "Bo"])
    sent = session(Operation.ADD, Field.EMAIL, Field.FIRST_NAME)
    script = Script(klaviyo(profile_fields="write").send(sent, {}, rows), JOB)
    assert [profile["attributes"]["email"] for profile in profiles(script.calls[0].body)] == [B]
    assert script.result.rejected == {0: "payload_too_large"}


def test_every_call_has_revision_key_and_media_type() -> None:
    settings = klaviyo().settings
    assert dict(settings.headers("")) == {
        "authorization": "Klaviyo-API-Key pk_1",
        "revision": "2026-10-15",
        "accept": "application/vnd.api+json",
        "content-type": "application/vnd.api+json",
    }
    assert type(settings).home == "https://a.klaviyo.com"


# lists


def test_a_list_is_made_with_its_opt_in_process() -> None:
    script = Script(klaviyo(opt_in_process="single_opt_in").ensure(SPEC), resources("list"), answered({"data": {"id": "Z"}}))
    find, create = script.calls
    assert (find.path, dict(find.query)) == ("/api/lists", {"filter": 'equals(name,"VIPs")', "page[size]": 10})
    assert (create.method, create.path, create.repeat) == ("POST", "/api/lists", Repeat.LOOKUP)
    assert create.body == {"data": {"type": "list", "attributes": {"name": "VIPs", "opt_in_process": "single_opt_in"}}}
    assert script.result == AudienceRef("Z", "VIPs", "https://www.klaviyo.com/list/Z")


def test_a_name_with_quotes_and_backslashes_is_escaped() -> None:
    call = ask(klaviyo().ensure(dataclasses.replace(SPEC, name='a"b\\c')))
    assert call.query["filter"] == 'equals(name,"a\\"b\\\\c")'


def test_only_the_exact_name_is_taken_and_two_of_it_are_refused() -> None:
    other = resources("list", "X", name="vips")
    assert Script(klaviyo().ensure(SPEC), other).calls[-1].method == "POST"
    found = Script(klaviyo().ensure(SPEC), resources("list", "Y", name="VIPs"))
    assert (found.result.id, len(found.calls)) == ("Y", 1)
    twice = Script(klaviyo().ensure(SPEC), resources("list", "X", "Y", name="VIPs"))
    assert isinstance(twice.error, ConfigError)


def test_a_list_that_is_known_is_found_by_its_id_whatever_it_is_called_now() -> None:
    known = dataclasses.replace(SPEC, known=AUDIENCE)
    script = Script(klaviyo().ensure(known), resources("list", "Y6nRLr", name="Renamed"))
    assert script.calls[0].query["filter"] == 'equals(id,"Y6nRLr")'
    assert script.result == AUDIENCE
    gone = Script(klaviyo().ensure(known), resources("list"), resources("list", "N", name="VIPs"))
    assert gone.result.id == "N"
    other = Script(klaviyo().ensure(dataclasses.replace(known, name="Other")), resources("list", "O", name="Other"))
    assert other.result.id == "O"


def test_a_creation_whose_answer_was_lost_is_looked_up() -> None:
    made = Script(klaviyo().ensure(SPEC), resources("list"), OutcomeUnknown("x"), resources("list", "L", name="VIPs"))
    assert made.result.id == "L"
    never = Script(klaviyo().ensure(SPEC), resources("list"), OutcomeUnknown("x"), resources("list"))
    assert type(never.error) is TransientError


def test_pages_are_followed_by_their_cursor_and_the_key_goes_to_no_other_address() -> None:
    following = "https://elsewhere.example/api/lists?filter=x&page%5Bcursor%5D=b%2Bc%3D"
    script = Script(
        klaviyo().ensure(SPEC), resources("list", "X", name="no", following=following), resources("list", "Y", name="VIPs")
    )
    assert (script.calls[1].path, script.calls[1].query["page[cursor]"]) == ("/api/lists", "b+c=")
    assert script.calls[1].query["filter"] == 'equals(name,"VIPs")'
    assert script.result.id == "Y"
    circle = Script(klaviyo().ensure(SPEC), *[resources("list", following=following)] * 2)
    assert isinstance(circle.error, ProtocolError)


@pytest.mark.parametrize("following", ["https://a.klaviyo.com/api/lists", "http://[", "?page[cursor]="])
def test_a_next_page_without_a_cursor_breaks_the_contract(following: str) -> None:
    script = Script(klaviyo().ensure(SPEC), resources("list", following=following))
    assert isinstance(script.error, ProtocolError)


def test_a_property_needs_no_call_and_may_not_be_klaviyos_own() -> None:
    script = Script(klaviyo(membership="property").ensure(SPEC))
    assert (script.calls, script.result.id, script.result.name) == ([], "VIPs", "VIPs")
    own = dataclasses.replace(SPEC, name="$consent")
    assert isinstance(Script(klaviyo(membership="property").ensure(own)).error, ConfigError)


def test_the_opt_in_process_is_of_lists() -> None:
    with pytest.raises(ValidationError, match="leave it out"):
        klaviyo(membership="property", opt_in_process="single_opt_in")


def test_the_size_of_a_list_is_asked_for_and_a_property_has_none() -> None:
    script = Script(klaviyo().describe(AUDIENCE), answered({"data": {"attributes": {"profile_count": 12}}}))
    assert script.calls[0].query == {"additional-fields[list]": "profile_count"}
    assert script.result.size == "12"
    assert Script(klaviyo(membership="property").describe(AUDIENCE)).result.size is None


def test_a_check_reads_and_changes_nothing() -> None:
    script = Script(klaviyo().check(SPEC), resources("profile"), resources("list"))
    assert [(call.method, call.rows) for call in script.calls] == [("GET", 0), ("GET", 0)]
    assert [finding.ok for finding in script.result] == [True, True, True]
    assert "will be made" in script.result[-1].what
    assert "'VIPs'" in Script(klaviyo(membership="property").check(SPEC), resources("profile")).result[-1].what


# removal


def test_a_removal_looks_up_ids_and_takes_those_off_that_klaviyo_has() -> None:
    script = Script(klaviyo().send(session(REMOVE), {}, batch(A, B, A)), resources("profile", "01A", "01B"), Reply(204))
    look, take = script.calls
    assert (look.method, look.path, look.rows) == ("GET", "/api/profiles", 2)
    assert look.query == {"filter": f'any(email,["{A}","{B}"])', "fields[profile]": "created", "page[size]": 100}
    assert (take.method, take.path, take.rows) == ("DELETE", "/api/lists/Y6nRLr/relationships/profiles", 2)
    assert take.body == {"data": [{"type": "profile", "id": "01A"}, {"type": "profile", "id": "01B"}]}
    assert script.result == Receipt(3)
    assert A not in f"{look!r} {look}"


def test_whom_klaviyo_does_not_know_is_absent_already() -> None:
    for membership in ("list", "property"):
        script = Script(klaviyo(membership=membership).send(session(REMOVE), {}, batch(A)), resources("profile"))
        assert (len(script.calls), script.result) == (1, Receipt(1))


def test_a_property_is_taken_from_known_profiles_by_their_ids_so_that_nobody_is_made() -> None:
    script = Script(klaviyo(membership="property").send(session(REMOVE), {}, batch(A, B)), resources("profile", "01A"), JOB)
    assert profiles(script.calls[1].body) == [{"type": "profile", "id": "01A", "attributes": {"properties": {"VIPs": False}}}]
    assert script.result == Receipt(2, job="job-1")


def test_lookups_are_of_a_hundred_values_and_of_addresses_that_servers_take() -> None:
    for emails in ([f"p{number}@example.com" for number in range(250)], [f"{'ü' * 40}{n}@example.com" for n in range(90)]):
        calls = Script(klaviyo().send(session(REMOVE), {}, batch(*emails)), *[resources("profile")] * 20).calls
        written = [str(call.query["filter"]) for call in calls]
        assert max(call.rows for call in calls) <= 100
        assert [value for text in written for value in json.loads(text[len("any(email,") : -1])] == emails
        assert max(len(quote(text)) for text in written) < 8000


def test_ids_go_a_thousand_at_a_time() -> None:
    emails = [f"p{number}@example.com" for number in range(1500)]
    pages = [resources("profile", *(f"01-{page}-{place}" for place in range(100))) for page in range(15)]
    script = Script(klaviyo().send(session(REMOVE), {}, batch(*emails)), *pages, Reply(204), Reply(204))
    assert [call.rows for call in script.calls if call.method == "DELETE"] == [1000, 500]
    assert script.result == Receipt(1500)


def test_where_klaviyo_misses_an_id_the_others_are_still_taken_off() -> None:
    missing, there = refusal("/data", status=404, code="not_found"), resources("list", "Y6nRLr")
    found = resources("profile", "01A", "01B", "01C")
    script = hold(klaviyo().send(session(REMOVE), {}, batch(A, B, C)), found, missing, there, Reply(204), missing, there)
    taken = [[item["id"] for item in call.body["data"]] for call in script.calls if call.method == "DELETE"]
    assert taken == [["01A", "01B", "01C"], ["01A", "01B"], ["01C"]]
    assert script.result == Receipt(3)
    gone = hold(klaviyo().send(session(REMOVE), {}, batch(A)), resources("profile", "01A"), missing, resources("list"))
    assert gone.error
    assert gone.error.code == "not_found"


# jobs


@pytest.mark.parametrize("status", ["queued", "processing"])
def test_a_job_that_runs_is_not_done(status: str) -> None:
    assert Script(klaviyo().settle(session(), {}, ("job-1",)), job(status)).result.done is False


def test_a_job_is_done_when_it_is_complete_and_its_counts_tell_how() -> None:
    done = Script(
        klaviyo().settle(session(), {}, ("job-1",)), job("complete", total_count=2, completed_count=2, failed_count=0)
    )
    assert (done.calls[0].path, done.result.done) == (f"{IMPORTS}/job-1", True)
    assert done.result.jobs == {"job-1": JobOutcome()}
    cancelled = Script(klaviyo().settle(session(), {}, ("job-1",)), job("cancelled"))
    assert cancelled.result.jobs["job-1"].failed
    whole = job("complete", total_count=2, failed_count=2)
    assert Script(klaviyo().settle(session(), {}, ("job-1",)), whole, import_errors()).result.jobs["job-1"].failed
    odd = Script(klaviyo().settle(session(), {}, ("job-1",)), job("failed"))
    assert isinstance(odd.error, ProtocolError)


def test_a_job_that_has_expired_is_in_doubt() -> None:
    script = hold(klaviyo().settle(session(), {}, ("job-1",)), refusal("/data", status=404, code="not_found"))
    assert (script.result.done, script.result.jobs["job-1"].failed) == (True, True)


@pytest.mark.parametrize(
    "payload", [{"email": A}, {"type": "profile", "attributes": {"email": A}}, {"data": {"attributes": {"email": A}}}]
)
def test_import_errors_are_named_by_what_was_sent_whatever_the_copys_shape(payload: Any) -> None:
    ended = job("complete", total_count=5, failed_count=2)
    script = Script(klaviyo().settle(session(), {}, ("job-1",)), ended, import_errors(payload, None))
    assert script.calls[1].path == f"{IMPORTS}/job-1/import-errors"
    outcome = script.result.jobs["job-1"]
    assert (outcome.named, outcome.rejected, outcome.failed) == ({A: "invalid"}, {"import_error": 1}, False)
    assert A not in repr(outcome)


def test_a_batch_that_was_sent_in_halves_is_done_when_all_its_jobs_are() -> None:
    fine, bad = job("complete", total_count=1, failed_count=0), job("complete", total_count=2, failed_count=1)
    early = Script(klaviyo().settle(session(), {}, ("1 2", "3")), fine, job("queued"), fine).result
    assert (early.done, set(early.jobs)) == (False, {"3"})
    late = Script(klaviyo().settle(session(), {}, ("1 2",)), bad, import_errors({"email": A}), fine).result
    assert (late.done, late.jobs) == (True, {"1 2": JobOutcome({}, {A: "invalid"})})


def test_taking_off_a_list_is_done_at_once_and_properties_wait_for_removals() -> None:
    assert klaviyo().settles_later(session())
    assert not klaviyo().settles_later(session(REMOVE))
    assert klaviyo(membership="property").settles_later(session(REMOVE))
    assert not klaviyo().capabilities.may_reorder
    assert klaviyo(membership="property").capabilities.may_reorder


def test_a_batch_may_hold_a_row_with_nothing_but_names() -> None:
    """It never should; then Klaviyo points at it, and it is set aside like any other."""
    rows = batch(A, first_name=["Ann"])
    empty = Batch("b", 1, rows.rows.with_columns(email=None))
    sent = session(Operation.ADD, Field.EMAIL, Field.FIRST_NAME)
    script = hold(klaviyo(profile_fields="write").send(sent, {}, empty), refusal("/data/attributes/profiles/data/0"))
    assert script.result == Receipt(0, {0: "invalid"})


def test_the_contracts_digests_are_those_of_what_is_sent() -> None:
    """Nothing hashed goes out; the contract prints them to compare with."""
    lines = (Path(__file__).parents[1] / "vectors" / "klaviyo.jsonl").read_text(encoding="utf-8").splitlines()
    sent = [vector for vector in map(json.loads, lines) if vector["normalised"]]
    assert [digest(vector["normalised"]) for vector in sent] == [vector["sha256_of_sent"] for vector in sent]
    recipes = {key.recipe for by in ("email", "phone", "external_id") for key in klaviyo(identify_by=by).capabilities.keys}
    assert {vector["recipe"] for vector in sent} == recipes
