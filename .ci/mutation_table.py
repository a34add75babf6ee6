"""Reads `mutmut results --all true` from standard input, prints each module's score, and fails where one is below the goal."""

from __future__ import annotations

import sys
from collections import Counter

GOAL = 80
MODULES = ("guestlist.pipeline.plan", "guestlist.runtime.driver", "guestlist.identity.recipes")
NOTICED = ("killed", "timeout")


def main() -> str | int:
    """Print the table and the mistakes that no test notices; what is returned is the exit status, or says why it is 1."""
    results = [line.strip().rpartition(": ") for line in sys.stdin if line.startswith("    guestlist.")]
    below = []
    print(f"{'module':32}{'mutants':>9}{'noticed':>9}{'by time':>9}{'score':>8}")
    for module in MODULES:
        mine = {name: status for name, _, status in results if name.startswith(f"{module}.")}
        count = Counter(mine.values())
        noticed = sum(count[status] for status in NOTICED)
        score = 100 * noticed / len(mine) if mine else 0.0  # a module without mutants was not measured
        print(f"{module:32}{len(mine):9}{noticed:9}{count['timeout']:9}{score:7.1f}%")
        if score < GOAL:
            below.append(module)
        for name, status in mine.items():
            if status not in NOTICED:
                print(f"  {status}: {name}")
    return f"below {GOAL} %: {', '.join(below)}" if below else 0


if __name__ == "__main__":
    sys.exit(main())
