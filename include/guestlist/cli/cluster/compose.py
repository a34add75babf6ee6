"""Reads docker-compose.yaml as the Compose specification says: variables filled in, services of the chosen profiles."""

from __future__ import annotations

import re
import shlex
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from guestlist.model.errors import ConfigError

_VARIABLE = re.compile(r"\$(?:(?P<dollar>\$)|\{(?P<name>[A-Z_a-z]\w*)(?::(?P<kind>[-?])(?P<rest>[^}]*))?\})")


@dataclass(frozen=True)
class Service:
    """One service: what it runs, and when it may start and counts as healthy.

    ``volumes`` are pairs of a source (a path below the file's folder, or a named volume) and a path in the container.
    ``after`` maps services to what has to be true of them. ``health`` is the command of the healthcheck, None without one.
    """

    name: str
    image: str
    built: bool
    command: tuple[str, ...]
    environment: Mapping[str, str]
    volumes: tuple[tuple[str, str], ...]
    after: Mapping[str, str]
    health: tuple[str, ...] | None
    replicas: int = 1

    @property
    def ends(self) -> bool:
        """Whether it does its work and ends, as those do that nothing asks whether they are healthy."""
        return self.health is None


def read_compose(path: Path, variables: Mapping[str, str], profiles: Collection[str] = ()) -> dict[str, Service]:
    """The services of a file, by name.

    Raises:
        ConfigError: a variable that has to be set is not.
    """
    document = _filled(yaml.safe_load(path.read_text(encoding="utf-8")), variables)
    return {
        name: _service(name, written)
        for name, written in document["services"].items()
        if not written.get("profiles") or set(written["profiles"]) & set(profiles)
    }


def _filled(value: Any, variables: Mapping[str, str]) -> Any:
    """A document with ``${NAME}``, ``${NAME:-default}`` and ``${NAME:?message}`` filled in, and ``$$`` as a dollar."""
    if isinstance(value, dict):
        return {key: _filled(inner, variables) for key, inner in value.items()}
    if isinstance(value, list):
        return [_filled(inner, variables) for inner in value]
    if not isinstance(value, str):
        return value
    return _VARIABLE.sub(lambda match: _value(match, variables), value)


def _value(match: re.Match[str], variables: Mapping[str, str]) -> str:
    if match["dollar"]:
        return "$"
    found = variables.get(match["name"], "")
    if found or match["kind"] is None:
        return found
    if match["kind"] == "?":
        raise ConfigError(f"docker-compose.yaml needs {match['name']}: {match['rest']}")
    return str(match["rest"])


def _service(name: str, written: Mapping[str, Any]) -> Service:
    command = written.get("command", ())
    after = written.get("depends_on", {})
    health = written.get("healthcheck")
    return Service(
        name=name,
        image=written["image"],
        built="build" in written,
        command=tuple(shlex.split(command) if isinstance(command, str) else command),
        environment={key: _scalar(value) for key, value in written.get("environment", {}).items()},
        volumes=tuple((source, target) for source, target, *_ in (one.split(":") for one in written.get("volumes", ()))),
        after={other: condition["condition"] for other, condition in after.items()},
        health=_health(health["test"]) if health else None,
        replicas=int(written.get("deploy", {}).get("replicas", 1)),
    )


def _scalar(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _health(test: list[str]) -> tuple[str, ...]:
    kind, *words = test
    return ("sh", "-c", *words) if kind == "CMD-SHELL" else tuple(words)
