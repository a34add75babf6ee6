"""People's names: what all platforms share, and where Google and Meta part."""

from __future__ import annotations

import polars as pl

from guestlist.identity.text import composed, even_spaces, first_reason, judged, kept, let, lowered, only_where

# Titles that are not names themselves. "Sr" as Spanish señor, "Don", "Major", "Prince" and "Dean" are left out: too many
# people are called so, or it means something else at the other end of the name.
_PREFIXES = "mr|mrs|ms|miss|mx|mme|mlle|dr|doctor|prof|professor|rev|sir|madam"
# "V" is an initial and "Junior" a name more often than a suffix.
_SUFFIXES = r"jr|sr|ii|iii|iv|2nd|3rd|4th|ph\.?\s?d|m\.?d|dds|esq"

# The prefixes must be followed by something, and something must stand before the suffixes: "Dr" alone is a name.
_PREFIXED = rf"^(?:(?:{_PREFIXES})(?:\.\s*|\s+))+(\S.*)$"
_SUFFIXED = rf"^(.*?\S)(?:(?:\s*,\s*|\s+)(?:{_SUFFIXES})\.?)+$"
_AFFIXED = rf"^(?:{_PREFIXES})[.\s]|[,\s](?:{_SUFFIXES})\.?$"

_NOT_IN_META_NAMES = r"[\p{P}\p{S}\p{Nd}\p{No}]+"
_LETTER = r"\p{L}"


def name(value: pl.Expr, _region: pl.Expr | None = None) -> pl.Expr:
    """Any platform's first step: lower case, NFC, single spaces, at least one letter of any script.

    Reason: ``no_letters``.
    """
    return judged(even_spaces(lowered(value)), lambda text: first_reason(("no_letters", ~text.str.contains(_LETTER))))


def lower_case(value: pl.Expr, _region: pl.Expr | None = None) -> pl.Expr:
    """Lower case in NFC and nothing else: for platforms whose page asks for no more."""
    return kept(lowered(value))


def name_for_google(value: pl.Expr, _region: pl.Expr | None = None) -> pl.Expr:
    """Without honorific prefixes (Mrs.) and suffixes (Jr.); punctuation, inner spaces and accents stay.

    Google's field comments disagree about punctuation; its own utility keeps it, and so do we. A name is never stripped
    down to something without a letter.

    https://developers.google.com/data-manager/api/devguides/concepts/formatting
    """
    return kept(only_where(lambda it: it.str.contains(_AFFIXED), value, _without_affixes))


def _without_affixes(value: pl.Expr) -> pl.Expr:
    stripped = value.str.replace(_PREFIXED, "$1").str.replace(_SUFFIXED, "$1")
    return let(stripped, lambda it: pl.when(it.str.contains(_LETTER)).then(it))


def name_for_meta(value: pl.Expr, _region: pl.Expr | None = None) -> pl.Expr:
    """Without punctuation, symbols and digits; letters of all scripts and single inner spaces stay.

    Meta's page says nothing of inner spaces. They stay because its published rules take spaces away where they mean to
    (cities, ZIP codes).

    https://developers.facebook.com/documentation/ads-commerce/marketing-api/audiences/guides/custom-audiences
    """
    return kept(_bare(value))


def _bare(value: pl.Expr) -> pl.Expr:
    # composed again: what stood between a letter and its accent may be gone now
    return only_where(
        lambda it: it.str.contains(_NOT_IN_META_NAMES),
        value,
        lambda some: composed(even_spaces(some.str.replace_all(_NOT_IN_META_NAMES, ""))),
    )


def initial_for_meta(value: pl.Expr, _region: pl.Expr | None = None) -> pl.Expr:
    """The first letter of the name as `name_for_meta` gives it.

    https://developers.facebook.com/documentation/ads-commerce/marketing-api/audiences/guides/custom-audiences
    """
    return kept(_bare(value).str.extract(rf"({_LETTER})"))
