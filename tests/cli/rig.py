"""What the tests of the command line share: an installation in a folder, made-up people, the program itself."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from typer.testing import CliRunner, Result

from guestlist.cli.main import app

PROGRAM = [sys.executable, "-c", "from guestlist.cli.main import run; run()"]
INCLUDE = Path(__file__).resolve().parents[2] / "include"


def program_environment(**more: str) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(INCLUDE), **more}


def guestlist(*arguments: str, stdin: bytes | str | None = None) -> Result:
    result = CliRunner().invoke(app, list(arguments), input=stdin, prog_name="guestlist")
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def person(number: int, **changes: str) -> dict[str, str]:
    return {
        "id": f"c{number}",
        "email": f"person{number}@example.com",
        "phone": f"0151 1234{number:04}",
        "first": "Jo",
        "last": f"Doe{chr(97 + number % 26)}",
        "country": "DE",
        "zip": "80331",
        "ok": "yes",
        **changes,
    }


@dataclass
class Installation:
    home: Path
    segments: Path

    def segment(self, name: str = "vips", **changes: Any) -> Path:
        data: dict[str, Any] = {
            "name": name,
            "source": {"file": "people.csv"},
            "key": "id",
            "identifiers": {
                "email": "email",
                "phone": {"columns": ["phone"], "region": "country"},
                "first_name": "first",
                "last_name": "last",
                "country": "country",
                "postal_code": "zip",
            },
            "consent": {"ad_user_data": "ok"},
            "destinations": [
                {"platform": "google_ads", "connection": "google_main", "audience": "VIPs"},
                {"platform": "meta", "connection": "meta_main", "audience": "VIPs"},
            ],
            **changes,
        }
        return self.text(name, yaml.safe_dump(data, sort_keys=False))

    def text(self, name: str, text: str) -> Path:
        path = self.segments / f"{name}.yaml"
        path.write_text(text, encoding="utf-8")
        return path

    def people(self, people: list[dict[str, str]], name: str = "people.csv") -> Path:
        path = self.segments.parent / name
        lines = [",".join(people[0]), *(",".join(row.values()) for row in people)]
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        return path


@dataclass(frozen=True)
class RunningSandbox:
    """The sandbox that the command started, and what it printed."""

    process: subprocess.Popen[str]
    told: dict[str, Any]

    def connect(self, monkeypatch: pytest.MonkeyPatch, **meta_extra: Any) -> None:
        """Point the connections of the tests' segments at it."""
        for name, connection in self.told["connections"].items():
            extra = {**connection["extra"], "poll_first_seconds": 0.05, "poll_longest_seconds": 0.2}
            if name == "meta_main":
                extra |= meta_extra
            short = name.replace("_ads", "").upper()
            monkeypatch.setenv(f"AIRFLOW_CONN_{short}", json.dumps({**connection, "extra": extra}))

    def admin(self, method: str, path: str, body: Any = None) -> Any:
        reply = httpx.request(method, f"{self.told['http']}/admin/{path}", json=body)
        assert reply.status_code == 200, reply.text
        return reply.json()

    def members(self, book: str) -> list[int]:
        """How many keys each audience of a book holds, by kind of key, in the order in which they were made."""
        return [audience["by_kind"].get("email", 0) for audience in self.admin("GET", f"books/{book}")]
