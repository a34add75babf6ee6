"""Countries and the states of the US: names and codes as ISO 3166 lists them, as Polars mappings made once."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping
from functools import cache

import polars as pl
import pycountry

from guestlist.identity.text import decomposed, first_reason, found_or, judged, let, visible, where

# English names in daily use which are not in ISO's list. "UK", "England" and "Holland" are neither codes nor countries of
# the list, and are not guessed.
_DAILY_NAMES = {
    "burma": "MM",
    "capeverde": "CV",
    "czechrepublic": "CZ",
    "easttimor": "TL",
    "greatbritain": "GB",
    "ivorycoast": "CI",
    "macau": "MO",
    "macedonia": "MK",
    "palestine": "PS",
    "russia": "RU",
    "swaziland": "SZ",
    "turkey": "TR",
    "vatican": "VA",
    "vaticancity": "VA",
}
_SHARED_NAMES = frozenset({"", "korea", "virginislands"})
_NOT_IN_COUNTRY_KEYS = r"[\p{M}\p{P}\p{S}\s]+"


@cache
def alpha2_codes() -> frozenset[str]:
    """The officially assigned codes of ISO 3166-1 alpha-2, upper case."""
    return frozenset(country.alpha_2 for country in pycountry.countries)


@cache
def _codes_by_key() -> Mapping[str, str]:
    """Every spelling that is understood, as `_key` writes it, with its alpha-2 code."""
    codes = dict(_DAILY_NAMES)
    for country in pycountry.countries:
        # "Moldova, Republic of" is also called Moldova, unless another country's name begins so, and Republic of Moldova
        short, _, rest = country.name.partition(",")
        for text in (short, f"{rest}{short}", getattr(country, "official_name", ""), country.alpha_3):
            codes.setdefault(_key(text), country.alpha_2)
    for country in pycountry.countries:  # what is a country's own goes before what another one's long name begins with
        for text in (country.name, getattr(country, "common_name", ""), country.alpha_2):
            codes[_key(text)] = country.alpha_2
    return {key: code for key, code in codes.items() if key not in _SHARED_NAMES}


def _key(text: str) -> str:
    """A name as the look-up compares it: what `_keys` does to a column."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    return re.sub(r"[\W_]+", "", plain).lower().removeprefix("the")


def _keys(text: pl.Expr) -> pl.Expr:
    return decomposed(text).str.replace_all(_NOT_IN_COUNTRY_KEYS, "").str.to_lowercase().str.strip_prefix("the")


def country_alpha2(country: pl.Expr) -> pl.Expr:
    """ISO 3166-1 alpha-2, upper case, from alpha-2, alpha-3 or an English name in any case; null where unknown.

    Accents, punctuation and white space do not count: "U.S.A." is alpha-3. The list is that of
    https://www.iso.org/iso-3166-country-codes.html; "UK" is not on it, and nothing is guessed.
    """
    return _looked_up(country, _found)


def _looked_up(country: pl.Expr, other: Callable[[pl.Expr], pl.Expr]) -> pl.Expr:
    """What is a code already, as most of a column is; and what ``other``, which is costly, makes of the rest."""
    codes = sorted(alpha2_codes())
    return let(country, lambda it: pl.coalesce(where(~it.is_in(codes), it, other), pl.when(it.is_in(codes)).then(it)))


def _found(country: pl.Expr) -> pl.Expr:
    return _keys(visible(country)).replace_strict(_codes_by_key(), default=None, return_dtype=pl.String)


def phone_region(country: pl.Expr | None) -> pl.Expr:
    """The region that a phone number is read with: alpha-2 where the country is known, else the text itself, upper case.

    What nobody knows is handed on, so that the phone rules say ``unknown_region`` instead of ``no_region``.
    """
    if country is None:
        return pl.lit(None, dtype=pl.String)
    return _looked_up(country, lambda it: pl.coalesce(_found(it), visible(it).str.to_uppercase()))


def country_for_google(value: pl.Expr, _region: pl.Expr | None = None) -> pl.Expr:
    """ISO 3166-1 alpha-2, upper case, and nothing else: "usa" and "UK" are refused.

    https://developers.google.com/data-manager/api/devguides/concepts/formatting

    Reason: ``unknown_country``.
    """
    codes = sorted(alpha2_codes())
    return judged(value.str.to_uppercase(), lambda code: first_reason(("unknown_country", ~code.is_in(codes))))


def country_code(value: pl.Expr, _region: pl.Expr | None = None) -> pl.Expr:
    """ISO 3166-1 alpha-2, upper case, from whatever `country_alpha2` understands.

    Reason: ``unknown_country``.
    """
    return found_or("unknown_country", value, country_alpha2(value))


def country_for_meta(value: pl.Expr, _region: pl.Expr | None = None) -> pl.Expr:
    """ISO 3166-1 alpha-2, lower case, from whatever `country_alpha2` understands.

    https://developers.facebook.com/documentation/ads-commerce/marketing-api/audiences/guides/custom-audiences

    Reason: ``unknown_country``.
    """
    return found_or("unknown_country", value, country_alpha2(value).str.to_lowercase())


@cache
def us_states() -> Mapping[str, str]:
    """Two-letter codes by name and by ISO 3166-2 code, all in letters a to z: "newyork" and "usny" give "ny".

    https://www.census.gov/library/reference/code-lists/ansi.html
    """
    codes = {"virginislands": "vi", "usvirginislands": "vi", "washingtondc": "dc"}
    for state in pycountry.subdivisions.get(country_code="US"):
        code = state.code.removeprefix("US-").lower()
        codes |= {_key(state.name): code, f"us{code}": code}
    return codes
