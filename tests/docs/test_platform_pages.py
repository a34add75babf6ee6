"""The platforms' pages: generated tables, every setting and option with its default, every match key."""

from __future__ import annotations

import re
from typing import Any

import pytest
from docs.pages import DOCS, blocks, section, table, text_of
from docs.platform_tables import PAGE, written
from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from guestlist import destinations
from guestlist.cli.variants import all_capabilities, keys_by_platform
from guestlist.destinations.base import Settings
from guestlist.model.connection import parse_connection

PLATFORMS = pytest.mark.parametrize("platform", destinations.names())
_EXPORT = re.compile(r"^export AIRFLOW_CONN_(\w+)='(.*)'$", re.MULTILINE)


def _page(platform: str) -> str:
    return text_of(f"platforms/{platform}.md")


def test_the_tables_are_what_the_code_says() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert page == written(page), "run: PYTHONPATH=include:tests python tests/docs/platform_tables.py"


def test_every_platform_has_a_page_that_the_overview_leads_to() -> None:
    pages = {path.stem for path in (DOCS / "platforms").glob("*.md")} - {"README"}
    assert pages == {*destinations.names()}
    overview = PAGE.read_text(encoding="utf-8")
    assert all(f"({platform}.md)" in overview for platform in pages)


@PLATFORMS
def test_every_setting_is_told_with_its_default(platform: str) -> None:
    settings = destinations.destination_class(platform).Settings
    told = table(section(_page(platform), "The connection"))
    assert set(told) == set(settings.model_fields)
    for name, field in settings.model_fields.items():
        assert (told[name][0] == "required") == field.is_required(), name
        if isinstance(field.default, int | float):
            assert told[name][0] == f"{field.default:g}"


@PLATFORMS
def test_the_polling_times_are_those_of_the_platform(platform: str) -> None:
    told = table(section(_page(platform), "The connection"))
    first, longest = told["poll_first_seconds"][0].split(",")[0], told["poll_longest_seconds"][0].split(",")[0]
    pollings = [capabilities.polling for capabilities in all_capabilities(platform)]
    if not any(pollings):
        assert first == longest == "none"  # it answers at once
    else:
        assert (first, longest) in {(f"{polling.first:g}", f"{polling.longest:g}") for polling in pollings if polling}


@PLATFORMS
def test_every_option_is_told_with_its_default(platform: str) -> None:
    options: type[BaseModel] = destinations.destination_class(platform).Options
    told = table(section(_page(platform), "In a segment"))
    assert set(told) == set(options.model_fields)
    for name, field in options.model_fields.items():
        assert _says(told[name][0], field.default), name


def _says(cell: str, default: Any) -> bool:
    if default is PydanticUndefined:
        return cell == "required"
    return cell in ("none", "for ever") if default is None else cell.strip("`") == str(default)


@PLATFORMS
def test_every_match_key_is_told(platform: str) -> None:
    told = table(section(_page(platform), "Match keys"))
    keys = keys_by_platform()[platform]
    assert set(told) == {field.value for field in keys}
    for field, key in keys.items():
        cells = " ".join(told[field.value][:2])
        assert ("plain" in cells) == key.plain, field
        assert ("SHA-256" in cells) != key.plain, field


@PLATFORMS
def test_the_printed_connections_are_accepted(platform: str) -> None:
    settings = destinations.destination_class(platform).Settings
    found = [match for block in blocks(_page(platform), "sh") for match in _EXPORT.findall(block.text)]
    assert found
    for name, value in found:
        assert settings.of(parse_connection(name.lower(), value))


def test_the_settings_that_all_platforms_share_are_told() -> None:
    told = table(section(text_of("connections.md"), "Platforms"))
    assert set(told) == set(Settings.model_fields)


def test_the_refusal_of_a_connection_is_as_shown() -> None:
    from guestlist.model.errors import ConfigError

    settings = destinations.destination_class("meta").Settings
    text = '{"conn_type": "generic", "extra": {"ad_account_id": "x", "acces_token": "made-up"}}'
    with pytest.raises(ConfigError) as caught:
        settings.of(parse_connection("meta_main", text))
    (shown,) = blocks(section(text_of("connections.md"), "Platforms"), "text")
    assert shown.text.strip() == caught.value.message
