"""The tables of docs/platforms/README.md, made from what the platforms' files say they can do.

`PYTHONPATH=include:tests python tests/docs/platform_tables.py` writes them into the page.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

from guestlist import destinations
from guestlist.model.capabilities import Capabilities, MatchKey, Rate
from guestlist.model.vocabulary import Field

PAGE = Path(__file__).resolve().parents[2] / "docs" / "platforms" / "README.md"
_MARK = "<!-- {}: made by tests/docs/platform_tables.py -->"
_NONE = "-"


def written(page: str) -> str:
    """The page with its tables as the code says now: each stands between its mark and an end mark."""
    for name, table in tables().items():
        begin, end = _MARK.format(name), f"<!-- end of {name} -->"
        pattern = re.compile(rf"{re.escape(begin)}\n.*?{re.escape(end)}", re.DOTALL)
        assert len(pattern.findall(page)) == 1, f"the page needs {begin!r} and {end!r} once each"
        page = pattern.sub(lambda _, found=f"{begin}\n{table}{end}": found, page)
    return page


def tables() -> dict[str, str]:
    variants = list(_variants())
    return {
        "abilities": _table(
            ("Platform", "Options", "Modes", "Value", "Consent", "Keys go out", "Doors (`api`)"),
            _distinct((*names, *_abilities(can)) for *names, can in variants),
        ),
        "limits": _table(
            (
                *("Platform", "Options", "Rows a request", "Identifiers a request", "Bytes a request", "Values a row"),
                *("Requests at a time", "Requests", "Smallest audience", "Membership"),
            ),
            _distinct((*names, *_limits(can)) for *names, can in variants),
        ),
        "settling": _table(
            ("Platform", "Options", "First question after", "Then", "At least every", "Gives up after", "May reorder"),
            _distinct((*names, *_settling(can)) for *names, can in variants),
        ),
        "keys": _keys(),
    }


def _variants() -> Iterator[tuple[str, str, Capabilities]]:
    """Title, options, capabilities: the defaults first, then each choice that an option has, by itself."""
    for name in destinations.names():
        cls = destinations.destination_class(name)
        needed: dict[str, Any] = {key: None for key, field in cls.Options.model_fields.items() if field.is_required()}
        default = cls.capabilities_for(cls.Options.model_construct(**needed))
        yield default.title, "", default
        for key, field in cls.Options.model_fields.items():
            for choice in _choices(field.annotation):
                if choice != field.default:
                    can = cls.capabilities_for(cls.Options.model_construct(**{**needed, key: choice}))
                    yield default.title, f"`{key}: {choice}`", can


def _choices(annotation: Any) -> tuple[Any, ...]:
    if get_origin(annotation) is Literal:
        return get_args(annotation)
    return tuple(choice for part in get_args(annotation) for choice in _choices(part))


def _distinct(found: Iterable[tuple[str, ...]]) -> Iterator[tuple[str, ...]]:
    """Without the options that change nothing in this table."""
    seen: set[tuple[str, ...]] = set()
    for title, options, *facts in found:
        if (title, *facts) not in seen:
            seen.add((title, *facts))
            yield title, options, *facts


def _abilities(can: Capabilities) -> tuple[str, ...]:
    return (
        ", ".join(f"`{mode}`" for mode in can.modes),
        "yes" if can.takes_value else "no",
        "yes" if can.takes_consent else "no",
        _outgoing(can.keys),
        ", ".join(f"`{door}`" for door in can.apis) or _NONE,
    )


def _outgoing(keys: Sequence[MatchKey]) -> str:
    plain = [key.plain for key in keys]
    return "unhashed" if all(plain) else "hashed, some unhashed" if any(plain) else "hashed"


def _limits(can: Capabilities) -> tuple[str, ...]:
    limits = can.limits
    return (
        f"{limits.rows_per_batch:,}",
        _number(limits.identifiers_per_batch),
        _number(limits.bytes_per_batch),
        "one a key" if limits.one_value_per_field else _number(limits.identifiers_per_row),
        f"{limits.parallel_batches}",
        _rates(limits.rates) or _NONE,
        _number(limits.minimum_members or None),
        f"{limits.membership_days} days" if limits.membership_days else "no end",
    )


def _rates(rates: Sequence[Rate]) -> str:
    spans: dict[str, list[str]] = {}
    for rate in rates:
        spans.setdefault(f" to `{rate.path}`" if rate.path else "", []).append(f"{rate.requests:,} in {rate.seconds:g} s")
    return "; ".join(", ".join(told) + where for where, told in spans.items())


def _settling(can: Capabilities) -> tuple[str, ...]:
    if can.polling is None:
        return ("at once", _NONE, _NONE, _NONE, "no")
    polling = can.polling
    return (
        _duration(polling.first),
        f"x {polling.factor:g}",
        _duration(polling.longest),
        _duration(polling.give_up),
        "yes" if can.may_reorder else "no",
    )


def _duration(seconds: float) -> str:
    for unit, name in ((3600, "h"), (60, "min"), (1, "s")):
        if seconds >= unit:
            return f"{seconds / unit:g} {name}"
    return f"{seconds:g} s"


def _number(value: int | None) -> str:
    return f"{value:,}" if value else _NONE


def _keys() -> str:
    """A row for each field; what each platform makes of it: its own name for it, and the recipe."""
    titles = list(dict.fromkeys(title for title, _, _ in _variants()))
    made: dict[tuple[str, Field], tuple[MatchKey, str]] = {}
    for title, options, can in _variants():
        for key in can.keys:
            made.setdefault((title, key.field), (key, options))
    found = []
    for field in Field:
        cells = [_key(*made[title, field]) if (title, field) in made else _NONE for title in titles]
        found.append((f"`{field.value}`", *cells))
    return _table(("Match key", *titles), found)


def _key(key: MatchKey, options: str) -> str:
    return f"{key.wire}, {'plain' if key.plain else 'SHA-256'}, `{key.recipe}`" + (f" ({options})" if options else "")


def _table(header: Sequence[str], body: Iterable[Sequence[str]]) -> str:
    lines = [header, ["---"] * len(header), *body]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


if __name__ == "__main__":
    PAGE.write_text(written(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
