"""Meta's match keys, and rows as its payload has them.

Contract: https://developers.facebook.com/documentation/ads-commerce/marketing-api/audiences/guides/custom-audiences
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import msgspec
from msgspec import Raw

from guestlist.destinations._json import around, array_of, value_of
from guestlist.model.capabilities import Composite, MatchKey
from guestlist.model.conversation import Json
from guestlist.model.delivery import Session
from guestlist.model.vocabulary import Field, Operation

if TYPE_CHECKING:
    import polars as pl

KEYS = (
    MatchKey(Field.EMAIL, "email.lower.v1", "EMAIL"),
    MatchKey(Field.PHONE, "phone.e164_digits.v1", "PHONE"),
    MatchKey(Field.FIRST_NAME, "name.meta.v1", "FN"),
    MatchKey(Field.LAST_NAME, "name.meta.v1", "LN"),
    MatchKey(Field.FIRST_INITIAL, "initial.meta.v1", "FI"),
    MatchKey(Field.CITY, "city.meta.v1", "CT"),
    MatchKey(Field.STATE, "state.meta.v1", "ST"),
    MatchKey(Field.POSTAL_CODE, "postal_code.meta.v1", "ZIP"),
    MatchKey(Field.COUNTRY, "country.meta.v1", "COUNTRY"),
    MatchKey(Field.GENDER, "gender.meta.v1", "GEN"),
    MatchKey(Field.BIRTH_YEAR, "birth_year.meta.v1", "DOBY"),
    MatchKey(Field.BIRTH_MONTH, "birth_month.meta.v1", "DOBM"),
    MatchKey(Field.BIRTH_DAY, "birth_day.meta.v1", "DOBD"),
    MatchKey(Field.MOBILE_AD_ID, "mobile_ad_id.lower.v1", "MADID", plain=True),
    MatchKey(Field.EXTERNAL_ID, "external_id.v1", "EXTERN_ID", plain=True, membership_days=90),
)
_WIRE = {key.field: key.wire for key in KEYS}
PROFILE = Composite(
    "profile",
    required=(Field.FIRST_NAME, Field.LAST_NAME),
    optional=(
        Field.FIRST_INITIAL, Field.CITY, Field.STATE, Field.POSTAL_CODE, Field.COUNTRY, Field.GENDER,
        Field.BIRTH_YEAR, Field.BIRTH_MONTH, Field.BIRTH_DAY,
    ),
    only_alone=True,
)  # fmt: skip


def schema_of(session: Session) -> list[str]:
    """Meta's names of the columns of a session's rows, in order."""
    return [_WIRE[name] for name in session.fields] + (["LOOKALIKE_VALUE"] if _valued(session) else [])


def _valued(session: Session) -> bool:
    """Whether rows carry a value; who is removed has none any more, and Meta refuses a row whose value is null."""
    return session.currency is not None and session.operation is not Operation.REMOVE


def rows_of(rows: pl.DataFrame, session: Session) -> Raw:
    """One JSON array a row, in the order of the schema; an unknown value is the empty string, never its hash."""
    import polars as pl

    values = [value_of(pl.col(name).fill_null("")) for name in session.fields]
    if _valued(session):
        values.append(value_of(pl.col("value")))
    return array_of(rows, around("[", pl.concat_str(values, separator=","), "]"))


def invalid_rows(body: Json, data: Raw) -> list[int]:
    """The rows that Meta shows among its samples of invalid entries: a list, or a map from value to reason."""
    samples = body.get("invalid_entry_samples") if isinstance(body, dict) else None
    if not isinstance(samples, list | dict) or not samples:
        return []
    shown = {sample if isinstance(sample, str) else json.dumps(sample, sort_keys=True) for sample in samples}
    return [
        index
        for index, row in enumerate(msgspec.json.decode(data))
        if json.dumps(row) in shown or any(isinstance(value, str) and value and value in shown for value in row)
    ]
