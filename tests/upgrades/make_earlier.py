"""Makes `tests/upgrades/earlier/`: the ledger and the lake of an earlier Guestlist, of made-up people, run by its own code.

    python tests/upgrades/make_earlier.py 34a5c6c

34a5c6c is of 21 November 2026: the ledger's tables are of version 0001, and a generation is one file.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from contextlib import closing
from pathlib import Path

HERE = Path(__file__).resolve().parent
EARLIER = HERE / "earlier"
RUN = """
import json, os, sys
from guestlist.cli.main import run
from guestlist.sandbox.server import Sandbox
sys.argv = ["guestlist", "sync", "people", "--approve"]
with Sandbox("platforms", settle_seconds=0.1) as sandbox:
    for platform, extra in sandbox.connections().items():
        extra |= {"poll_first_seconds": 0.1, "poll_longest_seconds": 0.1}
        os.environ[f"AIRFLOW_CONN_{platform.upper()}_MAIN"] = json.dumps({"conn_type": "generic", "extra": extra})
    run()
"""


def main(commit: str) -> None:
    """Run the segment with the code of a commit, and keep what it leaves."""
    with tempfile.TemporaryDirectory() as folder:
        home, code = Path(folder, "home"), Path(folder, "code")
        git = ("git", "-C", str(HERE), "worktree")
        subprocess.run([*git, "add", "--quiet", "--detach", str(code), commit], check=True)
        try:
            environment = {
                **os.environ,
                "PYTHONPATH": str(code / "include"),
                "GUESTLIST_HOME": str(home),
                "GUESTLIST_SEGMENTS": str(HERE / "segments"),
            }
            subprocess.run([sys.executable, "-c", RUN], cwd=folder, env=environment, check=True)
        finally:
            subprocess.run([*git, "remove", "--force", str(code)], check=True)
        shutil.rmtree(EARLIER, ignore_errors=True)
        shutil.copytree(home / "lake", EARLIER / "lake")
        with closing(sqlite3.connect(home / "ledger.db")) as ledger:
            (EARLIER / "ledger.sql").write_text("\n".join(ledger.iterdump()) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
