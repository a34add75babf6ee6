"""What a person typed -> digits and a leading plus: libphonenumber's reading of the text, as Polars expressions.

Three ways lead there: the shortest for texts of digits with or without a plus, a short one for those with spaces and plain
punctuation too, and a longer one that follows libphonenumber step by step (rubbish before and after, a second number,
extensions, vanity letters). What none can read with certainty is marked for the library.
"""

from __future__ import annotations

import polars as pl
from phonenumbers.phonenumberutil import _EXTN_PATTERNS_FOR_PARSING, _VALID_PHONE_NUMBER

from guestlist.identity._phone_metadata import ascii_digits

# Control characters, soft hyphen, zero-width and bidirectional marks: copied along with numbers, never part of them.
INVISIBLE = r"[\x00-\x1f\x7f-\x9f\u00ad\u200b-\u200f\u202a-\u202e\u2060\ufeff]"

_MAX_TEXT = 250  # characters; libphonenumber refuses longer texts
_VANITY_LETTERS = 3  # from so many letters on, libphonenumber reads letters as keys of the dial

_THREE_DIGITS = 100

# Only digits and punctuation that can neither begin an extension (x ~ # , ;) nor a second number, three digits at least.
_PUNCTUATION = "-(). /\u00a0"
_PLAIN = rf"^[{_PUNCTUATION}]*\+?(?:[{_PUNCTUATION}]*[0-9]){{3}}[0-9{_PUNCTUATION}]*$"

# Characters on which Python's and Rust's classes (word, digit, letter case) agree, as a test proves one by one; texts with
# others go to the library. Latin, Greek, Cyrillic, Hebrew, Arabic, Chinese, Korean and full-width letters; then marks.
_LETTERS = (
    r"A-Za-z\u00aa\u00ba\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u012f\u0132-\u017e\u0391-\u03a1\u03a3-\u03a9\u03b1-\u03c9"
    r"\u0401\u0410-\u044f\u0451\u05d0-\u05ea\u0621-\u063a\u0641-\u064a\u4e00-\u9fa5\uac00-\ud7a3"
    r"\uff21-\uff3a\uff41-\uff5a"
)
_MARKS = (
    r"\x20-\x2f\x3a-\x40\x5b-\x60\x7b-\x7e\u00a0-\u00a9\u00ab-\u00ac\u00ae-\u00b1\u00b4\u00b6-\u00b8\u00bb\u00bf\u00d7\u00f7"
    r"\u2000-\u200a\u2010-\u2029\u202f-\u205f\u2116\u2122\u2212\u260e\u260f\u2706\u3000-\u3002\U0001f4de\U0001f4f1"
    r"\uff01-\uff0f\uff1a-\uff20\uff3b-\uff40\uff5b-\uff5e"
)
_FOREIGN_DIGITS = r"\u0660-\u0669\u06f0-\u06f9\uff10-\uff19"
_READABLE = rf"^[0-9{_LETTERS}{_MARKS}{_FOREIGN_DIGITS}]*$"
# Parameters of RFC 3966 that reorder or cut the text.
_PARAMETERS = r"(?i);(?:phone-context|isub)="

_DIGIT_OF = {chr(zero + value): str(value) for zero in (0x0660, 0x06F0, 0xFF10) for value in range(10)}
_KEY_OF = dict(zip("ABCDEFGHIJKLMNOPQRSTUVWXYZ", "22233344455566677778889999", strict=True))

_BEFORE = r"^[^0-9+\uff0b]+"
_AFTER = rf"[^#0-9{_LETTERS}]+$"
_SECOND_NUMBER = r"[\\/] *x.*$"
# The library's own patterns, not copies: they change with it, and the differential tests see whether that still holds.
_EXTENSION_PATTERNS = ascii_digits(_EXTN_PATTERNS_FOR_PARSING)
_VIABLE = rf"(?i)^(?:{ascii_digits(_VALID_PHONE_NUMBER)}(?:{_EXTENSION_PATTERNS})?)$"
_EXTENSION = rf"(?i)(?:{_EXTENSION_PATTERNS})$"


