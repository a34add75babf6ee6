"""Whose rows are those of erased people: every form of a given key finds them, whatever the column, and nobody else."""

from __future__ import annotations

import hashlib

import polars as pl
import pytest
from pipeline.audiences import GOOGLE, capabilities_of

from guestlist.model.errors import DataError
from guestlist.model.vocabulary import Field
from guestlist.pipeline.erasure import DIGEST, FIELD, FORM, NOBODY, Erased, Given, belongs, forms_of, given_rows, keys_of

META, KLAVIYO = capabilities_of("meta"), capabilities_of("klaviyo")
AD_ID = "38400000-8CF0-11BD-B23E-10B96E40000D"


def sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def erased(**digests: set[str]) -> Erased:
    return Erased({Field(name): frozenset(values) for name, values in digests.items()}, frozenset({"m9"}))


def test_a_raw_key_is_known_by_what_each_platform_makes_of_it() -> None:
    forms = dict(forms_of(Given(Field.EMAIL, " Dana.Poe@Gmail.com ")))
    assert forms["email.lower.v1"] == sha256("dana.poe@gmail.com")
    assert forms["email.google.v1"] == sha256("danapoe@gmail.com")
    assert "sha256.v1" not in forms, "it did not come hashed"


def test_a_key_that_came_hashed_is_known_by_its_digest() -> None:
    digest = sha256("dana@example.com")
    assert forms_of(Given(Field.EMAIL, digest.upper())) == {("sha256.v1", digest)}


def test_a_national_phone_is_read_with_its_region() -> None:
    forms = dict(forms_of(Given(Field.PHONE, "020 7031 3000", "GB")))
    assert forms["phone.e164_plus.v1"] == sha256("+442070313000")
    with pytest.raises(DataError, match="this phone cannot be used: ") as caught:
        forms_of(Given(Field.PHONE, "020 7031 3000"))
    assert "7031" not in str(caught.value)


def test_a_key_that_no_recipe_can_use_is_refused_with_the_reasons_and_without_the_value() -> None:
    with pytest.raises(DataError, match=r"^this email cannot be used: [a-z_]+(, [a-z_]+)*$") as caught:
        forms_of(Given(Field.EMAIL, "dana at example"))
    assert "not_a_sha256" not in str(caught.value), "it was never said to be one"


def test_a_row_belongs_by_any_of_its_keys_hashed_or_not_or_by_its_name() -> None:
    dana = sha256("dana@example.com")
    members = pl.DataFrame(
        {
            "member": ["m1", "m2", "m3", "m4", "m9", "m5"],
            "email:email.lower.v1": [[sha256("x"), dana], None, None, [sha256("x")], None, []],
            "external_id": [None, "c-7", sha256("c-7"), "c-8", None, None],
        },
        schema_overrides={"email:email.lower.v1": pl.List(pl.String)},
    )
    who = erased(email={dana}, external_id={sha256("c-7")})
    found = members.select("member", hit=belongs(who, members.schema))
    assert found.filter("hit")["member"].to_list() == ["m1", "m2", "m3", "m9"]
    assert found["hit"].null_count() == 0
    assert not NOBODY
    assert who


def test_an_advertising_id_is_the_same_in_either_case() -> None:
    members = pl.DataFrame({"member": ["m1", "m2"], "mobile_ad_id": [[AD_ID], [AD_ID.lower()]]})
    assert members.select(belongs(erased(mobile_ad_id={sha256(AD_ID.lower())}), members.schema)).to_series().all()


def test_a_field_that_only_helps_names_nobody() -> None:
    members = pl.DataFrame({"member": ["m1"], "first_name": [sha256("dana")]})
    assert not members.select(belongs(erased(first_name={sha256("dana")}), members.schema)).item()
    assert keys_of(members.lazy()).collect().is_empty()


def test_the_keys_of_members_are_digests_once_each() -> None:
    members = pl.DataFrame(
        {
            "member": ["m1", "m2"],
            "email:email.lower.v1": [[sha256("a"), sha256("b")], None],
            "email:email.plain.v1": [["a"], ["c", None]],
            "external_id": [None, "c-7"],
            "country": ["us", "us"],
        }
    )
    assert set(keys_of(members.lazy()).collect().iter_rows()) == {
        ("m1", "email", sha256("a")),
        ("m1", "email", sha256("b")),
        ("m2", "email", sha256("c")),
        ("m2", "external_id", sha256("c-7")),
    }


def listed(*keys: tuple[str, str, str]) -> pl.DataFrame:
    return pl.DataFrame(keys, schema={FIELD: pl.String, FORM: pl.String, DIGEST: pl.String}, orient="row")


COLUMNS = pl.DataFrame(
    schema={"member": pl.String, "email": pl.List(pl.String), "external_id": pl.String, "country": pl.String}
)


def test_the_given_keys_become_one_row_in_the_platforms_own_form() -> None:
    keys = listed(
        ("email", "email.lower.v1", "d2"),
        ("email", "sha256.v1", "d1"),
        ("email", "email.google.v1", "not Meta's form"),
        ("phone", "phone.e164_digits.v1", "no such column"),
    )
    row = given_rows(keys, COLUMNS, META).row(0, named=True)
    assert row == {"member": FORM, "email": ["d1", "d2"], "external_id": None, "country": None}
    assert given_rows(keys, COLUMNS, GOOGLE).row(0, named=True)["email"] == ["d1", "not Meta's form"]


def test_what_a_platform_takes_unhashed_is_not_known_any_more() -> None:
    keys = listed(("email", "email.plain.v1", sha256("dana@example.com")), ("external_id", "external_id.v1", sha256("c-7")))
    for capabilities in (KLAVIYO, META):
        rows = given_rows(keys, COLUMNS, capabilities)
        assert rows.is_empty()
        assert rows.schema == COLUMNS.schema
