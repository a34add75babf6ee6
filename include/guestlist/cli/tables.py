"""The tables that a person reads: one column a destination, so that they fit a terminal; the rest below.

They are made from a report's JSON (`RunReport.as_json`), whether it comes from this process, the ledger or a file.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

_BESIDE = 4
"""Destinations beside one another; more get a table of their own."""
_COUNTRIES = 10
_STYLES = {"sealed": "green", "dry": "cyan", "valid": "green"}

Numbered = tuple[Sequence[str], Sequence[int]]
"""A line of a table: its texts, then its counts."""
Column = tuple[str, Mapping[str, str | Text]]
"""A destination's label, and what there is to say about it, by row."""


def report_table(report: Mapping[str, Any], *, keys: bool = True) -> RenderableType:
    """A run: what became of each destination, then what was left out and why; without ``keys`` only rows, not single keys."""
    title = f"{report['segment']}  {report['run_id']}"
    columns = [(str(item["label"]), _outcome(item)) for item in report["destinations"]]
    return Group(*by_destination(title, columns), *drop_tables(report["drops"], keys=keys))


def plan_table(plans: Mapping[str, Any]) -> RenderableType:
    """What a run would send to each destination, then what is left out and why."""
    title = f"{plans['segment']}  what a run would send"
    columns = [(str(item["label"]), _intent(item)) for item in plans["destinations"]]
    return Group(*by_destination(title, columns), *drop_tables(plans["drops"]))


def by_destination(title: str, columns: Sequence[Column]) -> Iterator[RenderableType]:
    """Tables of at most `_BESIDE` destinations, with the same rows."""
    names = list(dict.fromkeys(name for _, facts in columns for name in facts))
    for start in range(0, len(columns), _BESIDE):
        shown = columns[start : start + _BESIDE]
        table = Table(title=Text(title), title_justify="left", title_style="bold")
        table.add_column("")
        for label, _ in shown:
            table.add_column(label, justify="right", overflow="fold")
        for name in names:
            table.add_row(name, *(_cell(facts.get(name, "")) for _, facts in shown))
        yield table


def _cell(value: str | Text) -> Text:
    """Texts of others are no markup of Rich."""
    return value if isinstance(value, Text) else Text(value)


def _outcome(item: Mapping[str, Any]) -> dict[str, str | Text]:
    rejected = "\n".join(f"{count:,} {reason}" for reason, count in sorted(item["rejected"].items()))
    sealed = f"{item['generation']} ({item['members']:,} members)" if item["generation"] else "-"
    return {
        "platform": item["platform"],
        "audience": item["audience"],
        "state": state(item["state"]),
        "wanted": _count(item["wanted"]),
        "held before": _count(item["held"]),
        "added": _count(item["added"]),
        "removed": _count(item["removed"]),
        "renewed": _count(item["renewed"]),
        **_left_out(item),
        "rows sent": _count(item["rows_planned"] - item["unsent"]),
        "rejected": rejected or "0",
        "unconfirmed": _count(item["unconfirmed"]),
        **({"unsent": _count(item["unsent"])} if item["unsent"] else {}),
        "requests": _count(item["requests"]),
        "seconds": f"{item['seconds']:.1f}",
        **({"opt-out to receipt": opt_outs(took)} if (took := item.get("opt_outs")) else {}),
        "generation": sealed,
        "size": item["size"] or "-",
        "match rate": item["match_rate"] or "-",
        **_breached(item),
    }


def opt_outs(took: Mapping[str, Any]) -> str:
    """How long it took from the run that first was without those who left to the platform's word that they are off."""
    median, worst = duration(took["median_seconds"]), duration(took["worst_seconds"])
    return f"median {median}, worst {worst} ({_several(took['members'], 'person', 'people')})"


