"""Made-up files to measure with: messy phone numbers, a customer table with its dirt, and very many customers."""

from __future__ import annotations

import random
import string
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

_SEED = 11
_ROWS_AT_ONCE = 250_000

COUNTRIES = (
    *("US", "GB", "DE", "FR", "IT", "ES", "CA", "BR", "IN", "AU", "NL", "MX", "AR", "JP", "CN", "KR", "RU", "PL", "SE", "CH"),
    *("AT", "BE", "TR", "ZA", "NG", "EG", "AE", "SG", "NZ", "IL"),
)
_ABROAD = {"US": "011", "CA": "011", "RU": "810", "AU": "0011", "JP": "010", "NG": "009"}
_WIDE = str.maketrans(
    string.digits + "+- ()", "".join(map(chr, (*range(0xFF10, 0xFF1A), 0xFF0B, 0xFF0D, 0x3000, 0xFF08, 0xFF09)))
)
_ARABIC = str.maketrans(string.digits, "".join(map(chr, range(0x0660, 0x066A))))
_EXTENSIONS = (" ext 5", " x12", " ext. 123", " #12", ";ext=77")
_WORDS = ("Tel: ", "mobile ", "(M) ", "call ")
_AFTER = (" (mobile)", " home", ".", " / ", " WhatsApp")
_JUNK = ("n/a", "unknown", "-", "0", "123", "see notes", "test@example.com", "00000000", "")


def phones(file: str, rows: int) -> Mapping[str, Any]:
    """``phone`` and ``country`` (ISO alpha-2, or null) of as many customers in 30 countries, as Parquet."""
    import polars as pl

    chance = random.Random(_SEED)  # noqa: S311 - made-up numbers, the same every time
    pairs = [_phone(chance) for _ in range(rows)]
    columns = {"phone": [number for number, _ in pairs], "country": [country for _, country in pairs]}
    pl.DataFrame(columns, schema={"phone": pl.String, "country": pl.String}).write_parquet(file)
    return {"rows": rows}


def _phone(chance: random.Random) -> tuple[str | None, str | None]:
    country = chance.choice(COUNTRIES)
    written = _written(chance, country)
    roll = chance.random()
    number = written if roll < 0.88 else _mess(chance, written) if roll < 0.985 else None
    return number, None if chance.random() < 0.01 else country


@cache
def _shapes(country: str, kind: int) -> tuple[str, str, int]:
    """An example of the country's numbers, national and international, and how many last digits to make up."""
    import phonenumbers as library

    example = library.example_number_for_type(country, kind)
    if example is None:
        raise ValueError(f"libphonenumber knows no such numbers of {country}")
    national, abroad = (library.format_number(example, form) for form in (2, 1))  # PhoneNumberFormat NATIONAL, INTERNATIONAL
    return national, abroad, len(library.national_significant_number(example)) - 3


def _written(chance: random.Random, country: str) -> str:
    """A number of the country's own, mostly valid, in one of the ways in which people write them."""
    national, abroad, fresh = _shapes(country, chance.choice((0, 1, 1)))  # PhoneNumberType FIXED_LINE, MOBILE
    way = chance.random()
    dialled = _redialled(chance, national if way < 0.45 else abroad, fresh)
    code, _, rest = dialled.partition(" ")
    if way >= 0.90:
        dialled = chance.choice(
            (
                f"{_ABROAD.get(country, '00')} {code[1:]} {rest}",
                f"{code} (0) {rest}",
                f"({code}) {rest}",
                f"{code[1:]} {rest}",
                rest,
            )
        )
    style = chance.random()
    if style < 0.25:
        return "".join(sign for sign in dialled if sign.isdigit() or sign == "+")
    return dialled.replace(" ", chance.choice(("-", ".", "\u00a0", "  ", ""))) if style < 0.5 else dialled


def _redialled(chance: random.Random, written: str, fresh: int) -> str:
    signs = list(written)
    for place in reversed(range(len(signs))):
        if fresh and signs[place].isdigit():
            signs[place] = chance.choice(string.digits)
            fresh -= 1
    return "".join(signs)


