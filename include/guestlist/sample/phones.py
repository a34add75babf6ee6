"""Phone numbers the way people write them, by the numbering plans that libphonenumber knows."""

from __future__ import annotations

from dataclasses import dataclass

import phonenumbers as plans
import polars as pl
from phonenumbers import PhoneNumberFormat, PhoneNumberType

from guestlist.sample.dice import Dice, at, padded

_SERIAL_DIGITS = 6
_NORTH_AMERICA = 1
_AREAS = ("201", "212", "213", "305", "312", "404", "415", "503", "512", "602", "617", "702", "718", "808", "907", "917")
_CANADA = ("204", "250", "306", "403", "416", "418", "506", "514", "604", "613", "709", "780", "819", "867", "902", "905")
_BEGINNINGS = {"DK": "20"}  # where libphonenumber's example stands in a narrow range
_ABROAD = {
    "US": "011",
    "CA": "011",
    "JP": "010",
    "AU": "0011",
    "BR": "0015",
    "SG": "001",
    "TH": "001",
    "KR": "001",
    "TW": "002",
}
_RUBBISH = ("n/a", "123", "unknown", "-", "0", "call me", "+", "00000000", "1234567890123456789", "see email", "#REF!", "++49")
_ARABIC_INDIC = {str(digit): chr(0x0660 + digit) for digit in range(10)}
_FULL_WIDTH = {sign: chr(ord(sign) + 0xFEE0) for sign in "0123456789+-"}
_STYLES = (  # how often, of 1,000
    *(("international", 180), ("e164", 140), ("national", 280), ("digits", 125), ("abroad", 100), ("dots", 40)),
    *(("dashes", 30), ("trunk", 30), ("extension", 20), ("blanks", 10), ("script", 5), ("local", 5), ("rubbish", 10)),
    *(("blank", 10), ("missing", 15)),
)


@dataclass(frozen=True)
class Plan:
    """How one country writes one kind of number. The serial number fills up ``beginning``.

    Formats hold ``{}`` where the next digit of the national number goes.
    """

    code: str
    beginning: str
    international: str
    national: str
    trunk: str


def plan_of(region: str, kind: int) -> Plan:
    """The plan of a region's numbers of a kind, read off libphonenumber's example number."""
    example = plans.example_number_for_type(region, kind)
    metadata = plans.PhoneMetadata.metadata_for_region(region)
    if example is None or metadata is None:
        raise ValueError(f"libphonenumber knows no numbers of {region}")
    number = plans.national_significant_number(example)
    international = _pattern(plans.format_number(example, PhoneNumberFormat.INTERNATIONAL), number)
    national = _pattern(plans.format_number(example, PhoneNumberFormat.NATIONAL), number)
    code = str(example.country_code)
    if not national:  # Argentina writes its mobile numbers with other digits at home
        national = international.removeprefix(f"+{code} ")
    beginning = _BEGINNINGS.get(region, number[:-_SERIAL_DIGITS])
    return Plan(code, beginning, international, national, "0" if metadata.national_prefix == "0" else "")


def _pattern(written: str, number: str) -> str:
    """The written number with the digits of ``number`` blanked; empty if it does not end with them."""
    pattern, rest = "", number
    for sign in reversed(written):
        if rest and sign.isdigit():
            if sign != rest[-1]:
                return ""
            pattern, rest = "{}" + pattern, rest[:-1]
        else:
            pattern = sign + pattern
    return "" if rest else pattern


def add_phones(people: pl.DataFrame, dice: Dice, name: str = "phone") -> pl.DataFrame:
    """Add the column ``name``: everybody's own number in everybody's own way of writing; about 2.5 % have none.

    ``people`` has ``row`` and ``country_code`` (ISO 3166).
    """
    styles = pl.Series([style for style, times in _STYLES for _ in range(times)])
    fixed = dice.happens(name + " fixed", 12).alias("fixed")
    prepared = people.with_columns(at(styles, dice.number(name + " style", len(styles))).alias("style"), fixed)
    parts = [
        _written(group, plan_of(region, PhoneNumberType.FIXED_LINE if is_fixed else PhoneNumberType.MOBILE), region)
        for (region, is_fixed), group in prepared.partition_by("country_code", "fixed", as_dict=True).items()
    ]
    whole = pl.concat(parts).with_columns(
        pl.col("national").str.replace_all(r"\D", "").alias("digits"),
        pl.concat_str(pl.lit("+"), pl.col("international").str.replace_all(r"\D", "")).alias("e164"),
    )
    return whole.with_columns(_as_people_write(dice, name).alias(name)).sort("row").select(*people.columns, name)


def _written(group: pl.DataFrame, plan: Plan, region: str) -> pl.DataFrame:
    length = plan.national.count("{}")
    if plan.code == str(_NORTH_AMERICA):
        areas = _CANADA if region == "CA" else _AREAS
        line, exchange = _serial(len(areas), 4), 555 + pl.col("row") // (len(areas) * 10_000) % 400
        number = pl.concat_str(at(areas, pl.col("row") % len(areas)), exchange.cast(pl.String), padded(line, 4))
    else:
        serial_digits = length - len(plan.beginning)
        number = pl.concat_str(pl.lit(plan.beginning), padded(_serial(1, serial_digits), serial_digits))
    digits = [number.str.slice(place, 1) for place in range(length)]
    return group.with_columns(
        pl.format(plan.national, *digits).alias("national"),
        pl.format(plan.international, *digits).alias("international"),
        pl.lit(plan.trunk).alias("trunk"),
        pl.lit(_ABROAD.get(region, "00")).alias("abroad"),
    )


def _serial(step: int, digits: int) -> pl.Expr:
    number: pl.Expr = pl.col("row") // step % 10**digits
    return number


def _as_people_write(dice: Dice, name: str) -> pl.Expr:
    national, international = pl.col("national"), pl.col("international")
    with_trunk = international.str.replace(" ", " (0)", literal=True)
    extension = pl.format(
        "{} {} {}", national, dice.one_of(name + " x", ("ext.", "x", "Ext", "#")), dice.digits(name + " e", 3)
    )
    ways = {
        "international": international,
        "e164": pl.col("e164"),
        "national": national,
        "digits": pl.col("digits"),
        "abroad": pl.concat_str("abroad", international.str.replace("+", "", literal=True)),
        "dots": national.str.replace_all(r"[ -]+", "."),
        "dashes": international.str.replace_all(r"[ ()]+", "-"),
        "trunk": pl.when(pl.col("trunk") == "0").then(with_trunk).otherwise(international),
        "extension": extension,
        "blanks": dice.one_of(name + " b", (" ", "\u00a0", "\u202a", "\t", "tel:", "Tel. ")) + international + "\u202c",
        "script": _other_digits(international),
        "local": pl.col("digits").str.tail(5),
        "rubbish": dice.one_of(name + " r", _RUBBISH),
        "blank": dice.one_of(name + " l", ("", " ", "\u00a0")),
    }
    written = pl.lit(None, dtype=pl.String)
    for style, expression in ways.items():
        written = pl.when(pl.col("style") == style).then(expression).otherwise(written)
    return written


def _other_digits(text: pl.Expr) -> pl.Expr:
    """Arabic-Indic digits in Arab countries, full-width ones elsewhere."""
    arab = pl.col("country_code").is_in(["AE", "EG", "SA"])
    ours, wide = (text.str.replace_many(table) for table in (_ARABIC_INDIC, _FULL_WIDTH))
    return pl.when(arab).then(ours).otherwise(wide)
