"""Reads `coverage json` from standard input, prints each part's branch coverage, and fails where one is below the goal."""

from __future__ import annotations

import json
import sys
from typing import Any

GOAL = 95
ROOT = "include/guestlist/"
PARTS = ("model/", "identity/", "pipeline/", "destinations/", "runtime/driver.py")


def main() -> str | int:
    """Print the table and the branches that no test takes; what is returned is the exit status, or says why it is 1."""
    files: dict[str, dict[str, Any]] = json.load(sys.stdin)["files"]
    below = []
    print(f"{'part':20}{'lines':>14}{'branches':>14}{'branch coverage':>18}")
    for part in PARTS:
        mine = {path: found for path, found in files.items() if path.startswith(ROOT + part)}
        summaries = [found["summary"] for found in mine.values()]
        taken, branches, run, lines = (
            sum(summary[name] for summary in summaries)
            for name in ("covered_branches", "num_branches", "covered_lines", "num_statements")
        )
        share = 100 * taken / branches if branches else 0.0  # a part without branches was not measured
        print(f"{part:20}{f'{run}/{lines}':>14}{f'{taken}/{branches}':>14}{share:17.1f}%")
        if share < GOAL:
            below.append(part)
        for path, found in sorted(mine.items()):
            if found["missing_branches"]:
                arcs = (f"{start}->{end if end > 0 else 'exit'}" for start, end in found["missing_branches"])
                print(f"  {path}: {', '.join(arcs)}")
    return f"below {GOAL} %: {', '.join(below)}" if below else 0


if __name__ == "__main__":
    sys.exit(main())
