"""Builds the sample warehouse, a DuckDB file with customers, orders and do_not_contact."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
import polars as pl

from guestlist.sample.dice import Dice
from guestlist.sample.orders import lifetimes, orders
from guestlist.sample.people import COLUMNS, people

_TABLES = """
CREATE TABLE customers (
    customer_id VARCHAR, email VARCHAR, second_email VARCHAR, phone VARCHAR, first_name VARCHAR, last_name VARCHAR,
    gender VARCHAR, birth_year INTEGER, birth_month INTEGER, birth_day INTEGER, city VARCHAR, state VARCHAR, zip VARCHAR,
    country VARCHAR, idfa VARCHAR, consent_ads BOOLEAN, consent_personalization BOOLEAN, newsletter BOOLEAN,
    ltv DOUBLE, last_order_at TIMESTAMP
);
CREATE TABLE orders (
    order_id VARCHAR, customer_id VARCHAR, ordered_at TIMESTAMP, amount DECIMAL(10, 2), currency VARCHAR, status VARCHAR
);
CREATE TABLE do_not_contact (customer_id VARCHAR, email VARCHAR, phone VARCHAR, country VARCHAR, reason VARCHAR);
"""


def build(path: Path, rows: int = 50_000, seed: int = 7) -> None:
    """Write a warehouse of ``rows`` customers to ``path``, in place of what is there; the same seed gives the same rows.

    A few of the rows are copies with the same customer_id, or have none, as happens in real tables.
    """
    made = people(0, rows, seed)
    bought = orders(made, seed)
    dice = Dice(seed)
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(path.name + ".unfinished")
    unfinished.unlink(missing_ok=True)
    with duckdb.connect(str(unfinished)) as database:
        database.execute(_TABLES)
        whole = with_lifetimes(made, bought, dice)
        insert(database, "customers", _with_faults(whole, dice))
        insert(database, "orders", bought)
        insert(database, "do_not_contact", _do_not_contact(made, dice))
    unfinished.replace(path)


def with_lifetimes(made: pl.DataFrame, bought: pl.DataFrame, dice: Dice) -> pl.DataFrame:
    """Customers with what their orders say of them; of 2 % the value is not known. Keeps ``row``."""
    joined = made.join(lifetimes(bought), on="customer_id", how="left", maintain_order="left")
    return joined.with_columns(pl.when(~dice.happens("value unknown", 2)).then("ltv").alias("ltv"))


def insert(database: duckdb.DuckDBPyConnection, table: str, rows: pl.DataFrame) -> None:
    """Append rows whose columns are named like the table's; other columns are left out."""
    names = [row[0] for row in database.execute(f"DESCRIBE {table}").fetchall()]
    with visible(database, rows.select(names)):
        database.execute(f"INSERT INTO {table} SELECT * FROM incoming_rows")


@contextmanager
def visible(database: duckdb.DuckDBPyConnection, rows: pl.DataFrame) -> Iterator[None]:
    """Within the block, SQL can read ``rows`` as the table incoming_rows."""
    database.register("incoming_rows", rows.to_arrow())
    try:
        yield
    finally:
        database.unregister("incoming_rows")


def _with_faults(whole: pl.DataFrame, dice: Dice) -> pl.DataFrame:
    """Some rows stand twice, the second time with another email; some have no customer_id."""
    twice = whole.filter(dice.happens("row twice", 0.1)).with_columns(
        pl.concat_str(pl.lit("again."), pl.col("row").cast(pl.String), pl.lit("@example.net")).alias("email")
    )
    nameless = pl.when(~dice.happens("no id", 0.03)).then("customer_id").alias("customer_id")
    return pl.concat([whole, twice]).with_columns(nameless).select(*COLUMNS, "ltv", "last_order_at")


def _do_not_contact(made: pl.DataFrame, dice: Dice) -> pl.DataFrame:
    """People who asked not to be written to."""
    reason = dice.one_of("reason", ("asked by email", "asked by phone", "complaint", "legal"))
    return made.filter(dice.happens("do not contact", 1.5)).select(
        "customer_id", "email", "phone", "country", reason.alias("reason")
    )
