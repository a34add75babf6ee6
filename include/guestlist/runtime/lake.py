"""The lake: Parquet files of prepared members, parts and generations, on local disk or an object store.

<segment>/runs/<run>/<n>/part-00000-000.parquet    prepared members, several files a batch of the source, each sorted by member
<segment>/runs/<run>/<n>/parts.json                or the folders of such files, where each partition was a task of its own
<segment>/plans/<label>/<run>-<attempt>/           plan.json, who is gone, each operation's parts, and its whole members
<segment>/generations/<label>/<plan>/              what the platform holds once that plan was sealed
key.locked                                         a word that only the vault's key opens, once anything is encrypted
_erasures/<id>.parquet                             digests of the keys of people who were erased; never deleted

Match keys are personal data: on local disk only the owner may read them. Where a segment has a platform that takes plain
text, all of its files are encrypted, and have ``.locked`` after their names.
"""

from __future__ import annotations

import io
import json
import os
import secrets
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import TYPE_CHECKING, Any

from upath import UPath

from guestlist.model.errors import ConfigError, DataError
from guestlist.runtime.layout import PARTS
from guestlist.runtime.storage import READ_BY_POLARS, on_storage, write_parquet
from guestlist.runtime.vault import Vault

if TYPE_CHECKING:  # the API server keeps uploads here, and has no use for Polars
    import polars as pl

LOCKED = ".locked"
"""After the name of what is encrypted."""
_PROOF = "key" + LOCKED
_KEPT_OPEN = 64 * 2**20
"""Bytes of opened files that stay in memory."""
MEMBERS_READ_TOGETHER = 32_768
"""Rows of a row group. Members are sorted, so that a span of them can be read without the rest."""


def _no_vault() -> Vault:
    raise DataError("this file of the lake is encrypted, and there is no vault to open it")


