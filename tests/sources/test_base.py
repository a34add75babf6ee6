import datetime as dt
import uuid
from decimal import Decimal

import pyarrow as pa
import pytest

from guestlist.model.errors import DataError
from guestlist.sources.base import ROWS_PER_BATCH, as_text, find_columns, shaped

UTC_NOON = dt.datetime(2026, 1, 31, 12, 0, 5, tzinfo=dt.UTC)


@pytest.mark.parametrize(
    ("array", "texts"),
    [
        (pa.array([4915112345678, None, -5]), ["4915112345678", None, "-5"]),
        (pa.array([2**64 - 1], pa.uint64()), ["18446744073709551615"]),
        (pa.array([4915112345678.0, 0.1, None, float("nan"), -0.0]), ["4915112345678", "0.1", None, None, "0"]),
        (pa.array([1e20, float("inf")]), ["1e+20", None]),
        (pa.array([0.1, 16777216.0], pa.float32()), ["0.1", "16777216"]),
        (pa.array([1.5, 2.0], pa.float16()), ["1.5", "2"]),
        (pa.array([Decimal("12.50"), Decimal("4915112345678.00"), None]), ["12.5", "4915112345678", None]),
        (pa.array([Decimal(100), Decimal(0)], pa.decimal128(20, 0)), ["100", "0"]),
        (pa.array([Decimal("0E-10"), Decimal("1E-10")], pa.decimal128(20, 10)), ["0", "1e-10"]),
        (pa.array([True, False, None]), ["true", "false", None]),
        (pa.array([dt.date(2026, 1, 31), None]), ["2026-01-31", None]),
        (pa.array([dt.date(2026, 1, 31)], pa.date64()), ["2026-01-31"]),
        (pa.array([1_769_828_645_120_000], pa.timestamp("us")), ["2026-01-31T03:04:05.12"]),
        (pa.array([20_484 * 86_400 * 10**9], pa.timestamp("ns")), ["2026-01-31T00:00:00"]),
        (pa.array([UTC_NOON, None], pa.timestamp("us", "Asia/Tokyo")), ["2026-01-31T12:00:05Z", None]),
        (pa.array([dt.time(10, 30)]), ["10:30:00"]),
        (pa.nulls(2), [None, None]),
        (pa.array(["01234", " ü "], pa.large_string()), ["01234", " ü "]),
        (pa.array(["01234", None], pa.string_view()), ["01234", None]),
        (pa.array(["a", "b", "a"]).dictionary_encode(), ["a", "b", "a"]),
        (pa.array([1.0, 2.5]).dictionary_encode(), ["1", "2.5"]),
        (pa.array(["ü".encode(), None]), ["ü", None]),
        (pa.array([uuid.UUID(int=5).bytes, None], pa.uuid()), [str(uuid.UUID(int=5)), None]),
        (pa.array([12345], pa.int64()).cast(pa.int64()), ["12345"]),
    ],
)
def test_any_single_value_becomes_its_plain_text(array, texts):
    batch = as_text(pa.record_batch({"x": array}), "table t")
    assert batch.schema == pa.schema([("x", pa.string())])
    assert batch["x"].to_pylist() == texts


@pytest.mark.parametrize(
    ("array", "kind"),
    [
        (pa.array([["a@example.com"]]), "list"),
        (pa.array([{"a": 1}]), "struct"),
        (pa.array([dt.timedelta(days=1)]), "duration"),
        (pa.array([(1, 2, 3)], pa.month_day_nano_interval()), "interval"),
    ],
)
def test_what_is_no_single_value_is_refused_with_its_type(array, kind):
    batch = pa.record_batch({"odd": array})
    for refuse in (lambda: as_text(batch, "table t"), lambda: find_columns(["odd"], batch.schema, "table t")):
        with pytest.raises(DataError, match=rf"table t: column 'odd' is of type \S*{kind}"):
            refuse()


def test_bytes_that_are_no_text_are_refused_and_not_shown():
    with pytest.raises(DataError, match="column 'x' holds bytes that are not UTF-8") as caught:
        as_text(pa.record_batch({"x": [b"anna\xff"]}), "table t")
    assert "anna" not in str(caught.value)


def _schema(*names):
    return pa.schema([(name, pa.string()) for name in names])


def test_columns_match_exactly_first_and_then_without_case():
    assert find_columns(["email", "Phone"], _schema("Email", "email", " PHONE "), "t") == ["email", " PHONE "]
    assert find_columns(["a", "a"], _schema("A"), "t") == ["A", "A"]


def test_every_missing_column_is_told_with_near_misses_and_what_is_there():
    with pytest.raises(DataError) as caught:
        find_columns(["emial", "id", "colour"], _schema("id", "email", "phone"), "table people")
    assert str(caught.value) == (
        "table people has no column 'emial' (is it email?); has no column 'colour'; its columns are: id, email, phone"
    )


def test_ambiguous_columns_are_refused():
    with pytest.raises(DataError, match="has no column 'email' but EMAIL and Email"):
        find_columns(["email"], _schema("EMAIL", "Email"), "t")
    with pytest.raises(DataError, match="has 2 columns called 'email'"):
        find_columns(["email"], _schema("email", "email"), "t")


@pytest.mark.parametrize("value", ["anna@example.com", "+49 151 1234567", "01234567"])
def test_a_first_row_of_values_is_not_shown(value):
    with pytest.raises(DataError, match="its first row holds values") as caught:
        find_columns(["email", value.replace("a", "b")], _schema("1", "Anna", value), "file x.csv")
    assert value not in str(caught.value)
    assert "Anna" not in str(caught.value)


def test_batches_are_evened_out_and_keep_all_rows_in_order():
    sizes = [0, 10, 200_000, 1, 1, 40_000, 5]
    numbers = iter(range(sum(sizes)))
    batches = [pa.record_batch({"N": pa.array([next(numbers) for _ in range(size)], pa.int64())}) for size in sizes]
    out = list(shaped(batches, ["n"], "t"))
    assert max(batch.num_rows for batch in out) <= ROWS_PER_BATCH
    assert len(out) <= 6
    assert [int(value) for batch in out for value in batch["n"].to_pylist()] == list(range(sum(sizes)))


def test_no_rows_is_an_error():
    with pytest.raises(DataError, match="table t gave no rows"):
        list(shaped([pa.record_batch({"n": pa.array([], pa.int64())})], ["n"], "table t"))
