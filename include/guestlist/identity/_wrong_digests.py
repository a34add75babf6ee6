"""Wrong ways from the right text to what is sent: its bytes, their digest, and the form in which the digest is written."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable

from guestlist.identity._mistake import Mistake, Stage
from guestlist.identity.hashing import digest, hmac_sha256

_USE_UTF8 = "turn the text into UTF-8 bytes, without a byte order mark, before hashing"
_USE_SHA256 = "use SHA-256"
_HASH_ONCE = "hash the text once, and look whether a later step hashes as well"
_USE_HEX = "write the digest as 64 lower-case hex digits and nothing else"


def _encoding(name: str, what: str, codec: str, mark: bytes = b"", errors: str = "strict") -> Mistake:
    def encoded(text: str) -> bytes | None:
        try:
            return mark + text.encode(codec, errors)
        except UnicodeEncodeError:
            return None

    return Mistake(Stage.ENCODING, name, f"the text was hashed {what}", _USE_UTF8, encoded)


ENCODINGS = (
    _encoding("utf_16_le", "as UTF-16 little-endian (NVARCHAR in SQL Server, strings of .NET)", "utf-16-le"),
    _encoding("utf_16_be", "as UTF-16 big-endian", "utf-16-be"),
    _encoding("utf_16_le_bom", "as UTF-16 little-endian with a byte order mark", "utf-16-le", b"\xff\xfe"),
    _encoding("utf_16_be_bom", "as UTF-16 big-endian with a byte order mark", "utf-16-be", b"\xfe\xff"),
    _encoding("utf_8_bom", "as UTF-8 with a byte order mark", "utf-8", b"\xef\xbb\xbf"),
    _encoding("latin_1", "as Latin-1, not UTF-8", "latin-1"),
    _encoding("windows_1252", "as Windows-1252, not UTF-8", "cp1252"),
    _encoding("ascii_question_marks", "as ASCII, other letters as question marks", "ascii", errors="replace"),
    _encoding("ascii_dropped", "as ASCII, other letters left out", "ascii", errors="ignore"),
    _encoding("utf_32_le", "as UTF-32 little-endian", "utf-32-le"),
    _encoding("utf_32_be", "as UTF-32 big-endian", "utf-32-be"),
)


def _other(name: str, title: str, algorithm: str) -> Mistake:
    return Mistake(Stage.DIGEST, name, f"it was hashed by {title}", _USE_SHA256, lambda data: digest(data, algorithm))


def _twice(name: str, what: str, first: Callable[[bytes], bytes], last: str = "sha256") -> Mistake:
    return Mistake(Stage.DIGEST, name, f"it was hashed twice: {what}", _HASH_ONCE, lambda data: digest(first(data), last))


def _hex(data: bytes, algorithm: str = "sha256") -> bytes:
    return digest(data, algorithm).hex().encode()


DIGESTS = (
    _twice("double_hash", "the hex digits of its SHA-256 were hashed again", _hex),
    _twice("double_hash_upper", "the upper-case hex digits of its SHA-256 were hashed again", lambda data: _hex(data).upper()),
    _twice("double_hash_bytes", "the bytes of its SHA-256 were hashed again", digest),
    _twice("double_hash_base64", "the base64 of its SHA-256 was hashed again", lambda data: base64.b64encode(digest(data))),
    _twice("triple_hash", "three times in all", lambda data: _hex(_hex(data))),
    _twice("md5_then_sha256", "the hex digits of its MD5 were hashed by SHA-256", lambda data: _hex(data, "md5")),
    _twice("sha1_then_sha256", "the hex digits of its SHA-1 were hashed by SHA-256", lambda data: _hex(data, "sha1")),
    _twice("sha256_then_md5", "the hex digits of its SHA-256 were hashed by MD5", _hex, "md5"),
    _other("md5", "MD5", "md5"),
    _other("sha1", "SHA-1", "sha1"),
    _other("sha512", "SHA-512", "sha512"),
    _other("sha384", "SHA-384", "sha384"),
    _other("sha224", "SHA-224", "sha224"),
    _other("sha3_256", "SHA3-256", "sha3_256"),
    _other("blake2s", "BLAKE2s", "blake2s"),
    Mistake(
        Stage.DIGEST,
        "hmac_empty_key",
        "it was hashed by HMAC-SHA-256 with an empty key",
        f"{_USE_SHA256} without a key, and find out why the key was empty",
        lambda data: hmac_sha256(data, b""),
    ),
)


def _bytes_of(text: str) -> bytes | None:
    try:
        return bytes.fromhex(text)
    except ValueError:
        return None


def _base64(text: str, encode: Callable[[bytes], bytes] = base64.b64encode) -> str | None:
    raw = _bytes_of(text)
    return None if raw is None else encode(raw).decode()


def _unpadded(text: str) -> str | None:
    encoded = _base64(text)
    return None if encoded is None else encoded.rstrip("=")


def _in_pairs(text: str, between: str) -> str | None:
    return None if _bytes_of(text) is None else between.join(re.findall("..", text))


def _form(name: str, what: str, apply: Callable[[str], str | None], mend: str = _USE_HEX) -> Mistake:
    return Mistake(Stage.FORM, name, f"the digest was {what}", mend, apply)


def _cut(length: int) -> Mistake:
    mend = f"make the column wide enough: SHA-256 has 64 hex digits, {length} of them were kept"
    return _form(f"cut_to_{length}", f"cut to {length} characters", lambda text: text[:length], mend)


FORMS = (
    _form("upper_case_hex", "written in upper-case hex digits", str.upper),
    _form("base64", "written in base64", _base64),
    _form("base64_url", "written in URL-safe base64", lambda text: _base64(text, base64.urlsafe_b64encode)),
    _form("base64_unpadded", "written in base64 without the '=' at its end", _unpadded),
    _form("base64_of_hex", "written in hex, and that in base64", lambda text: base64.b64encode(text.encode()).decode()),
    _form("hex_of_hex", "written in hex, and that in hex again", lambda text: binascii.hexlify(text.encode()).decode()),
    _form("prefix_0x", "written with 0x before it", lambda text: f"0x{text}"),
    _form("prefix_backslash_x", r"written with \x before it (bytea of PostgreSQL)", lambda text: f"\\x{text}"),
    _form("prefix_sha256", "written with 'sha256:' before it", lambda text: f"sha256:{text}"),
    _form("hash_double_quoted", "written in double quotes", lambda text: f'"{text}"'),
    _form("hash_single_quoted", "written in single quotes", lambda text: f"'{text}'"),
    _form("hash_python_bytes", "written as Python shows bytes, b'...'", lambda text: f"b'{text}'"),
    _form("hash_trailing_space", "written with a space behind it", lambda text: f"{text} "),
    _form("hash_leading_space", "written with a space before it", lambda text: f" {text}"),
    _form(
        "hyphens_between_bytes", "written with hyphens between its bytes (BitConverter of .NET)", lambda t: _in_pairs(t, "-")
    ),
    _form("colons_between_bytes", "written with colons between its bytes", lambda text: _in_pairs(text, ":")),
    _form("hash_leading_zeros_lost", "stored as a number, which lost its leading zeros", lambda text: text.lstrip("0")),
    *map(_cut, (32, 40, 50, 60, 63)),
)
