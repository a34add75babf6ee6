"""Preparing: no row vanishes, nobody without consent gets through, nothing raw comes out."""

from __future__ import annotations

import hashlib
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pipeline.audiences import GOOGLE, META, capabilities_of

from guestlist.identity.recipes import normalise_frame, recipe
from guestlist.model.plan import Drops
from guestlist.model.segment import Segment
from guestlist.model.vocabulary import Field
from guestlist.pipeline.columns import key_columns
from guestlist.pipeline.derive import KeyColumn, derivations
from guestlist.pipeline.prepare import Preparer
from guestlist.pipeline.suppression import suppression_keys

EMAIL_GOOGLE, EMAIL_META = "email:email.google.v1", "email:email.lower.v1"
PHONE_PLUS = "phone:phone.e164_plus.v1"


def sha(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def segment(**parts: Any) -> Segment:
    document: dict[str, Any] = {
        "name": "people",
        "source": {"file": "people.csv"},
        "key": "id",
        "identifiers": {"email": "email"},
        "destinations": [{"platform": "google_ads", "connection": "c", "audience": "A"}],
    }
    return Segment.model_validate(document | parts)


def rows_of(*rows: Mapping[str, str | None]) -> pl.DataFrame:
    names = list(dict.fromkeys(name for row in rows for name in row))
    return pl.DataFrame([{name: row.get(name) for name in names} for row in rows], schema=dict.fromkeys(names, pl.String))


def prepare(
    parts: Segment, *rows: Mapping[str, str | None], capabilities: Sequence[Any] = (GOOGLE,), **more: Any
) -> tuple[pl.DataFrame, Preparer]:
    preparer = Preparer(parts, capabilities, **more)
    prepared = preparer.prepare(rows_of(*rows))
    preparer.drops.check()
    return prepared, preparer


def emails(prepared: pl.DataFrame, column: str = EMAIL_GOOGLE) -> list[list[str]]:
    return prepared[column].to_list()


RAW = st.sampled_from(
    [None, "", " ", "ann@example.com", "BEN@Example.com ", "x@", "1", "no", "yes", "DE", "+4915112345678", "\ufeff"]
)
COLUMNS = ("id", "email", "email2", "phone", "country", "name", "value", "consent")
EVERYTHING = segment(
    identifiers={
        "email": ["email", "email2"],
        "phone": {"columns": ["phone"], "region": "country"},
        "first_name": "name",
        "country": "country",
        "external_id": "id",
    },
    value={"column": "value", "currency": "EUR"},
    consent={"ad_user_data": "consent"},
    holdout={"percent": 30, "experiment": "e"},
)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.fixed_dictionaries(dict.fromkeys(COLUMNS, RAW))))
def test_no_row_vanishes_and_each_keeps_its_shape(rows: list[dict[str, str | None]]) -> None:
    preparer = Preparer(EVERYTHING, (GOOGLE, META))
    frame = rows_of(*rows) if rows else pl.DataFrame(schema=dict.fromkeys(preparer.source_columns, pl.String))
    for start in range(0, max(frame.height, 1), 3):
        prepared = preparer.prepare(frame.slice(start, 3))
        assert prepared.columns == ["member", "value", *(key.name for key in preparer.keys)]
        assert prepared["member"].str.contains("^[0-9a-f]{32}$").all()
    preparer.drops.check()
    assert preparer.drops.read == len(rows)
    assert set(preparer.drops.rows) <= {"no_member_key", "no_consent", "holdout", "no_key"}
    no_key = sum((row["id"] or "").strip() == "" for row in rows)
    assert preparer.drops.rows.get("no_member_key", 0) == no_key
    refused = sum((row["id"] or "").strip() != "" and row["consent"] not in ("yes", "1") for row in rows)
    assert preparer.drops.rows.get("no_consent", 0) == refused


def test_no_raw_value_comes_out() -> None:
    raw = {"id": "cust-4711", "email": "Zoe.Quill@example.com", "phone": "+49 151 1234 5678", "country": "DE", "name": "Zoe"}
    parts = segment(identifiers={"email": "email", "phone": {"columns": "phone", "region": "country"}, "first_name": "name"})
    prepared, preparer = prepare(parts, raw, capabilities=(GOOGLE, META))
    told = f"{prepared.rows()} {preparer.drops} {preparer!r}".lower()
    for value in ("zoe", "quill", "1511234", "cust-4711"):
        assert value not in told


