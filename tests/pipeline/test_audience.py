"""Members as one platform sees them: complete addresses, identity keys, and what happened to a member's rows together."""

from __future__ import annotations

import itertools

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pipeline.audiences import GOOGLE, META, PLATFORMS, as_sent, frame_of, keys_of, member_id, people, plain

from guestlist.model.capabilities import Capabilities, Composite, Limits, MatchKey
from guestlist.model.vocabulary import Field, Mode
from guestlist.pipeline.audience import column_of, complete, field_of, fields_of, has_key, keys_of_kind, with_keys
from guestlist.pipeline.members import Outcome, by_member

EVERY_PLATFORM = pytest.mark.parametrize("capabilities", PLATFORMS, ids=lambda one: one.platform)


@EVERY_PLATFORM
@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_keys_are_those_that_the_platform_finds_people_by(capabilities: Capabilities, data: st.DataObject) -> None:
    wanted = data.draw(people(capabilities))
    keyed = with_keys(frame_of(wanted, capabilities), capabilities).collect()
    for row in keyed.to_dicts():
        person = as_sent(wanted[row["member"]], capabilities)
        assert row["keys"] == sorted("|".join(key) for key in keys_of(person, capabilities))
        assert plain({name: value for name, value in row.items() if name not in ("member", "keys")}) == plain(person)


@EVERY_PLATFORM
@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_keys_kind_by_kind_and_whether_there_are_any_agree_with_all_keys(
    capabilities: Capabilities, data: st.DataObject
) -> None:
    frame = frame_of(data.draw(people(capabilities)), capabilities)
    names = frame.collect_schema().names()
    keyed = with_keys(frame, capabilities)
    there = keyed.select(found=has_key(capabilities, set(names)), all=pl.col("keys").list.len() > 0).collect()
    assert there["found"].to_list() == there["all"].to_list()
    kinds = [
        *(field.value for field in capabilities.singles if field.value in names),
        *(c.name for c in capabilities.composites),
    ]
    one_by_one = pl.concat([keys_of_kind(frame, capabilities, kind) for kind in kinds]).collect()["key"].to_list()
    assert sorted(one_by_one) == sorted(keyed.select(pl.col("keys").explode().drop_nulls()).collect()["keys"].to_list())


@pytest.mark.parametrize("lacking", range(5))
def test_an_address_that_lacks_a_part_loses_all(lacking: int) -> None:
    parts = ("first_name", "last_name", "country", "postal_code")
    person = {name: None if index == lacking else "x" for index, name in enumerate(parts)} | {"email": ("e",), "phone": ()}
    (row,) = frame_of({member_id(1): person}, GOOGLE).collect().to_dicts()
    assert [row[name] for name in parts] == (["x"] * 4 if lacking == 4 else [None] * 4)
    assert row["email"] == ["e"]


def test_a_part_that_the_segment_does_not_map_lacks_everywhere() -> None:
    frame = pl.LazyFrame({"member": ["m"], "first_name": ["f"], "last_name": ["l"], "country": ["DE"]})
    assert complete(frame, GOOGLE.composites).collect().row(0) == ("m", None, None, None)
    keyed = with_keys(frame.with_columns(email=pl.lit(None, pl.List(pl.String))), GOOGLE).collect()
    assert keyed["keys"].to_list() == [[]]


def test_parts_that_help_on_their_own_are_left() -> None:
    person = {"email": (), "first_name": "f", "last_name": None, "city": "c", "mobile_ad_id": (), "external_id": None}
    (row,) = with_keys(frame_of({member_id(1): person}, META), META).collect().to_dicts()
    assert (row["first_name"], row["city"], row["keys"]) == ("f", "c", [])


def test_optional_parts_tell_people_apart() -> None:
    person = {"email": (), "first_name": "f", "last_name": "l", "mobile_ad_id": (), "external_id": None}
    two = {member_id(1): person | {"city": None}, member_id(2): person | {"city": "c"}}
    first, second = with_keys(frame_of(two, META), META).collect()["keys"].to_list()
    assert first != second
    assert len(first) == len(second) == 1


def test_people_without_any_identifying_column_have_no_keys() -> None:
    frame = pl.LazyFrame({"member": ["m"], "city": ["c"]})
    assert with_keys(frame, META).collect()["keys"].to_list() == [[]]


def test_required_and_optional_parts() -> None:
    composite = Composite("place", (Field.CITY,), (Field.STATE,))
    capabilities = Capabilities(
        "p", "P", (Mode.MIRROR,), (MatchKey(Field.CITY, "r", "w"), MatchKey(Field.STATE, "r", "w")), Limits(1), "", (composite,)
    )
    assert capabilities.singles == ()
    frame = pl.LazyFrame({"member": ["a", "b", "c"], "city": ["x", None, "y"], "state": ["s", "t", None]})
    done = complete(frame, (composite,))
    assert done.collect().rows() == [("a", "x", "s"), ("b", None, None), ("c", "y", None)]
    assert with_keys(done, capabilities).collect()["keys"].to_list() == [["place|x|s"], [], ["place|y|"]]


def test_columns_are_named_by_field_and_recipe() -> None:
    assert field_of(column_of(Field.EMAIL, "email.lower.v1")) == "email"
    assert column_of(Field.EMAIL, "email.meta.v2") != column_of(Field.EMAIL, "email.lower.v1")
    assert fields_of(GOOGLE, [Field.POSTAL_CODE, Field.CITY, Field.EMAIL]) == (Field.EMAIL, Field.POSTAL_CODE)


@pytest.mark.parametrize("rows", [list(some) for size in (1, 2, 3) for some in itertools.combinations(Outcome, size)])
def test_a_member_is_as_sure_as_all_of_its_rows_together(rows: list[Outcome]) -> None:
    frame = pl.DataFrame({"member": ["m"] * len(rows), "outcome": [str(outcome) for outcome in rows]})
    (found,) = by_member(frame)["outcome"]
    kinds = set(rows)
    if len(kinds) == 1:
        expected = rows[0]
    elif kinds == {Outcome.REJECTED, Outcome.UNSENT}:
        expected = Outcome.REJECTED
    else:
        expected = Outcome.UNSURE
    assert found == expected


def test_members_are_told_apart() -> None:
    frame = pl.DataFrame({"member": ["a", "b", "a"], "outcome": ["sure", "unsent", "rejected"]})
    assert dict(by_member(frame).rows()) == {"a": "unsure", "b": "unsent"}
    assert by_member(frame.clear()).rows() == []
