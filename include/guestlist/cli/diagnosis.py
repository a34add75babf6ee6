"""A diagnosis of the hash doctor as JSON, by platform; neither the value nor the hash is in it."""

from __future__ import annotations

from typing import Any

from guestlist import destinations
from guestlist.cli.variants import keys_by_platform
from guestlist.identity.doctor import Diagnosis, Verdict, diagnose, known_constants, shape_of
from guestlist.identity.mistakes import Wrong, wrong_recipes
from guestlist.model.vocabulary import Field


def of_hash(found: str) -> dict[str, Any]:
    """What a hash tells by itself: its shape, and whether it is a known one that says nothing of anybody."""
    shape = shape_of(found)
    constant = known_constants().get(found, ())
    return {"right": shape.right and not constant, "shape": shape.what, "constant": _mistakes(constant)}


def of_value(field: Field, value: str, region: str | None, found: str) -> dict[str, Any]:
    """What it is to every platform that takes the field."""
    keys = {platform: keys_by_platform()[platform].get(field) for platform in destinations.names()}
    recipes = {platform: key.recipe for platform, key in keys.items() if key}
    diagnoses = diagnose(field, value, region, found, dict.fromkeys(recipes.values()))
    return {
        "field": field.value,
        "right": any(one.verdict is Verdict.RIGHT for one in diagnoses.values()),
        "tried": len(wrong_recipes(field)),
        "platforms": [{"platform": platform, **_as_json(diagnoses[name])} for platform, name in recipes.items()],
    }


def _as_json(one: Diagnosis) -> dict[str, Any]:
    return {"recipe": one.recipe, "verdict": one.verdict.value, "reason": one.reason, "mistakes": _mistakes(one.mistakes)}


def _mistakes(made: Wrong) -> list[dict[str, str]]:
    return [{"name": item.name, "what": item.what, "mend": item.mend} for item in made]