def test_rows_without_a_key_of_their_own_are_dropped_with_a_reason() -> None:
    prepared, preparer = prepare(
        segment(), {"id": None, "email": "a@example.com"}, {"id": " ", "email": "b@example.com"}, {"id": "1", "email": None}
    )
    assert prepared.height == 0
    assert preparer.drops.rows == {"no_member_key": 2, "no_key": 1}
    assert preparer.drops.keys == {EMAIL_GOOGLE: {"blank": 1}}


@pytest.mark.parametrize(("said", "granted"), [
    ("true", True), (" TRUE ", True), ("1", True), ("yes", True), ("Y", True), ("t", True), ("granted", True),
    ("false", False), ("0", False), ("no", False), ("", False), (None, False), ("2", False), ("denied", False),
])  # fmt: skip
def test_consent_is_what_a_yes_says(said: str | None, granted: bool) -> None:
    prepared, preparer = prepare(segment(consent={"ad_user_data": "c"}), {"id": "1", "email": "a@example.com", "c": said})
    assert prepared.height == int(granted)
    assert preparer.drops.rows == ({} if granted else {"no_consent": 1})


def test_every_declared_consent_is_needed_and_the_word_granted_asks_no_column() -> None:
    both = segment(consent={"ad_user_data": "a", "ad_personalization": "b"})
    rows = [{"id": str(n), "email": "a@example.com", "a": a, "b": b} for n, (a, b) in enumerate(["11", "10", "01", "00"])]
    assert prepare(both, *rows)[0].height == 1
    word = segment(consent={"ad_user_data": "granted", "ad_personalization": "b"})
    preparer = Preparer(word, (GOOGLE,))
    assert preparer.source_columns == ("id", "email", "b")
    assert prepare(word, *rows)[0].height == 2


def kept_by(percent: float, experiment: str = "spring", people: int = 4000) -> set[str]:
    parts = segment(holdout={"percent": percent, "experiment": experiment})
    rows = [{"id": f"c{number}", "email": "a@example.com"} for number in range(people)]
    prepared, preparer = prepare(parts, *rows)
    assert preparer.drops.rows == {"holdout": people - prepared.height}
    return set(prepared["member"])


def test_a_growing_holdout_keeps_those_who_were_in_it() -> None:
    everybody = set(prepare(segment(), *[{"id": f"c{n}", "email": "a@example.com"} for n in range(4000)])[0]["member"])
    out = {percent: everybody - kept_by(percent) for percent in (0.5, 5, 25, 90)}
    assert out[0.5] < out[5] < out[25] < out[90]
    for percent, people in out.items():
        spread = 4 * (4000 * percent / 100 * (1 - percent / 100)) ** 0.5  # four standard deviations
        assert abs(len(people) - 40 * percent) < spread
    assert kept_by(5) == kept_by(5)
    other = everybody - kept_by(25, "summer")
    assert 0.15 < len(out[25] & other) / 1000 < 0.35, "experiments are drawn independently"


def test_a_member_is_named_by_segment_and_key_alone() -> None:
    one, _ = prepare(segment(), {"id": " 7 ", "email": "a@example.com"})
    two, _ = prepare(segment(), {"id": "7", "email": "b@example.com"})
    three, _ = prepare(segment(name="other"), {"id": "7", "email": "b@example.com"})
    assert one["member"].to_list() == two["member"].to_list()
    assert two["member"].to_list() != three["member"].to_list()


def test_several_emails_are_one_persons_keys() -> None:
    parts = segment(identifiers={"email": ["first", "second", "third"]})
    prepared, preparer = prepare(
        parts,
        {"id": "1", "first": "A@example.com", "second": "b@example.com", "third": "a@example.com "},
        {"id": "2", "first": None, "second": "b@example.com", "third": "broken"},
        {"id": "3", "first": None, "second": "", "third": "broken"},
    )
    assert emails(prepared) == [[sha("a@example.com"), sha("b@example.com")], [sha("b@example.com")]]
    assert preparer.drops.rows == {"no_key": 1}
    assert preparer.drops.keys == {EMAIL_GOOGLE: {"blank": 3, "not_an_email": 2}}


def test_one_column_may_serve_several_fields() -> None:
    parts = segment(identifiers={"email": "login", "external_id": "login"}, key="login")
    prepared, _ = prepare(parts, {"login": "a@example.com"}, capabilities=(META,))
    assert prepared["external_id:external_id.v1"].to_list() == ["a@example.com"]
    assert emails(prepared, EMAIL_META) == [[sha("a@example.com")]]


