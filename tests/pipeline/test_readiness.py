"""What a sample of a source tells: who can be matched, which spellings are one key, which columns look wrong."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pipeline.audiences import GOOGLE, META, capabilities_of

from guestlist.model.segment import Segment
from guestlist.model.vocabulary import Field
from guestlist.pipeline.readiness import Readiness, readiness

BOTH = {"google": GOOGLE, "meta": META}
COLUMNS = ("id", "email", "second", "phone", "country", "first", "last", "zip", "idfa", "ok")
HASH = hashlib.sha256(b"dana@example.com").hexdigest()
OF_NOTHING = hashlib.sha256(b"").hexdigest()
OF_NULL_TWICE = hashlib.sha256(hashlib.sha256(b"null").hexdigest().encode()).hexdigest()


def segment(**identifiers: Any) -> Segment:
    wanted = identifiers or {
        "email": ["email", "second"],
        "phone": {"columns": "phone", "region": "country"},
        "first_name": "first",
        "last_name": "last",
        "country": "country",
        "postal_code": "zip",
        "mobile_ad_id": "idfa",
    }
    document = {
        "name": "people",
        "source": {"file": "people.csv"},
        "key": "id",
        "identifiers": wanted,
        "consent": {"ad_user_data": "ok"},
        "destinations": [{"platform": "google_ads", "connection": "c", "audience": "A"}],
    }
    return Segment.model_validate(document)


def rows(*people: Mapping[str, str | None]) -> pl.DataFrame:
    whole = [{**dict.fromkeys(COLUMNS), "id": str(number), "ok": "yes", **person} for number, person in enumerate(people)]
    return pl.DataFrame(whole, schema=dict.fromkeys(COLUMNS, pl.String))


def of(*people: Mapping[str, str | None], **identifiers: Any) -> Readiness:
    return readiness(segment(**identifiers), BOTH, rows(*people))


ADDRESS = {"first": "Dana", "last": "Doe", "country": "DE", "zip": "01067"}


def test_people_by_how_many_keys_they_have() -> None:
    found = of(
        {"email": "a@example.org", "second": "b@example.org", "phone": "0151 12345678", "country": "DE"},
        {"email": "c@example.org"},
        {**ADDRESS},
        {"idfa": "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee"},
        {"first": "Dana"},
        {"id": "0", "email": "again@example.org"},
        {"email": "no@example.org", "ok": "no"},
    )
    google, meta = found.platforms
    assert (google.label, google.platform, google.people) == ("google", "google_ads", 5)
    assert (google.without_key, google.one_key, google.several_keys, google.keys) == (2, 2, 1, 5)
    assert (meta.without_key, meta.one_key, meta.several_keys, meta.keys) == (1, 3, 1, 6)
    assert (google.fields["email"], google.fields["phone"], google.fields["first_name"]) == (2, 1, 1)
    assert (meta.fields["mobile_ad_id"], meta.fields["email"]) == (1, 2)
    assert found.drops.rows == {"no_consent": 1, "repeated_key": 1}
    assert found.drops.phones == {"DE": {"kept": 1, "valid": 1}}
    found.drops.check()


def test_spellings_that_become_one_key() -> None:
    found = of(
        {"email": "dana.doe@gmail.com"},
        {"email": "Dana.Doe@gmail.com"},
        {"second": "danadoe@gmail.com"},
        {"second": "danadoe@gmail.com"},
        {"phone": "0151 12345678", "country": "DE"},
        {"phone": "+4915112345678"},
        {"email": "nonsense"},
    )
    told = {(one.field, one.recipe): (one.labels, one.values, one.keys) for one in found.duplicates}
    assert told["email", "email.google.v1"] == (("google",), 3, 1)
    assert told["email", "email.lower.v1"] == (("meta",), 3, 2)
    assert told["phone", "phone.e164_plus.v1"] == (("google",), 2, 1)
    assert told["mobile_ad_id", "mobile_ad_id.lower.v1"][1:] == (0, 0)


def one(column: str, *values: str | None, **identifier: Any) -> dict[str, int]:
    """What is said of one column: finding -> in how many values."""
    field = {"idfa": "mobile_ad_id", "first": "first_name", "zip": "postal_code"}.get(column, column)
    found = of(*({column: value} for value in values), **{field: {"columns": column, **identifier}})
    assert {(item.column, item.field.value, item.of) for item in found.suspicions} <= {
        (column, field, sum(1 for value in values if value and value.strip()))
    }
    return {item.what.split(":")[0].split(" (")[0]: item.values for item in found.suspicions}


MAILS = [f"person{number}@example.org" for number in range(20)]
LOST_PLUS = "numbers that begin with their country's code and have no plus"
PHONES = [f"0151 123456{number:02}" for number in range(20)]


def test_columns_as_they_should_be() -> None:
    assert one("email", *MAILS, None, " ") == {}
    assert one("phone", *PHONES, region="DE") == {}
    assert one("phone", *(f"+49 151 123456{number:02}" for number in range(20)), region="DE") == {}
    assert one("phone", *(f"120155501{number:02}" for number in range(20)), region="US") == {}, "the code is understood there"
    assert one("email", HASH, HASH[::-1], hashed=True) == {}
    assert one("idfa", "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee", "a" * 32) == {}
    assert one("first", "Dana", "Jo") == {}
    assert one("zip", "01067", "123456789") == {}
    assert one("country", *["DE"] * 20) == {}, "one country for all is no mistake"
    assert of(email="email").suspicions == ()


SUSPICIOUS = [
    ("phone", MAILS[:2] + PHONES, {"region": "DE"}, {"emails in it": 2}),
    ("email", PHONES[:3] + MAILS, {}, {"phone numbers in it": 3}),
    ("first", [MAILS[0], PHONES[0], "Dana"], {}, {"emails in it": 1, "phone numbers in it": 1}),
    ("email", [HASH, *MAILS], {}, {"hashes in a plain column": 1}),
    ("email", [HASH.upper(), "a" * 32, "A" * 40, "b" * 128, "z" * 43 + "="], {}, {"hashes in a plain column": 5}),
    ("email", [*MAILS, HASH], {"hashed": True}, {"plain values, or other digests, in a column of SHA-256": 20}),
    ("email", ["a" * 40, HASH], {"hashed": True}, {"plain values, or other digests, in a column of SHA-256": 1}),
    ("email", [OF_NOTHING, OF_NULL_TWICE, OF_NOTHING.upper(), HASH], {"hashed": True}, {"hashes of nothing": 3}),
    ("email", [OF_NOTHING, *MAILS * 10], {}, {"hashes of nothing": 1}),
    ("email", [MAILS[0]] * 6 + MAILS[1:5], {}, {"one value in most of its rows": 6}),
    ("phone", [f"49 151 123456{number:02}" for number in range(20)], {"region": "DE"}, {LOST_PLUS: 20}),
    ("phone", [f"49151123456{number:02}" for number in range(20)], {"region": "country"}, {}),
    ("phone", ["aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee", *PHONES], {"region": "DE"}, {"advertising ids in it": 1}),
]


@pytest.mark.parametrize(("column", "values", "identifier", "told"), SUSPICIOUS)
def test_suspicious_columns(column: str, values: list[str], identifier: dict[str, Any], told: dict[str, int]) -> None:
    assert one(column, *values, **identifier) == told


def test_single_slips_are_no_suspicion() -> None:
    assert one("phone", *PHONES * 10, MAILS[0], region="DE") == {}
    assert one("email", *[MAILS[0]] * 5, *MAILS[1:6]) == {}, "half of the rows is not most of them"
    assert one("email", *[MAILS[0]] * 3) == {}, "too few rows to tell"


def test_addresses_of_nobody() -> None:
    found = of(
        {"email": "Info@shop.org"},
        {"email": "sales@shop.org"},
        {"email": "salesman@shop.org"},
        {"email": "no-reply@shop.org"},
        {"email": "test1@shop.org"},
        {"email": "dana@EXAMPLE.com"},
        {"email": "dana@mail.test"},
        {"email": "dana@shop.org", "second": "support@shop.org"},
        {"email": "nonsense"},
    )
    assert asdict(found.addresses) == {"role": 3, "placeholder": 4, "of": 9}
    hashed = of({"email": "info@shop.org"}, email={"columns": "email", "hashed": True})
    assert asdict(hashed.addresses) == {"role": 0, "placeholder": 0, "of": 0}


def test_platforms_that_take_values_as_they_are() -> None:
    can = capabilities_of("edgetag")
    found = readiness(segment(email="email"), {"edge": can}, rows({"email": "a@example.org"}, {"email": "b"}))
    assert (found.platforms[0].people, found.platforms[0].keys) == (1, 1)


VALUE = st.none() | st.text(max_size=20) | st.sampled_from([*MAILS[:2], *PHONES[:2], HASH, OF_NOTHING, "Dana", "DE"])
PERSON = st.fixed_dictionaries({name: VALUE for name in COLUMNS if name not in ("id", "ok")})


@settings(database=None, deadline=None, max_examples=40)
@given(st.lists(PERSON, max_size=12))
def test_whatever_is_in_the_source_only_counts_come_out(people: list[dict[str, str | None]]) -> None:
    found = of(*people)
    told = json.dumps(asdict(found))
    for platform in found.platforms:
        assert platform.without_key + platform.one_key + platform.several_keys == platform.people
        assert platform.keys >= platform.one_key + 2 * platform.several_keys
        assert all(0 <= count <= platform.people for count in platform.fields.values())
    for pair in found.duplicates:
        assert 0 <= pair.keys <= pair.values
    for item in found.suspicions:
        assert 0 < item.values <= item.of <= len(people)
        assert item.field in Field
    for secret in (*MAILS[:2], *PHONES[:2], HASH, OF_NOTHING):
        assert secret not in told
