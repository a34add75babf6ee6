"""Made-up phone numbers as customers type them: seeded, many countries, many kinds of mess."""

from __future__ import annotations

import random
import string
from functools import cache
from typing import TYPE_CHECKING

import phonenumbers
import polars as pl
from phonenumbers import PhoneNumberFormat, PhoneNumberType

if TYPE_CHECKING:
    from collections.abc import Callable

# Weighted roughly like a shop's customers; every oddity of trunk prefixes is among them.
COUNTRIES = (
    *("US",) * 8,
    *("GB",) * 5,
    *("DE",) * 4,
    *("FR",) * 3,
    *("IT", "ES", "CA", "BR", "IN", "IL", "AU", "NL") * 2,
    *("MX", "AR", "JP", "CN", "KR", "RU", "KZ", "PL", "SE", "NO", "DK", "FI", "BE", "CH", "AT", "PT", "IE", "GR", "TR"),
    *("ZA", "NG", "EG", "MA", "AE", "SA", "SG", "HK", "TH", "ID", "PH", "VN", "NZ", "CL", "CO", "HU", "LT", "JE", "DO"),
)
_IDD = {"US": "011", "CA": "011", "DO": "011", "RU": "810", "KZ": "810", "AU": "0011", "JP": "010", "NG": "009"}
_TYPES = (PhoneNumberType.MOBILE, PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE)
_SEPARATORS = (" ", " ", "-", ".", "/", "\u00a0", "  ", " - ", "")
_ARABIC_INDIC = str.maketrans(string.digits, "".join(map(chr, range(0x0660, 0x066A))))
_FULL_WIDTH = str.maketrans(
    string.digits + "+-() ", "".join(map(chr, range(0xFF10, 0xFF1A))) + "\uff0b\uff0d\uff08\uff09\u3000"
)
_EXTENSIONS = (" ext 5", " ext. 123", " x12", "x 4", " #12", ";ext=77", " доб. 15", ", 22", " extension 9", " Ext:4401", " ~3")
_BEFORE = ("Tel: ", "tel:", "mobile ", "Phone no. ", "(M) ", "'", "m. ", "☎ ", "call ", ": ")
_AFTER = (" (mobile)", " mob", " home", " work", ".", ",", " / ", " - call after 6", " *", "?", " WhatsApp", " (Anna)", ";")
_JUNK = ("n/a", "-", "unknown", "none", "x", "0", "00000000", "123", "test@example.com", "+", "#N/A", "see notes", "1234567890")
_INVISIBLE = ("\u200b", "\u202a", "\u202c", "\ufeff", "\u200e", "\t", "\u00ad", "\r\n")


def messy_phones(n: int, seed: int) -> tuple[pl.Series, pl.Series]:
    """``n`` texts and the regions of their rows (ISO alpha-2, sometimes lower case, padded, wrong, unknown or null)."""
    rng = random.Random(seed)
    pairs = [_one(rng) for _ in range(n)]
    return (
        pl.Series("phone", [number for number, _ in pairs], dtype=pl.String),
        pl.Series("country", [region for _, region in pairs], dtype=pl.String),
    )


def _one(rng: random.Random) -> tuple[str | None, str | None]:
    country = rng.choice(COUNTRIES)
    return _mess(rng, _written(rng, country)), _region(rng, country)


def _region(rng: random.Random, country: str) -> str | None:
    roll = rng.random()
    if roll < 0.93:
        return country
    odd = (country.lower(), f" {country} ", rng.choice(COUNTRIES), rng.choice(COUNTRIES), None, "", "AQ", "ZZ")
    return rng.choice(odd)


@cache
def _pattern(country: str, kind: int) -> tuple[str, str, int]:
    """An example number of the country: national form, international form, and how many last digits to make up."""
    example = phonenumbers.example_number_for_type(country, kind)
    national = phonenumbers.format_number(example, PhoneNumberFormat.NATIONAL)
    abroad = phonenumbers.format_number(example, PhoneNumberFormat.INTERNATIONAL)
    return national, abroad, len(phonenumbers.national_significant_number(example)) - _kept_digits(country)


def _kept_digits(country: str) -> int:
    """How many leading digits of an example to keep: enough to stay mostly valid."""
    return 2 if country in {"US", "CA"} else 3


def _written(rng: random.Random, country: str) -> str:
    national, abroad, fresh = _pattern(country, rng.choice(_TYPES))
    form = rng.random()
    if form < 0.40:
        return _respaced(rng, _redialled(rng, national, fresh))
    if form < 0.80:
        return _respaced(rng, _redialled(rng, abroad, fresh))
    digits = _redialled(rng, abroad, fresh)
    code, _, rest = digits.partition(" ")
    others: tuple[Callable[[], str], ...] = (
        lambda: f"{_IDD.get(country, '00')} {code[1:]} {rest}",
        lambda: f"00{code[1:]} {rest}",
        lambda: f"{code} (0) {rest}",
        lambda: f"{code[1:]} {rest}",
        lambda: f"({code}) {rest}",
        lambda: rest,
        lambda: f"0{rest}",
        lambda: "".join(filter(str.isdigit, digits)),
    )
    return _respaced(rng, rng.choice(others)())


def _redialled(rng: random.Random, written: str, fresh: int) -> str:
    """The same shape with other last digits."""
    out = list(written)
    for place in range(len(out) - 1, -1, -1):
        if fresh and out[place].isdigit():
            out[place] = rng.choice(string.digits)
            fresh -= 1
    return "".join(out)


def _respaced(rng: random.Random, written: str) -> str:
    roll = rng.random()
    if roll < 0.5:
        return written
    if roll < 0.75:
        return "".join(filter(lambda sign: sign.isdigit() or sign == "+", written))
    return written.replace(" ", rng.choice(_SEPARATORS))


def _mess(rng: random.Random, written: str) -> str | None:
    roll = rng.random()
    if roll < 0.86:
        return written
    middle = rng.randrange(len(written) + 1)
    others: tuple[Callable[[], str | None], ...] = (
        lambda: written + rng.choice(_EXTENSIONS),
        lambda: written + rng.choice(_EXTENSIONS),
        lambda: rng.choice(_BEFORE) + written,
        lambda: written + rng.choice(_AFTER),
        lambda: f"  {written} ",
        lambda: written[:middle],  # truncated
        lambda: written + rng.choice(string.digits),
        lambda: written[:middle] + rng.choice("oOlI*x#+,_;") + written[middle:],  # a slip of the finger
        lambda: written[:middle] + rng.choice(_INVISIBLE) + written[middle:],
        lambda: written.translate(_FULL_WIDTH),
        lambda: written.translate(_ARABIC_INDIC),
        lambda: f"{written} / {written}",
        lambda: f"{written[:middle]}{''.join(rng.choices(string.ascii_uppercase, k=rng.randint(1, 7)))}",
        lambda: rng.choice(_JUNK),
        lambda: rng.choice((None, "", "  ")),
    )
    return rng.choice(others)()
