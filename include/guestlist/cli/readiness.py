"""The tables of ``guestlist doctor SEGMENT``: what can be matched by platform, what is dropped, and what looks wrong."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from rich.console import RenderableType
from rich.text import Text

from guestlist.cli.tables import by_destination, drop_tables, numbers


def readiness_tables(segment: str, found: Mapping[str, Any]) -> Iterator[RenderableType]:
    """From the JSON of a `Readiness`."""
    yield from by_destination(f"{segment}  match readiness", [(item["label"], _facts(item)) for item in found["platforms"]])
    yield from drop_tables(found["drops"])
    if spelled := [item for item in found["duplicates"] if item["values"] > item["keys"]]:
        yield numbers(
            "The same key in several spellings",
            ("field", "destinations"),
            ("values", "keys"),
            [((item["field"], ", ".join(item["labels"])), (item["values"], item["keys"])) for item in spelled],
        )
    mail = found["addresses"]
    if mail["role"] or mail["placeholder"]:
        told = f"{mail['role']:,} of roles (info@), {mail['placeholder']:,} placeholders (noreply@, @example.com)"
        yield Text(f"\nOf {mail['of']:,} emails: {told}")
    if found["suspicions"]:
        yield numbers(
            "Suspicious columns",
            ("column", "field", "what"),
            ("values", "of"),
            [((item["column"], item["field"], item["what"]), (item["values"], item["of"])) for item in found["suspicions"]],
        )
    else:
        yield Text("\nNo column looks suspicious.")


def _facts(item: Mapping[str, Any]) -> dict[str, str | Text]:
    people = item["people"]
    with_field = {f"with {name}": _share(count, people) for name, count in item["fields"].items()}
    return {
        "platform": item["platform"],
        "people": f"{people:,}",
        "without a key": f"{item['without_key']:,}",
        "one key": f"{item['one_key']:,}",
        "several keys": f"{item['several_keys']:,}",
        "keys a person": f"{item['keys'] / people:.2f}" if people else "-",
        **with_field,
    }


def _share(count: int, people: int) -> str:
    return f"{count:,} ({count / people:.1%})" if people else "-"