def test_platforms_with_their_own_recipes_get_their_own_columns() -> None:
    prepared, _ = prepare(segment(), {"id": "1", "email": "a.b+c@gmail.com"}, capabilities=(GOOGLE, META))
    assert emails(prepared, EMAIL_GOOGLE) == [[sha("ab@gmail.com")]]
    assert emails(prepared, EMAIL_META) == [[sha("a.b+c@gmail.com")]]


def test_prehashed_columns_are_checked_and_never_hashed_again() -> None:
    digest = sha("a@example.com")
    parts = segment(identifiers={"email": {"columns": ["email"], "hashed": True}})
    prepared, preparer = prepare(
        parts,
        *(
            {"id": str(n), "email": value}
            for n, value in enumerate([digest, digest.upper(), "a@example.com", sha(""), digest[1:]])
        ),
        capabilities=(GOOGLE, META),
    )
    assert prepared["email:sha256.v1"].to_list() == [[digest], [digest]]
    assert preparer.drops.keys == {"email:sha256.v1": {"not_a_sha256": 2, "hash_of_nothing": 1}}


@pytest.mark.parametrize(("text", "value"), [
    ("44.5", 44.5), ("12", 12.0), ("0", 0.0), (" 7 ", 7.0), ("1e3", 1000.0), ("-1", None), ("-0.01", None), ("", None),
    ("abc", None), ("inf", None), ("-inf", None), ("nan", None), (None, None), ("1,5", None),
])  # fmt: skip
def test_values_are_finite_numbers_from_zero_on(text: str | None, value: float | None) -> None:
    parts = segment(value={"column": "ltv", "currency": "EUR"})
    prepared, _ = prepare(parts, {"id": "1", "email": "a@example.com", "ltv": text})
    assert prepared["value"].to_list() == [value]
    assert prepared["value"].dtype == pl.Float64


PHONE_ROWS = [
    {"id": "1", "phone": "0151 12345678", "country": "DE"},
    {"id": "2", "phone": "0151 12345678", "country": None},
    {"id": "3", "phone": "+49 151 12345678", "country": None},
    {"id": "4", "phone": "(555) 123-4567", "country": "US"},
]


def phones(region: str | None, **more: Any) -> tuple[list[str], Preparer]:
    parts = segment(identifiers={"phone": {"columns": "phone", "region": region}}, **more)
    prepared, preparer = prepare(parts, *PHONE_ROWS)
    return [value for values in prepared[PHONE_PLUS].to_list() for value in values], preparer


def test_a_phone_is_read_in_the_region_of_its_row() -> None:
    found, preparer = phones("country")
    assert found == [sha("+4915112345678"), sha("+4915112345678"), sha("+15551234567")]
    assert preparer.source_columns == ("id", "phone", "country")
    assert preparer.drops.keys[PHONE_PLUS] == {"no_region": 1}
    assert preparer.drops.phones == {
        "DE": {"kept": 1, "valid": 1},
        "US": {"kept": 1, "valid": 0},
        "??": {"kept": 1, "valid": 1},
    }


def test_a_fixed_region_holds_for_all_rows() -> None:
    found, preparer = phones("DE")
    assert found[:3] == [sha("+4915112345678")] * 3
    assert preparer.source_columns == ("id", "phone")


def test_without_a_region_only_a_plus_tells_the_country() -> None:
    found, preparer = phones(None)
    assert found == [sha("+4915112345678")]
    assert preparer.drops.keys[PHONE_PLUS] == {"no_region": 3}


def test_strict_phones_drops_numbers_that_no_plan_has() -> None:
    found, preparer = phones("country", strict_phones=True)
    assert found == [sha("+4915112345678")] * 2
    assert preparer.drops.keys[PHONE_PLUS] == {"no_region": 1, "invalid": 1}


@settings(max_examples=15, deadline=None)
@given(st.lists(st.sampled_from(["a@example.com", "b@example.com", "broken", None]), min_size=1), st.booleans())
def test_columns_of_few_values_give_what_columns_of_many_give(values: list[str | None], few: bool) -> None:
    rows = [{"id": str(n), "email": value} for n, value in enumerate(values)]
    preparer = Preparer(segment(), (GOOGLE, META))
    for derivation in preparer.derivations:
        derivation._by_value = few
    prepared = preparer.prepare(rows_of(*rows))
    good = [value for value in values if value and "@" in value]
    assert emails(prepared) == [[sha(value)] for value in good]
    dropped = {
        reason: count for reason, count in (("blank", values.count(None)), ("not_an_email", values.count("broken"))) if count
    }
    assert preparer.drops.keys == ({EMAIL_GOOGLE: dropped, EMAIL_META: dropped} if dropped else {})