class Lake:
    """Files below one root. A file is there whole or not at all.

    ``vault`` opens what is encrypted; with ``locking`` everything that is written is.
    """

    def __init__(self, root: str, vault: Callable[[], Vault] = _no_vault, *, locking: bool = False) -> None:
        """Use a folder or an object-store address; it is made when first written to."""
        self._vault = vault
        self._locking = locking
        self._opened: dict[str, bytes] = {}
        path = UPath(root)
        self.root = UPath(path.path) if path.protocol in ("file", "local") else path

    @on_storage
    def generations(self, segment: str, label: str) -> list[str]:
        """The folders of all generations of an audience, oldest first."""
        root = f"{segment}/generations/{label}"
        return sorted(f"{root}/{folder.name}" for folder in (self.root / root).glob("*") if folder.is_dir())

    def write_members(self, path: str, members: pl.DataFrame) -> None:
        """Write members, sorted by member, so that a span of them can be read without the rest."""
        from guestlist.pipeline.audience import MEMBER

        self.write(path, members.sort(MEMBER, maintain_order=True), row_group_size=MEMBERS_READ_TOGETHER)

    @on_storage
    def rewrite(self, path: str, frame: pl.DataFrame) -> None:
        """Write a file again with less in it, encrypted if it was."""
        self._write(path, frame, MEMBERS_READ_TOGETHER, locking=self._there(path + LOCKED))

    @on_storage
    def write(self, path: str, frame: pl.DataFrame, row_group_size: int | None = None) -> None:
        """Write a frame as Parquet."""
        self._write(path, frame, row_group_size, locking=self._locking)

    def _write(self, path: str, frame: pl.DataFrame, row_group_size: int | None, *, locking: bool) -> None:
        name = path + LOCKED * locking
        self._opened.pop(name, None)
        target = self._prepare(name)
        if self._local and not locking:
            with target.open("wb") as file:
                write_parquet(frame, file, row_group_size)
        else:  # in one piece: fsspec would store what is there of a file that fails half way
            buffer = io.BytesIO()
            write_parquet(frame, buffer, row_group_size)
            _put(target, self._vault().lock(buffer.getvalue(), name) if locking else buffer.getvalue())
        self._finish(target, name)

    @on_storage
    def write_json(self, path: str, data: Any) -> None:
        """Write a document."""
        target = self._prepare(path)
        _put(target, json.dumps(data, indent=1, default=str).encode())
        self._finish(target, path)

    def _prepare(self, path: str, mark: str = "") -> UPath:
        target = self.root / path
        if self._local:
            os.umask(0o077)
            target.parent.mkdir(parents=True, exist_ok=True)
            return target.with_name(f".{target.name}{mark}.tmp")
        return target  # an object store shows an object only when it is whole

    def _finish(self, written: UPath, path: str) -> None:
        if self._local:
            written.replace(self.root / path)

    @property
    def _local(self) -> bool:
        return not self.root.protocol

    @on_storage
    def read_json(self, path: str) -> Any:
        """Read a document."""
        try:
            return json.loads((self.root / path).read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise _missing(path) from None

    @on_storage
    def scan(self, path: str) -> pl.LazyFrame:
        """A Parquet file, or all `parts` of a path."""
        import polars as pl

        files = [path] if path.endswith(".parquet") else self.parts(path)
        plain = [file for file in files if self._there(file)]
        locked = [file + LOCKED for file in files if self._there(file + LOCKED)]
        if not plain and not locked:
            raise _missing(path)
        frames = []
        if plain and self.root.protocol in READ_BY_POLARS:
            frames.append(pl.scan_parquet([str(self.root / file) for file in plain]))
        elif plain:
            frames.append(self._scan_opened(plain))
        return pl.concat([*frames, *([self._scan_opened(locked)] if locked else [])])

    def _scan_opened(self, names: list[str]) -> pl.LazyFrame:
        """Files that are encrypted or out of Polars' reach, opened one after the other when they are read."""
        import polars as pl
        from polars.io.plugins import register_io_source

        def read(
            columns: list[str] | None, predicate: pl.Expr | None, rows: int | None, _batch: int | None
        ) -> Iterator[pl.DataFrame]:
            left = rows
            for name in names:
                frame = pl.read_parquet(self._open(name), columns=columns)
                frame = frame.filter(predicate) if predicate is not None else frame
                if left is not None:
                    frame = frame.head(left)
                    left -= frame.height
                yield frame
                if left == 0:
                    return

        return register_io_source(read, schema=pl.read_parquet_schema(self._open(names[0])))

    @on_storage
    def _open(self, name: str) -> io.BytesIO:
        """A plan reads the same files several times over: those that are small enough stay open in memory."""
        if name in self._opened:
            return io.BytesIO(self._opened[name])
        data = (self.root / name).read_bytes()
        if name.endswith(LOCKED):
            data = self._vault().unlock(data, name)
        if sum(map(len, self._opened.values())) + len(data) <= _KEPT_OPEN:
            self._opened[name] = data
        return io.BytesIO(data)

    @on_storage
    def check_key(self) -> None:
        """Try the vault's key before anything is read or sent: on the word for it, or on any other file that is encrypted.

        Raises:
            ConfigError: there is no key, or it does not open this lake.
        """
        vault = self._vault()
        proof = self.root / _PROOF
        for file in [proof] if proof.exists() else islice(self.root.glob(f"**/*{LOCKED}"), 1):
            vault.unlock(file.read_bytes(), self._name(file))

    @on_storage
    def prove_key(self) -> None:
        """Check the key, and lock a word with it, so that the next check has one small file to read."""
        self.check_key()
        if not self._there(_PROOF):
            self._write_bytes(_PROOF, self._vault().lock(b"guestlist", _PROOF))

    @on_storage
    def locked(self) -> list[str]:
        """All encrypted files, the word for the key last: if it is locked with a key, so is everything."""
        found = (self._name(file) for file in self.root.glob(f"**/*{LOCKED}"))
        return sorted(found, key=lambda name: (name == _PROOF, name))

    def segments(self) -> set[str]:
        """The segments of which something is encrypted."""
        return {name.split("/")[0] for name in self.locked() if name != _PROOF}

    @on_storage
    def relock(self, name: str) -> bool:
        """Lock an encrypted file with the vault's first key; False if it was so, or has gone meanwhile."""
        try:
            data = (self.root / name).read_bytes()
        except FileNotFoundError:
            return False
        again = self._vault().relock(data, name)
        if again is not None:
            self._write_bytes(name, again)
        return again is not None

    def _write_bytes(self, name: str, data: bytes) -> None:
        target = self._prepare(name, mark=f".{secrets.token_hex(4)}")  # two runs may write the word for the key at once
        _put(target, data)
        self._finish(target, name)

    def _name(self, file: UPath) -> str:
        return str(file.relative_to(self.root))

    @on_storage
    def exists(self, path: str) -> bool:
        """Whether a file is there, encrypted or not."""
        return self._there(path) or self._there(path + LOCKED)

    def _there(self, name: str) -> bool:
        return bool((self.root / name).exists())

    @on_storage
    def parts(self, path: str) -> Iterable[str]:
        """The Parquet files of a folder, or of the folders that a `PARTS` file lists, in order, as paths below the root."""
        if path.endswith(PARTS):
            folders = self.read_json(path) if self._there(path) else ()
            return [file for folder in folders for file in self.parts(folder)]
        found = {file.name.removesuffix(LOCKED) for file in (self.root / path).glob("*.parquet*")}
        return [f"{path}/{name}" for name in sorted(found) if name.endswith(".parquet")]

    @on_storage
    def files(self, folder: str) -> list[str]:
        """All Parquet files below a folder, in order, as paths below the root."""
        above = len(self.root.path.rstrip("/")) + 1
        found = {file.path[above:].removesuffix(LOCKED) for file in (self.root / folder).glob("**/*.parquet*")}
        return sorted(path for path in found if path.endswith(".parquet"))

    @on_storage
    def plans_with_members(self, segment: str, label: str) -> list[str]:
        """The folders of plans that still have whole members in them."""
        root = f"{segment}/plans/{label}"
        found = (self.root / root).glob("*/*-members/*.parquet*")
        return sorted({f"{root}/{file.parent.parent.name}" for file in found})

    @on_storage
    def remove(self, path: str) -> None:
        """Remove a file, encrypted or not, or a folder with all that is in it; what is not there is no matter."""
        self._opened.clear()
        for target in (self.root / path, self.root / (path + LOCKED)):
            if target.is_dir():
                target.fs.rm(target.path, recursive=True)
            else:
                target.unlink(missing_ok=True)


def _put(target: UPath, data: bytes) -> None:
    try:
        target.write_bytes(data)
    except FileNotFoundError:  # folders are made, or there are none
        raise ConfigError("the lake (GUESTLIST_LAKE) is in a bucket that is not there: make it, or mend the address") from None


def _missing(path: str) -> DataError:
    return DataError(f"the lake has no {path}: was it pruned? Clear the run's prepare task, so that all of it is made anew")
