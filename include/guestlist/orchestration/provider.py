"""Guestlist as an Airflow provider: a connection type with its form for each platform, and the link to audiences.

Airflow reads this in every process, so nothing heavy is imported: neither Polars nor a vendor's SDK.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from guestlist import destinations
from guestlist.destinations.base import Settings, without_choices

_UNUSED = ["host", "schema", "login", "password", "port"]
_SHORT_WORDS = {"id": "ID", "api": "API", "ca": "CA", "uri": "URI", "fb": "Facebook", "grpc": "gRPC"}


def connection_type(platform: str) -> str:
    """What Airflow calls a connection to a platform. Guestlist itself reads ``extra``, whatever the type."""
    return f"guestlist_{platform}"


def get_provider_info() -> dict[str, Any]:
    """What the entry point ``apache_airflow_provider`` promises; the forms are made from each platform's settings."""
    return {
        "package-name": "guestlist",
        "name": "Guestlist",
        "description": "Keeps ad-platform audiences in step with customer segments.",
        "connection-types": [_connection_type(platform) for platform in destinations.names()],
        "extra-links": ["guestlist.orchestration.links.AudienceLink"],
    }


def title(platform: str) -> str:
    """The platform's name among Airflow's connection types."""
    cls = destinations.destination_class(platform)
    return f"Guestlist: {cls.capabilities_for(without_choices(cls.Options)).title}"


def _connection_type(platform: str) -> dict[str, Any]:
    return {
        "connection-type": connection_type(platform),
        "hook-class-name": f"guestlist.orchestration.hooks.{platform}",
        "hook-name": title(platform),
        "ui-field-behaviour": {"hidden-fields": _UNUSED, "relabeling": {}, "placeholders": {}},
        "conn-fields": _fields(destinations.destination_class(platform).Settings),
    }


def _fields(settings: type[Settings]) -> dict[str, Any]:
    """What has to be filled in comes first, what every platform takes last."""
    known = settings.model_json_schema()["properties"]
    order = sorted(known, key=lambda name: (not settings.model_fields[name].is_required(), name in Settings.model_fields))
    return {name: _field(settings, name, known[name]) for name in order}


def _field(settings: type[Settings], name: str, known: Mapping[str, Any]) -> dict[str, Any]:
    """A field that is left empty has its default, so none is filled in: a later default would never come through."""
    kind = next((part for part in known.get("anyOf", [known]) if part.get("type") != "null"), known)
    required, default = settings.model_fields[name].is_required(), known.get("default")
    shown = {key: kind[key] for key in ("format", "enum", "minimum", "maximum") if key in kind}
    need = "Has to be filled in." if required else f"Default: {default}" if default else "May be empty."
    return {
        "label": _label(name),
        "description": need,
        "schema": {"type": [kind["type"], "null"], **shown},
    }


def _label(name: str) -> str:
    words = [_SHORT_WORDS.get(word, word) for word in name.split("_")]
    return " ".join([words[0][0].upper() + words[0][1:], *words[1:]])
