"""Parts of a source that can be read each by itself, at the same time, on several machines; together they are all of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import pyarrow as pa

from guestlist.model.errors import NoRows
from guestlist.model.source import Source
from guestlist.sources.base import Reader

MOST_TASKS = 32
"""For the files of a glob, where the segment does not say how many tasks may share them."""


@dataclass(frozen=True)
class Partition:
    """One part: number ``number`` of ``count``, from 0; what ``{{ partition }}`` is in its query, or the files that it is."""

    number: int
    count: int
    word: str | int | None = None
    files: tuple[str, ...] = ()

    @property
    def label(self) -> str:
        """As people see it among the tasks."""
        return str(self.word) if isinstance(self.word, str) else f"{self.number + 1} of {self.count}"

    def as_json(self) -> dict[str, Any]:
        """Plain JSON."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Partition:
        """What `as_json` gave."""
        return cls(**{**data, "files": tuple(data["files"])})


def of_query(source: Source) -> tuple[Partition, ...]:
    """The partitions of an SQL source, one if it has none."""
    given = source.partitions or 1
    words: Sequence[str | int] = range(given) if isinstance(given, int) else given
    return tuple(Partition(number, len(words), word) for number, word in enumerate(words))


def of_files(source: Source, files: Sequence[str]) -> tuple[Partition, ...]:
    """Files in groups of neighbours, as equal as can be, one group a task."""
    most = source.partitions if isinstance(source.partitions, int) else MOST_TASKS
    count = min(most, len(files))
    bounds = [len(files) * number // count for number in range(count + 1)]
    return tuple(Partition(number, count, files=tuple(files[bounds[number] : bounds[number + 1]])) for number in range(count))


@dataclass(frozen=True)
class InTurn:
    """All partitions of a source as one: they are read one after the other."""

    readers: Sequence[Reader]

    def batches(self, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """See `guestlist.sources.base.Reader`; a partition without rows is no trouble as long as another has some."""
        empty: list[NoRows] = []
        for reader in self.readers:
            try:
                yield from reader.batches(columns)
            except NoRows as error:
                empty.append(error)
        if len(empty) == len(self.readers):
            raise empty[0]

    def schema(self) -> pa.Schema:
        """Of the first, which is that of all."""
        return self.readers[0].schema()

    def describe(self) -> str:
        """What is read."""
        return self.readers[0].describe()
