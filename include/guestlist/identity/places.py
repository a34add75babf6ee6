"""Cities, states and postal codes: plain text for Google, hashed in a stricter form for Meta."""

from __future__ import annotations

import polars as pl

from guestlist.identity.countries import country_alpha2, us_states
from guestlist.identity.text import filled, found_or, has_more_than_ascii, let, letters_only, lowered, nothing, only_where

_US_ZIP = r"^[0-9]{5}(?:[- ]?[0-9]{4})?$"
_FIVE_DIGITS = r"^([0-9]{5})"
_ZIP_PLUS_FOUR = r"^[0-9]{5}-[0-9]{4}$"
_GAPS = r"[\s\p{Pd}\x{2212}]+"


def city_for_meta(value: pl.Expr, _region: pl.Expr | None = None) -> pl.Expr:
    """The letters a to z, accents dropped: "São Paulo" becomes "saopaulo".

    https://developers.facebook.com/documentation/ads-commerce/marketing-api/audiences/guides/custom-audiences

    Reason: ``no_letters``, which a city written in another script gets too.
    """
    return found_or("no_letters", value, letters_only(value))


def state_for_meta(value: pl.Expr, region: pl.Expr | None) -> pl.Expr:
    """US states as two letters, from name or code; elsewhere the letters a to z of the name.

    Names of US states are understood also where the person's country is missing or unknown.

    https://developers.facebook.com/documentation/ads-commerce/marketing-api/audiences/guides/custom-audiences

    Reason: ``no_letters``.
    """
    maybe_us = _country(region).fill_null("US") == "US"
    state = let(letters_only(value), lambda it: pl.when(maybe_us).then(it.replace(us_states())).otherwise(it))
    return found_or("no_letters", value, state)


def postal_code_for_google(value: pl.Expr, region: pl.Expr | None) -> pl.Expr:
    """As written, trimmed: case, spaces and hyphens stay. In the US it must be five digits, or five and four.

    https://developers.google.com/data-manager/api/devguides/concepts/formatting

    Reason: ``not_a_postal_code``, in the US only.
    """
    right = ~_in_us(region) | value.str.contains(_US_ZIP)
    return found_or("not_a_postal_code", value, pl.when(right).then(value))


def postal_code_for_meta(value: pl.Expr, region: pl.Expr | None) -> pl.Expr:
    """Lower case without white space and hyphens, in compatibility form (full-width digits); of a US code five digits.

    UK codes stay whole: Meta's text asks for the sector, and its own example shows the full code. Five digits, a hyphen
    and four more are cut to five also where the country is missing: where codes are written so, the last four are an
    extension.

    https://developers.facebook.com/documentation/ads-commerce/marketing-api/audiences/guides/custom-audiences

    Reason: ``not_a_postal_code``, where a US code does not begin with five digits or only hyphens were given.
    """
    country_unknown = _country(region).is_null()
    text = only_where(has_more_than_ascii, value, lambda some: some.str.normalize("NFKC"))
    short = only_where(lambda it: country_unknown & it.str.contains(_ZIP_PLUS_FOUR), text, lambda some: some.str.head(5))
    whole = lowered(short.str.replace_all(_GAPS, ""))
    code = let(whole, lambda it: pl.when(_in_us(region)).then(it.str.extract(_FIVE_DIGITS)).otherwise(it))
    return found_or("not_a_postal_code", value, filled(code))


def _country(region: pl.Expr | None) -> pl.Expr:
    return nothing() if region is None else country_alpha2(region)


def _in_us(region: pl.Expr | None) -> pl.Expr:
    """Whether the person is known to live in the US."""
    return (_country(region) == "US").fill_null(value=False)
