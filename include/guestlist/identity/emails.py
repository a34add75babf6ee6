"""E-mail addresses: what counts as one, and how Google folds those of its own domains."""

from __future__ import annotations

import polars as pl

from guestlist.identity.text import first_reason, judged, let, lowered, only_where, visible, where

# Quotes, brackets and separators are legal only inside quoted local parts, which nobody has; in practice they are
# pieces of a list or of "Name <address>". A domain has at least two labels.
_ADDRESS = r'^[^@\s<>()\[\]\\,;:"]+@[\p{L}\p{M}\p{N}_-]+(?:\.[\p{L}\p{M}\p{N}_-]+)+$'

_GMAIL, _GOOGLEMAIL = "@gmail.com", "@googlemail.com"


def email(value: pl.Expr, _region: pl.Expr | None = None) -> pl.Expr:
    """Any platform's first step: lower case, NFC, exactly one "@", no white space inside, a domain with a dot.

    Google's page would remove inner white space, its own utility refuses it; we refuse, for it is as often two values as
    a slip of the finger. Unicode is kept as it is: no platform documents punycode.

    Reasons: ``not_an_email``, ``inner_space``, ``empty_local_part``.
    """
    return judged(lowered(value), _fault)


def _fault(text: pl.Expr) -> pl.Expr:
    # one pattern finds what is wrong; what exactly is asked of those few only
    return where(
        ~text.str.contains(_ADDRESS),
        text,
        lambda odd: first_reason(
            ("not_an_email", odd.str.count_matches("@", literal=True) != 1),
            ("inner_space", odd.str.contains(r"\s")),
            ("empty_local_part", odd.str.starts_with("@")),
            ("not_an_email", odd.is_not_null()),
        ),
    )


def email_for_tiktok(value: pl.Expr, _region: pl.Expr | None = None) -> pl.Expr:
    """TikTok wants an address to begin with a letter or digit; dots and "+tag" stay.

    https://ads.tiktok.com/help/article/list-of-supported-ids-and-formats-for-a-customer-file

    Reason: ``not_an_email``.
    """
    return judged(value, lambda text: first_reason(("not_an_email", ~text.str.contains(r"^[\p{L}\p{N}]"))))


def without_inner_space(raw: pl.Expr) -> pl.Expr:
    """An address after its white space was taken out, as TikTok's page says; two nulls where there is none inside.

    Reasons: those of `email` but ``inner_space``.
    """
    joined = let(
        lowered(visible(raw)),
        lambda it: where(it.str.contains(r"\s"), it, lambda spaced: spaced.str.replace_all(r"\s+", "")),
    )
    return judged(joined, _fault)


def folded_by_google(value: pl.Expr, _region: pl.Expr | None = None) -> pl.Expr:
    """gmail.com and googlemail.com only: dots and "+tag" leave the local part. googlemail.com is not rewritten.

    https://developers.google.com/data-manager/api/devguides/concepts/formatting

    Reason: ``empty_local_part`` where nothing is left of it.
    """
    folded = only_where(_is_gmail, value, _folded)
    return judged(folded, lambda text: first_reason(("empty_local_part", text.str.starts_with("@"))))


def _is_gmail(address: pl.Expr) -> pl.Expr:
    return address.str.ends_with(_GMAIL) | address.str.ends_with(_GOOGLEMAIL)


def _folded(address: pl.Expr) -> pl.Expr:
    local_part = address.str.replace("(?s)[+@].*", "").str.replace_all(".", "", literal=True)
    domain = pl.when(address.str.ends_with(_GMAIL)).then(pl.lit(_GMAIL)).otherwise(pl.lit(_GOOGLEMAIL))
    return local_part + domain
