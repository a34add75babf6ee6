"""Phone numbers as people type them -> E.164, by libphonenumber's rules, a whole column at a time."""

from __future__ import annotations

import phonenumbers
import polars as pl
from phonenumbers import NumberParseException, PhoneNumberFormat, ValidationResult

from guestlist.identity import _phone_text as text
from guestlist.identity._phone_groups import ANSWER, NO_HOME, UNKNOWN_HOME, answers, in_slices, refused
from guestlist.identity._phone_metadata import regions as known_regions

RESULT = pl.Struct({"e164": pl.String, "reason": pl.String, "valid": pl.Boolean})

_FEW = 1_000
"""Up to so many numbers the library is quicker than the queries of a column are made."""
_REASONS = {
    ValidationResult.TOO_SHORT: "too_short",
    ValidationResult.TOO_LONG: "too_long",
    ValidationResult.IS_POSSIBLE_LOCAL_ONLY: "local_only",
    ValidationResult.INVALID_LENGTH: "invalid_length",
    ValidationResult.INVALID_COUNTRY_CODE: "invalid_country_code",
}


def parse_phones(numbers: pl.Series, regions: pl.Series | str | None) -> pl.DataFrame:
    """Parse ``numbers``, each with its row's region (ISO 3166-1 alpha-2, any case) or one for all.

    Control characters and invisible marks are ignored; the rest is read as libphonenumber reads it. Returns as many
    rows: ``e164`` (String, null unless kept), ``reason`` (String, null when kept: blank, no_region, unknown_region,
    not_a_number, too_short, too_long, local_only, invalid_length, invalid_country_code) and ``valid`` (Boolean, null
    where nothing was parsed). A number is kept when libphonenumber finds its length possible; a region is never guessed,
    and without one only numbers with a leading plus are read.
    Rules: https://github.com/google/libphonenumber/blob/master/FAQ.md
    """
    read, _ = _read(numbers, regions)
    return read


def fast_path_share(numbers: pl.Series, regions: pl.Series | str | None) -> float:
    """The share of rows, 0 to 1, that is answered without calling the library row by row."""
    _, by_library = _read(numbers, regions)
    return 1.0 - by_library / len(numbers) if len(numbers) else 1.0


def phone_expr(number: pl.Expr, region: pl.Expr | None) -> pl.Expr:
    """`parse_phones` as an expression: a Struct of e164, reason and valid for each row."""
    given = pl.lit(None, dtype=pl.String) if region is None else region
    return pl.struct(number.alias("number"), given.alias("region")).map_batches(
        _parse_struct, return_dtype=RESULT, is_elementwise=False
    )


def _parse_struct(pairs: pl.Series) -> pl.Series:
    numbers, regions = pairs.struct.unnest().get_columns()
    parse = _parse_few if len(numbers) - numbers.null_count() <= _FEW else parse_phones
    return parse(numbers, regions).to_struct(pairs.name)


def _parse_few(numbers: pl.Series, regions: pl.Series) -> pl.DataFrame:
    """`parse_phones` by the library alone."""
    rows = _typed(numbers, regions).with_columns(text=text.visible(pl.col("text")))
    blank = text.is_blank(pl.col("text"))
    return _in_order([refused(rows.filter(blank), pl.lit("blank")), _ask_library(rows.filter(~blank))])


def _read(numbers: pl.Series, regions: pl.Series | str | None) -> tuple[pl.DataFrame, int]:
    """The answers in the order of the rows, and how many of them the library gave."""
    typed = _typed(numbers, regions)
    bare = in_slices(typed.filter("bare"), lambda rows: rows.with_columns(**text.read_bare(pl.col("text"))))
    dressed = in_slices(typed.filter(~pl.col("bare")), lambda rows: rows.with_columns(plain=text.is_plain(pl.col("text"))))
    plain = in_slices(dressed.filter("plain"), lambda rows: rows.with_columns(**text.read_plain(pl.col("text"))))
    messy = in_slices(dressed.filter(~pl.col("plain")), _read_messy)
    blank, readable, viable = pl.col("blank"), pl.col("readable"), pl.col("viable")
    dialled = [rows.select("row", "home", "plus", "digits") for rows in (bare, plain, messy.filter(readable & viable))]
    unread = messy.filter(~blank & ~readable)
    found = [
        answers(pl.concat(dialled)),
        refused(messy.filter(blank), pl.lit("blank")),
        refused(messy.filter(~blank & readable & ~viable), pl.lit("not_a_number")),
        _ask_library(unread),
    ]
    return _in_order(found), unread.height


def _in_order(found: list[pl.DataFrame]) -> pl.DataFrame:
    """The answers in the order of ``row``, which is a place among all of them."""
    answers = pl.concat(found)
    places = pl.int_range(answers.height, dtype=pl.UInt32, eager=True)
    return answers.drop("row")[pl.zeros(answers.height, pl.UInt32, eager=True).scatter(answers["row"], places)]


def _typed(numbers: pl.Series, regions: pl.Series | str | None) -> pl.DataFrame:
    """``row``, ``text``, ``home`` (index of the region, see `NO_HOME`) and ``bare`` for each number."""
    given = regions.cast(pl.String) if isinstance(regions, pl.Series) else pl.lit(regions, pl.String)
    rows = pl.DataFrame({"text": numbers.cast(pl.String)}).with_columns(region=given).with_row_index("row")
    names = list({None, *rows["region"].unique()})  # with nothing to replace, `replace_strict` would give texts
    homes = pl.Series(_homes(names), dtype=pl.Int16)
    return in_slices(
        rows,
        lambda part: part.select(
            "row",
            "text",
            home=pl.col("region").replace_strict(names, homes, return_dtype=pl.Int16),
            bare=text.is_bare(pl.col("text")),
        ),
    )


def _homes(names: list[str | None]) -> list[int]:
    index = {region: home for home, region in enumerate(known_regions())} | {"": NO_HOME}
    return [index.get((name or "").strip().upper(), UNKNOWN_HOME) for name in names]


def _read_messy(rows: pl.LazyFrame) -> pl.LazyFrame:
    rows = rows.with_columns(text=text.visible(pl.col("text")))
    return text.read_any(rows.with_columns(blank=text.is_blank(pl.col("text"))))


def _ask_library(rows: pl.DataFrame) -> pl.DataFrame:
    """`ANSWER` for visible texts that only the library can read, each pair of text and home once."""
    pairs = rows.select("text", "home").unique()
    told = pl.DataFrame(
        [_library_answer(number, home) for number, home in pairs.iter_rows()],
        schema={name: ANSWER[name] for name in ("e164", "reason", "valid")},
        orient="row",
    )
    return rows.join(pairs.hstack(told), on=["text", "home"]).select(*ANSWER)


def _library_answer(number: str, home: int) -> tuple[str | None, str | None, bool | None]:
    """What libphonenumber says to one visible, not blank text: e164, reason, valid."""
    try:
        parsed = phonenumbers.parse(number, known_regions()[home] if home >= 0 else None)
    except NumberParseException as error:
        if "default region" in str(error):  # its code for an unknown calling code is the same
            return None, "no_region" if home == NO_HOME else "unknown_region", None
        return None, "not_a_number", None
    reason = _REASONS.get(phonenumbers.is_possible_number_with_reason(parsed))
    e164 = phonenumbers.format_number(parsed, PhoneNumberFormat.E164) if reason is None else None
    return e164, reason, phonenumbers.is_valid_number(parsed)
