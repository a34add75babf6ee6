"""Wire rows -> batches by rows, identifiers and bytes; batch and session ids from content, so that a retry finds its own."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

import polars as pl

from guestlist.model.capabilities import Capabilities
from guestlist.model.delivery import Batch, Envelope, Session
from guestlist.model.plan import Cut, Upload
from guestlist.model.vocabulary import Operation
from guestlist.pipeline.audience import MEMBER, identifiers_in

BATCHES_PER_PART = 10
ROWS_PER_PART = 50_000
"""A part is what one mapped Airflow task delivers: so many batches and so many rows at least. That is several seconds of
requests, and small batches do not become tasks by the thousand: Airflow maps no more than ``core.max_map_length``, 1,024."""
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


class Cutter:
    """Cuts one operation's wire rows into batches and parts, as they come; how they come in pieces makes no difference.

    ``reference`` names the audience. A part is a run of ``BATCHES_PER_PART`` batches or more.
    """

    def __init__(self, capabilities: Capabilities, operation: Operation, session: int, reference: str) -> None:
        """Begin an upload."""
        self._capabilities = capabilities
        self._operation = operation
        self._session = session
        self._reference = reference
        self._waiting: pl.DataFrame | None = None
        self._part: list[pl.DataFrame] = []
        self._parts = 0
        self._members = 0
        self._cuts: list[Cut] = []

    def add(self, rows: pl.DataFrame) -> Iterator[pl.DataFrame]:
        """Take rows of further members; gives the parts that they complete."""
        self._members += rows[MEMBER].n_unique()
        rows = rows if self._waiting is None else pl.concat([self._waiting, rows])
        *whole, last = list(cut(rows, self._capabilities)) or [(0, 0)]
        for offset, length in whole:
            yield from self._batch(rows.slice(offset, length))
        self._waiting = rows.slice(*last)  # what comes next may still find room in it

    def finish(self) -> Iterator[pl.DataFrame]:
        """Give the last part, if anything is left."""
        if self._waiting is not None and self._waiting.height:
            yield from self._batch(self._waiting)
            self._waiting = None
        if self._part:
            yield self._whole_part()

    def _batch(self, rows: pl.DataFrame) -> Iterator[pl.DataFrame]:
        offset = sum(batch.height for batch in self._part)
        if len(self._part) >= BATCHES_PER_PART and offset >= ROWS_PER_PART:
            yield self._whole_part()
            offset = 0
        identity = batch_id(self._reference, self._operation, rows)
        self._cuts.append(Cut(identity, len(self._cuts) + 1, self._parts, offset, rows.height))
        self._part.append(rows)

    def _whole_part(self) -> pl.DataFrame:
        part, self._part = pl.concat(self._part), []
        self._parts += 1
        return part

    @property
    def upload(self) -> Upload:
        """What was cut, once it is finished."""
        rows = sum(cut.rows for cut in self._cuts)
        return Upload(self._operation, self._session, self._members, rows, self._parts, tuple(self._cuts))


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
