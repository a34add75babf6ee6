"""A phone column, beside the loop over `phonenumbers` that anybody would write."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from typing import Any

from benchmarks import sources
from benchmarks.bench import Bench, size
from benchmarks.results import Row

TITLE = "phones"
NOTE = (
    "`parse_phones` on a column of messy numbers of 30 countries with a region column, the first call of its process. The loop "
    "parses, asks whether a number is possible and valid, and formats it as E.164, one after the other on one core; it takes "
    "the first numbers of the same file. Differences are counted on those."
)
_OURS, _LOOP = "guestlist parse_phones", "phonenumbers loop, one core"
_GOAL = 40
_WARMING = 1_000
"""Numbers after which the library has read the metadata of most countries."""


def measure(bench: Bench) -> Iterator[Row]:
    """Rates, their ratio, and parity."""
    file, sample = str(bench.folder / "phones.parquet"), size("SAMPLE_ROWS", 20_000)
    bench.say("making numbers")
    bench.call(sources.phones, file=file, rows=size("PHONES", 1_000_000))
    found = bench.rounds({_OURS: lambda: bench.call(ours, file=file), _LOOP: lambda: bench.call(loop, file=file, rows=sample)})
    for name, runs in found.items():
        yield Row.rate(name, runs, "numbers")
    yield Row.at_least("times as fast", found[_OURS].rate / found[_LOOP].rate, _GOAL)
    judged = bench.call(parity, file=file, rows=sample).facts
    differences = judged["differences"]
    yield Row(f"differences in {sample:,} numbers", str(differences), goal="none", reached=not differences)
    yield Row("of these answered without the library", f"{judged['fast']:.2%}")


def ours(file: str) -> Mapping[str, Any]:
    """The whole column."""
    import polars as pl

    from guestlist.identity.phone import parse_phones

    numbers = pl.read_parquet(file)
    started = time.perf_counter()
    parse_phones(numbers["phone"], numbers["country"])
    return {"rows": numbers.height, "seconds": time.perf_counter() - started}


def loop(file: str, rows: int) -> Mapping[str, Any]:
    """Its first rows by the library."""
    import polars as pl

    pairs = pl.read_parquet(file, n_rows=rows).rows()
    _by_library(pairs[:_WARMING])
    started = time.perf_counter()
    _by_library(pairs)
    return {"rows": len(pairs), "seconds": time.perf_counter() - started}


def _by_library(pairs: list[tuple[str | None, str | None]]) -> list[tuple[str | None, bool | None]]:
    """E.164 of possible numbers, and whether the number is valid; neither where it cannot be parsed."""
    import phonenumbers as library

    answers: list[tuple[str | None, bool | None]] = []
    for text, country in pairs:
        try:
            number = library.parse(text or "", country)
        except library.NumberParseException:
            answers.append((None, None))
            continue
        possible = library.is_possible_number_with_reason(number) == library.ValidationResult.IS_POSSIBLE
        e164 = library.format_number(number, library.PhoneNumberFormat.E164) if possible else None
        answers.append((e164, library.is_valid_number(number)))
    return answers


def parity(file: str, rows: int) -> Mapping[str, Any]:
    """How many of the first rows are answered otherwise than by the library, and how few are handed to it."""
    import polars as pl

    from guestlist.identity.phone import fast_path_share, parse_phones

    numbers = pl.read_parquet(file, n_rows=rows)
    mine = parse_phones(numbers["phone"], numbers["country"]).select("e164", "valid").rows()
    differences = sum(one != other for one, other in zip(mine, _by_library(numbers.rows()), strict=True))
    return {"differences": differences, "fast": fast_path_share(numbers["phone"], numbers["country"])}
