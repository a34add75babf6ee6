"""Gender and date of birth, which only Meta takes."""

from __future__ import annotations

import polars as pl

from guestlist.identity.text import first_reason, found_or, judged, letters_only

_GENDERS = {
    **dict.fromkeys(("f", "female", "feminine", "woman"), "f"),
    **dict.fromkeys(("m", "male", "masculine", "man"), "m"),
}

_PADDED = 2
EARLIEST_BIRTH_YEAR, LATEST_BIRTH_YEAR = 1900, 2026
"""Fixed, so that a recipe gives the same key on every day; whoever is born later is years too young for the platform."""


def gender_for_meta(value: pl.Expr, _region: pl.Expr | None = None) -> pl.Expr:
    """The letter "m" or "f", from the letter or an English word; words of other languages are not guessed.

    https://developers.facebook.com/documentation/ads-commerce/marketing-api/audiences/guides/custom-audiences

    Reason: ``unknown_gender``.
    """
    known = letters_only(value).replace_strict(_GENDERS, default=None, return_dtype=pl.String)
    return found_or("unknown_gender", value, known)


def birth_year_for_meta(value: pl.Expr, _region: pl.Expr | None = None) -> pl.Expr:
    """Four digits, 1900 to `LATEST_BIRTH_YEAR`; two digits are not a year.

    https://developers.facebook.com/documentation/ads-commerce/marketing-api/audiences/guides/custom-audiences

    Reasons: ``not_a_year``, ``out_of_range``.
    """
    return judged(
        value,
        lambda text: first_reason(
            ("not_a_year", ~text.str.contains("^[0-9]{4}$")),
            ("out_of_range", ~_between(text, EARLIEST_BIRTH_YEAR, LATEST_BIRTH_YEAR)),
        ),
    )


def birth_month_for_meta(value: pl.Expr, _region: pl.Expr | None = None) -> pl.Expr:
    """Two digits, 01 to 12.

    https://developers.facebook.com/documentation/ads-commerce/marketing-api/audiences/guides/custom-audiences

    Reasons: ``not_a_month``, ``out_of_range``.
    """
    return _two_digits(value, 12, "not_a_month")


def birth_day_for_meta(value: pl.Expr, _region: pl.Expr | None = None) -> pl.Expr:
    """Two digits, 01 to 31.

    https://developers.facebook.com/documentation/ads-commerce/marketing-api/audiences/guides/custom-audiences

    Reasons: ``not_a_day``, ``out_of_range``.
    """
    return _two_digits(value, 31, "not_a_day")


def _two_digits(value: pl.Expr, last: int, otherwise: str) -> pl.Expr:
    return judged(
        value.str.zfill(_PADDED),
        lambda text: first_reason(
            (otherwise, ~text.str.contains("^[0-9]+$")),
            ("out_of_range", (text.str.len_bytes() != _PADDED) | ~_between(text, 1, last)),
        ),
    )


def _between(digits: pl.Expr, first: int, last: int) -> pl.Expr:
    number = digits.cast(pl.Int64, strict=False)
    return number.is_between(first, last).fill_null(value=False)
