"""What every platform's file owes, whatever it is: its data, its models, its judgement; no network in sight."""

from __future__ import annotations

import dataclasses
import itertools
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from contract.doors import all_doors
from contract.rig import Door
from contract.variants import Variant, all_variants
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import SecretStr, ValidationError

from guestlist import destinations
from guestlist.destinations.base import Destination
from guestlist.identity.recipes import RECIPES, normalise
from guestlist.model.connection import Connection
from guestlist.model.conversation import Call, Reply
from guestlist.model.delivery import MULTI_VALUED, AudienceRef, Batch, Capabilities, Field, Operation, Session
from guestlist.model.errors import AuthError, ConfigError, GuestlistError, RateLimitedError, TransientError
from guestlist.pipeline.audience import wire_rows
from guestlist.pipeline.batching import upload_of

INCLUDE = Path(__file__).resolve().parents[2] / "include"
EVERY_VARIANT = pytest.mark.parametrize("variant", all_variants(), ids=lambda variant: variant.id)
EVERY_DOOR = pytest.mark.parametrize("door", all_doors(), ids=lambda door: door.id)
SAMPLES = {
    "email": ("person@example.com", None),
    "phone": ("+12015550123", "US"),
    "name": ("Zoë", None),
    "initial": ("zoë", None),
    "city": ("São Paulo", None),
    "state": ("California", "US"),
    "postal_code": ("90210", "US"),
    "country": ("DE", None),
    "gender": ("female", None),
    "birth_year": ("1990", None),
    "birth_month": ("2", None),
    "birth_day": ("7", None),
    "mobile_ad_id": ("AEBE52E7-03EE-455A-B3C4-E57283966239", None),
    "external_id": ("AbC-1", None),
}
CALL = Call("any", "POST", "somewhere")
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
NAMES = """
error code error_subcode is_transient message status details errors reason metadata fieldViolations field quota_limit
errorCode location fieldPathElements fieldName index quotaErrorDetails retryDelay
"""
WORDS = st.sampled_from(NAMES.split())
ERROR_LIKE = st.recursive(
    JSON,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(WORDS, inner, max_size=4),
    max_leaves=8,
)


def destination_of(door: Door) -> Destination:
    cls = destinations.destination_class(door.platform)
    return cls(cls.Settings(**door.extra), cls.Options(**door.options))


@EVERY_VARIANT
def test_the_file_names_the_platform(variant: Variant) -> None:
    assert variant.capabilities.platform == variant.platform
    assert variant.cls.__module__ == f"guestlist.destinations.{variant.platform}"
    assert variant.platform == variant.platform.lower()


@EVERY_VARIANT
def test_capabilities_are_whole(variant: Variant) -> None:
    found = variant.capabilities
    assert found.title
    assert found.docs.startswith("https://")
    assert found.modes
    assert len(set(found.modes)) == len(found.modes)
    assert len({key.field for key in found.keys}) == len(found.keys) > 0
    assert all(key.wire for key in found.keys)
    limits = dataclasses.asdict(found.limits)
    assert found.limits.rows_per_batch > 0
    assert found.limits.parallel_batches > 0
    assert all(value is None or value >= 0 for value in limits.values())
    assert all(limits[name] is None or limits[name] > 0 for name in limits if name.endswith(("_batch", "_row", "_days")))
    assert (
        found.plain_text
        or not all(key.plain for key in found.keys if key.field in (Field.EMAIL, Field.PHONE))
        or not (found.key(Field.EMAIL) or found.key(Field.PHONE))
    )


@EVERY_VARIANT
def test_composites_are_made_of_its_own_fields(variant: Variant) -> None:
    taken = {key.field for key in variant.capabilities.keys}
    for composite in variant.capabilities.composites:
        assert composite.required
        assert set(composite.parts) <= taken
        assert len(set(composite.parts)) == len(composite.parts)


@EVERY_VARIANT
def test_waits_between_questions_grow_and_end(variant: Variant) -> None:
    polling = variant.capabilities.polling
    if polling is None:
        return
    waits = [polling.wait(attempt) for attempt in range(50)]
    assert 0 < waits[0] == polling.first
    assert waits == sorted(waits)
    assert waits[-1] == polling.longest < polling.give_up


@EVERY_VARIANT
def test_every_key_has_its_recipe_and_agrees_with_it_on_hashing(variant: Variant) -> None:
    for key in variant.capabilities.keys:
        assert RECIPES[key.recipe].hashed is not key.plain, key


@EVERY_VARIANT
def test_normalising_twice_changes_nothing(variant: Variant) -> None:
    for key in variant.capabilities.keys:
        sample, region = SAMPLES[key.recipe.split(".")[0]]
        rule = RECIPES[key.recipe]
        frame = pl.DataFrame({"raw": [sample], "region": [region]}, schema={"raw": pl.String, "region": pl.String})
        where = pl.col("region") if rule.needs_region else None
        once = frame.select(made=normalise(rule, pl.col("raw"), where)).unnest("made")
        assert once["value"].item(), key
        again = once.with_columns(region=frame["region"]).select(made=normalise(rule, pl.col("value"), where)).unnest("made")
        assert again["value"].item() == once["value"].item(), key


