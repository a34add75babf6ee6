"""The words that segment files, plans and platforms share: fields, modes, operations."""

from __future__ import annotations

from enum import StrEnum


class Field(StrEnum):
    """What a source column can be mapped to."""

    EMAIL = "email"
    PHONE = "phone"
    FIRST_NAME = "first_name"
    LAST_NAME = "last_name"
    FIRST_INITIAL = "first_initial"
    CITY = "city"
    STATE = "state"
    POSTAL_CODE = "postal_code"
    COUNTRY = "country"
    GENDER = "gender"
    BIRTH_YEAR = "birth_year"
    BIRTH_MONTH = "birth_month"
    BIRTH_DAY = "birth_day"
    MOBILE_AD_ID = "mobile_ad_id"
    EXTERNAL_ID = "external_id"


MULTI_VALUED = frozenset({Field.EMAIL, Field.PHONE, Field.MOBILE_AD_ID})
"""Fields of which one person may have several values; their columns are lists of strings, all others are strings."""


PREHASHED = "sha256.v1"
"""The recipe of columns that hold hashes already."""
IDENTIFYING = MULTI_VALUED | {Field.EXTERNAL_ID}
"""Fields that name one person; all others only together with more."""


class Mode(StrEnum):
    """How an audience is kept (docs/promises.md)."""

    MIRROR = "mirror"
    APPEND = "append"
    REMOVE = "remove"
    REPLACE = "replace"
    SNAPSHOT = "snapshot"


class Operation(StrEnum):
    """What a session does to an audience."""

    REMOVE = "remove"
    ADD = "add"
    REPLACE = "replace"