def is_bare(text: pl.Expr) -> pl.Expr:
    """Whether a text is an optional plus and at least three digits, found twice as fast as by a pattern; false of null.

    Some such texts are missed (many leading zeros, more digits than an integer holds): `is_plain` finds those.
    """
    number = text.str.to_integer(strict=False)
    return ((number >= _THREE_DIGITS) & (text.str.len_bytes() <= _MAX_TEXT)).fill_null(value=False)


def read_bare(text: pl.Expr) -> dict[str, pl.Expr]:
    """``plus`` and ``digits`` of a text that `is_bare`."""
    return {"plus": text.str.starts_with("+"), "digits": text.str.strip_prefix("+")}


def is_plain(text: pl.Expr) -> pl.Expr:
    """Whether the short way reads a text; false of null."""
    return (text.str.contains(_PLAIN) & (text.str.len_bytes() <= _MAX_TEXT)).fill_null(value=False)


def read_plain(text: pl.Expr) -> dict[str, pl.Expr]:
    """``plus`` and ``digits`` of a text that `is_plain`."""
    return {"plus": text.str.contains("+", literal=True), "digits": text.str.replace_many([*_PUNCTUATION, "+"], [""])}


def visible(text: pl.Expr) -> pl.Expr:
    """The text without invisible characters; what libphonenumber's answers are defined on."""
    return text.str.replace_all(INVISIBLE, "")


def is_blank(text: pl.Expr) -> pl.Expr:
    """Whether there is nothing to read: null, empty or white space only."""
    return text.is_null() | (text.str.strip_chars() == "")


def read_any(messy: pl.LazyFrame) -> pl.LazyFrame:
    """Add ``plus``, ``digits``, ``readable`` and ``viable`` to rows of visible, not blank ``text``.

    ``readable`` is false where only the library can tell; ``viable`` is false where the text is no number at all, and
    ``digits`` means nothing then.
    """
    text, core, letters = pl.col("text"), pl.col("core"), pl.col("core").str.count_matches("[A-Za-z]")
    has_foreign = text.str.contains(rf"[{_FOREIGN_DIGITS}]")
    return (
        messy.with_columns(
            core=_core(text),
            foreign=has_foreign,
            readable=text.str.contains(_READABLE) & ~text.str.contains(_PARAMETERS),
        )
        .with_columns(
            viable=core.str.contains(_VIABLE) & (text.str.len_chars() <= _MAX_TEXT),
            core=_without_extension(core),
        )
        .with_columns(plus=core.str.contains(r"^[+\uff0b]"), vanity=letters >= _VANITY_LETTERS)
        .with_columns(
            digits=pl.when("vanity").then(_dialled(core)).otherwise(core).str.replace_all("[^0-9]+", ""),
            # libphonenumber drops digits of other scripts from a number that it dials by letters
            readable=pl.col("readable") & ~(pl.col("vanity") & pl.col("foreign")),
        )
        .drop("core", "foreign", "vanity")
    )


def _core(text: pl.Expr) -> pl.Expr:
    """From the first digit or plus to the last letter, digit or #, without a second number."""
    ascii_text = text.str.replace_many(_DIGIT_OF)
    return ascii_text.str.replace(_BEFORE, "").str.replace(_AFTER, "").str.replace(_SECOND_NUMBER, "")


def _without_extension(core: pl.Expr) -> pl.Expr:
    """An extension is one only if a number stands before it."""
    before = core.str.replace(_EXTENSION, "")
    return pl.when(before.str.contains(_VIABLE)).then(before).otherwise(core)


def _dialled(core: pl.Expr) -> pl.Expr:
    return core.str.to_uppercase().str.replace_many(_KEY_OF)