@EVERY_VARIANT
def test_options_refuse_what_nobody_knows_and_cannot_be_changed(variant: Variant) -> None:
    with pytest.raises(ValidationError, match="Extra inputs"):
        variant.cls.Options(nobody_knows_this=1)
    for name in variant.cls.Options.model_fields:
        with pytest.raises(ValidationError, match="frozen"):
            setattr(variant.options, name, None)


def test_every_platform_has_a_door_into_the_sandbox() -> None:
    assert {door.platform for door in all_doors()} == set(destinations.names())
    for variant in all_variants():
        apis = variant.capabilities.apis
        mine = [door for door in all_doors() if door.platform == variant.platform]
        assert len(mine) >= max(len(apis), 1)


@EVERY_DOOR
def test_settings_refuse_what_nobody_knows_and_never_repeat_a_value(door: Door) -> None:
    settings_class = destinations.destination_class(door.platform).Settings
    wrong = {**door.extra, "nobody_knows_this": "canary-value", door.secrets[0]: {"canary-secret": 1}}
    with pytest.raises(ConfigError) as caught:
        settings_class.of(Connection("c", "guestlist", extra=wrong))
    told = f"{caught.value!r} {caught.value} {caught.value.__cause__!r} {caught.value.__suppress_context__}"
    assert "nobody_knows_this" in told
    assert door.secrets[0] in told
    assert "canary" not in told
    assert "True" in told  # pydantic's own error, which repeats values, is no context of ours


@EVERY_DOOR
def test_settings_hide_their_secrets(door: Door) -> None:
    extra = {**door.extra, **{name: f"canary-{name}" for name in door.secrets}}
    found = destinations.destination_class(door.platform).Settings.of(Connection("c", "guestlist", extra=extra))
    for name in door.secrets:
        assert isinstance(getattr(found, name), SecretStr)
        assert getattr(found, name).get_secret_value() == f"canary-{name}"
    assert "canary" not in f"{found!r} {found!s} {found.model_dump()} {found.model_dump_json()}"
    assert "canary" not in repr(Connection("c", "guestlist", password="canary", extra=extra))


@EVERY_DOOR
def test_anything_under_a_secret_name_is_a_secret(door: Door) -> None:
    fields = destinations.destination_class(door.platform).Settings.model_fields
    for name, field in fields.items():
        if any(word in name for word in ("secret", "password", "private_key")) or name.endswith(("token", "api_key")):
            assert "SecretStr" in str(field.annotation), name


def test_importing_all_platforms_loads_neither_polars_nor_a_vendors_sdk() -> None:
    program = (
        "import sys; from guestlist import destinations; destinations.platforms()\n"
        "bad = {'polars', 'httpx', 'requests', 'grpc', 'google', 'facebook_business', 'airflow', 'numpy', 'pyarrow'}\n"
        "print(sorted(bad & {name.split('.')[0] for name in sys.modules}))"
    )
    environment = {"PYTHONPATH": str(INCLUDE), "PATH": ""}
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, env=environment)
    assert done.stdout.strip() == "[]"


# judgement


def bodies() -> Iterator[tuple[str, Reply]]:
    for status in range(100, 600):
        for what, body, malformed in (
            ("an error in JSON", {"error": {"message": "no"}}, False),
            ("an empty object", {}, False),
            ("no JSON at all", None, True),
            ("a list", [1], False),
            ("an error that is text", {"error": "unexpected"}, False),
            ("an error that is a list", {"error": [{"code": 190}]}, False),
        ):
            yield f"{status} with {what}", Reply(status, body, {}, None, malformed)


@EVERY_DOOR
def test_every_status_is_judged_and_no_failure_passes(door: Door) -> None:
    destination = destination_of(door)
    for what, reply in bodies():
        error = destination.judge(CALL, reply).error
        if reply.status >= 400 or reply.malformed:
            assert isinstance(error, GuestlistError), what
        if reply.status == 429:
            assert isinstance(error, RateLimitedError), what
        elif reply.status in (401, 403):
            assert isinstance(error, AuthError), what
        elif reply.status >= 500:
            assert isinstance(error, TransientError), what


@EVERY_DOOR
@given(status=st.integers(100, 599), body=ERROR_LIKE, malformed=st.booleans())
@settings(max_examples=300)
def test_judgement_never_breaks(door: Door, status: int, body: Any, malformed: bool) -> None:
    for reply in (
        Reply(status, body, {}, None, malformed),
        Reply(status, {"error": body}, {"retry-after": "x"}, "r", malformed),
    ):
        verdict = destination_of(door).judge(CALL, reply)
        assert verdict.pause >= 0
        if status >= 400 or malformed:
            assert isinstance(verdict.error, GuestlistError)
            assert verdict.error.retry_after is None or verdict.error.retry_after >= 0


@EVERY_DOOR
def test_a_wait_in_a_header_is_never_a_reason_to_break(door: Door) -> None:
    for text in ("7", "0", "-1", "7.5", "", "nan", "inf", "Wed, 21 Oct 2026 07:28:00 GMT", "²", "1e400"):
        error = destination_of(door).judge(CALL, Reply(429, {"error": {}}, {"retry-after": text})).error
        assert isinstance(error, RateLimitedError)
        assert error.retry_after is None or 0 <= error.retry_after < 10**6, text


