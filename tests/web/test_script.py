"""The script of the pages that is committed is made of the sources that are committed: `make web` was not forgotten."""

from __future__ import annotations

import hashlib
from pathlib import Path

import guestlist.web

WEB = Path(guestlist.web.__file__).parent


def test_the_script_is_made_of_the_sources() -> None:
    sources = WEB / "ui"
    code = [file for ending in ("ts", "tsx") for file in (sources / "src").rglob(f"*.{ending}") if file.name != "schema.ts"]
    names = sorted(["package-lock.json", "vite.config.ts", *(file.relative_to(sources).as_posix() for file in code)])
    digest = hashlib.sha256(b"".join((sources / name).read_bytes() for name in names)).hexdigest()
    assert digest in (WEB / "static" / "audiences.js").read_text(encoding="utf-8").partition("\n")[0], "run `make web`"
