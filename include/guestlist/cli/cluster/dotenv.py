"""`make .env`: the variables that docker-compose.yaml asks for, with fresh secrets where .env.example is empty."""

from __future__ import annotations

import base64
import os
import re
import secrets
import sys
from pathlib import Path

_EMPTY = re.compile(r"^([A-Z_]+)=$", re.MULTILINE)
_SET = re.compile(r"^([A-Z_]+)=(.*)$", re.MULTILINE)


def filled(example: str) -> str:
    """The text of .env: every empty variable gets 32 random bytes in the form of a Fernet key, which suits all of them."""
    return _EMPTY.sub(lambda match: f"{match[1]}={base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()}", example)


def variables(text: str) -> dict[str, str]:
    """What a .env file sets."""
    return dict(_SET.findall(text))


def main() -> int:
    """Write .env beside .env.example, for its owner alone; one that is there stays as it is."""
    example, target = Path(".env.example"), Path(".env")
    try:
        handle = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        print(".env is there already; delete it to make it anew, or add what it lacks from .env.example")  # noqa: T201
        return 1
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(filled(example.read_text(encoding="utf-8")))
    print(".env is written; the password of the user admin is AIRFLOW_ADMIN_PASSWORD in it")  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main())
