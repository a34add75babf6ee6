"""What people use instead: the same work over the same file by a plain loop, pandas, SQL, and the platforms' own helpers."""

from __future__ import annotations

import csv
import hashlib
import re
import string
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from benchmarks.bench import OUT, ROOT

_PACKAGES = OUT / "packages"
_COLUMNS = ("customer_id", "email", "phone", "first_name", "last_name", "city", "state", "zip", "country")
_WARMING = 500
"""Rows that are not counted: libraries load what they need when they first need it."""
_PUNCTUATION = str.maketrans("", "", string.punctuation)
Row = Sequence[str | None]


def install() -> None:
    """Put what only the references need beside the environment, once; without it they are left out, and the table says so."""
    done = _PACKAGES / "installed.txt"
    wanted = (ROOT / "benchmarks" / "references.txt").read_text(encoding="utf-8")
    if done.exists() and done.read_text(encoding="utf-8") == wanted:
        return
    options = ["-qq", "--disable-pip-version-check", "--no-deps", "--require-hashes", "--upgrade"]
    command = [sys.executable, "-m", "pip", "install", *options, "--target", str(_PACKAGES), "-r", "benchmarks/references.txt"]
    with (OUT / "log.txt").open("a", encoding="utf-8") as log:
        if subprocess.run(command, check=False, cwd=ROOT, stdout=log, stderr=log).returncode == 0:
            done.write_text(wanted, encoding="utf-8")


def loop(file: str, rows: int, out: str) -> Mapping[str, Any]:
    """What people write: row by row, hashlib and phonenumbers."""
    return _timed(file, rows, out, _twelve)


def google_formatter(file: str, rows: int, out: str) -> Mapping[str, Any]:
    """Google's `google-ads-datamanager-util`: its fields only."""
    sys.path.append(str(_PACKAGES))
    from google.ads.datamanager_util.format import Encoding, Formatter

    made = Formatter()
    steps: tuple[tuple[int, Callable[..., str], tuple[Any, ...]], ...] = (
        (1, made.process_email_address, (Encoding.HEX,)),
        (2, made.process_phone_number, (Encoding.HEX,)),
        (3, made.process_given_name, (Encoding.HEX,)),
        (4, made.process_family_name, (Encoding.HEX,)),
        (7, made.process_postal_code, ()),
        (8, made.process_region_code, ()),
    )
    return _timed(file, rows, out, lambda row: [_or_none(step, row[place], *more) for place, step, more in steps])


def meta_normaliser(file: str, rows: int, out: str) -> Mapping[str, Any]:
    """The facebook-business SDK's own: its fields only."""
    from facebook_business.adobjects.serverside.normalize import Normalize

    names = ("em", "ph", "fn", "ln", "ct", "st", "zp", "country")
    return _timed(
        file,
        rows,
        out,
        lambda row: [_or_none(Normalize.normalize_field, name, value) for name, value in zip(names, row[1:], strict=True)],
    )


def pandas_apply(file: str, rows: int, out: str) -> Mapping[str, Any]:
    """The loop's rules, by ``apply`` on columns."""
    sys.path.append(str(_PACKAGES))
    import pandas as pd
    import pyarrow.parquet as pq

    for row in islice(_rows(file), _WARMING):
        _twelve(row)
    started = time.perf_counter()
    first = next(pq.ParquetFile(file).iter_batches(rows, columns=list(_COLUMNS)))
    people = first.to_pandas().astype(object).drop_duplicates("customer_id")
    people = people.where(people.notna(), None)
    emails = people["email"].apply(_lowered)
    phones = people.apply(lambda row: _e164(row["phone"], row["country"]), axis=1)
    hashed = {
        "email": emails.apply(_sha),
        "email_google": emails.apply(lambda email: _sha(_without_dots(email))),
        "phone_plus": phones.apply(_sha),
        "phone_digits": phones.apply(lambda phone: _sha(phone[1:])),
        **{name: people[name].apply(lambda value: _sha(_lowered(value))) for name in _COLUMNS[3:]},
        **{f"{name}_meta": people[name].apply(lambda value: _sha(_lettered(value))) for name in _COLUMNS[3:5]},
    }
    pd.DataFrame({"customer_id": people["customer_id"], **hashed}).to_parquet(f"{out}.parquet")
    return {"rows": first.num_rows, "seconds": time.perf_counter() - started}


def duckdb_sql(file: str, rows: int, out: str) -> Mapping[str, Any]:
    """The loop's rules in SQL, on all cores; phones by regular expressions."""
    import duckdb
    from phonenumbers import country_code_for_region

    from guestlist.sample.places import COUNTRIES

    started = time.perf_counter()
    with duckdb.connect() as database:
        codes = {country.code: str(country_code_for_region(country.code)) for country in COUNTRIES}
        database.execute("CREATE TABLE codes AS SELECT unnest(?) AS country, unnest(?) AS code", [[*codes], [*codes.values()]])
        database.execute(f"COPY ({_SQL.format(file=file, rows=rows)}) TO '{out}.parquet' (FORMAT parquet)")
    return {"rows": rows, "seconds": time.perf_counter() - started}


