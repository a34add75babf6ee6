"""The recipes as a whole: every vector of the platforms' contracts, and what holds for all recipes and all texts."""

import base64
import hashlib
import json
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from guestlist.identity.recipes import BASES, RECIPES, finish, normalise, normalise_base, normalise_frame, recipe
from guestlist.identity.text import let, only_where, where
from guestlist.model.errors import ConfigError

HASH_OF_NOTHING = hashlib.sha256(b"").hexdigest()
VECTORS = Path(__file__).parents[1] / "vectors"
CONTRACTS = sorted(path.stem for path in VECTORS.glob("*.jsonl"))
"""One file a contract, with every vector that it prints, numbered as it prints them."""

BLANKS = [None, "", " ", "\t\n", "\u00a0\u2003", "\u200b", "\ufeff \u00ad", "\u2800", "\u3164", "\x00\x1f\x7f"]

ODD = [
    "\u00a0",
    "\u200b",
    "JOSE\u0301",
    "\u0130",
    "\u0301",
    "j\u030c",
    "=\u0338",
    "\ufb01",
    "\u2167",
    "\u00b2",
    "\u03a3",
    "\u00df",
    "\uc815",
]
AFFIXES = ["Mr. ", "dr ", "Mrs.", " Jr.", ", PhD", " iii", "jr"]
PLACES = ["US-CA", "California", "New York", "the ", "usa", "AT", "94045"]
WORDS = ["@", ".", "+", "-", " ", ",", "'", "gmail.com", "googlemail.com", "example.com", "Dana", "female", "E3B0C442"]
DIGITS = ["0", "00", "1", "12", "(0)", "+44", "20 7031 3000"]
PIECES = st.sampled_from(ODD + AFFIXES + PLACES + WORDS + DIGITS)
RAW = st.none() | st.text(max_size=12) | st.lists(PIECES, max_size=6).map("".join)
COUNTRIES = st.sampled_from([None, "US", "gb", "Austria", "BRA", "UK", ""])
ROWS = st.lists(st.tuples(RAW, COUNTRIES), min_size=1, max_size=40)


def vectors(platform):
    return [json.loads(line) for line in (VECTORS / f"{platform}.jsonl").read_text(encoding="utf-8").splitlines()]


def frame(values, regions=None):
    columns = {"value": values, "region": regions or [None] * len(values)}
    return pl.DataFrame(columns, schema={"value": pl.String, "region": pl.String})


def made(name, values, regions=None):
    return normalise_frame(frame(values, regions), recipe(name))


ALL_VECTORS = [
    pytest.param(vector, id=f"{platform}-{vector['number']}-{vector['raw']!a}")
    for platform in CONTRACTS
    for vector in vectors(platform)
    if vector["recipe"]
]


@pytest.mark.parametrize("vector", ALL_VECTORS)
def test_a_vector_of_a_contract(vector):
    row = made(vector["recipe"], [vector["raw"]], [vector["region"]]).row(0, named=True)

    assert {name: row[name] for name in ("normalised", "sha256", "reason")} == {
        name: vector[name] for name in ("normalised", "sha256", "reason")
    }
    assert row["sha256"] not in vector.get("never", [])


@pytest.mark.parametrize("vector", [param for param in ALL_VECTORS if param.values[0].get("sha256_base64")])
def test_the_digest_in_base64(vector):
    digest = made(vector["recipe"], [vector["raw"]])["sha256"].item()

    assert base64.b64encode(bytes.fromhex(digest)).decode() == vector["sha256_base64"]


@pytest.mark.parametrize("platform", CONTRACTS)
def test_every_vector_of_the_contract_is_in_the_file(platform):
    numbers = {vector["number"] for vector in vectors(platform)}

    assert numbers == set(range(1, max(numbers) + 1))


@pytest.mark.parametrize("platform", CONTRACTS)
def test_the_files_own_digests_are_those_of_their_values(platform):
    hashed = [vector for vector in vectors(platform) if vector["sha256"]]

    assert hashed or all(recipe(vector["recipe"]).hashed is False for vector in vectors(platform) if vector["recipe"])
    for vector in hashed:
        assert hashlib.sha256(vector["normalised"].encode()).hexdigest() == vector["sha256"]


@pytest.mark.parametrize("name", RECIPES)
def test_blank_values_have_one_reason_everywhere(name):
    rows = made(name, BLANKS, ["US"] * len(BLANKS))

    assert rows["reason"].to_list() == ["blank"] * len(BLANKS)
    assert rows["normalised"].null_count() == rows["sha256"].null_count() == len(BLANKS)


@pytest.mark.parametrize("name", RECIPES)
@settings(database=None, deadline=None, max_examples=25)
@given(rows=ROWS)
def test_every_row_has_a_value_or_a_reason_and_nothing_is_hashed(name, rows):
    result = made(name, *map(list, zip(*rows, strict=True)))

    for value, digest, reason, valid in result.iter_rows():
        assert (value is None) != (reason is None)
        assert value != ""
        assert (digest is not None) == (value is not None and RECIPES[name].hashed)
        assert HASH_OF_NOTHING not in (value, digest)
        assert valid is None or name.startswith("phone.")


