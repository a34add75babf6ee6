"""Reads one sheet of a workbook for `guestlist.sources.formats.excel`, in a process of its own."""

from __future__ import annotations

import json
from typing import Any

import pyarrow as pa

from guestlist.sources.base import ROWS_PER_BATCH


def work(argument: str, content: bytes) -> bytes:
    """A line of JSON and, where columns are asked for, an Arrow stream of them as text.

    ``argument`` is {"sheet": name or null, "columns": names or null}. The line is {} for what is no workbook,
    else {"sheets": names, "header": the first row of the sheet as text, or null where there is no such sheet}.
    """
    import fastexcel

    asked = json.loads(argument)
    try:
        book = fastexcel.read_excel(content)
        sheets = [str(name) for name in book.sheet_names]
        name = sheets[0] if asked["sheet"] is None else asked["sheet"]
        header = _header(book, name) if name in sheets else None
        told = json.dumps({"sheets": sheets, "header": header}).encode() + b"\n"
        if header is None or asked["columns"] is None:
            return told
        places = {header.index(column): column for column in asked["columns"]}
        loaded = book.load_sheet(name, use_columns=sorted(places), dtypes="string", eager=True)
        return told + _stream(loaded.rename_columns([places[place] for place in sorted(places)]).select(asked["columns"]))
    except fastexcel.FastExcelError:
        return b"{}\n"


def _header(book: Any, sheet: str) -> list[str]:
    """As written in the first row; fastexcel itself renames what stands twice."""
    first = book.load_sheet(sheet, header_row=None, n_rows=1, dtypes="string", eager=True)
    return [column[0].as_py() or "" for column in first.columns] if first.num_rows else []


def _stream(batch: pa.RecordBatch) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, batch.schema) as writer:
        writer.write_table(pa.Table.from_batches([batch]), ROWS_PER_BATCH)
    return bytes(sink.getvalue())
