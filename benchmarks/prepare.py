"""Prepare a million members for Google Ads and Meta, beside the plain loop that people write; `make bench` runs it.

Prints one table, medians over the runs, all in the same process environment on the same data: rows/s and peak memory of
`guestlist prepare`, each run in a process of its own; and rows/s of a loop with hashlib and phonenumbers over a sample.
BENCH_ROWS (1,000,000) and BENCH_RUNS (3) change the size.
"""

from __future__ import annotations

import csv
import hashlib
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import duckdb
import phonenumbers
from rich.console import Console
from rich.table import Table

from guestlist.sample.warehouse import build

ROWS = int(os.environ.get("BENCH_ROWS") or 1_000_000)
RUNS = int(os.environ.get("BENCH_RUNS") or 3)
LOOP_ROWS = 20_000
COLUMNS = "customer_id, email, phone, first_name, last_name, city, state, zip, country"
SEGMENT = """
name: bench
source: {file: FILE}
key: member
identifiers:
  email: email
  phone: {columns: [phone], region: country}
  first_name: first_name
  last_name: last_name
  city: city
  state: state
  postal_code: zip
  country: country
destinations:
  - {platform: google_ads, connection: google, audience: Bench}
  - {platform: meta, connection: meta, audience: Bench}
"""


def members_file(folder: Path) -> Path:
    """The customers of a sample warehouse of that size, as Parquet."""
    build(folder / "warehouse.duckdb", ROWS)
    file = folder / "members.parquet"
    with duckdb.connect(str(folder / "warehouse.duckdb"), read_only=True) as database:
        numbered = f"SELECT row_number() OVER () AS member, {COLUMNS} FROM customers LIMIT {ROWS}"
        database.execute(f"COPY ({numbered}) TO '{file}' (FORMAT parquet)")
    return file


def ours(folder: Path, file: Path) -> dict[str, float]:
    """One run of `guestlist prepare` in a process of its own: what it reports."""
    segments = folder / "segments"
    segments.mkdir(exist_ok=True)
    (segments / "bench.yaml").write_text(SEGMENT.replace("FILE", str(file)), encoding="utf-8")
    command = [str(Path(sys.executable).with_name("guestlist")), "prepare", "bench", "--out", str(folder / "out"), "--json"]
    environment = {**os.environ, "GUESTLIST_SEGMENTS": str(segments), "GUESTLIST_HOME": str(folder / "home")}
    result: dict[str, float] = json.loads(subprocess.check_output(command, env=environment))
    return result


def plain_loop(file: Path) -> float:
    """Rows per second of what people write: a loop over rows with hashlib and phonenumbers, for the same two platforms."""
    rows = duckdb.execute(f"SELECT * FROM '{file}' LIMIT {LOOP_ROWS}").fetchall()
    started = time.perf_counter()
    with Path(os.devnull).open("w", encoding="utf-8") as sink:
        writer = csv.writer(sink)
        for _, _, email, phone, *rest in rows:
            writer.writerow(loop_row(email, phone, rest))
    return len(rows) / (time.perf_counter() - started)


def loop_row(email: str | None, phone: str | None, rest: list[str | None]) -> list[str]:
    """One person's hashes for both platforms, without any of the finer rules."""
    hashes = []
    address = (email or "").strip().lower()
    hashes += [sha(address), sha(address.replace(".", "") if address.endswith("@gmail.com") else address)]
    try:
        number = phonenumbers.parse(phone or "", rest[-1])
        e164 = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
        if phonenumbers.is_possible_number(number):
            hashes += [sha(e164), sha(e164[1:])]
    except phonenumbers.NumberParseException:
        pass
    for value in rest:
        hashes.append(sha((value or "").strip().lower()))
    hashes += [sha((value or "").strip().lower()) for value in rest[:2]]
    return hashes


def sha(text: str) -> str:
    """SHA-256, if there is anything to hash."""
    return hashlib.sha256(text.encode()).hexdigest() if text else ""


def main() -> None:
    """Measure and print."""
    console = Console()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with console.status(f"Making {ROWS:,} members ..."):
            file = members_file(folder)
        results = []
        for run in range(RUNS):
            with console.status(f"guestlist prepare, run {run + 1} of {RUNS} ..."):
                results.append(ours(folder, file))
        with console.status("The plain loop ..."):
            loop = plain_loop(file)
    rate = statistics.median(result["rows_per_second"] for result in results)
    memory = max(result["peak_memory_mib"] for result in results)
    table = Table(
        title=f"{ROWS:,} members for Google Ads and Meta; {os.cpu_count()} cores {platform.machine()}, median of {RUNS}"
    )
    for name in ("what", "rows/s", "peak memory"):
        table.add_column(name, justify="left" if name == "what" else "right")
    table.add_row("guestlist prepare", f"{rate:,.0f}", f"{memory:,.0f} MiB")
    table.add_row(f"hashlib + phonenumbers loop ({LOOP_ROWS:,} rows, one core)", f"{loop:,.0f}", "")
    table.add_row("ours, times as fast", f"{rate / loop:.1f}", "")
    console.print(table)


if __name__ == "__main__":
    main()
