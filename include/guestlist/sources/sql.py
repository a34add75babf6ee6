"""What the SQL databases share: quoting of names, wrapping of queries, and complaints without people's values."""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence

from guestlist.model.errors import DataError
from guestlist.model.segment import Source

_SHOWN_TABLES = 40
_PART = re.compile(r'"((?:[^"]|"")+)"|([^".\s]+)')
_VALUE = re.compile(r"\S+@\S+|'[^']*'?|\"[^\"]*\"?|(?<![A-Za-z_0-9])[+-]?\d[\d.,:eE+-]*")
_END = re.compile(r"[\s;]*;\s*(?:--[^\n]*\s*)*$")


def describe(source: Source) -> str:
    """``table customers of connection warehouse``."""
    what = f"table {source.table}" if source.table else "the SQL"
    return f"{what} of connection {source.connection}"


def quoted(name: str) -> str:
    """A name as an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def table_parts(table: str, where: str) -> list[str]:
    """``sales.customers`` or ``"odd name".customers`` -> its parts.

    Raises:
        DataError: it is not a table's name.
    """
    parts = [match[1].replace('""', '"') if match[1] else match[2] for match in _PART.finditer(table)]
    if not parts or not re.fullmatch(rf"\s*(?:{_PART.pattern})(?:\.(?:{_PART.pattern}))*\s*", table):
        raise DataError(f'{where}: {table!r} is not the name of a table; write table, schema.table or "odd name".table')
    return parts


def query(source: Source, where: str) -> str:
    """The query that gives all of the source: its own SQL without the closing semicolon, or the whole table."""
    if source.table:
        return "SELECT * FROM " + ".".join(quoted(part) for part in table_parts(source.table, where))
    return _END.sub("", source.sql or "")


def only(columns: Sequence[str], text: str) -> str:
    """The query ``text`` reduced to some of its columns; the line break ends a comment on its last line."""
    return f"SELECT {', '.join(quoted(name) for name in dict.fromkeys(columns))} FROM (\n{text}\n) AS source_rows"


def missing_table(table: str, there: Sequence[str]) -> str:
    """What to say when ``there``, the tables that can be read, do not hold ``table``."""
    near = difflib.get_close_matches(table.casefold(), [name.casefold() for name in there], n=2)
    hint = f" (is it {' or '.join(near)}?)" if near else ""
    shown = ", ".join(there[:_SHOWN_TABLES]) + (", ..." if len(there) > _SHOWN_TABLES else "")
    return f"is not there{hint}; there are: {shown or 'no tables at all'}"


def complaint(error: Exception, *, of_text: bool) -> str:
    """The first line of a driver's message.

    ``of_text`` says that it is about the query's own words (a wrong name, a typing mistake). Otherwise it may quote what it
    found in a row, and everything in quotes and all numbers are blanked.
    """
    line = next(iter(str(error).strip().splitlines()), type(error).__name__)
    line = re.sub(r"^.*?(?:ERROR|FATAL):\s+", "", line)
    return line if of_text else _VALUE.sub("…", line)