def _mess(chance: random.Random, written: str) -> str:
    middle = chance.randrange(len(written) + 1)
    ways: tuple[Callable[[], str], ...] = (
        lambda: written + chance.choice(_EXTENSIONS),
        lambda: chance.choice(_WORDS) + written,
        lambda: written + chance.choice(_AFTER),
        lambda: f"  {written} ",
        lambda: written[:middle],
        lambda: written + chance.choice(string.digits),
        lambda: written[:middle] + chance.choice("oOlIx*#,_") + written[middle:],
        lambda: written.translate(_WIDE),
        lambda: written.translate(_ARABIC),
        lambda: f"{written} / {written}",
        lambda: chance.choice(_JUNK),
    )
    return chance.choice(ways)()


def people(file: str, rows: int) -> Mapping[str, Any]:
    """The sample's customers, with their dirt; every thousandth stands twice, the second time with another email."""
    import polars as pl
    import pyarrow.parquet as pq

    from guestlist.sample.people import people as customers

    writer = None
    for first in range(0, rows, _ROWS_AT_ONCE):
        made = customers(first, min(_ROWS_AT_ONCE, rows - first), _SEED)
        again = made.gather_every(1000).with_columns(
            email=pl.concat_str(pl.lit("again."), "customer_id", pl.lit("@example.net"))
        )
        chunk = pl.concat([made.slice(again.height), again]).select(
            *("customer_id", "email", "phone", "first_name", "last_name", "city", "state", "zip", "country")
        )
        table = chunk.to_arrow()
        writer = writer or pq.ParquetWriter(file, table.schema)
        writer.write_table(table)
    if writer:
        writer.close()
    return {"rows": rows}


def many_people(file: str, rows: int) -> Mapping[str, Any]:
    """Very many customers in four countries, written by DuckDB without ever standing in memory."""
    import duckdb

    from guestlist.sample.names import POOLS

    first = sorted({name for pool in POOLS.values() for name in (*pool.women, *pool.men)})
    last = sorted({name for pool in POOLS.values() for name in pool.family})
    with duckdb.connect() as database:
        database.execute("CREATE TABLE names AS SELECT ? AS first, ? AS last", [first, last])
        database.execute(f"COPY ({_MANY.format(rows=rows)}) TO '{file}' (FORMAT parquet)")
    return {"rows": rows}


_MANY = """
SELECT
    'C' || lpad(i::VARCHAR, 9, '0') AS customer_id,
    CASE i % 9
        WHEN 0 THEN 'Guest.List.' || i || '+news@gmail.com'
        WHEN 1 THEN ' CUSTOMER' || i || '@Example.COM '
        WHEN 2 THEN NULL
        ELSE 'customer.' || i || '@example.org'
    END AS email,
    CASE i % 8
        WHEN 0 THEN '+1 (' || 201 + i % 700 || ') ' || 555 + i // 10000 % 400 || '-' || lpad((i // 8 % 10000)::VARCHAR, 4, '0')
        WHEN 1 THEN '0151 ' || lpad((i % 100000000)::VARCHAR, 8, '0')
        WHEN 2 THEN '06' || lpad((i * 7 % 100000000)::VARCHAR, 8, '0')
        WHEN 3 THEN '07' || 400 + i // 1000000 % 100 || ' ' || lpad((i % 1000000)::VARCHAR, 6, '0')
        WHEN 4 THEN 201 + i % 700 || '.' || 555 + i // 10000 % 400 || '.' || lpad((i // 8 % 10000)::VARCHAR, 4, '0')
        WHEN 5 THEN '+49 (0) 151-' || lpad((i % 100000000)::VARCHAR, 8, '0')
        WHEN 6 THEN '0033 6 ' || lpad((i * 7 % 100000000)::VARCHAR, 8, '0')
    END AS phone,
    first[1 + i % len(first)] AS first_name,
    last[1 + (hash(i) % len(last))::BIGINT] AS last_name,
    'City ' || i % 4000 AS city,
    CASE i % 4 WHEN 0 THEN ['CA', 'NY', 'Texas', 'wa'][1 + i // 4 % 4] END AS state,
    CASE i % 4 WHEN 3 THEN 'SW1A ' || i % 10 || 'AA' ELSE lpad((hash(i) % 99999)::VARCHAR, 5, '0') END AS zip,
    ['US', 'DE', 'FR', 'GB'][1 + i % 4] AS country
FROM range({rows}) AS numbers(i), names
"""
