"""The documentation pages as data: blocks of code, tables, headings, links."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
_FENCE = re.compile(r"^( *)```(.*?)\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#{1,6} (.*)$", re.MULTILINE)


@dataclass(frozen=True)
class Block:
    """A fenced block: what stands behind the fence, the text in it, and the line on which it begins."""

    kind: str
    text: str
    line: int


def all_pages() -> list[Path]:
    return sorted([*DOCS.rglob("*.md"), *(path for path in [ROOT / "README.md"] if path.exists())])


def named(path: Path) -> str:
    return str(path.relative_to(ROOT))


def text_of(name: str) -> str:
    return (DOCS / name).read_text(encoding="utf-8")


def blocks(text: str, kind: str) -> list[Block]:
    found = []
    for match in _FENCE.finditer(text):
        indent, info, body = match.groups()
        if info.strip() == kind:
            lines = [line.removeprefix(indent) for line in body.splitlines()]
            found.append(Block(kind, "\n".join(lines) + "\n", text[: match.start()].count("\n") + 1))
    return found


def without_blocks(text: str) -> str:
    return _FENCE.sub("", text)


def links(text: str) -> Iterator[str]:
    """The addresses of relative links."""
    return (address for address in _LINK.findall(without_blocks(text)) if "://" not in address)


def anchors(text: str) -> set[str]:
    """The names that GitHub gives to headings."""
    plain = (re.sub(r"[^\w\- ]", "", heading.lower()) for heading in _HEADING.findall(without_blocks(text)))
    return {heading.strip().replace(" ", "-") for heading in plain}


def section(text: str, heading: str) -> str:
    """What stands under a heading, up to the next one of its level or above."""
    start = re.search(rf"^(#+) {re.escape(heading)}$", text, re.MULTILINE)
    assert start, f"there is no heading {heading!r}"
    rest = text[start.end() :]
    end = re.search(rf"^#{{1,{len(start[1])}}} ", rest, re.MULTILINE)
    return rest[: end.start()] if end else rest


def rows(text: str) -> list[list[str]]:
    """The cells of every table row, headers and all."""
    lines = [line.strip() for line in text.splitlines() if line.strip().startswith("|")]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return [row for row in cells if not set("".join(row)) <= set("-: ")]


def table(text: str) -> dict[str, list[str]]:
    """Rows by the names in their first cell; a cell such as "`a`, `b`" stands for both."""
    found: dict[str, list[str]] = {}
    for first, *others in rows(text):
        for name in re.findall(r"`([^`]+)`", first):
            found.setdefault(name, others)
    return found
