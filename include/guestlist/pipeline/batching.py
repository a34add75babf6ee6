"""Wire rows -> batches by rows, identifiers and bytes; batch and session ids from content, so that a retry finds its own."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

import polars as pl

from guestlist.model.delivery import Batch, Capabilities, Envelope, Operation, Session
from guestlist.model.plan import Cut, Upload
from guestlist.pipeline.audience import MEMBER, identifiers_in

BATCHES_PER_PART = 10
"""A part is what one mapped Airflow task delivers: several seconds of requests."""
_BYTES_PER_VALUE = 24
"""What a value costs besides its own characters: quotes, commas, field names. On the safe side."""


def session_id(segment: str, label: str, run_id: str, attempt: int, operation: Operation) -> int:
    """A positive integer below 2**53, the same whenever it is asked for: EdgeTag and Meta take it as a number."""
    name = "\x1f".join((segment, label, run_id, str(attempt), operation))
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8]) % (2**53 - 1) + 1


def envelope(session: Session, batch: Batch) -> Envelope:
    """The EdgeTag header of a batch."""
    return Envelope(session.id, batch.sequence, session.total_batches, session.total_users, session.pull_date)


def cut(rows: pl.DataFrame, capabilities: Capabilities) -> Iterator[tuple[int, int]]:
    """Where to cut wire rows into batches: (offset, length), in order, each within the platform's limits."""
    limits = capabilities.limits
    budgets: list[tuple[pl.Series, int]] = []
    if limits.identifiers_per_batch:
        budgets.append((identifiers_in(rows, capabilities).cast(pl.UInt64).cum_sum(), limits.identifiers_per_batch))
    if limits.bytes_per_batch:
        budgets.append((_bytes_in(rows).cast(pl.UInt64).cum_sum(), limits.bytes_per_batch))
    start = 0
    while start < rows.height:
        end = min(start + limits.rows_per_batch, rows.height)
        for running, budget in budgets:
            spent = running[start - 1] if start else 0
            end = min(end, int(running.search_sorted(spent + budget, side="right")))
        end = max(end, start + 1)  # a single row over the budget still has to go, alone
        yield start, end - start
        start = end


def _bytes_in(rows: pl.DataFrame) -> pl.Series:
    sizes = [
        pl.col(name).list.eval(pl.element().str.len_bytes() + _BYTES_PER_VALUE).list.sum().fill_null(0)
        if dtype == pl.List(pl.String)
        else pl.col(name).cast(pl.String).str.len_bytes().fill_null(0) + _BYTES_PER_VALUE
        for name, dtype in rows.schema.items()
        if name != MEMBER
    ]
    return rows.select(pl.sum_horizontal(sizes).alias("bytes")).to_series()


def upload_of(rows: pl.DataFrame, capabilities: Capabilities, operation: Operation, session: int, reference: str) -> Upload:
    """Cut one operation's wire rows; parts are runs of ``BATCHES_PER_PART`` batches."""
    cuts: list[Cut] = []
    part_start = 0
    for index, (offset, length) in enumerate(cut(rows, capabilities)):
        part, position = divmod(index, BATCHES_PER_PART)
        if position == 0:
            part_start = offset
        identity = batch_id(reference, operation, rows.slice(offset, length))
        cuts.append(Cut(identity, index + 1, part, offset - part_start, length))
    parts = cuts[-1].part + 1 if cuts else 0
    return Upload(operation, session, rows[MEMBER].n_unique(), rows.height, parts, tuple(cuts))


def parts_of(rows: pl.DataFrame, upload: Upload) -> Iterator[pl.DataFrame]:
    """The frames of an upload's parts, in order."""
    start = 0
    for part in range(upload.parts):
        length = sum(cut.rows for cut in upload.cuts if cut.part == part)
        yield rows.slice(start, length)
        start += length


def batch_id(reference: str, operation: Operation, rows: pl.DataFrame) -> str:
    """A digest of audience, operation and content."""
    texts = [
        pl.col(name).list.join("\x1d") if dtype == pl.List(pl.String) else pl.col(name).cast(pl.String)
        for name, dtype in rows.schema.items()
    ]
    lines = rows.select(pl.concat_str([text.fill_null("\x00") for text in texts], separator="\x1f").str.join("\x1e"))
    digest = hashlib.sha256(f"{reference}\x1e{operation}\x1e{'|'.join(rows.columns)}\x1e".encode())
    digest.update(str(lines.item()).encode())
    return digest.hexdigest()[:32]