EMAIL_RECIPES = ("email.google.v1", "email.lower.v1", "email.tiktok.v1", "email.plain.v1")
PHONE_RECIPES = ("phone.e164_digits.v1", "phone.e164_plus.v1", "phone.snapchat.v1", "phone.plain_plus.v1")
EMAILS = (None, "", "Ann@Example.com", "a.b+c@gmail.com", "a b@example.com", "a @b@c", "-x@example.com", "@gmail.com", "\ufeff")
PHONES = (None, "", "0151 12345678", "0049 151 12345678", "00 44 7400 123456", "+1 (212) 555-0100 x5", "call me", "+999")
REGIONS = st.sampled_from([None, "", "DE", "gb", "U.S.A.", "Atlantis"])


def in_order(frame: pl.DataFrame) -> pl.Series:
    return pl.int_range(frame.height, eager=True)


@pytest.mark.parametrize("few", [True, False])
def test_columns_come_in_the_order_asked_for(few: bool) -> None:
    frame = pl.DataFrame({"email": ["a@example.com", "b@example.com", "c@example.com"]})
    (derivation,) = derivations([KeyColumn(Field.EMAIL, recipe("email.plain.v1"), ("email",), None)])
    derivation._by_value = few
    made = pl.concat(derivation.derive(frame, pl.Series([2, 0, 1]), Drops(), 2))
    assert made.to_series().to_list() == ["c@example.com", "a@example.com", "b@example.com"]


@settings(max_examples=40, deadline=None)
@given(st.sampled_from([(Field.EMAIL, EMAIL_RECIPES, EMAILS), (Field.PHONE, PHONE_RECIPES, PHONES)]), st.booleans(), st.data())
def test_columns_made_together_are_what_each_recipe_makes_alone(
    kind: tuple[Field, tuple[str, ...], tuple[str | None, ...]], few: bool, data: st.DataObject
) -> None:
    field, names, values = kind
    rows = data.draw(st.lists(st.tuples(st.sampled_from(values), REGIONS), min_size=1))
    frame = pl.DataFrame(rows, schema={"value": pl.String, "region": pl.String}, orient="row")
    keys = [KeyColumn(field, recipe(name), ("value",), "region") for name in data.draw(st.permutations(names))]
    (derivation,) = derivations(keys)
    derivation._by_value = few
    drops = Drops()
    made = pl.concat(derivation.derive(frame, in_order(frame), drops, 3))
    assert made.columns == [key.name for key in keys]
    for key in keys:
        alone = normalise_frame(frame, key.recipe)
        assert made[key.name].to_list() == alone["sha256" if key.recipe.hashed else "normalised"].to_list()
        assert drops.keys.get(key.name, {}) == Counter(alone["reason"].drop_nulls())


def test_a_value_and_its_region_are_told_apart_whatever_is_in_them() -> None:
    """A raw value may hold any control character, that of a join included."""
    frame = pl.DataFrame({"zip": ["1", "1\x1f2"], "country": ["2\x1fUS", "US"]})
    (derivation,) = derivations([KeyColumn(Field.POSTAL_CODE, recipe("text.plain.v1"), ("zip",), "country")])
    derivation._by_value = True
    (made,) = derivation.derive(frame, in_order(frame), Drops(), 10)
    assert made.to_series().to_list() == ["1", "12"]


