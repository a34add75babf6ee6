"""SHA-256 of match keys, in native code: the only place where an identifier is hashed."""

from __future__ import annotations

import hashlib
import hmac

import polars as pl

try:
    import polars_hash  # registers the `chash` namespace on expressions
except ImportError:  # no wheel for this platform: slower, same bytes
    polars_hash = None

_SHA256_HEX = r"^[0-9a-f]{64}$"


def sha256_hex(text: pl.Expr) -> pl.Expr:
    """SHA-256 of the UTF-8 bytes of a string column, as 64 lower-case hex digits.

    Null stays null. An empty string becomes null: the hash of nothing matches nobody and must never be sent.
    """
    if polars_hash is None:
        return sha256_hex_fallback(text)
    present = pl.when(text.str.len_bytes() > 0).then(text)
    return present.chash.sha2_256()  # type: ignore[attr-defined, no-any-return]


def sha256_hex_fallback(text: pl.Expr) -> pl.Expr:
    """The same with the standard library, for machines where polars-hash has no wheel."""
    present = pl.when(text.str.len_bytes() > 0).then(text)
    return present.map_elements(
        lambda value: hashlib.sha256(value.encode()).hexdigest(), return_dtype=pl.String, skip_nulls=True
    )


def hmac_sha256_hex(text: pl.Expr, key: str) -> pl.Expr:
    """HMAC-SHA-256 of the UTF-8 bytes of a string column under ``key``, as 64 lower-case hex digits; null stays null."""
    if polars_hash is not None:
        return text.chash.hmac_sha256(key=key)  # type: ignore[attr-defined, no-any-return]
    return text.map_elements(
        lambda value: hmac.digest(key.encode(), value.encode(), "sha256").hex(), return_dtype=pl.String, skip_nulls=True
    )


def is_sha256(text: pl.Expr) -> pl.Expr:
    """Whether a string is exactly 64 lower-case hex digits; null stays null."""
    return text.str.contains(_SHA256_HEX)


def digest(data: bytes, algorithm: str = "sha256") -> bytes:
    """The digest of one value's bytes; other algorithms than SHA-256 only serve to recognise their results."""
    return hashlib.new(algorithm, data, usedforsecurity=False).digest()


def hmac_sha256(data: bytes, key: bytes) -> bytes:
    """HMAC-SHA-256 of one value's bytes."""
    return hmac.digest(key, data, "sha256")
