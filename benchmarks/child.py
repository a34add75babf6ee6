"""One function of one measure in this process: ``python -m benchmarks.child MODULE FUNCTION ARGUMENTS``; prints its JSON."""

from __future__ import annotations

import json
import sys
import traceback
from importlib import import_module


def main() -> int:
    """Import, call, print; of an error its last line on stderr says in short what it was."""
    module, name, arguments = sys.argv[1:]
    try:
        print(json.dumps(getattr(import_module(module), name)(**json.loads(arguments))))
    except Exception as error:  # noqa: BLE001 - whatever it was, the table says so and goes on
        traceback.print_exc()
        print(f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
