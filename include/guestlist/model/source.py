"""Where a segment's rows come from, and which of their columns identify people; a part of the segment file."""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, model_validator
from pydantic import Field as Described

from guestlist.model.dbt import Dbt
from guestlist.model.vocabulary import Field

ROW_KEY = "guestlist_row"
"""The key of rows that are pushed without one: all of their identifiers together name a member."""
_FIXED_REGION = re.compile(r"[A-Z]{2}|\+")
_GLOB = re.compile(r"[*?\[]")
_MOST_PARTITIONS = 500
"""Half of what Airflow maps a task over by default."""
_ON_A_SERVER = re.compile(r"(s3|gs|gcs|az|abfs|abfss|sftp)://", re.IGNORECASE)


class Strict(BaseModel):
    """Frozen, and a key that nobody knows is a typing mistake."""

    model_config = ConfigDict(extra="forbid", frozen=True)


Name = Annotated[str, Described(min_length=1)]
ColumnNames = Annotated[
    tuple[Name, ...],
    BeforeValidator(lambda value: (value,) if isinstance(value, str) else value, json_schema_input_type=str | list[str]),
    Described(min_length=1),
]


Word = Annotated[str, Described(pattern=r"^[A-Za-z0-9_.:+@/-]+$")]
"""What cannot change a query, wherever in it it stands."""
Words = Annotated[tuple[Word, ...], Described(min_length=2, max_length=_MOST_PARTITIONS)]


class Identifier(Strict):
    """The source columns of one match key.

    ``region``: a column, or a fixed ISO 3166 code such as DE; never guessed. A phone's may be ``+``: all numbers begin with
    their country code, whether or not the plus is written.
    """

    columns: ColumnNames
    region: Name | None = None
    hashed: bool = False
    """The column already holds SHA-256; it is checked, never hashed twice."""

    @property
    def fixed_region(self) -> str | None:
        """The country that holds for every row, where the file names one, or ``+``."""
        return self.region if self.region and _FIXED_REGION.fullmatch(self.region) else None

    @property
    def region_column(self) -> str | None:
        """The column that holds each row's country."""
        return None if self.region is None or self.fixed_region else self.region


def _identifier(value: Any) -> Any:
    return {"columns": value} if isinstance(value, str | list) else value


IdentifierSpec = Annotated[Identifier, BeforeValidator(_identifier, json_schema_input_type=str | list[str] | Identifier)]
Identifiers = Annotated[dict[Field, IdentifierSpec], Described(min_length=1)]


class Intake(Strict):
    """Rows are pushed over HTTP: each audience that somebody pushes has the rules and destinations of the segment's file."""

    max_bytes: Annotated[int, Described(gt=0)] = 5 * 2**30
    """Of one upload."""


class Source(Strict):
    """Where rows come from: a connection with ``sql`` or ``table``, a ``file`` (path, glob or address), or an ``intake``."""

    connection: str | None = None
    sql: str | None = None
    table: str | None = None
    file: str | None = None
    format: str | None = Described(None, pattern="^(csv|tsv|parquet|ndjson|excel)$")
    delimiter: str | None = Described(None, min_length=1, max_length=1)
    encoding: str | None = None
    sheet: str | None = None
    dbt: Dbt | None = None
    intake: Intake | None = None
    partitions: Annotated[int, Described(ge=2, le=_MOST_PARTITIONS)] | Words | None = None
    """Parts that tasks read by themselves: how many, or the words that ``{{ partition }}`` stands for in each."""

    @property
    def in_parts(self) -> bool:
        """Whether tasks read parts of it: it has partitions, or is a glob, of which every file may be one."""
        return self.partitions is not None or self.in_files

    @property
    def in_files(self) -> bool:
        """Whether it may be several files."""
        return bool(self.file and _GLOB.search(self.file))

    @model_validator(mode="after")
    def _parts_of_something(self) -> Source:
        if self.partitions is None or self.sql:
            return self
        if self.table:
            raise ValueError("`partitions` of a table: write `sql` that picks its rows with {{ partition }}")
        if not self.in_files or not isinstance(self.partitions, int):
            raise ValueError("`partitions` of files: write the most tasks that may share the files of a glob, as a number")
        return self

    @model_validator(mode="after")
    def _one_way(self) -> Source:
        if self.intake is not None:
            if self.model_fields_set & set(Source.model_fields) != {"intake"}:
                raise ValueError("`intake` stands alone: what an upload is like is said with the upload")
        elif self.file is not None:
            if self.sql or self.table:
                raise ValueError("`file` stands alone: leave out `sql` and `table`")
            if self.connection and not _ON_A_SERVER.match(self.file):
                raise ValueError(
                    "a `file` takes a `connection` only where it lies on a server: s3, gs, az, abfss or sftp://..."
                )
        elif self.connection is None:
            raise ValueError("say where rows come from: `connection` with `sql` or `table`, `file`, or `intake`")
        elif (self.sql is None) == (self.table is None):
            raise ValueError("a `connection` needs either `sql` or `table`")
        return self


class Upload(Source):
    """What was pushed to an intake at one time; no segment file has it."""

    upload_id: str
    identifying: tuple[Name, ...]
    """The columns that make up `ROW_KEY`."""
    leaves: bool = False
    """Nobody: the audience's people are to be taken off it."""
