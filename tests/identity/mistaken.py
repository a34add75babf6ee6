"""Every mistake of the hash doctor's table, made by hand: bytes as written here, and the standard library's digests."""

from __future__ import annotations

import base64
import hashlib
import hmac
from dataclasses import dataclass

from guestlist.model.vocabulary import Field

META_EMAIL, GOOGLE_EMAIL = "email.lower.v1", "email.google.v1"
PLUS, DIGITS = "phone.e164_plus.v1", "phone.e164_digits.v1"


def sha(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


@dataclass(frozen=True)
class Made:
    """A hash with one mistake in it: of which value, for which recipe."""

    found: str
    raw: str = "dana@example.com"
    field: Field = Field.EMAIL
    recipe: str = META_EMAIL
    region: str | None = None


def email(data: bytes, raw: str = "dana@example.com", recipe: str = META_EMAIL) -> Made:
    return Made(sha(data), raw, recipe=recipe)


def phone(data: bytes, raw: str = "0151 12345678", recipe: str = PLUS) -> Made:
    return Made(sha(data), raw, Field.PHONE, recipe, "DE")


def name(data: bytes, raw: str, recipe: str = "name.meta.v1") -> Made:
    return Made(sha(data), raw, Field.LAST_NAME, recipe)


def form(found: str, raw: str = "dana@example.com") -> Made:
    return Made(found, raw)


GMAIL = "dana.smith+news@gmail.com"
RAW = b"dana@example.com"
HEX = sha(RAW)
HASH = hashlib.sha256(RAW).digest()
LEADING_ZERO = "person7@example.com"
"""Its SHA-256 begins with a zero."""

TEXTS = {
    "gmail_not_folded": email(b"dana.smith+news@gmail.com", GMAIL, GOOGLE_EMAIL),
    "gmail_folded": email(b"danasmith@gmail.com", GMAIL),
    "gmail_dots_dropped": email(b"danasmith+news@gmail.com", GMAIL),
    "gmail_tag_dropped": email(b"dana.smith@gmail.com", GMAIL, GOOGLE_EMAIL),
    "folded_everywhere": email(b"danasmith@example.com", "dana.smith+news@example.com"),
    "dots_dropped": email(b"danasmith+news@example.com", "dana.smith+news@example.com"),
    "tag_dropped": email(b"dana.smith@example.com", "dana.smith+news@example.com"),
    "googlemail_renamed": email(b"dana@gmail.com", "dana@googlemail.com"),
    "gmail_renamed": email(b"dana@googlemail.com", "dana@gmail.com"),
    "local_part_only": email(b"dana"),
    "domain_only": email(b"example.com"),
    "mailto": email(b"mailto:dana@example.com"),
    "angle_brackets": email(b"<dana@example.com>"),
    "space_at_the_at": email(b"dana @example.com"),
    "trailing_dot": email(b"dana@example.com."),
    "punycode": email(b"dana@xn--bcher-kva.example", "dana@b\u00fccher.example"),
    "case_kept": email(b"Dana@Example.COM", " Dana@Example.COM"),
    "outer_space_kept": email(b" dana@example.com", " Dana@Example.com"),
    "as_typed": email(b"  Dana@Example.com", "  Dana@Example.com"),
    "lowered_only": name(b"o'neil-smith", "O'Neil-Smith"),
    "upper_case": email(b"DANA@EXAMPLE.COM"),
    "first_capital": email(b"Dana@example.com"),
    "title_case": email(b"Dana@Example.Com"),
    "trailing_newline": email(b"dana@example.com\n"),
    "trailing_crlf": email(b"dana@example.com\r\n"),
    "trailing_cr": email(b"dana@example.com\r"),
    "trailing_space": email(b"dana@example.com "),
    "leading_space": email(b" dana@example.com"),
    "trailing_tab": email(b"dana@example.com\t"),
    "no_break_space": email(b"dana@example.com\xc2\xa0"),
    "zero_width_space": email(b"\xe2\x80\x8bdana@example.com"),
    "nul_behind": email(b"dana@example.com\x00"),
    "padded_to_50": email(b"dana@example.com" + b" " * 34),
    "padded_to_100": email(b"dana@example.com" + b" " * 84),
    "padded_to_255": email(b"dana@example.com" + b" " * 239),
    "double_quoted": email(b'"dana@example.com"'),
    "single_quoted": email(b"'dana@example.com'"),
    "python_bytes": email(b"b'dana@example.com'"),
    "json_list": email(b'["dana@example.com"]'),
    "trailing_comma": email(b"dana@example.com,"),
    "trailing_semicolon": email(b"dana@example.com;"),
    "punctuation_dropped": name(b"oneil", "O'Neil", "name.google.v1"),
    "letters_only": email(b"danaexamplecom", "dana2@example.com"),
    "inner_space_dropped": name(b"v\xc3\xa2ndyke", "V\u00e2n Dyke"),
    "hyphens_dropped": name(b"o'neilsmith", "O'Neil-Smith", "name.google.v1"),
    "nfd": email(b"jose\xcc\x81@example.com", "jos\u00e9@example.com"),
    "nfkc": email(b"fifi@example.com", "\ufb01fi@example.com"),
    "accents_dropped": email(b"jose@example.com", "jos\u00e9@example.com"),
    "case_folded": email(b"strasse@example.com", "stra\u00dfe@example.com"),
    "misread_utf_8": email(b"jos\xc3\x83\xc2\xa9@example.com", "jos\u00e9@example.com"),
    "html_escaped": email(b"dana&amp;co@example.com", "dana&co@example.com"),
    "url_encoded": email(b"dana%40example.com"),
    "hyphen_as_space": name(b"smith jones", "Smith-Jones", "name.google.v1"),
    "initial_only": name(b"s", "Smith"),
    "first_word_only": name(b"van", "Van Dyke"),
    "alpha_3": Made(sha(b"deu"), "DE", Field.COUNTRY, "country.meta.v1"),
    "country_name": Made(sha(b"germany"), "DE", Field.COUNTRY, "country.meta.v1"),
    "leading_zeros_lost": Made(sha(b"1067"), "01067", Field.POSTAL_CODE, "postal_code.meta.v1", "DE"),
}

PHONES = {
    "plus_missing": phone(b"4915112345678"),
    "plus_added": phone(b"+4915112345678", recipe=DIGITS),
    "national_digits": phone(b"015112345678"),
    "country_code_missing": phone(b"15112345678"),
    "trunk_zero_kept": phone(b"+49015112345678"),
    "trunk_zero_in_brackets": phone(b"+49(0)15112345678"),
    "prefix_00": phone(b"004915112345678"),
    "prefix_011": phone(b"0114915112345678"),
    "national_format": Made(sha(b"(650) 555-1212"), "6505551212", Field.PHONE, PLUS, "US"),
    "national_hyphens": Made(sha(b"650-555-1212"), "6505551212", Field.PHONE, PLUS, "US"),
    "national_dots": Made(sha(b"650.555.1212"), "6505551212", Field.PHONE, PLUS, "US"),
    "national_spaces": Made(sha(b"650 555 1212"), "6505551212", Field.PHONE, PLUS, "US"),
    "international_format": Made(sha(b"+1 650-555-1212"), "6505551212", Field.PHONE, PLUS, "US"),
    "tel_uri": Made(sha(b"tel:+1-650-555-1212"), "6505551212", Field.PHONE, PLUS, "US"),
    "digits_as_typed": phone(b"49015112345678", "+49 (0)151 12345678"),
    "plus_before_typed": phone(b"+015112345678"),
    "country_code_twice": phone(b"+494915112345678"),
    "country_code_1": phone(b"+115112345678"),
    "phone_leading_zeros_lost": phone(b"49015112345678", "0049 0151 12345678"),
    "phone_decimal": phone(b"4915112345678.0"),
    "phone_scientific": phone(b"4.91511E+12"),
}

WORDS = {
    f"text_{name}": email(word)
    for name, word in {
        "empty": b"", "space": b" ", "null": b"null", "null_upper": b"NULL", "null_title": b"Null", "none": b"none",
        "none_python": b"None", "nan": b"nan", "nan_pandas": b"NaN", "na_slash": b"n/a", "na_slash_upper": b"N/A", "na": b"na",
        "na_upper": b"NA", "undefined": b"undefined", "nil": b"nil", "null_mysql": b"\\N", "hyphen": b"-", "zero": b"0",
        "false": b"false", "unknown": b"unknown", "missing": b"missing", "object": b"[object Object]",
    }.items()
}  # fmt: skip

UTF_16_LE = b"d\x00a\x00n\x00a\x00@\x00e\x00x\x00.\x00d\x00e\x00"
UTF_16_BE = b"\x00d\x00a\x00n\x00a\x00@\x00e\x00x\x00.\x00d\x00e"
UTF_32_LE = b"d\0\0\0a\0\0\0n\0\0\0a\0\0\0@\0\0\0e\0\0\0x\0\0\0.\0\0\0d\0\0\0e\0\0\0"
UTF_32_BE = b"\0\0\0d\0\0\0a\0\0\0n\0\0\0a\0\0\0@\0\0\0e\0\0\0x\0\0\0.\0\0\0d\0\0\0e"
ENCODINGS = {
    "utf_16_le": email(UTF_16_LE, "dana@ex.de"),
    "utf_16_be": email(UTF_16_BE, "dana@ex.de"),
    "utf_16_le_bom": email(b"\xff\xfe" + UTF_16_LE, "dana@ex.de"),
    "utf_16_be_bom": email(b"\xfe\xff" + UTF_16_BE, "dana@ex.de"),
    "utf_8_bom": email(b"\xef\xbb\xbfdana@example.com"),
    "latin_1": email(b"jos\xe9@example.com", "jos\u00e9@example.com"),
    "windows_1252": name(b"m\xfcller \x9cuvre", "M\u00fcller \u0152uvre"),
    "ascii_question_marks": email(b"jos?@example.com", "jos\u00e9@example.com"),
    "ascii_dropped": email(b"jos@example.com", "jos\u00e9@example.com"),
    "utf_32_le": email(UTF_32_LE, "dana@ex.de"),
    "utf_32_be": email(UTF_32_BE, "dana@ex.de"),
}

DIGESTS = {
    "double_hash": form(sha(HEX.encode())),
    "double_hash_upper": form(sha(HEX.upper().encode())),
    "double_hash_bytes": form(sha(HASH)),
    "double_hash_base64": form(sha(base64.b64encode(HASH))),
    "triple_hash": form(sha(sha(HEX.encode()).encode())),
    "md5_then_sha256": form(sha(hashlib.md5(RAW, usedforsecurity=False).hexdigest().encode())),
    "sha1_then_sha256": form(sha(hashlib.sha1(RAW, usedforsecurity=False).hexdigest().encode())),
    "sha256_then_md5": form(hashlib.md5(HEX.encode(), usedforsecurity=False).hexdigest()),
    "md5": form(hashlib.md5(RAW, usedforsecurity=False).hexdigest()),
    "sha1": form(hashlib.sha1(RAW, usedforsecurity=False).hexdigest()),
    "sha512": form(hashlib.sha512(RAW).hexdigest()),
    "sha384": form(hashlib.sha384(RAW).hexdigest()),
    "sha224": form(hashlib.sha224(RAW).hexdigest()),
    "sha3_256": form(hashlib.sha3_256(RAW).hexdigest()),
    "blake2s": form(hashlib.blake2s(RAW).hexdigest()),
    "hmac_empty_key": form(hmac.new(b"", RAW, hashlib.sha256).hexdigest()),
}

URL_SAFE = "person2@example.com"
"""The base64 of its SHA-256 has a slash or a plus sign in it."""
FORMS = {
    "upper_case_hex": form(HEX.upper()),
    "base64": form(base64.b64encode(HASH).decode()),
    "base64_url": form(base64.urlsafe_b64encode(hashlib.sha256(URL_SAFE.encode()).digest()).decode(), URL_SAFE),
    "base64_unpadded": form(base64.b64encode(HASH).decode()[:43]),
    "base64_of_hex": form(base64.b64encode(HEX.encode()).decode()),
    "hex_of_hex": form(HEX.encode().hex()),
    "prefix_0x": form("0x" + HEX),
    "prefix_backslash_x": form("\\x" + HEX),
    "prefix_sha256": form("sha256:" + HEX),
    "hash_double_quoted": form('"' + HEX + '"'),
    "hash_single_quoted": form("'" + HEX + "'"),
    "hash_python_bytes": form("b'" + HEX + "'"),
    "hash_trailing_space": form(HEX + " "),
    "hash_leading_space": form(" " + HEX),
    "hyphens_between_bytes": form("-".join(f"{byte:02x}" for byte in HASH)),
    "colons_between_bytes": form(":".join(f"{byte:02x}" for byte in HASH)),
    "hash_leading_zeros_lost": form(f"{int(sha(LEADING_ZERO.encode()), 16):x}", LEADING_ZERO),
    **{f"cut_to_{length}": form(HEX[:length]) for length in (32, 40, 50, 60, 63)},
}

EVERY = {**TEXTS, **PHONES, **WORDS, **ENCODINGS, **DIGESTS, **FORMS}