@EVERY_DOOR
def test_an_error_never_carries_what_the_platform_wrote(door: Door) -> None:
    canary = "canary@example.com"
    shapes: list[Any] = [
        {"error": {"message": canary, "code": 100, "error_user_msg": canary, "error_data": canary}},
        {
            "error": {
                "message": canary,
                "status": "INVALID_ARGUMENT",
                "details": [{"fieldViolations": [{"description": canary}]}],
            }
        },
        {"error": {"errors": [{"message": canary, "trigger": {"stringValue": canary}}]}},
        {"error": canary},
    ]
    for status, body in itertools.product((400, 401, 403, 404, 429, 500), shapes):
        error = destination_of(door).judge(CALL, Reply(status, body)).error
        assert canary not in f"{error!r} {error}", (status, body)


# limits


def values_of(row: dict[str, Any]) -> set[str]:
    flat = itertools.chain.from_iterable(value if isinstance(value, list) else [value] for value in row.values())
    return {value for value in flat if value is not None}


def leaves(body: Any) -> Iterator[Any]:
    if isinstance(body, dict):
        yield from itertools.chain.from_iterable(map(leaves, body.values()))
    elif isinstance(body, list):
        yield from itertools.chain.from_iterable(map(leaves, body))
    else:
        yield body


def members(fields: tuple[Field, ...]) -> st.SearchStrategy[list[dict[str, Any]]]:
    """Few or many members; each value is its own, so that it can be found again in a request."""
    most = 25

    def build(shape: list[list[int]]) -> list[dict[str, Any]]:
        rows = []
        for number, counts in enumerate(shape):
            row: dict[str, Any] = {"member": f"{number:032x}"}
            for field, count in zip(fields, counts, strict=True):
                values = [f"{field.value}-{number}-{index}" for index in range(count)]
                row[field.value] = values if field in MULTI_VALUED else (values or [None])[0]
            rows.append(row)
        return rows

    counts = st.tuples(*(st.integers(0, most if field in MULTI_VALUED else 1) for field in fields)).map(list)
    return st.lists(counts, min_size=1, max_size=60).map(build)


def identifiers_among(values: set[str], capabilities: Capabilities) -> int:
    """How many identifiers a platform counts in these values of one row: each single one, and each whole composite."""
    kinds = {value.split("-")[0] for value in values}
    singles = {field.value for field in capabilities.singles}
    whole = [kinds >= {part.value for part in composite.required} for composite in capabilities.composites]
    return sum(value.split("-")[0] in singles for value in values) + sum(whole)


@pytest.mark.parametrize("operation", [Operation.ADD, Operation.REMOVE])
@EVERY_DOOR
@given(data=st.data(), rows_per_batch=st.integers(1, 50), identifiers=st.integers(25, 200))
@settings(max_examples=25, deadline=None)
def test_no_request_passes_a_limit_and_no_value_is_lost(
    door: Door, operation: Operation, data: st.DataObject, rows_per_batch: int, identifiers: int
) -> None:
    destination = destination_of(door)
    documented = destination.capabilities
    budget = identifiers if documented.limits.identifiers_per_batch else None
    limits = dataclasses.replace(documented.limits, rows_per_batch=rows_per_batch, identifiers_per_batch=budget)
    capabilities = dataclasses.replace(documented, limits=limits)
    fields = tuple(key.field for key in documented.keys)
    schema = {"member": pl.String} | {
        field.value: pl.List(pl.String) if field in MULTI_VALUED else pl.String for field in fields
    }
    people = data.draw(members(fields))
    rows = wire_rows(pl.DataFrame(people, schema=schema), capabilities)
    upload = upload_of(rows, capabilities, operation, 7, "reference")
    session = Session(7, operation, AudienceRef("1", "n", "u"), len(upload.cuts), upload.rows, "2026-03-01", fields)
    sent: set[str] = set()
    offset = 0
    for cut in upload.cuts:
        batch = Batch(cut.id, cut.sequence, rows.slice(offset, cut.rows).drop("member"))
        offset += cut.rows
        call = next(destination.send(session, door.handle, batch))
        assert 0 < call.rows == cut.rows <= rows_per_batch
        found = {value for value in leaves(call.body) if isinstance(value, str)}
        per_row = [values_of(row) & found for row in batch.rows.to_dicts()]
        counted = [identifiers_among(values, capabilities) for values in per_row]
        most = limits.identifiers_per_row
        assert most is None or max(counted) <= most
        assert budget is None or sum(counted) <= max(budget, *counted)
        sent |= set().union(*per_row)
        assert str(call) == f"{call.method} {call.path}, {call.rows} rows"
        assert not any(value in repr(call) or value in str(call) for values in per_row for value in values)
    singles = {field.value for field in capabilities.singles}
    wanted = {value for row in people for value in values_of(row) if value.split("-")[0] in singles}
    assert wanted <= sent
    assert json.dumps(sorted(sent))
