"""Digits -> national number, possibility and validity under one numbering plan, as Polars expressions.

Each function takes rows that share a region or a calling code, so that every pattern is a constant of the kernel. The
steps are columns, not nested expressions: an expression that is used twice inside another would be computed twice.
"""

from __future__ import annotations

from functools import cache, reduce
from operator import or_
from typing import TYPE_CHECKING

import polars as pl

from guestlist.identity._phone_metadata import Plan, plans_of_code

if TYPE_CHECKING:
    from collections.abc import Iterable

_MIN_NATIONAL, _MAX_NATIONAL = 2, 17  # digits of a national number, libphonenumber's own bounds
_NO, _YES = pl.lit(value=False), pl.lit(value=True)


def after_idd(rows: pl.LazyFrame, idd: str) -> pl.LazyFrame:
    """Set ``coded`` to the digits after an international prefix, null where none stands; no calling code begins with 0."""
    digits, rest = pl.col("digits"), pl.col("rest")
    stands = digits.str.contains(idd) & ~rest.str.starts_with("0")
    return rows.with_columns(rest=digits.str.replace(idd, "")).with_columns(coded=pl.when(stands).then(rest)).drop("rest")


def national(rows: pl.LazyFrame, plan: Plan) -> pl.LazyFrame:
    """Read ``digits`` as dialled inside the region of ``plan``; gives ``row``, ``nsn``, ``fits`` and ``is_number``.

    With a ``plus`` (whose calling code was unknown) only what begins with the region's own code is a number.
    """
    main = plans_of_code(plan.calling_code)[0]
    rows, coded = _coded(rows, plan), pl.col("coded")
    base = pl.coalesce(coded, "digits")
    if main is plan:
        fits = pl.when(coded.is_null()).then("digits_fits").otherwise("rest_fits")
        rows = _significant(rows.with_columns(base=base, fits=fits), plan)
    else:  # a calling code in front means the main region's plan, not the region's own
        rows = _significant(rows.with_columns(base="digits", fits="digits_fits"), plan).with_columns(own="nsn")
        rows = _significant(_fitted(rows.with_columns(base=coded.fill_null("")), main), main)
        nsn = pl.when(coded.is_null()).then("own").otherwise("nsn")
        rows = rows.with_columns(nsn=nsn, base=base).with_columns(fits=_matches(pl.col("nsn"), main))
    return rows.select("row", "nsn", "fits", is_number=_is_number() & (~pl.col("plus") | coded.is_not_null()))


def international(rows: pl.LazyFrame, calling_code: int) -> pl.LazyFrame:
    """Read ``digits`` as what begins with ``calling_code``; gives the same as `national`."""
    main = plans_of_code(calling_code)[0]
    rows = _fitted(rows.with_columns(base=pl.col("digits").str.slice(len(str(calling_code)))), main)
    return _significant(rows, main).select("row", "nsn", "fits", is_number=_is_number())


def answer(numbers: pl.LazyFrame, calling_code: int) -> pl.LazyFrame:
    """``row``, ``e164``, ``reason``, ``valid`` and ``open`` for what `national` and `international` gave under one code.

    ``valid`` is the main region's word; where other regions may claim a number ``open`` is that number: see `validated`.
    """
    main, *others = plans_of_code(calling_code)
    nsn, reason, is_number = pl.col("nsn"), pl.col("reason"), pl.col("is_number")
    numbers = numbers.with_columns(size=nsn.str.len_bytes()).with_columns(
        reason=pl.when(is_number).then(_impossibility(pl.col("size"), main)).otherwise(pl.lit("not_a_number")),
        valid=pl.when(is_number).then(_is_known(nsn, pl.col("fits"), main)),
    )
    if main.leading is None:
        is_open = is_number & ~pl.col("valid")
    else:
        is_open = is_number & ~nsn.str.contains(main.leading)
        numbers = numbers.with_columns(valid=pl.col("valid") & ~is_open)
    return numbers.select(
        "row",
        e164=pl.when(reason.is_null()).then(pl.concat_str(pl.lit(f"+{calling_code}"), nsn)),
        reason=reason,
        valid="valid",
        open=pl.when(is_open).then(nsn) if others else pl.lit(None, pl.String),
    )


def validated(answers: pl.LazyFrame, calling_code: int) -> pl.LazyFrame:
    """Decide ``valid`` for ``open`` numbers: of a known kind in the first of the other regions that claims the number.

    A region claims a number by its leading digits; one that has none claims what is valid there. Most numbers begin with
    nobody's leading digits, which one pattern tells of all regions together.
    """
    number, others = pl.col("open"), plans_of_code(calling_code)[1:]
    leading = [plan.leading for plan in others if plan.leading]
    begins = number.str.contains("|".join(leading)) if leading else _NO
    answers = answers.with_columns(size=number.str.len_bytes())
    without = [plan for plan in others if plan.leading is None]
    return pl.concat([_claimed(answers.filter(begins), others), _claimed(answers.filter(~begins), without)])


def _claimed(answers: pl.LazyFrame, plans: Iterable[Plan]) -> pl.LazyFrame:
    """`validated`, where ``plans`` are those that may claim a number, in the order in which they are asked."""
    number, claimed = pl.col("open"), pl.col("claimed")
    answers = answers.with_columns(claimed=_NO)
    for plan in plans:
        if plan.leading is None:
            claims = known = _is_known(number, _matches(number, plan), plan)
        else:
            claims = number.str.contains(plan.leading)
            answers = answers.with_columns(own=pl.when(claims).then(number).otherwise(pl.lit("")))
            known = _is_known(pl.col("own"), _matches(pl.col("own"), plan), plan)
        answers = answers.with_columns(valid=pl.when(claimed).then("valid").otherwise(known), claimed=claimed | claims)
    return answers.select("row", "e164", "reason", "valid")


