"""Wrong texts to hash, whatever the field: what was left undone, what was done too much, and words that stand for nothing."""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Callable
from urllib.parse import quote

from guestlist.identity._mistake import Case, Mistake, Stage

_TRIM = "take white space and invisible characters from both ends before hashing"
_LOWER = "turn it into lower case before hashing"
CLEAN = "hash the value alone, without what was put around it"
LEAVE = "leave it in: the platform keeps it"
_RULE = "follow the whole of the platform's rule, as `guestlist normalise` does"
_NFC = "bring the text into Unicode's NFC before hashing"
_NOTHING = "leave out people without a value: never hash what stands for nothing"


def changed(name: str, what: str, mend: str, change: Callable[[str], str | None]) -> Mistake:
    """A change of the text so far."""
    return Mistake(Stage.TEXT, name, what, mend, lambda text, _case: change(text))


def replaced(name: str, what: str, mend: str, text: Callable[[Case], str | None]) -> Mistake:
    """Another text in place of the right one."""
    return Mistake(Stage.TEXT, name, what, mend, lambda _text, case: text(case), anew=True)


def _case_kept(case: Case) -> str | None:
    trimmed = case.raw.strip()
    return trimmed if trimmed != case.lowered else None


def _outer_space_kept(case: Case) -> str | None:
    untrimmed = case.raw.lower()
    return untrimmed if untrimmed != case.lowered else None


def _without_accents(text: str) -> str:
    return "".join(letter for letter in unicodedata.normalize("NFD", text) if not unicodedata.combining(letter))


def _letters_only(text: str) -> str:
    return re.sub(r"[^a-z]+", "", _without_accents(text).lower())


def _misread(text: str) -> str:
    return text.encode().decode("latin-1")


def _padded(width: int) -> Mistake:
    what = f"it was filled up with spaces to {width} characters (CHAR({width}))"
    return changed(f"padded_to_{width}", what, _TRIM, lambda text: text.ljust(width))


COMMON = (
    replaced("case_kept", "capitals were kept", _LOWER, _case_kept),
    replaced("outer_space_kept", "white space around it was kept", _TRIM, _outer_space_kept),
    replaced("as_typed", "it was hashed as it was typed", _RULE, lambda case: case.raw),
    replaced("lowered_only", "it was lower-cased and trimmed, and no more", _RULE, lambda case: case.lowered),
    changed("upper_case", "it was in capitals", _LOWER, str.upper),
    changed("first_capital", "its first letter was a capital", _LOWER, lambda text: text[:1].upper() + text[1:]),
    changed("title_case", "each word of it began with a capital", _LOWER, str.title),
    changed("trailing_newline", "there was an end of line behind it (echo in a shell)", _TRIM, lambda text: f"{text}\n"),
    changed("trailing_crlf", "there was an end of line of Windows behind it", _TRIM, lambda text: f"{text}\r\n"),
    changed("trailing_cr", "there was a carriage return behind it", _TRIM, lambda text: f"{text}\r"),
    changed("trailing_space", "there was a space behind it", _TRIM, lambda text: f"{text} "),
    changed("leading_space", "there was a space before it", _TRIM, lambda text: f" {text}"),
    changed("trailing_tab", "there was a tab behind it", _TRIM, lambda text: f"{text}\t"),
    changed("no_break_space", "there was a no-break space behind it", _TRIM, lambda text: f"{text}\u00a0"),
    changed("zero_width_space", "there was an invisible character before it", _TRIM, lambda text: f"\u200b{text}"),
    changed("nul_behind", "there was a NUL byte behind it", _TRIM, lambda text: f"{text}\0"),
    *map(_padded, (50, 100, 255)),
    changed("double_quoted", "double quotes were hashed with it", CLEAN, lambda text: f'"{text}"'),
    changed("single_quoted", "single quotes were hashed with it", CLEAN, lambda text: f"'{text}'"),
    changed("python_bytes", "it was hashed as Python shows bytes, b'...'", CLEAN, lambda text: f"b'{text}'"),
    changed("json_list", "it was hashed as a JSON list", CLEAN, lambda text: f'["{text}"]'),
    changed("trailing_comma", "there was a comma behind it", CLEAN, lambda text: f"{text},"),
    changed("trailing_semicolon", "there was a semicolon behind it", CLEAN, lambda text: f"{text};"),
    changed("punctuation_dropped", "punctuation was taken out", LEAVE, lambda text: re.sub(r"[^\w\s]|_", "", text)),
    changed("letters_only", "everything but the letters a to z was taken out", LEAVE, _letters_only),
    changed("inner_space_dropped", "spaces within it were taken out", LEAVE, lambda text: re.sub(r"\s+", "", text)),
    changed("hyphens_dropped", "hyphens were taken out", LEAVE, lambda text: text.replace("-", "")),
    changed("nfd", "accents stood apart from their letters (NFD)", _NFC, lambda text: unicodedata.normalize("NFD", text)),
    changed("nfkc", "compatibility forms were replaced (NFKC)", _NFC, lambda text: unicodedata.normalize("NFKC", text)),
    changed("accents_dropped", "accents were taken off", LEAVE, _without_accents),
    changed("case_folded", "it was case-folded (ß became ss), not lower-cased", _LOWER, str.casefold),
    changed("misread_utf_8", "UTF-8 had been read as Latin-1 before", "read the source in its own encoding", _misread),
    changed("html_escaped", "it was escaped for HTML", CLEAN, html.escape),
    changed("url_encoded", "it was escaped for an address (%40)", CLEAN, lambda text: quote(text, safe="")),
)

_WORDS = {
    "empty": "", "space": " ",
    "null": "null", "null_upper": "NULL", "null_title": "Null", "none": "none", "none_python": "None",
    "nan": "nan", "nan_pandas": "NaN", "na_slash": "n/a", "na_slash_upper": "N/A", "na": "na", "na_upper": "NA",
    "undefined": "undefined", "nil": "nil", "null_mysql": "\\N", "hyphen": "-", "zero": "0", "false": "false",
    "unknown": "unknown", "missing": "missing", "object": "[object Object]",
}  # fmt: skip


def _word(name: str, word: str) -> Mistake:
    what = "an empty text was hashed" if not word else f"the text {word!r} was hashed in place of a value"
    return replaced(f"text_{name}", what, _NOTHING, lambda _case: word)


WORDS = tuple(_word(name, word) for name, word in _WORDS.items())
"""What stands for nothing: their hashes are the same for everybody."""