_SQL = """
WITH people AS (
    SELECT DISTINCT ON (customer_id) * FROM (SELECT * FROM '{file}' LIMIT {rows})
), cleaned AS (
    SELECT
        customer_id,
        lower(trim(email)) AS email,
        regexp_replace(phone, '[^0-9+]', '', 'g') AS phone,
        lower(trim(first_name)) AS first_name,
        lower(trim(last_name)) AS last_name,
        lower(trim(city)) AS city,
        lower(trim(state)) AS state,
        lower(trim(zip)) AS zip,
        lower(trim(people.country)) AS country,
        code
    FROM people LEFT JOIN codes ON upper(trim(people.country)) = codes.country
), dialled AS (
    SELECT *,
        CASE
            WHEN phone LIKE '+%' THEN phone
            WHEN phone LIKE '00%' THEN '+' || substr(phone, 3)
            WHEN code IS NOT NULL AND length(phone) > 5 THEN '+' || code || ltrim(phone, '0')
        END AS e164,
        CASE
            WHEN email LIKE '%@gmail.com' OR email LIKE '%@googlemail.com'
            THEN replace(regexp_replace(split_part(email, '@', 1), '[+].*', ''), '.', '') || '@' || split_part(email, '@', 2)
            ELSE email
        END AS email_google
    FROM cleaned
)
SELECT
    customer_id,
    sha256(nullif(email, '')) AS email,
    sha256(nullif(email_google, '')) AS email_google,
    sha256(e164) AS phone_plus,
    sha256(ltrim(e164, '+')) AS phone_digits,
    sha256(nullif(first_name, '')) AS first_name,
    sha256(nullif(last_name, '')) AS last_name,
    sha256(nullif(regexp_replace(first_name, '[[:punct:]]', '', 'g'), '')) AS first_name_meta,
    sha256(nullif(regexp_replace(last_name, '[[:punct:]]', '', 'g'), '')) AS last_name_meta,
    sha256(nullif(city, '')) AS city,
    sha256(nullif(state, '')) AS state,
    sha256(nullif(zip, '')) AS zip,
    sha256(nullif(country, '')) AS country
FROM dialled
"""
ALL: Mapping[str, tuple[Callable[..., Mapping[str, Any]], bool]] = {
    "hashlib + phonenumbers loop": (loop, False),
    "pandas apply": (pandas_apply, False),
    "DuckDB SQL": (duckdb_sql, True),
    "google-ads-datamanager-util": (google_formatter, False),
    "facebook-business normaliser": (meta_normaliser, False),
}
"""Each with whether it takes the whole file."""


def _timed(file: str, rows: int, out: str, hashes: Callable[[Row], list[str | None]]) -> Mapping[str, Any]:
    """Read the first rows, make their hashes and write them, one row of each customer."""
    for row in islice(_rows(file), _WARMING):
        hashes(row)
    started = time.perf_counter()
    seen: set[str | None] = set()
    with Path(f"{out}.csv").open("w", encoding="utf-8", newline="") as target:
        writer = csv.writer(target)
        for row in islice(_rows(file), rows):
            if row[0] not in seen:
                seen.add(row[0])
                writer.writerow([row[0], *hashes(row)])
    return {"rows": rows, "seconds": time.perf_counter() - started}


def _rows(file: str) -> Iterator[Row]:
    import pyarrow.parquet as pq

    for batch in pq.ParquetFile(file).iter_batches(10_000, columns=list(_COLUMNS)):
        yield from zip(*(column.to_pylist() for column in batch.columns), strict=True)


def _twelve(row: Row) -> list[str | None]:
    _, email, phone, first, last, *places = row
    address, number = _lowered(email), _e164(phone, row[8])
    texts: Iterable[str] = (
        *(
            address,
            _without_dots(address),
            number,
            number[1:],
            _lowered(first),
            _lowered(last),
            _lettered(first),
            _lettered(last),
        ),
        *map(_lowered, places),
    )
    return [_sha(text) for text in texts]


def _lowered(value: str | None) -> str:
    return (value or "").strip().lower()


def _lettered(value: str | None) -> str:
    return _lowered(value).translate(_PUNCTUATION)


def _without_dots(email: str) -> str:
    user, _, domain = email.partition("@")
    return f"{re.sub(r'[+].*', '', user).replace('.', '')}@{domain}" if domain in ("gmail.com", "googlemail.com") else email


def _e164(phone: str | None, country: str | None) -> str:
    import phonenumbers

    try:
        number = phonenumbers.parse(phone or "", (country or "").strip().upper())
    except phonenumbers.NumberParseException:
        return ""
    possible = phonenumbers.is_possible_number(number)
    return str(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)) if possible else ""


def _sha(text: str) -> str | None:
    return hashlib.sha256(text.encode()).hexdigest() if text else None


def _or_none(step: Callable[..., str], *arguments: Any) -> str | None:
    """What a helper makes of a value; None where it refuses it."""
    try:
        return step(*arguments)
    except (ValueError, TypeError):
        return None