def duration(seconds: float) -> str:
    """In the two largest units."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s" if minutes else f"{rest} s"


def _intent(item: Mapping[str, Any]) -> dict[str, str | Text]:
    counts = item["counts"]
    uploads = {upload["operation"]: upload for upload in item["uploads"]}
    sent = {
        f"to {operation}": f"{upload['rows']:,} rows in {_several(upload['batches'], 'batch', 'batches')}"
        if (upload := uploads.get(operation))
        else "-"
        for operation in ("remove", "add", "replace")
        if operation in uploads or operation != "replace"
    }
    names = ("wanted", "held", "new", "gone", "changed", "renewed", "resent")
    facts = {name: _count(counts[name]) for name in names}
    return {
        "platform": item["platform"],
        "audience": item["audience"],
        "mode": item["mode"],
        **facts,
        **_left_out(counts),
        **sent,
        **_breached(item),
    }


def _left_out(counts: Mapping[str, Any]) -> dict[str, str]:
    """Prepared members that this platform cannot be told of."""
    kinds = {"without a key": "without_key", "without a value": "without_value"}
    return {told: _count(counts.get(name)) for told, name in kinds.items()}


def _breached(item: Mapping[str, Any]) -> dict[str, str | Text]:
    return {"guards breached": Text("\n".join(item["breaches"]), style="red")} if item["breaches"] else {}


def state(name: str) -> Text:
    """A state in its colour."""
    return Text(name, style=_STYLES.get(name, "red"))


def drop_tables(drops: Mapping[str, Any], *, keys: bool = True) -> Iterator[RenderableType]:
    """Rows and keys that were left out, by reason, and how many phones are valid, by country."""
    dropped = sum(drops["rows"].values())
    yield Text(f"\n{drops['read']:,} rows read = {drops['prepared']:,} prepared + {dropped:,} dropped")
    if drops["rows"]:
        rows = [((reason,), (count,)) for reason, count in _largest(drops["rows"])]
        yield numbers("Dropped rows", ("reason",), ("count",), rows)
    if keys and (dropped_keys := list(_dropped_keys(drops["keys"]))):
        yield numbers("Dropped keys", ("column", "reason"), ("count",), dropped_keys)
    if keys and drops["phones"]:
        yield _phones(drops["phones"])


def _dropped_keys(columns: Mapping[str, Mapping[str, int]]) -> Iterator[Numbered]:
    """Reasons by prepared column (``field:recipe``); one line for a field where all its recipes agree."""
    alike: dict[str, list[str]] = {}
    for column in columns:
        alike.setdefault(column.split(":", 1)[0], []).append(column)
    for field, theirs in alike.items():
        if all(columns[column] == columns[theirs[0]] for column in theirs):
            yield from (((field, reason), (count,)) for reason, count in _largest(columns[theirs[0]]))
        else:
            yield from (((column, reason), (count,)) for column in theirs for reason, count in _largest(columns[column]))


def numbers(title: str, texts: Sequence[str], counts: Sequence[str], rows: Iterable[Numbered]) -> Table:
    """Counts by the texts before them; ``texts`` and ``counts`` are the columns' names."""
    table = Table(title=title, title_justify="left", title_style="bold")
    for name in texts:
        table.add_column(name)
    for name in counts:
        table.add_column(name, justify="right")
    for cells, found in rows:
        table.add_row(*map(Text, cells), *map(_count, found))
    return table


def _phones(regions: Mapping[str, Mapping[str, int]]) -> Table:
    table = Table(title=f"Phones, the {_COUNTRIES} largest countries", title_justify="left", title_style="bold")
    table.add_column("country")
    for name in ("kept", "valid", "share"):
        table.add_column(name, justify="right")
    largest = sorted(regions.items(), key=lambda item: (-item[1]["kept"], item[0]))
    for region, counts in largest[:_COUNTRIES]:
        share = f"{counts['valid'] / counts['kept']:.1%}" if counts["kept"] else "-"
        table.add_row("none given" if region == "??" else region, _count(counts["kept"]), _count(counts["valid"]), share)
    return table


def _several(number: int, one: str, many: str) -> str:
    return f"{number:,} {one if number == 1 else many}"


def _largest(counts: Mapping[str, int]) -> list[tuple[str, int]]:
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))


def _count(number: int | None) -> str:
    return "-" if number is None else f"{number:,}"
