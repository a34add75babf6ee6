"""A connection as data: what Airflow's connection holds, wherever it came from."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from guestlist.model.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Connection:
    """The fields of an Airflow connection. Neither ``password`` nor ``extra`` ever shows in ``repr``."""

    id: str
    type: str
    host: str | None = None
    port: int | None = None
    login: str | None = None
    password: str | None = field(default=None, repr=False)
    schema: str | None = None
    extra: Mapping[str, Any] = field(default_factory=dict, repr=False)


def connection_of(name: str, found: Any) -> Connection:
    """An object of Airflow's own kind, as data."""
    return Connection(
        id=name,
        type=found.conn_type or "",
        host=found.host,
        port=found.port,
        login=found.login,
        password=found.password,
        schema=found.schema,
        extra=found.extra_dejson,
    )


def parse_connection(name: str, text: str) -> Connection:
    """Read the value of an ``AIRFLOW_CONN_*`` variable, JSON or URI, as Airflow does.

    Raises:
        ConfigError: it is neither; the message never repeats the value.
    """
    try:
        return _from_json(name, json.loads(text)) if text.lstrip().startswith("{") else _from_uri(name, text)
    except (ValueError, TypeError, AttributeError, RecursionError):
        variable = f"AIRFLOW_CONN_{name.upper()}"
        raise ConfigError(f"{variable} is neither a connection in JSON nor a connection URI") from None


def _from_json(name: str, data: dict[str, Any]) -> Connection:
    extra = data.get("extra") or {}
    return Connection(
        id=name,
        type=_type(str(data.get("conn_type") or "")),
        host=_text(data.get("host")),
        port=_port(data["port"]) if data.get("port") else None,
        login=_text(data.get("login")),
        password=_text(data.get("password")),
        schema=_text(data.get("schema")),
        extra=_object(json.loads(extra) if isinstance(extra, str) else extra),
    )


def _text(value: Any) -> str | None:
    if isinstance(value, bool | float | dict | list):
        raise TypeError
    return None if value is None else str(value)


def _port(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, str | int) or not 0 < (port := int(value)) < 1 << 16:
        raise ValueError
    return port


def _from_uri(name: str, text: str) -> Connection:
    parts = urlsplit(text)
    if not parts.scheme:
        raise ValueError
    query = dict(parse_qsl(parts.query, keep_blank_values=True))
    extra = json.loads(query.pop("__extra__")) if "__extra__" in query else query
    return Connection(
        id=name,
        type=_type(parts.scheme),
        host=_host(parts),
        port=parts.port,
        login=unquote(parts.username) if parts.username else None,
        password=unquote(parts.password) if parts.password else None,
        schema=unquote(parts.path.removeprefix("/")) or None,
        extra=_object(extra),
    )


def _type(name: str) -> str:
    return {"postgresql": "postgres"}.get(name, name.replace("-", "_"))


def _host(parts: SplitResult) -> str | None:
    """A host's name in lower case; a path, which some databases have in its place, as it is written."""
    host = unquote(parts.hostname or "")
    if "/" in host:
        host = unquote(parts.netloc.rpartition("@")[2].partition(":")[0])
    return host or None


def _object(extra: Any) -> dict[str, Any]:
    if not isinstance(extra, dict):
        raise TypeError
    return extra
