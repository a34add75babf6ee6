"""What looks wrong in a source's columns before anything is made of them: counts only, never a value."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import polars as pl

from guestlist.identity.doctor import digests_of_nothing
from guestlist.identity.recipes import normalise, recipe
from guestlist.model.source import Identifier
from guestlist.model.vocabulary import IDENTIFYING, Field

_NOTABLE = 0.01
"""From this share of a column's values on it is no slip of the finger."""
_MOST = 0.5
_FEW_ROWS = 10
_SHA256 = r"^[0-9a-fA-F]{64}$"
_DIGEST = r"^(?:[0-9a-fA-F]{32}|[0-9a-fA-F]{40}|[0-9a-fA-F]{64}|[0-9a-fA-F]{128}|[A-Za-z0-9+/]{43}=)$"
_EMAIL = r"^\S+@\S+$"
_PHONE = r"^\+?[\d\s()./-]{6,20}$"
_AD_ID = r"(?i)^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$"
_ELSEWHERE = {
    "emails": (_EMAIL, frozenset(Field) - {Field.EMAIL, Field.EXTERNAL_ID}),
    "phone numbers": (_PHONE, frozenset({Field.EMAIL, Field.FIRST_NAME, Field.LAST_NAME})),
    "advertising ids": (_AD_ID, frozenset({Field.EMAIL, Field.PHONE})),
}
"""What belongs into a column of its own, and the fields in whose columns it is a mistake."""

_ROLES = (
    "abuse|accounting|accounts|admin|billing|careers|contact|customerservice|enquiries|finance|hello|help|hostmaster|hr|"
    "info|jobs|mail|marketing|news|newsletter|office|orders|postmaster|press|privacy|reception|root|sales|security|service|"
    "shop|staff|support|team|webmaster"
)
_NOBODY = r"anonymous|asdf|do-?not-?reply|example|fake|na|nobody|no-?e?mail|no-?reply|none|null|tests?\d*|undefined|unknown|x+"
_RESERVED = r"@(?:.*\.)?(?:example\.(?:com|net|org)|example|invalid|localhost|test)$"


@dataclass(frozen=True)
class Suspicion:
    """A column that may hold something else than its field says: in how many of its ``of`` values."""

    column: str
    field: Field
    what: str
    values: int
    of: int


@dataclass(frozen=True)
class Addresses:
    """Emails of nobody in particular: of a role (info@) and placeholders (noreply@, @example.com), of all plain ones."""

    role: int
    placeholder: int
    of: int


def suspicions(rows: pl.DataFrame, identifiers: Mapping[Field, Identifier]) -> list[Suspicion]:
    """What is suspicious in the columns (String) of each field: likely mistakes of the mapping or the source."""
    found = []
    for field, identifier in identifiers.items():
        for name in identifier.columns:
            values = _values(rows, name)
            looked_for = _in_hashed(values) if identifier.hashed else _in_plain(values, field)
            counted = [*looked_for, *_one_for_all(values, field), *_lost_plus(rows, name, field, identifier)]
            found += [Suspicion(name, field, what, count, len(values)) for what, count in counted if count]
    return found


def addresses(rows: pl.DataFrame, identifiers: Mapping[Field, Identifier]) -> Addresses:
    """How many emails in plain columns reach no person."""
    role = placeholder = total = 0
    identifier = identifiers.get(Field.EMAIL)
    for name in identifier.columns if identifier and not identifier.hashed else ():
        emails = _values(rows, name).str.to_lowercase()
        emails = emails.filter(emails.str.contains(_EMAIL))
        nobody = emails.str.contains(rf"^(?:{_NOBODY})@") | emails.str.contains(_RESERVED)
        total += len(emails)
        placeholder += int(nobody.sum())
        role += int((emails.str.contains(rf"^(?:{_ROLES})@") & ~nobody).sum())
    return Addresses(role, placeholder, total)


def _values(rows: pl.DataFrame, name: str) -> pl.Series:
    """What is not blank, trimmed."""
    values = rows.get_column(name).str.strip_chars().drop_nulls()
    return values.filter(values.str.len_bytes() > 0)


def _in_hashed(values: pl.Series) -> Iterator[tuple[str, int]]:
    plain = ~values.str.contains(_SHA256)
    yield "plain values, or other digests, in a column of SHA-256", _notable(plain)
    yield "hashes of nothing (an empty text, 'null' ...)", _known(values)


def _in_plain(values: pl.Series, field: Field) -> Iterator[tuple[str, int]]:
    hashed = values.str.contains(_DIGEST)
    if field not in (Field.EXTERNAL_ID, Field.MOBILE_AD_ID):
        yield "hashes in a plain column: they would be hashed again (hashed: true)", _notable(hashed)
        yield "hashes of nothing (an empty text, 'null' ...)", _known(values)
    for what, (pattern, fields) in _ELSEWHERE.items():
        if field in fields:
            yield f"{what} in it", _notable(values.str.contains(pattern))


def _lost_plus(rows: pl.DataFrame, name: str, field: Field, identifier: Identifier) -> Iterator[tuple[str, int]]:
    """International numbers that a numeric column has cost their plus: in some countries they are national numbers, too."""
    if field is not Field.PHONE or identifier.hashed or identifier.region is None:
        return
    region = pl.lit(identifier.region) if identifier.fixed_region else pl.col(identifier.region)
    digits = rows.select(digits=pl.col(name).str.replace_all(r"[\s()./-]", ""), region=region)
    digits = digits.filter(pl.col("digits").str.contains(r"^[1-9]\d{9,14}$"))
    rule, number = recipe("phone.e164_plus.v1"), pl.col("digits")
    read = digits.select(
        number,
        read=normalise(rule, number, pl.col("region")).struct.field("value").str.strip_prefix("+"),
        meant=normalise(rule, "+" + number, pl.col("region")).struct.field("valid"),
    )
    code = pl.col("read").str.head(pl.col("read").str.len_bytes() - number.str.len_bytes())
    doubled = pl.col("read").str.ends_with(number) & (code != "") & number.str.starts_with(code) & pl.col("meant")
    count = read.filter(doubled).height
    what = "numbers that begin with their country's code and have no plus: they are read as national numbers; write the plus"
    yield what, count if count >= _NOTABLE * digits.height else 0


def _one_for_all(values: pl.Series, field: Field) -> Iterator[tuple[str, int]]:
    if field in IDENTIFYING and len(values) >= _FEW_ROWS:
        most = int(values.value_counts().get_column("count").max() or 0)  # type: ignore[arg-type]
        yield "one value in most of its rows", most if most > _MOST * len(values) else 0


def _notable(found: pl.Series) -> int:
    count = int(found.sum())
    return count if count >= _NOTABLE * len(found) else 0


def _known(values: pl.Series) -> int:
    return int(values.str.to_lowercase().is_in(sorted(digests_of_nothing())).sum())
