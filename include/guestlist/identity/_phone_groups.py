"""Digits of many regions -> answers: rows that share a plan are answered together, and the groups in parallel."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

import polars as pl

from guestlist.identity import _phone_plan as by_plan
from guestlist.identity._phone_metadata import calling_code_by_prefix, plan_of_region, regions

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

NO_HOME, UNKNOWN_HOME = -1, -2  # instead of an index into `regions`: none given, none that libphonenumber knows
ANSWER = {"row": pl.UInt32, "e164": pl.String, "reason": pl.String, "valid": pl.Boolean}

_FIRST_HOME = 1000  # groups below are calling codes, from here on regions
_NO_CODE = 0
_MIN_AFTER_IDD = 3  # after an international prefix libphonenumber wants at least so many digits


def answers(read: pl.DataFrame) -> pl.DataFrame:
    """Answer rows of ``row``, ``home``, ``plus`` and ``digits``; rows come back in any order, as `ANSWER`."""
    plus, group = pl.col("plus"), pl.col("group")
    with_plus = in_slices(read.filter(plus), lambda rows: rows.with_columns(group=_calling_code(pl.col("digits"))))
    # a plus before an unknown code is forgiven: libphonenumber then reads the rest as dialled from the region
    at_home = pl.concat([read.filter(~plus), with_plus.filter(group == _NO_CODE).drop("group")])
    grouped = pl.concat([with_plus.filter(group != _NO_CODE), *_dialled(at_home)])
    parts = {group: part for (group,), part in grouped.partition_by("group", as_dict=True).items()}
    without_plan = [grouped.clear(), *(parts.pop(group) for group in (_NO_CODE, None) if group in parts)]
    return pl.concat([*(refused(rows, _why_without_plan()) for rows in without_plan), *_answered(parts)])


def refused(rows: pl.DataFrame, reason: pl.Expr) -> pl.DataFrame:
    """`ANSWER` for rows that were not parsed."""
    return rows.select("row", e164=pl.lit(None, pl.String), reason=reason, valid=pl.lit(None, pl.Boolean))


def collected(queries: list[pl.LazyFrame]) -> list[pl.DataFrame]:
    """Run queries side by side. The streaming engine takes twice as long to begin as the other one, once a query."""
    return pl.collect_all(queries, engine="in-memory")


def in_slices(rows: pl.DataFrame, step: Callable[[pl.LazyFrame], pl.LazyFrame]) -> pl.DataFrame:
    """Run a step on one slice of the rows for each thread: a chain of string kernels uses one thread only."""
    slices = [step(part.lazy()) for part in _slices(rows, _share(rows.height))]
    return pl.concat(collected(slices))


def _share(height: int) -> int:
    return max(1, -(-height // pl.thread_pool_size()))


def _slices(rows: pl.DataFrame, size: int) -> Iterable[pl.DataFrame]:
    return (rows.slice(start, size) for start in range(0, max(1, rows.height), size))


def _dialled(rows: pl.DataFrame) -> list[pl.DataFrame]:
    """Add ``group``: the calling code after an international prefix (0 if it is unknown), else the region, else null."""
    idd_of = {home: plan_of_region(regions()[home]).idd for home in rows["home"].unique().to_list() if home >= 0}
    rows = in_slices(rows, lambda rows: rows.with_columns(idd=_spokesman(idd_of)))
    may_be_idd = pl.col("idd").is_not_null()
    by_idd = rows.filter(may_be_idd).partition_by("idd", as_dict=True)
    tried = collected([_abroad(part.lazy(), idd_of[home]) for (home,), part in by_idd.items()])
    return [rows.filter(~may_be_idd).with_columns(group=_home_group()).drop("idd"), *tried]


def _abroad(rows: pl.LazyFrame, idd: str) -> pl.LazyFrame:
    coded = pl.col("coded")
    code = pl.when(coded.is_not_null()).then(_calling_code(coded)).otherwise(_home_group())
    rows = by_plan.after_idd(rows, idd).with_columns(group=code, digits=pl.coalesce(coded, "digits"))
    return rows.drop("coded", "idd")


def _spokesman(idd_of: dict[int, str]) -> pl.Expr:
    """The first home that dials the same international prefix as the row's; null where none of them begins the digits."""
    digits, home = pl.col("digits"), pl.col("home")
    first_with = {idd: home for home, idd in reversed(idd_of.items())}
    spokesman = pl.Series([first_with.get(idd_of.get(home, "")) for home in range(len(regions()))], dtype=pl.Int16)
    may_be_idd = (home >= 0) & digits.str.contains("|".join(first_with) or "^x")
    return pl.when(may_be_idd).then(pl.lit(spokesman).gather(pl.max_horizontal(home, 0)))


def _home_group() -> pl.Expr:
    home = pl.col("home")
    return pl.when(home >= 0).then(home + _FIRST_HOME)


def _calling_code(digits: pl.Expr) -> pl.Expr:
    """The calling code that digits begin with, 0 if none or if too few digits are there."""
    codes = pl.lit(pl.Series(calling_code_by_prefix(), dtype=pl.Int16))
    enough = pl.when(digits.str.len_bytes() >= _MIN_AFTER_IDD).then(digits.str.slice(0, 3)).otherwise(pl.lit("000"))
    return codes.gather(enough.cast(pl.UInt16))


def _why_without_plan() -> pl.Expr:
    return (
        pl.when(pl.col("plus") | (pl.col("group") == _NO_CODE))
        .then(pl.lit("not_a_number"))
        .when(pl.col("home") == NO_HOME)
        .then(pl.lit("no_region"))
        .otherwise(pl.lit("unknown_region"))
    )


def _answered(parts: dict[int, pl.DataFrame]) -> list[pl.DataFrame]:
    """`ANSWER` for rows with a group, by group."""
    plans, is_open = _plans(parts), pl.col("open").is_not_null()
    answered, still_open = [], []
    for (code, _), answers in zip(plans, collected([plan for _, plan in plans]), strict=True):
        if answers["open"].null_count() == answers.height:
            answered.append(answers)
        else:
            answered.append(answers.filter(~is_open))
            still_open.append(by_plan.validated(answers.lazy().filter(is_open), code))
    return [answers.select(*ANSWER) for answers in (*answered, *collected(still_open))]


def _plans(parts: dict[int, pl.DataFrame]) -> list[tuple[int, pl.LazyFrame]]:
    """One query for each calling code (its patterns are compiled once), or more where one would hold up the rest."""
    size = _share(sum(part.height for part in parts.values()))
    numbers_of: dict[int, list[pl.LazyFrame]] = defaultdict(list)
    heights: dict[int, int] = defaultdict(int)
    for group, part in parts.items():
        for rows in _slices(part, size):
            code, numbers = _numbers(group, rows.lazy())
            numbers_of[code].append(numbers)
            heights[code] += rows.height
    return [
        (code, by_plan.answer(numbers, code))
        for code, pieces in numbers_of.items()
        for numbers in (pieces if heights[code] > size else [pl.concat(pieces)])
    ]


def _numbers(group: int, rows: pl.LazyFrame) -> tuple[int, pl.LazyFrame]:
    """The calling code of a group, and its rows as national numbers."""
    if group < _FIRST_HOME:
        return group, by_plan.international(rows, group)
    plan = plan_of_region(regions()[group - _FIRST_HOME])
    return plan.calling_code, by_plan.national(rows, plan)