def _is_number() -> pl.Expr:
    """Whether libphonenumber accepts the lengths of ``base`` and ``nsn`` at all, before it asks any plan."""
    base, nsn = pl.col("base").str.len_bytes(), pl.col("nsn").str.len_bytes()
    return (base >= _MIN_NATIONAL) & (nsn >= _MIN_NATIONAL) & (nsn <= _MAX_NATIONAL)


def _impossibility(size: pl.Expr, plan: Plan) -> pl.Expr:
    """Why a national number of ``size`` digits cannot be one of the plan: a reason, or null if it can."""
    return (
        pl.when(_is_any(size, plan.possible))
        .then(None)
        .when(_is_any(size, plan.local))
        .then(pl.lit("local_only"))
        .when(size < min(plan.possible))
        .then(pl.lit("too_short"))
        .when(size > max(plan.possible))
        .then(pl.lit("too_long"))
        .otherwise(pl.lit("invalid_length"))
    )


def _coded(rows: pl.LazyFrame, plan: Plan) -> pl.LazyFrame:
    """Add ``coded``: what follows the region's own calling code, null where that is no better than all the digits."""
    digits, code = pl.col("digits"), str(plan.calling_code)
    begins = digits.str.starts_with(code)
    # empty, not null, for the others: kernels look at what lies under a null, and are quick with nothing
    rows = rows.with_columns(base=pl.when(begins).then(digits.str.slice(len(code))).otherwise(pl.lit("")))
    rows = _without_prefix(_fitted(rows, plan).with_columns(digits_fits=_matches(digits, plan)), plan)
    is_better = (~pl.col("digits_fits") & pl.col("rest_fits")) | _too_long(digits.str.len_bytes(), plan)
    return rows.with_columns(coded=pl.when(begins & is_better).then("rest"))


def _fitted(rows: pl.LazyFrame, plan: Plan) -> pl.LazyFrame:
    """Add ``fits``: whether ``base`` has the plan's general form."""
    return rows.with_columns(fits=_matches(pl.col("base"), plan))


def _significant(rows: pl.LazyFrame, plan: Plan) -> pl.LazyFrame:
    """Add ``nsn``: ``base`` without trunk prefix and carrier code, unless what remains is too short for the plan."""
    if plan.prefix is None:
        return rows.with_columns(nsn="base")
    size = pl.col("rest").str.len_bytes()
    is_enough = _is_any(size, plan.possible) | _too_long(size, plan)
    return _without_prefix(rows, plan).with_columns(
        nsn=pl.when(is_enough).then("rest").otherwise("base"),
        fits=pl.when(is_enough).then("rest_fits").otherwise("fits"),
    )


def _without_prefix(rows: pl.LazyFrame, plan: Plan) -> pl.LazyFrame:
    """Add ``rest``: ``base`` with the trunk prefix taken off or rewritten, unless that makes a good number a bad one.

    ``fits`` says whether ``base`` is good; ``rest_fits`` will say it of ``rest``.
    """
    base, rest, fits, rest_fits = pl.col("base"), pl.col("rest"), pl.col("fits"), pl.col("rest_fits")
    if plan.prefix is None:
        return rows.with_columns(rest=base, rest_fits=fits)
    rows = rows.with_columns(rest=_rest(base, plan)).with_columns(rest_fits=_matches(rest, plan))
    return rows.with_columns(rest=pl.when(fits & ~rest_fits).then(base).otherwise(rest), rest_fits=fits | rest_fits)


def _rest(base: pl.Expr, plan: Plan) -> pl.Expr:
    if plan.prefix_literal:
        return base.str.strip_prefix(plan.prefix_literal)
    rest = base.str.replace(plan.prefix or "", "")
    if plan.transform is None:
        return rest
    has_last_group = base.str.extract(plan.prefix or "", plan.prefix_groups).is_not_null()
    return pl.when(has_last_group).then(base.str.replace(plan.prefix or "", plan.transform)).otherwise(rest)


def _matches(number: pl.Expr, plan: Plan) -> pl.Expr:
    return number.str.contains(plan.general)


def _too_long(size: pl.Expr, plan: Plan) -> pl.Expr:
    return (size > max(plan.possible)) & ~_is_any(size, plan.local)


def _is_known(nsn: pl.Expr, fits: pl.Expr, plan: Plan) -> pl.Expr:
    """Of the general form and of at least one kind, each with its own lengths (``size``)."""
    size = pl.col("size")
    kinds = (
        nsn.str.contains(kind.pattern) & (_YES if kind.lengths is None else _is_any(size, kind.lengths)) for kind in plan.kinds
    )
    return _is_any(size, plan.possible) & fits & reduce(or_, kinds, _NO)


def _is_any(size: pl.Expr, lengths: tuple[int, ...]) -> pl.Expr:
    return reduce(or_, (size.is_between(first, last) for first, last in _runs(lengths)), _NO)


@cache
def _runs(lengths: tuple[int, ...]) -> list[list[int]]:
    """The first and the last of each run of lengths that follow one another: one comparison instead of many."""
    runs: list[list[int]] = []
    for length in sorted(lengths):
        if runs and length == runs[-1][1] + 1:
            runs[-1][1] = length
        else:
            runs.append([length, length])
    return runs
