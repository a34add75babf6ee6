"""Which process runs which tests where several share the work (`pytest -n`): what is dear to set up is set up once.

Tests of a file stay together, so do those of folders that share an Airflow; the longest groups begin first, so that no process
is left alone with one at the end.
"""

from __future__ import annotations

import re

import pytest

TOGETHER = ("cluster", "lineage", "wheel", "web/browser", "web/intake")
"""Folders whose tests share what takes a minute to start."""
SITE = tuple(f"web/test_{name}" for name in ("access", "actions", "overview", "pages", "pushed", "tables"))
"""Files that share one."""
APART = ("faults/test_cells.py", "kill/test_every_boundary.py", "kill/test_sequences.py")
"""Files that are too long for one group: each door, or each story, is one."""
LONGEST = (
    "cluster",
    "web/intake",
    "web/browser",
    "end_to_end",
    "wheel",
    "privacy",
    "property",
    "benchmarks",
    "lineage",
    "kill",
    "alerts",
    "dags",
    "upkeep",
    "identity",
    "web",
    "faults",
    "sources",
    "cli",
)
"""Roughly by what the longest group of each takes (`pytest --durations`); the rest comes after them."""


def group_of(nodeid: str) -> str:
    """The group of a test."""
    path, _, name = nodeid.removeprefix("tests/").partition("::")
    if path.startswith(SITE):
        return "web site"
    for folder in TOGETHER:
        if path.startswith(f"{folder}/"):
            return folder
    if path in APART and (part := re.search(r"\[(\w+)", name)):
        return f"{path} {part[1]}"
    return path


def _place(item: pytest.Item) -> int:
    path = item.nodeid.removeprefix("tests/")
    return next((place for place, start in enumerate(LONGEST) if path.startswith(start)), len(LONGEST))


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """The longest first, in each of the processes."""
    if hasattr(config, "workerinput"):
        items.sort(key=_place)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """Gives out whole groups."""
    from xdist.scheduler import LoadScopeScheduling

    class Groups(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return group_of(nodeid)

    config.option.loadscopereorder = False
    return Groups(config, log)
