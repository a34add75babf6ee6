"""Identifiers that are sent as they are: advertising ids, the advertiser's own ids, and values hashed beforehand."""

from __future__ import annotations

import polars as pl

from guestlist.identity.hashing import is_sha256
from guestlist.identity.text import first_reason, judged, kept, only_where

_AD_ID = r"(?i)^(?:[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9a-f]{32})$"
_AD_ID_GROUPS = r"^(.{8})(.{4})(.{4})(.{4})(.{12})$"
_BARE_AD_ID = 32
_SHA256_OF_NOTHING = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


def unchanged(value: pl.Expr, _region: pl.Expr | None = None) -> pl.Expr:
    """The cleaned value itself: external ids, where case matters, and bases that need no finish."""
    return kept(value)


def mobile_ad_id(value: pl.Expr, _region: pl.Expr | None = None) -> pl.Expr:
    """An advertising id (IDFA, AAID) in UUID form, its case kept; lost hyphens are put back.

    https://developers.google.com/data-manager/api/devguides/concepts/formatting

    Reasons: ``not_an_ad_id``; ``all_zero``, which a phone gives whose owner limits ad tracking.
    """
    return judged(
        only_where(lambda it: it.str.len_bytes() == _BARE_AD_ID, value, _with_hyphens),
        lambda text: first_reason(
            ("not_an_ad_id", ~text.str.contains(_AD_ID)),
            ("all_zero", text.str.contains("^[0-]+$")),
        ),
    )


def _with_hyphens(digits: pl.Expr) -> pl.Expr:
    return digits.str.replace(_AD_ID_GROUPS, "$1-$2-$3-$4-$5")


def mobile_ad_id_lower(value: pl.Expr, region: pl.Expr | None = None) -> pl.Expr:
    """The same in lower case.

    https://developers.facebook.com/documentation/ads-commerce/marketing-api/audiences/guides/custom-audiences
    """
    return mobile_ad_id(value.str.to_lowercase(), region)


def sha256(value: pl.Expr, _region: pl.Expr | None = None) -> pl.Expr:
    """A SHA-256 that the source made: 64 hex digits, lower-cased, never hashed again.

    Reasons: ``not_a_sha256``; ``hash_of_nothing``, the digest of an empty string, which would match nobody.
    """
    return judged(
        value.str.to_lowercase(),
        lambda text: first_reason(
            ("not_a_sha256", ~is_sha256(text)),
            ("hash_of_nothing", text == _SHA256_OF_NOTHING),
        ),
    )