WITHOUT_PLUS = {"phone.e164_digits.v1", "phone.plain_digits.v1", "phone.snapchat.v1"}
"""The digits of a number do not tell its country any more, so these recipes' results are no input for them."""


@pytest.mark.parametrize("name", sorted(set(RECIPES) - WITHOUT_PLUS))
@settings(database=None, deadline=None, max_examples=25)
@given(rows=ROWS)
def test_normalising_again_changes_nothing(name, rows):
    values, regions = map(list, zip(*rows, strict=True))
    once = made(name, values, regions)

    again = made(name, once["normalised"].to_list(), regions)

    assert again["normalised"].to_list() == once["normalised"].to_list()


@pytest.mark.parametrize("name", RECIPES)
@settings(database=None, deadline=None, max_examples=10)
@given(rows=ROWS)
def test_a_value_is_judged_alike_whatever_stands_around_it(name, rows):
    values, regions = map(list, zip(*rows, strict=True))

    together = made(name, values, regions)

    assert together.rows() == [made(name, [value], [region]).row(0) for value, region in rows]


@settings(database=None, deadline=None)
@given(st.lists(st.none() | st.sampled_from(["a", "A", "", "\u00c4", "bc"]), max_size=20))
def test_a_change_reaches_the_values_that_meet_the_condition_and_no_others(values):
    column, long = pl.col("value"), pl.col("value").str.len_bytes() > 1
    plain = [value if value is None or len(value.encode()) < 2 else value.lower() * 2 for value in values]

    changed = frame(values).select(
        some=where(long, column, lambda it: it.str.to_lowercase() + it.str.to_lowercase()),
        all=only_where(lambda it: it.str.len_bytes() > 1, column, lambda it: it.str.to_lowercase() + it.str.to_lowercase()),
    )

    assert changed["all"].to_list() == plain
    assert changed["some"].to_list() == [new if new != old else None for new, old in zip(plain, values, strict=True)]


@pytest.mark.parametrize("name", RECIPES)
def test_a_base_computed_once_and_finished_gives_the_same(name):
    one = recipe(name)
    cases = [vector for platform in CONTRACTS for vector in vectors(platform)]
    people = frame([case["raw"] for case in cases], [case["region"] for case in cases])
    region = pl.col("region") if one.needs_region else None

    at_once = people.select(made=normalise(one, pl.col("value"), region))
    bases = people.with_columns(base=normalise_base(one.base, pl.col("value"), region))
    in_steps = bases.select(made=finish(one, pl.col("base"), region, pl.col("value")))

    assert in_steps.equals(at_once)
    fields = ["value", "reason", "valid"] if one.tells_validity else ["value", "reason"]
    assert at_once.unnest("made").columns == fields


def test_platforms_share_the_costly_bases():
    shared = {name: [one.name for one in RECIPES.values() if one.base == name] for name in BASES}

    assert shared["email"] == ["email.google.v1", "email.lower.v1", "email.tiktok.v1", "email.plain.v1"]
    assert set(shared["phone.e164"]) > {"phone.e164_plus.v1", "phone.e164_digits.v1", "phone.plain_plus.v1"}
    assert shared["name"] == ["name.google.v1", "name.meta.v1", "initial.meta.v1"]


def test_a_bound_expression_is_computed_once():
    calls = []

    def seen(values):
        calls.append(len(values))
        return values

    counted = pl.col("value").map_batches(seen, return_dtype=pl.String)
    frame(["a", "b"]).select(let(counted, lambda it: it + it.str.to_uppercase() + it))

    assert calls == [2]


@pytest.mark.parametrize("name", RECIPES)
def test_streaming_and_lists_give_the_same(name):
    one = recipe(name)
    raw = [vector["raw"] for platform in CONTRACTS for vector in vectors(platform)]
    people = frame(raw)
    expected = people.select(made=normalise(one, pl.col("value"), None))

    streamed = people.lazy().select(made=normalise(one, pl.col("value"), None)).collect(engine="streaming")
    listed = people.select(pl.col("value").implode().list.eval(normalise(one, pl.element(), None)).explode())

    assert streamed.equals(expected)
    assert listed["value"].to_list() == expected["made"].to_list()


@pytest.mark.parametrize("name", RECIPES)
def test_a_frame_has_the_same_columns_whatever_the_recipe(name):
    columns = {"normalised": pl.String, "sha256": pl.String, "reason": pl.String, "valid": pl.Boolean}

    assert made(name, ["a"]).schema == columns
    assert made(name, []).schema == columns


def test_an_unknown_recipe_names_the_known_ones():
    with pytest.raises(ConfigError, match=r"no recipe 'email\.gogle\.v1'.*email\.google\.v1, email\.lower\.v1"):
        recipe("email.gogle.v1")


@pytest.mark.parametrize("one", RECIPES.values(), ids=RECIPES)
def test_every_recipe_names_its_version_and_its_source(one):
    assert one.name.rpartition(".v")[2].isdigit()
    assert one.source.startswith("https://")
