"""``guestlist doctor``: what is wrong with a hash, or with what a segment's source holds; no platform is asked."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from guestlist.cli.console import AsJson, show, show_json
from guestlist.cli.installation import segment_named, workspace
from guestlist.model.errors import ConfigError, DataError
from guestlist.model.vocabulary import Field

if TYPE_CHECKING:
    from guestlist.model.segment import Segment

_ASK = "-"
_STYLES = {"right": "green", "wrong": "red", "unknown": "yellow", "dropped": "yellow", "unhashed": ""}
Given = Annotated[str | None, typer.Option(metavar="VALUE|-", help="The value of which the hash is said to be; - asks for it.")]


def doctor(  # noqa: PLR0913 - one option for each field
    segment: Annotated[
        str | None, typer.Argument(metavar="[SEGMENT]", help="Look at the source of this segment instead of at a hash.")
    ] = None,
    *,
    hash_: Annotated[str | None, typer.Option("--hash", metavar="HASH|-", help="The hash; - asks for it.")] = None,
    email: Given = None,
    phone: Given = None,
    first_name: Given = None,
    last_name: Given = None,
    city: Given = None,
    state: Given = None,
    postal_code: Given = None,
    country: Given = None,
    mobile_ad_id: Given = None,
    region: Annotated[
        str | None, typer.Option(help="The person's country, to read a phone, state or postal code with.")
    ] = None,
    rows: Annotated[int, typer.Option(min=1, help="Rows of the source to look at.")] = 10_000,
    as_json: AsJson = False,
) -> None:
    """Name the mistake in a hash, or tell how ready a segment's source is to be matched."""
    values = {
        Field.EMAIL: email,
        Field.PHONE: phone,
        Field.FIRST_NAME: first_name,
        Field.LAST_NAME: last_name,
        Field.CITY: city,
        Field.STATE: state,
        Field.POSTAL_CODE: postal_code,
        Field.COUNTRY: country,
        Field.MOBILE_AD_ID: mobile_ad_id,
    }
    given = {field: value for field, value in values.items() if value is not None}
    if segment is not None and hash_ is None and not given:
        _examine(segment_named(segment), rows, as_json=as_json)
    elif segment is None and hash_ is not None and len(given) <= 1:
        _diagnose(hash_, given, region, as_json=as_json)
    else:
        raise ConfigError("give a segment, or --hash by itself, or --hash with one value such as --email")


def _diagnose(hash_: str, given: dict[Field, str], region: str | None, *, as_json: bool) -> None:
    """Exit as for a broken source, if the hash is right for no platform."""
    from guestlist.cli.diagnosis import of_hash, of_value

    field, value = next(((field, _asked(text, field.value)) for field, text in given.items()), (None, ""))
    found = _asked(hash_, "hash")
    diagnosis = of_hash(found) if field is None else {**of_hash(found), **of_value(field, value, region, found)}
    if as_json:
        show_json(diagnosis)
    else:
        _show_hash(diagnosis)
    if not diagnosis["right"]:
        raise typer.Exit(DataError.exit_code)


def _asked(given: str, name: str) -> str:
    """The value itself, or what is typed unseen, or the next line of standard input."""
    if given == _ASK and sys.stdin.isatty():
        given = typer.prompt(name, hide_input=True, err=True)
    elif given == _ASK:
        given = sys.stdin.readline().removesuffix("\n")
    try:
        given.encode()
    except UnicodeEncodeError:
        raise ConfigError(f"the {name} is no text: write it in UTF-8") from None
    return given


def _show_hash(diagnosis: dict[str, Any]) -> None:
    show(Text(f"The hash: {diagnosis['shape']}"))
    if diagnosis["constant"]:
        show(Text("It is the same for everybody:", style="red"), *_steps(diagnosis["constant"]))
    if "platforms" not in diagnosis:
        return
    table = Table(title=f"As the hash of this {diagnosis['field']}", title_justify="left", title_style="bold")
    for name in ("platforms", "it is", "why", "to mend"):
        table.add_column(name, overflow="fold")
    for verdict, why, mend, platforms in _alike(diagnosis):
        table.add_row(Text("\n".join(platforms)), Text(verdict, style=_STYLES[verdict]), Text(why), Text(mend))
    show(table)


def _alike(diagnosis: dict[str, Any]) -> list[tuple[str, str, str, list[str]]]:
    """The platforms to which the hash is the same, the verdicts in the order of `_STYLES`."""
    found: dict[tuple[str, str, str], list[str]] = {}
    for item in diagnosis["platforms"]:
        found.setdefault((item["verdict"], *_told(item, diagnosis["tried"])), []).append(item["platform"])
    rows = [(*told, platforms) for told, platforms in found.items()]
    return sorted(rows, key=lambda row: list(_STYLES).index(row[0]))


def _steps(mistakes: list[dict[str, str]]) -> list[Text]:
    return [Text(f"    {item['what']}\n      to mend: {item['mend']}") for item in mistakes]


def _told(item: dict[str, Any], tried: int) -> tuple[str, str]:
    """Why the hash is what it is to a platform, and what to do."""
    made = item["mistakes"]
    return {
        "right": ("", ""),
        "wrong": ("\n".join(one["what"] for one in made), "\n".join(dict.fromkeys(one["mend"] for one in made))),
        "unknown": (f"none of {tried:,} wrong recipes makes it", "was there a salt, a key, or another value?"),
        "unhashed": ("the platform takes the value as it is", "send it unhashed"),
        "dropped": (f"no key is made of this value: {item['reason']}", "look at the value, and at --region"),
    }[item["verdict"]]


def _examine(segment: Segment, rows: int, *, as_json: bool) -> None:
    from dataclasses import asdict

    from guestlist.cli.readiness import readiness_tables
    from guestlist.pipeline.prepare import Preparer
    from guestlist.pipeline.readiness import readiness
    from guestlist.runtime.samples import first_rows

    here = workspace()
    capabilities = here.capabilities(segment)
    columns = Preparer(segment, tuple(capabilities.values())).source_columns
    found = asdict(readiness(segment, capabilities, first_rows(here, segment, columns, rows).head(rows)))
    if as_json:
        show_json({"segment": segment.name, **found})
    else:
        show(*readiness_tables(segment.name, found))
