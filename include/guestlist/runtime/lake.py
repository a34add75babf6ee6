"""The lake: Parquet files of prepared members, parts and generations, on local disk or an object store.

<segment>/runs/<run>/<n>/part-00000.parquet        prepared members, one file a batch of the source
<segment>/plans/<label>/<run>-<attempt>/           plan.json, who is gone, each operation's members and parts
<segment>/generations/<label>/<plan>.parquet       what the platform holds once that plan was sealed

Match keys are personal data: on local disk only the owner may read them.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterable
from typing import Any

import polars as pl
from upath import UPath

from guestlist.model.delivery import Operation
from guestlist.model.errors import DataError


class Lake:
    """Files below one root. A file is there whole or not at all."""

    def __init__(self, root: str) -> None:
        """Use a folder or an object-store address; it is made when first written to."""
        path = UPath(root)
        self.root = UPath(path.path) if path.protocol in ("file", "local") else path

    def run_folder(self, segment: str, run_id: str, stamp: str) -> str:
        """Where a run's prepared members go; ``stamp`` tells one preparation from the next."""
        return f"{segment}/runs/{_slug(run_id)}/{_slug(stamp)}"

    def plan_folder(self, segment: str, label: str, run_id: str, attempt: int) -> str:
        """Where a plan and its parts go."""
        return f"{segment}/plans/{label}/{_slug(run_id)}-{attempt}"

    def generation_file(self, segment: str, label: str, plan_id: int) -> str:
        """Where the members go that a platform holds after a plan."""
        return f"{segment}/generations/{label}/{plan_id:08d}.parquet"

    def write(self, path: str, frame: pl.DataFrame) -> None:
        """Write a frame as Parquet."""
        target = self._prepare(path)
        with target.open("wb") as file:
            frame.write_parquet(file, compression="zstd", compression_level=1)
        self._finish(target, path)

    def write_json(self, path: str, data: Any) -> None:
        """Write a document."""
        target = self._prepare(path)
        target.write_text(json.dumps(data, indent=1, default=str), encoding="utf-8")
        self._finish(target, path)

    def _prepare(self, path: str) -> UPath:
        target = self.root / path
        if self._local:
            os.umask(0o077)
            target.parent.mkdir(parents=True, exist_ok=True)
            return target.with_name(f".{target.name}.tmp")
        return target  # an object store shows an object only when it is whole

    def _finish(self, written: UPath, path: str) -> None:
        if self._local:
            written.replace(self.root / path)

    @property
    def _local(self) -> bool:
        return not self.root.protocol

    def read_json(self, path: str) -> Any:
        """Read a document."""
        try:
            return json.loads((self.root / path).read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise _missing(path) from None

    def scan(self, path: str) -> pl.LazyFrame:
        """A Parquet file, or all Parquet files of a folder in the order of their names."""
        target = self.root / path
        whole = path.endswith(".parquet")
        files = [target] if whole else sorted(target.glob("*.parquet"), key=lambda file: file.name)
        if not files or (whole and not target.exists()):
            raise _missing(path)
        return pl.scan_parquet([str(file) for file in files])

    def exists(self, path: str) -> bool:
        """Whether a file is there."""
        return bool((self.root / path).exists())

    def parts(self, path: str) -> Iterable[str]:
        """The Parquet files of a folder, in order, as paths below the root."""
        names = sorted(file.name for file in (self.root / path).glob("*.parquet"))
        return [f"{path}/{name}" for name in names]


def _missing(path: str) -> DataError:
    return DataError(f"the lake has no {path}: was it pruned? Clear the run's prepare task, so that all of it is made anew")


def part_file(folder: str, operation: Operation, part: int) -> str:
    """A part of a plan."""
    return f"{folder}/{operation.value}/part-{part:04d}.parquet"


def members_file(folder: str, operation: Operation) -> str:
    """The whole members of an operation, before they became wire rows."""
    return f"{folder}/{operation.value}-members.parquet"


def gone_file(folder: str) -> str:
    """Who is held and not wanted any more, by a plan."""
    return f"{folder}/gone.parquet"


def columns_file(folder: str) -> str:
    """A frame without rows that has the columns of a plan's members: what the first generation starts from."""
    return f"{folder}/columns.parquet"


def _slug(text: str) -> str:
    """A run id as a file name: readable, and different for different ids."""
    digest = hashlib.sha256(text.encode()).hexdigest()[:8]
    return f"{re.sub(r'[^A-Za-z0-9_.-]+', '-', text)[:80]}-{digest}"
