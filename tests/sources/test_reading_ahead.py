"""Arrow reads text ahead in threads of its own: a process that ends while one of them is in Python is aborted."""

from __future__ import annotations

import time
from collections.abc import Generator
from itertools import islice
from pathlib import Path
from typing import Any, Self, cast

import pytest
from fsspec.implementations.local import LocalFileSystem

from guestlist.model.errors import DataError
from guestlist.model.source import Source
from guestlist.sources.formats import delimited
from guestlist.sources.formats.location import DataFile

MIB = 1 << 20
HEAD = b"id,name\n"
ROWS = b"1,x\n" * (MIB // 4)


class Slow:
    """A file whose large reads take their time; ``reading`` has those that are under way."""

    def __init__(self, raw: Any, reading: set[int]) -> None:
        self.raw, self.reading = raw, reading

    def read(self, size: int) -> bytes:
        self.reading.add(id(self))
        time.sleep(0.02 if size >= MIB else 0)
        block = self.raw.read(min(size, MIB))
        self.reading.discard(id(self))
        return cast("bytes", block)

    def close(self) -> None:
        self.raw.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class Cut(Slow):
    """It cannot be read to its end."""

    def read(self, size: int) -> bytes:
        if self.raw.tell() >= 6 * MIB:
            raise OSError("a host with a secret in its name hung up")
        return super().read(size)


class Store(LocalFileSystem):
    """Where it lies."""

    cachable = False

    def __init__(self, kind: type[Slow] = Slow) -> None:
        super().__init__()
        self.kind, self.reading = kind, set[int]()

    def open(self, path: str, *_: Any, **__: Any) -> Slow:
        return self.kind(Path(path).open("rb"), self.reading)


def read(store: Store, path: Path, most: int | None = None) -> None:
    batches = delimited.rows(DataFile("file a.csv", str(path), store), Source(file="a.csv", encoding="utf-8"), ["id"])
    for _ in islice(batches, most):
        pass
    cast("Generator[object]", batches).close()


@pytest.mark.parametrize(
    ("head", "told"),
    [
        (b'1,"' + b"x" * 20 * MIB, "line 2: the row is longer than 8 MiB"),
        (b"1,x,y\n", "line 2: the row has 3 fields"),
        (b"\xff,x\n", "is not UTF-8: byte 8"),
    ],
    ids=["a long row", "a field too many", "broken bytes"],
)
def test_after_an_error_nobody_reads_on(tmp_path: Path, head: bytes, told: str) -> None:
    (tmp_path / "a.csv").write_bytes(HEAD + head + ROWS * 24)
    store = Store()
    with pytest.raises(DataError, match=told):
        read(store, tmp_path / "a.csv")
    assert store.reading == set()


def test_nobody_reads_on_where_the_first_rows_are_enough(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(HEAD + ROWS * 24)
    store = Store()
    read(store, tmp_path / "a.csv", most=1)
    assert store.reading == set()


def test_an_error_of_the_store_is_told_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(HEAD + ROWS * 24)
    with pytest.raises(DataError, match=r"file a\.csv cannot be read to its end: OSError; export it again"):
        read(Store(Cut), tmp_path / "a.csv")
