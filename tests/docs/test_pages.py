"""Every page: its links lead somewhere, its commands and variables exist, its connections can be read."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
import typer
from docs.pages import ROOT, all_pages, anchors, blocks, links, named, text_of

from guestlist.cli.main import app
from guestlist.model.connection import parse_connection
from guestlist.runtime import config

PAGES = pytest.mark.parametrize("page", all_pages(), ids=named)
_VARIABLE = re.compile(r"\bGUESTLIST_[A-Z]+\b")
_EXPORT = re.compile(r"^export AIRFLOW_CONN_(\w+)='(.*)'$", re.MULTILINE)
_SHELL = ("sh", "text", "console")


def test_there_are_pages() -> None:
    assert {"docs/segments.md", "docs/promises.md", "docs/connections.md", "docs/operating.md"} <= {*map(named, all_pages())}


@PAGES
def test_links_lead_to_pages_and_headings(page: Path) -> None:
    for address in links(page.read_text(encoding="utf-8")):
        path, _, heading = address.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), f"{address} is not there"
        if heading:
            assert heading in anchors(target.read_text(encoding="utf-8")), f"{address}: no such heading"


@PAGES
def test_every_link_stays_inside_the_project(page: Path) -> None:
    for address in links(page.read_text(encoding="utf-8")):
        assert (page.parent / address.partition("#")[0]).resolve().is_relative_to(ROOT), address


@PAGES
def test_commands_exist_and_take_these_arguments(page: Path) -> None:
    group = typer.main.get_command(app)
    assert isinstance(group, click.Group | typer.core.TyperGroup)
    for words in _commands(page.read_text(encoding="utf-8")):
        name, *arguments = words
        assert name in group.commands, f"guestlist {name}"
        if arguments:  # a sentence may name a command alone
            group.commands[name].make_context(name, list(arguments))


def _commands(text: str) -> Iterator[list[str]]:
    """The words behind ``guestlist`` in shell blocks and in code within sentences."""
    lines = [line.removeprefix("$ ") for kind in _SHELL for block in blocks(text, kind) for line in block.text.splitlines()]
    inline = re.findall(r"`(guestlist [^`]+)`", text)
    for line in [*lines, *inline]:
        for part in re.split(r"\s*(?:&&|\||>|;)\s*", line.partition("  #")[0]):
            if re.match(r"(?:\.venv/bin/)?guestlist [a-z]", part.strip()):
                words = shlex.split(part.strip().replace("...", ""))
                if re.fullmatch(r"[a-z]+", words[1]):
                    yield words[1:]


def test_commands_are_found_in_pages() -> None:
    found = [words for page in all_pages() for words in _commands(page.read_text(encoding="utf-8"))]
    assert ["sync", "lapsed_vips", "--only", "google_ads_main"] in found
    assert ["normalise", "-"] in found


@PAGES
def test_variables_exist(page: Path) -> None:
    known = {*_VARIABLE.findall(config.__doc__ or ""), "GUESTLIST_DEBUG"}
    assert {*_VARIABLE.findall(page.read_text(encoding="utf-8"))} <= known


@pytest.mark.parametrize("page", ["connections.md", "platforms/google_ads.md", "platforms/meta.md"])
def test_connections_can_be_read(page: str) -> None:
    found = [match for block in blocks(text_of(page), "sh") for match in _EXPORT.findall(block.text)]
    assert found
    for name, value in found:
        assert parse_connection(name.lower(), value).type in ("generic", "duckdb", "postgres")


@PAGES
def test_no_page_points_out_of_the_project_or_holds_a_real_looking_address(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert "/work/" not in text
    for domain in re.findall(r"[\w.+-]+@([\w-]+\.[\w.-]*\w)", text):
        assert domain.lower().endswith(("example.com", "example.org", "gmail.com", "g***.com")), domain
