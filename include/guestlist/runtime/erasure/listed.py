"""The lists of erased people in the lake: digests of their keys, and the names that they had as members."""

from __future__ import annotations

from typing import Any

import polars as pl
from sqlalchemy import Row

from guestlist.model.errors import ConfigError, DataError
from guestlist.model.vocabulary import IDENTIFYING, Field
from guestlist.pipeline.erasure import DIGEST, FIELD, FORM, NOBODY, Erased
from guestlist.pipeline.receipts import digest_of_list
from guestlist.runtime.wiring import Workspace

MEMBER_NAME, SALT = "member", "salt"
"""What ``field`` says besides a key's field: ``form`` is then the segment, or nothing."""
SCHEMA = dict.fromkeys((FIELD, FORM, DIGEST), pl.String)


def list_file(erasure_id: str) -> str:
    """Where an erasure's list is in the lake; no segment's name begins like that."""
    return f"_erasures/{erasure_id}.parquet"


def read_list(workspace: Workspace, erasure: Row[Any]) -> pl.DataFrame:
    """The list of one erasure: ``field``, ``form``, ``digest``.

    Raises:
        ConfigError: it is gone or was changed; without it erased people would come back.
    """
    try:
        listed = workspace.lake.scan(erasure.list_path).collect()
    except DataError:
        listed = pl.DataFrame(schema=SCHEMA)
    if digest_of_list(listed.iter_rows()) != erasure.list_digest:
        told = f"the lake's {erasure.list_path} is gone or was changed, and erased people would come back"
        raise ConfigError(f"{told}: restore it from a backup")
    return listed


def erased_of(workspace: Workspace, segment: str) -> Erased:
    """Everybody who was ever erased, as a segment may know them."""
    lists = [read_list(workspace, erasure) for erasure in workspace.ledger.erasures()]
    return erased_in(pl.concat(lists), segment) if lists else NOBODY


def erased_in(listed: pl.DataFrame, segment: str) -> Erased:
    """The people of a list."""
    digests = {
        Field(name): frozenset(rows.get_column(DIGEST)) for (name,), rows in listed.group_by(FIELD) if name in IDENTIFYING
    }
    members = listed.filter((pl.col(FIELD) == MEMBER_NAME) & (pl.col(FORM) == segment)).get_column(DIGEST)
    return Erased(digests, frozenset(members))
