"""What dbt's artifacts tell of a model: when it was last built, and what failed."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from guestlist.model.connection import Connection
from guestlist.model.dbt import Dbt
from guestlist.model.errors import ConfigError, DataError
from guestlist.sources.formats.location import locate

_LARGEST = 512 << 20
_BUILT = ("model", "snapshot", "seed")
_TESTS = ("test", "unit_test")
_GOOD = ("success", "pass", "warn")
_SHOWN = 10


@dataclass(frozen=True)
class Build:
    """The newest word of dbt on a model. ``at`` is when it was built; ``unknown`` says why nothing is known of a build."""

    command: str
    generated_at: datetime
    at: datetime | None = None
    unknown: str = ""
    failed: tuple[str, ...] = ()
    """Names and statuses: the model's own where it was not built, else of its tests."""
    warnings: tuple[str, ...] = ()


def last_build(dbt: Dbt, connection: Connection | None, base: Path, roots: Sequence[Path] = ()) -> Build:
    """Read the artifacts.

    Raises:
        DataError: they are not there, or are none. ConfigError: the project has no such model, or several.
    """

    def artifact(name: str) -> dict[str, Any]:
        return _artifact(f"{dbt.artifacts.rstrip('/')}/{name}", connection, base, roots)

    manifest, results = artifact("manifest.json"), artifact("run_results.json")
    try:
        return _build(_nodes(manifest), results, _model_id(_nodes(manifest), dbt))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        told = f"dbt's artifacts in {dbt.artifacts} are not of a form that is known here ({type(error).__name__})"
        raise DataError(f"{told}; those of dbt 1.5 and later are") from None


def _artifact(address: str, connection: Connection | None, base: Path, roots: Sequence[Path]) -> dict[str, Any]:
    file = locate(address, base, roots, connection)[0]
    with file.open() as opened:
        content = opened.read(_LARGEST + 1)
    if len(content) > _LARGEST:
        raise DataError(f"{file.name} is larger than {_LARGEST >> 20} MiB")
    try:
        found = json.loads(content)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict) or "metadata" not in found:
        raise DataError(f"{file.name} is no whole artifact of dbt; is it being written, or is it another file?")
    return found


def _nodes(manifest: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """Models and tests, by dbt's own ids."""
    return {**manifest["nodes"], **manifest.get("unit_tests", {})}


def _model_id(nodes: Mapping[str, Mapping[str, Any]], dbt: Dbt) -> str:
    wanted = dbt.model.split(".")
    built = {name: node for name, node in nodes.items() if node["resource_type"] in _BUILT}
    found = [name for name in built if name.split(".")[1:][-len(wanted) :] == wanted]
    found = found or [name for name, node in built.items() if [node["name"]] == wanted and not node.get("version")]
    if len(found) == 1:
        return found[0]
    if found:
        raise ConfigError(
            f"several dbt models are called {dbt.model!r}: {', '.join(sorted(found))}; write the package before it"
        )
    raise ConfigError(f"the dbt project in {dbt.artifacts} has no model {dbt.model!r}; is its name right?")


def _build(nodes: Mapping[str, Mapping[str, Any]], results: Mapping[str, Any], model: str) -> Build:
    found = {result["unique_id"]: result for result in results["results"]}
    command = str((results.get("args") or {}).get("which") or "run")
    about: dict[str, Any] = {"command": command, "generated_at": _moment(results["metadata"]["generated_at"])}
    if model not in found:
        return Build(**about, unknown=f"`dbt {command}` did not build it")
    if found[model]["status"] != "success":
        culprits = [name for name in _ancestors(nodes, model) if found.get(name, {}).get("status") in ("error", "fail")]
        return Build(**about, failed=tuple(_named(nodes, found, [model, *culprits])))
    tests = [name for name, node in nodes.items() if node["resource_type"] in _TESTS and model in node["depends_on"]["nodes"]]
    if untested := [name for name in tests if name not in found]:
        return Build(
            **about, unknown=f"`dbt {command}` ran {len(untested)} of its {len(tests)} tests not; `dbt build` does both"
        )
    return Build(
        **about,
        at=_built_at(found[model]) or about["generated_at"],
        failed=tuple(_named(nodes, found, [name for name in tests if found[name]["status"] not in _GOOD])),
        warnings=tuple(_named(nodes, found, [name for name in tests if found[name]["status"] == "warn"])),
    )


def _ancestors(nodes: Mapping[str, Mapping[str, Any]], model: str) -> Iterator[str]:
    """All that the model is built from, and the tests of that."""
    waiting, seen = [model], {model}
    while waiting:
        node = nodes.get(waiting.pop())
        parents = [name for name in (node or {}).get("depends_on", {}).get("nodes", []) if name not in seen]
        seen.update(parents)
        waiting += parents
    seen.discard(model)
    yield from sorted(seen)
    for name, node in nodes.items():
        if node["resource_type"] in _TESTS and seen.intersection(node["depends_on"]["nodes"]):
            yield name


def _named(nodes: Mapping[str, Mapping[str, Any]], found: Mapping[str, Any], names: Sequence[str]) -> list[str]:
    """``not_null_customers_email (fail)``; dbt's own messages may quote rows, and stay where they are."""
    told = [f"{nodes[name]['name']} ({found[name]['status']})" for name in names]
    return told[:_SHOWN] + ([f"and {len(told) - _SHOWN} more"] if len(told) > _SHOWN else [])


def _built_at(result: Mapping[str, Any]) -> datetime | None:
    ended = [timing["completed_at"] for timing in result.get("timing", []) if timing["name"] == "execute"]
    return _moment(ended[0]) if ended and ended[0] else None


def _moment(written: str) -> datetime:
    moment = datetime.fromisoformat(written)
    if moment.tzinfo is None:
        raise ValueError
    return moment
