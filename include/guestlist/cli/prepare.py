"""``guestlist prepare``: the prepare step alone, to see how fast it is and what it drops."""

from __future__ import annotations

import resource
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.text import Text

from guestlist.cli.console import AsJson, SegmentName, show, show_json
from guestlist.cli.installation import segment_named, workspace
from guestlist.cli.progress import Bars
from guestlist.cli.tables import drop_tables

if TYPE_CHECKING:
    from guestlist.runtime.lake import Lake

_MIB = 2**20


def prepare(
    segment: SegmentName,
    *,
    out: Annotated[str, typer.Option(help="Folder or object-store address for the prepared members; hashes are in it.")],
    as_json: AsJson = False,
) -> None:
    """Read, normalise and hash a segment's members into a folder, and measure it."""
    from guestlist.runtime.preparation import prepare_into

    wanted = segment_named(segment)
    here = workspace()
    lake = here.lake_for(wanted, out)
    _clear(lake, wanted.name)
    with Bars() as bars:
        prepared = prepare_into(here, wanted, lake, wanted.name, bars.read)
    drops = prepared.drops.as_json()
    facts: dict[str, Any] = {
        "segment": wanted.name,
        "path": str(lake.root / prepared.path),
        "rows_read": prepared.drops.read,
        "prepared": prepared.drops.prepared,
        "seconds": round(prepared.seconds, 3),
        "rows_per_second": round(prepared.drops.read / prepared.seconds),
        "peak_memory_mib": round(peak_memory() / _MIB, 1),
    }
    if as_json:
        show_json({**facts, "drops": drops})
        return
    speed = f"{facts['seconds']:.2f} s, {facts['rows_per_second']:,} rows/s, peak memory {facts['peak_memory_mib']:,.0f} MiB"
    show(Text(f"prepared {wanted.name} into {facts['path']}"), Text(speed), *drop_tables(drops))


def _clear(lake: Lake, folder: str) -> None:
    """Take away the parts of an earlier preparation, which may have had more of them."""
    for path in lake.parts(folder) if lake.exists(folder) else ():
        lake.remove(path)


def peak_memory() -> int:
    """The most memory that this process ever held, in bytes.

    Linux tells it for the program itself; getrusage would count the process that started it, where that was larger.
    """
    try:
        lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM"))
    except (OSError, StopIteration):
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak if sys.platform == "darwin" else peak * 1024
