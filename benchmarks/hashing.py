"""How much of the machine's own speed of hashing is left once everything else is done."""

from __future__ import annotations

import hashlib
import re
import subprocess
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from typing import Any

from benchmarks.bench import CORES, Bench, size
from benchmarks.prepare import HASHES_A_SECOND
from benchmarks.results import Row

TITLE = "hashing"
NOTE = (
    "the limit is what `openssl speed` reaches with 24-byte messages on all cores (hashlib in as many processes where there is "
    "no openssl). Hashes in prepare are the hashed values in all columns of the prepared files above, by the median of its "
    "seconds: a value that is hashed once and stands in many rows counts in each of them, as it would in a loop."
)
_BYTES = 24
_KERNEL = "sha256_hex of a String column"
_GOAL = 0.35


def measure(bench: Bench) -> Iterator[Row]:
    """The limit, the kernel alone, and the share that prepare reaches."""
    rows = size("HASHES", 4_000_000)
    found = bench.rounds({"limit": lambda: bench.call(limit, cores=CORES), _KERNEL: lambda: bench.call(kernel, rows=rows)})
    yield Row.rate(f"{found['limit'].done[0].facts['by']}, {CORES} cores", found["limit"], "hashes")
    yield Row.rate(_KERNEL, found[_KERNEL], "hashes")
    if (reached := bench.found.get(HASHES_A_SECOND)) is not None:
        yield Row("hashes in prepare", f"{reached:,.0f} hashes/s")
        yield Row.at_least("share of the limit", reached / found["limit"].rate, _GOAL, ".2f")


def limit(cores: int) -> Mapping[str, Any]:
    """One second of SHA-256 on all cores."""
    try:
        command = ["openssl", "speed", "-mr", "-multi", str(cores), "-bytes", str(_BYTES), "-seconds", "1", "-evp", "sha256"]
        told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        bytes_a_second = float(re.findall(r"^\+F:.*:sha256:([\d.]+)", told, re.MULTILINE)[-1])
    except (OSError, subprocess.CalledProcessError, IndexError):
        with ProcessPoolExecutor(cores) as pool:
            return {"rows": sum(pool.map(_hashed_in_a_second, range(cores))), "seconds": 1.0, "by": "hashlib"}
    return {"rows": bytes_a_second / _BYTES, "seconds": 1.0, "by": "OpenSSL"}


def _hashed_in_a_second(core: int) -> int:
    message, count, end = bytes([core]) * _BYTES, 0, time.perf_counter() + 1.0
    while time.perf_counter() < end:
        for _ in range(1000):
            hashlib.sha256(message).digest()
        count += 1000
    return count


def kernel(rows: int) -> Mapping[str, Any]:
    """What prepare hashes with, on texts of the same length."""
    import polars as pl

    from guestlist.identity.hashing import sha256_hex

    texts = pl.select(text=pl.lit("customer@example") + pl.int_range(10_000_000, 10_000_000 + rows).cast(pl.String))
    started = time.perf_counter()
    texts.lazy().select(sha256_hex(pl.col("text"))).collect(engine="streaming")
    return {"rows": rows, "seconds": time.perf_counter() - started}
