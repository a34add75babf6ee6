"""Steps that every recipe is made of: cleaning text, and judging a value while computing it once.

Invisible characters (zero-width, soft hyphen, byte order mark, directional marks, control characters) are never part of a
value. White space is what Unicode calls so, which includes the no-break space.
"""

from __future__ import annotations

from collections.abc import Callable

import polars as pl

Rule = Callable[[pl.Expr, pl.Expr | None], pl.Expr]
"""From a String column, and the person's region or None, to a Struct ``value`` (String), ``reason`` (String): one is null.

A null value gives two nulls.
"""

# Tab, line feed and the like are white space, so the control characters are listed around them. U+2800 is the blank
# Braille cell: a symbol by its class, and nothing to the eye.
_INVISIBLE = r"[\p{Default_Ignorable_Code_Point}\p{Cf}\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\x{2800}]+"
_SPACES = r"\s+"
_UNEVEN_SPACE = r"\s\s|[^\S ]"


def let(value: pl.Expr, body: Callable[[pl.Expr], pl.Expr]) -> pl.Expr:
    """Compute ``value`` once and give its name to ``body``, which may use it as often as it likes.

    Polars would compute it again for every mention. Inside ``body`` only its own argument and columns may be named: the
    name is that of a struct field, and the innermost struct hides the others.
    """
    bound = pl.struct(it=value).struct.with_fields(it=body(pl.field("it")))
    return bound.struct.field("it")


def where(holds: pl.Expr, value: pl.Expr, change: Callable[[pl.Expr], pl.Expr]) -> pl.Expr:
    """What a costly change makes of the values of those rows, null for the others, which cost nothing.

    They are really taken out: most string kernels work through what lies under a null as well. ``change`` may name its
    argument only, since columns are longer.
    """
    here = pl.field("here")
    bound = pl.struct(it=value, here=holds.fill_null(value=False))
    place = pl.when(here).then(here.cum_sum() - 1)
    return bound.struct.with_fields(it=let(pl.field("it").filter(here), change).gather(place)).struct.field("it")


def only_where(condition: Callable[[pl.Expr], pl.Expr], value: pl.Expr, change: Callable[[pl.Expr], pl.Expr]) -> pl.Expr:
    """Apply a costly change to the values that meet a condition; where it gives nothing, the value stays."""
    return let(value, lambda it: pl.coalesce(where(condition(it), it, change), it))


def visible(value: pl.Expr) -> pl.Expr:
    """The text without invisible characters and surrounding white space; null where nothing is left."""
    return filled(value.str.replace_all(_INVISIBLE, "").str.strip_chars())


def filled(value: pl.Expr) -> pl.Expr:
    """Null where the text is empty."""
    return let(value, lambda it: pl.when(it.str.len_bytes() > 0).then(it))


def has_more_than_ascii(value: pl.Expr) -> pl.Expr:
    """Whether a value has characters beyond ASCII."""
    return value.str.len_bytes() != value.str.len_chars()


def composed(value: pl.Expr) -> pl.Expr:
    """Unicode's NFC: one code point for a letter and its accent, whichever way they were typed."""
    return only_where(has_more_than_ascii, value, lambda some: some.str.normalize("NFC"))


def decomposed(value: pl.Expr) -> pl.Expr:
    """Unicode's NFKD: accents apart from their letters, compatibility forms (full width, ligatures) as plain ones."""
    return only_where(has_more_than_ascii, value, lambda some: some.str.normalize("NFKD"))


def lowered(value: pl.Expr) -> pl.Expr:
    """Lower case in NFC. Composed last, because lower-casing can make new pairs of letter and accent."""
    return composed(value.str.to_lowercase())


def even_spaces(value: pl.Expr) -> pl.Expr:
    """Each run of white space becomes one space; none is left at the ends."""
    uneven = only_where(lambda it: it.str.contains(_UNEVEN_SPACE), value, lambda some: some.str.replace_all(_SPACES, " "))
    return uneven.str.strip_chars(" ")


def letters_only(value: pl.Expr) -> pl.Expr:
    """The letters a to z, accents dropped, everything else removed; null where none is left."""
    return filled(decomposed(value).str.to_lowercase().str.replace_all("[^a-z]+", ""))


def first_reason(*checks: tuple[str, pl.Expr]) -> pl.Expr:
    """The reason of the first check that holds, or null: ``first_reason(("too_short", value.str.len_chars() < 3))``."""
    return pl.coalesce(*(pl.when(holds).then(pl.lit(reason)) for reason, holds in checks))


def judged(value: pl.Expr, reason: Callable[[pl.Expr], pl.Expr]) -> pl.Expr:
    """Struct ``value``, ``reason``: what ``reason`` says of the value, which is computed once; the value where it is null."""
    bound = pl.struct(value=value).struct.with_fields(reason=reason(pl.field("value")))
    return bound.struct.with_fields(value=pl.when(pl.field("reason").is_null()).then(pl.field("value")))


def kept(value: pl.Expr) -> pl.Expr:
    """Struct ``value``, ``reason`` of a value that needs no judging."""
    return pl.struct(value=value, reason=nothing())


def found_or(reason: str, given: pl.Expr, found: pl.Expr) -> pl.Expr:
    """Struct ``value``, ``reason`` of a look-up: what was found, or the reason where something was given and nothing found."""
    # the slot of the reason holds what was given until it is known whether one is needed
    bound = pl.struct(value=found, reason=given)
    missing = pl.field("value").is_null() & pl.field("reason").is_not_null()
    return bound.struct.with_fields(reason=pl.when(missing).then(pl.lit(reason)))


def nothing() -> pl.Expr:
    """A null of type String."""
    return pl.lit(None, dtype=pl.String)


def followed_by(first: pl.Expr, rule: Rule, region: pl.Expr | None, *, tells_validity: bool = False) -> pl.Expr:
    """Hand the value of one verdict to the next rule; the first reason stands. The first verdict is computed once.

    With ``tells_validity`` the rule's Struct has the field ``valid`` too, which goes on.
    """
    value, reason = pl.field("value"), pl.field("reason")
    both = first.struct.with_fields(value=rule(value, region))
    if tells_validity:
        both = both.struct.with_fields(valid=value.struct.field("valid"))
    judged_twice = both.struct.with_fields(reason=pl.coalesce(reason, value.struct.field("reason")))
    return judged_twice.struct.with_fields(value=value.struct.field("value"))
