"""Where things lie in the lake: the paths of a run's, a plan's and a generation's files, below the lake's root."""

from __future__ import annotations

import hashlib
import re

from guestlist.model.vocabulary import Operation

PARTS = "parts.json"
"""A list of folders: what is read as one although several tasks have written it."""


def run_folder(segment: str, run_id: str, stamp: str) -> str:
    """Where a run's prepared members go; ``stamp`` tells one preparation from the next."""
    return f"{segment}/runs/{_slug(run_id)}/{_slug(stamp)}"


def plan_folder(segment: str, label: str, run_id: str, attempt: int) -> str:
    """Where a plan and its parts go."""
    return f"{segment}/plans/{label}/{_slug(run_id)}-{attempt}"


def generation_folder(segment: str, label: str, plan_id: int) -> str:
    """Where the members go that a platform holds after a plan."""
    return f"{segment}/generations/{label}/{plan_id:08d}"


def part_file(folder: str, operation: Operation, part: int) -> str:
    """A part of a plan."""
    return f"{folder}/{operation.value}/part-{part:04d}.parquet"


def members_folder(folder: str, operation: Operation) -> str:
    """The whole members of an operation, before they became wire rows."""
    return f"{folder}/{operation.value}-members"


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