def test_slices_hold_the_same_members_sorted_and_of_one_member_the_first_row_comes_first(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rows = rows_of(*({"id": str(n % 90), "email": f"{n}@example.com" if n % 7 else None} for n in range(100)))
    whole, sliced, drops = Preparer(segment(), (GOOGLE,)), Preparer(segment(), (GOOGLE,)), Drops()
    expected = whole.prepare(rows).sort("member", maintain_order=True)
    monkeypatch.setattr(sys.modules[Preparer.__module__], "_SLICE", 16)
    pieces = list(sliced.prepare_in_slices(sliced.wanted(rows, drops), drops))
    assert len(pieces) == 7
    assert pl.concat(pieces).equals(expected)
    assert sliced.drops == Drops(), "it is the caller who counts"
    sliced.drops.add(drops)
    assert sliced.drops == whole.drops


def test_a_later_batch_may_look_unlike_the_first() -> None:
    preparer = Preparer(segment(), (GOOGLE,))
    first = preparer.prepare(rows_of(*({"id": f"a{n}", "email": "a@example.com"} for n in range(10))))
    second = preparer.prepare(rows_of(*({"id": f"b{n}", "email": f"{n}@example.com"} for n in range(10))))
    assert emails(first) == [[sha("a@example.com")]] * 10
    assert emails(second) == [[sha(f"{n}@example.com")] for n in range(10)]


# -- suppression


def suppressed(parts: Segment, listed: Mapping[str, Any], *rows: Mapping[str, str | None]) -> dict[str, pl.Series]:
    suppression = segment(
        identifiers=parts.model_dump()["identifiers"],
        suppress=[{"file": "list.csv", "identifiers": listed}],
    ).suppress[0]
    found = suppression_keys([rows_of(*rows)], suppression.identifiers, parts.identifiers, (GOOGLE, META))
    return {name: pl.Series(sorted(keys), dtype=pl.String) for name, keys in found.items()}


PEOPLE = [
    {"id": "1", "email": "a@example.com", "second": "x@example.com", "phone": "+49 151 12345678", "country": "DE"},
    {"id": "2", "email": "b@example.com", "second": None, "phone": None, "country": "DE"},
    {"id": "3", "email": "c@example.com", "second": None, "phone": "+49 151 12345679", "country": "AT"},
]
TWO_EMAILS = segment(
    identifiers={"email": ["email", "second"], "phone": {"columns": "phone", "region": "country"}, "country": "country"}
)


@pytest.mark.parametrize(("listed", "row", "left"), [
    ({"email": "mail"}, {"mail": " A@Example.com"}, ["b@example.com", "c@example.com"]),
    ({"email": "mail"}, {"mail": "x@example.com"}, ["b@example.com", "c@example.com"]),
    ({"phone": {"columns": "tel", "region": "AT"}}, {"tel": "+4915112345679"}, ["a@example.com", "b@example.com"]),
    ({"email": "mail"}, {"mail": None}, ["a@example.com", "b@example.com", "c@example.com"]),
    ({"email": {"columns": "m", "hashed": True}}, {"m": sha("b@example.com").upper()}, ["a@example.com", "c@example.com"]),
])  # fmt: skip
def test_whoever_has_any_key_of_the_list_is_left_out(listed: Any, row: dict[str, str | None], left: list[str]) -> None:
    keys = suppressed(TWO_EMAILS, listed, row)
    prepared, preparer = prepare(TWO_EMAILS, *PEOPLE, capabilities=(GOOGLE, META), suppressed=keys)
    assert [values[0] for values in emails(prepared)] == [sha(address) for address in left]
    assert preparer.drops.rows == ({"suppressed": 3 - len(left)} if len(left) < 3 else {})


def test_a_country_on_the_list_helps_to_read_phones_and_suppresses_nobody() -> None:
    listed = {"phone": {"columns": "tel", "region": "land"}, "country": "land"}
    keys = suppressed(TWO_EMAILS, listed, {"tel": "0151 12345678", "land": "DE"})
    prepared, _ = prepare(TWO_EMAILS, *PEOPLE, capabilities=(GOOGLE, META), suppressed=keys)
    assert [values[0] for values in emails(prepared)] == [sha("b@example.com"), sha("c@example.com")]


def test_a_plain_list_suppresses_people_whose_keys_come_hashed() -> None:
    parts = segment(identifiers={"email": {"columns": "email", "hashed": True}})
    keys = suppressed(parts, {"email": "mail"}, {"mail": "A.b@gmail.com"})
    google, meta, other = (
        {"id": n, "email": sha(text)} for n, text in [("1", "ab@gmail.com"), ("2", "a.b@gmail.com"), ("3", "x")]
    )
    prepared, _ = prepare(parts, google, meta, other, capabilities=(GOOGLE, META), suppressed=keys)
    assert prepared["email:sha256.v1"].to_list() == [[sha("x")]]


def test_a_list_of_fields_that_no_platform_takes_has_no_keys() -> None:
    assert suppressed(segment(), {"mobile_ad_id": "idfa"}, {"idfa": "aebe52e7-03ee-455a-b3c4-e57283966239"}) == {}


def test_each_recipe_is_prepared_once() -> None:
    parts = segment(identifiers={"email": "email", "mobile_ad_id": "idfa"})
    mobile = capabilities_of("google_ads", upload="mobile_ad_id", app_id="app", key_space="IOS")
    names = [key.name for key in key_columns(parts.identifiers, (GOOGLE, META, META, mobile))]
    mobile_ids = ["mobile_ad_id:mobile_ad_id.google.v1", "mobile_ad_id:mobile_ad_id.lower.v1"]
    assert sorted(names) == ["email:email.google.v1", "email:email.lower.v1", *mobile_ids]
    assert {key.field for key in key_columns(parts.identifiers, (GOOGLE,))} == {Field.EMAIL}
