"""Cutting wire rows: every row once, in order, within every limit; ids follow content and nothing else."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pipeline.audiences import GOOGLE, IDS, META, PLATFORMS, frame_of, keys_of, member_id, people, schema

from guestlist.model.audiences import AudienceRef
from guestlist.model.capabilities import Capabilities
from guestlist.model.delivery import Batch, Session
from guestlist.model.plan import Upload
from guestlist.model.vocabulary import Field, Operation
from guestlist.pipeline import batching
from guestlist.pipeline.audience import identifiers_in, wire_rows
from guestlist.pipeline.batching import Cutter, batch_id, cut, envelope, session_id

EVERY_PLATFORM = pytest.mark.parametrize("capabilities", PLATFORMS, ids=lambda one: one.platform)


@pytest.fixture(scope="module", autouse=True)
def small_parts() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(batching, "ROWS_PER_PART", 30)
        yield


def limited(capabilities: Capabilities, **limits: Any) -> Capabilities:
    return dataclasses.replace(capabilities, limits=dataclasses.replace(capabilities.limits, **limits))


@EVERY_PLATFORM
@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_wire_rows_hold_every_value_of_every_member(capabilities: Capabilities, data: st.DataObject) -> None:
    wanted = data.draw(people(capabilities))
    rows = wire_rows(frame_of(wanted, capabilities).collect(), capabilities)
    assert rows["member"].is_sorted()
    assert set(rows["member"]) == set(wanted)
    members = {
        row["member"]: {k: v for k, v in row.items() if k != "member"}
        for row in frame_of(wanted, capabilities).collect().to_dicts()
    }
    for member, person in members.items():
        theirs = rows.filter(pl.col("member") == member).drop("member").to_dicts()
        for name, value in person.items():
            sent = [row[name] for row in theirs]
            if isinstance(value, list):
                flat = [one for cell in sent for one in (cell if isinstance(cell, list) else [cell]) if one is not None]
                assert flat == value, "each value of a list goes out once, in order"
            else:
                assert set(sent) <= {value, None}
                assert sent[0] == value
        composed = {c.name for c in capabilities.composites}
        whole = {key for key in keys_of(person, capabilities) if key[0] in composed}
        assert whole <= {key for row in theirs for key in keys_of(row, capabilities)}


def test_one_value_a_field_repeats_what_is_single() -> None:
    person = {
        "email": ("a", "b"),
        "first_name": "f",
        "last_name": "l",
        "city": None,
        "mobile_ad_id": ("m",),
        "external_id": "x",
    }
    rows = wire_rows(frame_of({member_id(1): person}, META).collect(), META).drop("member").to_dicts()
    alike = {"first_name": "f", "last_name": "l", "city": None, "external_id": "x"}
    assert rows == [{"email": "a", "mobile_ad_id": "m"} | alike, {"email": "b", "mobile_ad_id": None} | alike]


@pytest.mark.parametrize("emails", [0, 1, 9, 10, 11, 40])
@pytest.mark.parametrize("phones", [0, 1, 9, 20])
def test_windows_keep_every_value_and_the_limit(emails: int, phones: int) -> None:
    person = {
        "email": tuple(f"e{n}" for n in range(emails)), "phone": tuple(f"p{n}" for n in range(phones)),
        "first_name": "f", "last_name": "l", "country": "DE", "postal_code": "1",
    }  # fmt: skip
    other = person | {"email": ("only",), "phone": ()}
    rows = wire_rows(frame_of({member_id(1): person, member_id(2): other}, GOOGLE).collect(), GOOGLE)
    assert identifiers_in(rows, GOOGLE).max() <= GOOGLE.limits.identifiers_per_row
    mine = rows.filter(pl.col("member") == member_id(1))
    assert mine["email"].explode().drop_nulls().to_list() == list(person["email"])
    assert mine["phone"].explode().drop_nulls().to_list() == list(person["phone"])
    assert mine["first_name"].drop_nulls().to_list() == ["f"], "the address goes out once"
    assert rows.filter(pl.col("member") == member_id(2)).height == 1


def test_windows_repeat_the_value_of_a_person() -> None:
    frame = (
        frame_of({member_id(1): {"external_id": "x", "email": tuple("abcde")}}, IDS).collect().with_columns(value=pl.lit(7.5))
    )
    rows = wire_rows(frame, IDS)
    assert rows["value"].to_list() == [7.5] * rows.height
    assert rows["external_id"].to_list() == ["x"] + [None] * (rows.height - 1)


def test_identifiers_are_counted_as_the_platform_does() -> None:
    person = {"email": ("a", "b"), "phone": ("p",), "first_name": "f", "last_name": "l", "country": "DE", "postal_code": "1"}
    empty = {"email": (), "phone": (), "first_name": None, "last_name": None, "country": None, "postal_code": None}
    frame = frame_of({member_id(1): person, member_id(2): empty}, GOOGLE).collect()
    assert identifiers_in(frame, GOOGLE).to_list() == [4, 0]
    assert identifiers_in(frame.drop("email", "first_name"), GOOGLE).to_list() == [1, 0]


# -- cutting


def cut_of(rows: pl.DataFrame, capabilities: Capabilities) -> list[tuple[int, int]]:
    return list(cut(rows, capabilities))


texts = st.text("ab", max_size=40)
wire = st.lists(st.tuples(texts, st.lists(texts, max_size=3)), max_size=30)


def frame(values: list[tuple[str, list[str]]]) -> pl.DataFrame:
    return pl.DataFrame(
        [(member_id(number), single, many) for number, (single, many) in enumerate(values)],
        schema=schema(IDS),
        orient="row",
    )


@settings(max_examples=60, deadline=None)
@given(wire, st.integers(1, 8), st.none() | st.integers(1, 10), st.none() | st.integers(1, 400))
def test_cuts_cover_every_row_once_within_every_limit(
    values: list[tuple[str, list[str]]], most_rows: int, most_identifiers: int | None, most_bytes: int | None
) -> None:
    capabilities = limited(IDS, rows_per_batch=most_rows, identifiers_per_batch=most_identifiers, bytes_per_batch=most_bytes)
    rows = frame(values)
    cuts = cut_of(rows, capabilities)
    assert [offset for offset, _ in cuts] == [sum(length for _, length in cuts[:index]) for index in range(len(cuts))]
    assert sum(length for _, length in cuts) == rows.height
    identifiers = [1 + len(many) for _, many in values]
    sizes = [24 + len(single) + sum(24 + len(one) for one in many) for single, many in values]
    for offset, length in cuts:
        assert 1 <= length <= most_rows
        if length > 1:  # one row over a limit goes alone
            assert most_identifiers is None or sum(identifiers[offset : offset + length]) <= most_identifiers
            assert most_bytes is None or sum(sizes[offset : offset + length]) <= most_bytes
        end = offset + length
        if end < rows.height:
            full = length == most_rows
            full |= most_identifiers is not None and sum(identifiers[offset : end + 1]) > most_identifiers
            full |= most_bytes is not None and sum(sizes[offset : end + 1]) > most_bytes
            assert full, "no batch is smaller than it has to be"
    assert cuts == cut_of(rows, capabilities)


def test_bytes_are_counted_beyond_four_billion(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batching, "_BYTES_PER_VALUE", 2**30)
    capabilities = limited(IDS, rows_per_batch=100, identifiers_per_batch=None, bytes_per_batch=2**31 + 1000)
    assert [length for _, length in cut_of(frame([("a", [])] * 9), capabilities)] == [2, 2, 2, 2, 1]


def cut_into_parts(pieces: Iterable[pl.DataFrame]) -> tuple[Upload, list[pl.DataFrame]]:
    cutter = Cutter(IDS, Operation.ADD, 7, "s:l")
    parts = [part for piece in pieces for part in cutter.add(piece)]
    parts += cutter.finish()
    return cutter.upload, parts


@given(st.lists(st.integers(0, 40), max_size=6))
@settings(max_examples=60, deadline=None)
def test_it_makes_no_difference_in_which_pieces_rows_come(sizes: list[int]) -> None:
    whole = pl.concat([frame([]), *(frame([("a" * (number % 3), ["b"] * (number % 4))]) for number in range(sum(sizes)))])
    starts = [sum(sizes[:place]) for place in range(len(sizes))]
    pieces = [whole.slice(start, size) for start, size in zip(starts, sizes, strict=True)]
    (upload, parts), (expected, expected_parts) = cut_into_parts(pieces), cut_into_parts([whole])
    assert upload.cuts == expected.cuts
    assert [part.rows() for part in parts] == [part.rows() for part in expected_parts]


@pytest.mark.parametrize(("least", "whole"), [(30, 30), (31, 33), (59, 60)])
@pytest.mark.parametrize("rows", [0, 1, 3, 30, 31, 61, 90])
def test_parts_have_ten_batches_and_so_many_rows(monkeypatch: pytest.MonkeyPatch, rows: int, least: int, whole: int) -> None:
    monkeypatch.setattr(batching, "ROWS_PER_PART", least)
    wired = frame([("a", [])] * rows)
    upload, parts = cut_into_parts([wired])
    assert (upload.rows, upload.members, upload.session_id, upload.operation) == (rows, rows, 7, Operation.ADD)
    assert [cut.sequence for cut in upload.cuts] == list(range(1, -(-rows // 3) + 1))
    assert upload.parts == -(-rows // whole)
    assert len(parts) == upload.parts
    assert pl.concat([wired.clear(), *parts]).equals(wired)
    for cut_ in upload.cuts:
        part = parts[cut_.part].slice(cut_.offset, cut_.rows)
        assert batch_id("s:l", Operation.ADD, part) == cut_.id
    sent = pl.concat([wired.clear(), *(parts[one.part].slice(one.offset, one.rows) for one in upload.cuts)])
    assert sent.equals(wired)


def test_members_are_people_not_rows() -> None:
    people_ = {member_id(1): {"external_id": "x", "email": tuple("abcde")}, member_id(2): {"external_id": "y", "email": ()}}
    upload, _ = cut_into_parts([wire_rows(frame_of(people_, IDS).collect(), IDS)])
    assert (upload.members, upload.rows) == (2, 4)


# -- ids


ROW = {"member": member_id(1), "external_id": "x", "email": ["a", "b"]}


def id_of(reference: str = "s:l", operation: Operation = Operation.ADD, **changes: Any) -> str:
    return batch_id(reference, operation, pl.DataFrame([ROW | changes], schema=schema(IDS)))


@pytest.mark.parametrize("other", [
    {"reference": "s:m"}, {"operation": Operation.REMOVE}, {"member": member_id(2)}, {"external_id": "y"},
    {"external_id": None}, {"external_id": ""}, {"email": ["a"]},
    {"email": ["b", "a"]}, {"email": ["ab"]}, {"email": []}, {"email": None},
    {"external_id": "xa", "email": ["b"]},
])  # fmt: skip
def test_a_batch_id_changes_with_audience_operation_and_content(other: dict[str, Any]) -> None:
    assert id_of(**other) != id_of()


def test_a_batch_id_says_which_columns_hold_what() -> None:
    one = pl.DataFrame({"member": ["m"], "external_id": ["x"]})
    two = one.rename({"external_id": "mobile_ad_id"})
    assert batch_id("r", Operation.ADD, one) != batch_id("r", Operation.ADD, two)
    assert batch_id("r", Operation.ADD, pl.concat([one, one])) != batch_id("r", Operation.ADD, one)


def test_a_batch_id_is_the_same_in_every_process() -> None:
    assert id_of() == id_of()
    assert id_of() == "f62ef1ebbea0708ec77cf70148077235"


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=20), st.text(max_size=20), st.text(max_size=30), st.integers(1, 9), st.sampled_from(Operation))
def test_session_ids_are_positive_numbers_that_any_json_reader_keeps(
    segment: str, label: str, run_id: str, attempt: int, operation: Operation
) -> None:
    found = session_id(segment, label, run_id, attempt, operation)
    assert 0 < found < 2**53
    assert found == session_id(segment, label, run_id, attempt, operation)
    others = [
        (segment + "x", label, run_id, attempt),
        (segment, label + "x", run_id, attempt),
        (segment, label, run_id, attempt + 1),
    ]
    assert found not in [session_id(*other, operation) for other in others]


def test_a_session_id_is_the_same_in_every_process() -> None:
    assert session_id("vips", "meta_main", "scheduled__2026-01-01T00:00:00+00:00", 1, Operation.ADD) == 920391571336603


def test_the_envelope_has_edgetags_names() -> None:
    session = Session(5, Operation.ADD, AudienceRef("1", "A", "https://example.com"), 3, 25, "2026-03-01", (Field.EMAIL,))
    found = envelope(session, Batch("id", 2, pl.DataFrame())).as_json()
    assert found == {"sessionId": 5, "sequence": 2, "totalBatches": 3, "totalUsers": 25, "pullDate": "2026-03-01"}
