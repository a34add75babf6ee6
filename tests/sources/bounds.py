"""Runs a reading in a process with little memory: what wants more ends that process, and not the tests."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

INCLUDE = Path(__file__).resolve().parents[2] / "include"
PROGRAM = """
import json, resource, sys
import polars, pyarrow.parquet, pyarrow.csv
from guestlist.model.errors import GuestlistError
from guestlist.model.source import Source
from guestlist.sources import open_source
folder, columns, source = json.loads(sys.argv[1])
from pathlib import Path
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
told, rows = "", 0
try:
    for batch in open_source(Source(**source), None, Path(folder)).batches(columns):
        rows += batch.num_rows
except GuestlistError as error:
    told = f"{type(error).__name__}: {error}"
grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
print(json.dumps({"told": told, "rows": rows, "grown": grown << 10}))
"""


def read_apart(folder: Path, columns: list[str], **source: str) -> dict[str, object]:
    """What reading a file tells ("" for no error), its rows, and by how many bytes the process grew."""
    asked = json.dumps([str(folder), columns, source])
    environment = {"PYTHONPATH": str(INCLUDE), "PATH": ""}
    command = [sys.executable, "-c", PROGRAM, asked]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 0, f"the process ended with {done.returncode}: {done.stderr[-2000:]}"
    found: dict[str, object] = json.loads(done.stdout)
    return found
