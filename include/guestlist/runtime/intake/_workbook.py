"""Looks through a workbook for what nobody should be sent, in a process of its own: see `guestlist.sources.confined`."""

from __future__ import annotations

import io
import json
import re
import zipfile

from guestlist.runtime.intake.hostile import MOST_GROWTH, is_bomb

_MOST_PARTS = 10_000
_BLOCK = 1 << 20
_LONGEST_TAG = 32
_FORMULA = re.compile(rb"<(\w{1,20}:)?f[ >/]")


def work(_argument: str, content: bytes) -> bytes:
    """The problem as JSON, or null."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as book:
            return json.dumps(_problem(book, len(content))).encode()
    except (zipfile.BadZipFile, EOFError, NotImplementedError, RuntimeError, OSError, ValueError):
        return json.dumps("is not a readable Excel workbook; is it whole, and without a password?").encode()


def _problem(book: zipfile.ZipFile, size: int) -> str | None:
    parts = book.infolist()
    grown = sum(part.file_size for part in parts)
    if len(parts) > _MOST_PARTS or is_bomb(size, grown):
        return f"grows more than {MOST_GROWTH}-fold when it is unpacked, as no workbook of people does"
    for part in parts:
        name = part.filename.lower()
        if name.endswith("vbaproject.bin") or "/externallinks/" in name:
            return "holds a program or links to other files: save its sheet as a new workbook, or as CSV"
        if "/worksheets/" in name and name.endswith(".xml") and _has_formula(book, part):
            return "holds formulas: paste them as values, or save the sheet as CSV"
    return None


def _has_formula(book: zipfile.ZipFile, part: zipfile.ZipInfo) -> bool:
    with book.open(part) as sheet:
        before = b""
        while block := sheet.read(_BLOCK):
            text = before + block
            if _FORMULA.search(text):
                return True
            before = text[-_LONGEST_TAG:]
    return False
