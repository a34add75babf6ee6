"""``guestlist schema``: the JSON schema of segment files, every platform's own keys included, for editors and checks."""

from __future__ import annotations

from typing import Any

from guestlist.cli.console import show_json


def schema() -> None:
    """Print the JSON schema of segment files."""
    show_json(segment_schema())


def segment_schema() -> dict[str, Any]:
    """The model of segment files with one alternative a platform in place of a destination's free keys."""
    from guestlist import destinations
    from guestlist.model.segment import Segment

    whole = Segment.model_json_schema()
    definitions = whole["$defs"]
    common = definitions.pop("Destination")
    for name in destinations.names():
        model = destinations.destination_class(name).Options
        options = model.model_json_schema(ref_template="#/$defs/{model}")
        definitions |= options.pop("$defs", {})
        definitions[name] = _destination(common, options, name)
    definitions["Destination"] = {"anyOf": [{"$ref": f"#/$defs/{name}"} for name in destinations.names()]}
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **whole, "title": "A segment of Guestlist"}


def _destination(common: dict[str, Any], options: dict[str, Any], platform: str) -> dict[str, Any]:
    from guestlist.cli.variants import all_capabilities

    found = all_capabilities(platform)
    modes = dict.fromkeys(mode.value for capabilities in found for mode in capabilities.modes)
    fixed = {
        "platform": {"const": platform, "title": "Platform"},
        "mode": {"enum": list(modes), "default": "mirror", "title": "Mode"},
    }
    return {
        **common,
        "title": found[0].title,
        "description": options.get("description", common.get("description", "")),
        "properties": {**common["properties"], **fixed, **options.get("properties", {})},
        "required": [*common["required"], *options.get("required", [])],
        "additionalProperties": False,
    }
