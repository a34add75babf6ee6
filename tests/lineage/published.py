"""The published schemas of OpenLineage's events and facets, and what an event breaks of them.

The files in schemas/ are those of the project OpenLineage (https://github.com/OpenLineage/OpenLineage, folder spec), in the
versions that `openlineage-python` 1.54 names in its events. They are under the Apache License 2.0, copyright of the project's
contributors.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator, FormatChecker
from referencing import Registry, Resource

_FOLDER = Path(__file__).with_name("schemas")
_DOCUMENTS = [json.loads(file.read_text(encoding="utf-8")) for file in sorted(_FOLDER.glob("*.json"))]
_REGISTRY: Registry[Any] = Registry().with_resources(
    (document["$id"], Resource.from_contents(document)) for document in _DOCUMENTS
)


def problems(event: dict[str, Any]) -> list[str]:
    """What is wrong with an event, or with any facet in it by the schema that the facet itself names."""
    return [*_against(event["schemaURL"], event, "event"), *_of_facets(event, "")]


def _of_facets(part: Any, where: str) -> Iterator[str]:
    if isinstance(part, dict):
        if "_schemaURL" in part:
            yield from _against(part["_schemaURL"], part, where)
        for name, inner in part.items():
            yield from _of_facets(inner, f"{where}/{name}")
    elif isinstance(part, list):
        for number, inner in enumerate(part):
            yield from _of_facets(inner, f"{where}/{number}")


def _against(url: str, part: Any, where: str) -> Iterator[str]:
    """By a schema's address; one that is not among the published ones raises."""
    validator = Draft202012Validator({"$ref": url}, registry=_REGISTRY, format_checker=FormatChecker())
    for error in validator.iter_errors(part):
        yield f"{where} {error.json_path}: {error.message}"
