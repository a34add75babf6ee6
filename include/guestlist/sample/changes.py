"""Changes the sample warehouse the way a day changes a real one: people leave, join and get other identifiers."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import duckdb
import polars as pl

from guestlist.sample.dice import Dice
from guestlist.sample.people import people
from guestlist.sample.phones import add_phones
from guestlist.sample.places import COUNTRIES
from guestlist.sample.warehouse import insert, visible

_LEFT_ALONE = "EXISTS (FROM do_not_contact WHERE do_not_contact.customer_id = customers.customer_id)"
_LAPSED = """customer_id IN (
    SELECT customer_id FROM orders
    WHERE status = 'paid' AND ordered_at > (SELECT max(ordered_at) FROM orders) - INTERVAL 2 YEAR
    GROUP BY customer_id
    HAVING sum(amount) > 200 AND max(ordered_at) < (SELECT max(ordered_at) FROM orders) - INTERVAL 90 DAY)"""
_MEMBERS = {  # the customers of the shipped segments; a test compares them with include/sql
    "lapsed_vips": f"SELECT customer_id FROM customers WHERE {_LAPSED} AND NOT {_LEFT_ALONE}",
    "newsletter_readers": f"SELECT customer_id FROM customers WHERE newsletter AND NOT {_LEFT_ALONE}",
    "do_not_target": f"SELECT customer_id FROM customers WHERE {_LEFT_ALONE}",
}
_NO_OTHER = f"NOT newsletter AND NOT {_LAPSED}"
_MAY_LEAVE = {**_MEMBERS, "do_not_target": f"{_MEMBERS['do_not_target']} AND {_NO_OTHER}"}
_MAY_JOIN = {  # by a change of heart; lapsed VIPs come as new customers
    "newsletter_readers": f"SELECT customer_id FROM customers WHERE NOT newsletter AND NOT {_LEFT_ALONE}",
    "do_not_target": f"SELECT customer_id FROM customers WHERE {_NO_OTHER} AND NOT {_LEFT_ALONE}",
}


@dataclass(frozen=True)
class Changes:
    """How many people `change` changed: by segment those who left and joined, and those with another identifier."""

    left: Mapping[str, int]
    joined: Mapping[str, int]
    emails: int
    phones: int
    names: int


def change(path: Path, seed: int = 8, share: float = 0.01) -> Changes:
    """Change the warehouse at ``path`` in one transaction; another seed changes other people.

    As many people as ``share`` of a segment's members leave it and as many join it, for each segment; of all members
    together ``share`` get another email, phone or last name, a third of them each. Nobody is in two of these groups.
    """
    with duckdb.connect(str(path)) as database:
        database.begin()
        sizes = {name: _Pick.size(database, query, share) for name, query in _MEMBERS.items()}
        pick = _Pick(database, seed)
        leaving = {name: pick(query, sizes[name]) for name, query in _MAY_LEAVE.items()}
        joining = {name: pick(query, sizes[name]) for name, query in _MAY_JOIN.items()}
        everybody = " UNION ".join(_MEMBERS.values())
        moving = pick(everybody, _Pick.size(database, everybody, share))
        newest = database.execute("SELECT max(ordered_at) FROM orders").fetchall()[0][0]
        newcomers = _newcomers(database, sizes["lapsed_vips"], seed, newest)
        _leave(database, leaving, newest)
        _join(database, joining)
        thirds = _other_identifiers(database, moving, seed)
        database.commit()
    left = {name: len(ids) for name, ids in leaving.items()}
    joined = {"lapsed_vips": newcomers, **{name: len(ids) for name, ids in joining.items()}}
    left |= {"all_customers": joined["do_not_target"]}  # who asks to be left alone is in none of the other groups
    joined |= {"all_customers": newcomers + left["do_not_target"]}
    return Changes(left, joined, *thirds)


class _Pick:
    """Draws customers, nobody twice."""

    def __init__(self, database: duckdb.DuckDBPyConnection, seed: int) -> None:
        self._database = database
        self._seed = seed
        self._drawn: set[str] = set()

    def __call__(self, query: str, count: int) -> list[str]:
        named = f"SELECT DISTINCT customer_id FROM ({query}) WHERE customer_id IS NOT NULL"
        shuffled = f"{named} ORDER BY md5(customer_id || ?), customer_id"
        rows = self._database.execute(shuffled, [str(self._seed)]).fetchall()
        drawn = [customer for (customer,) in rows if customer not in self._drawn][:count]
        self._drawn.update(drawn)
        return drawn

    @staticmethod
    def size(database: duckdb.DuckDBPyConnection, query: str, share: float) -> int:
        """That share of the customers of a query, at least one."""
        people = database.execute(f"SELECT count(DISTINCT customer_id) FROM ({query})").fetchall()[0][0]
        return max(1, round(int(people) * share))


def _leave(database: duckdb.DuckDBPyConnection, leaving: Mapping[str, list[str]], newest: dt.datetime) -> None:
    """A lapsed customer buys again, a reader has enough of the newsletter, a request to be left alone is taken back."""
    buyers = pl.DataFrame({"customer_id": leaving["lapsed_vips"]}, schema={"customer_id": pl.String})
    bought = buyers.select(
        ("B" + pl.col("customer_id")).alias("order_id"),
        "customer_id",
        pl.lit(newest).alias("ordered_at"),
        pl.lit(99.0).alias("amount"),
        pl.lit("EUR").alias("currency"),
        pl.lit("paid").alias("status"),
    )
    insert(database, "orders", bought)
    again = "UPDATE customers SET last_order_at = ?, ltv = coalesce(ltv, 0) + 99 WHERE customer_id IN (SELECT unnest(?))"
    database.execute(again, [newest, leaving["lapsed_vips"]])
    _set_newsletter(database, leaving["newsletter_readers"], wanted=False)
    gone = "DELETE FROM do_not_contact WHERE customer_id IN (SELECT unnest(?))"
    database.execute(gone, [leaving["do_not_target"]])


def _join(database: duckdb.DuckDBPyConnection, joining: Mapping[str, list[str]]) -> None:
    _set_newsletter(database, joining["newsletter_readers"], wanted=True)
    database.execute(
        "INSERT INTO do_not_contact SELECT DISTINCT ON (customer_id) customer_id, email, phone, country, 'asked by email'"
        " FROM customers WHERE customer_id IN (SELECT unnest(?)) ORDER BY customer_id, email",
        [joining["do_not_target"]],
    )


def _set_newsletter(database: duckdb.DuckDBPyConnection, ids: list[str], *, wanted: bool) -> None:
    database.execute("UPDATE customers SET newsletter = ? WHERE customer_id IN (SELECT unnest(?))", [wanted, ids])


def _newcomers(database: duckdb.DuckDBPyConnection, count: int, seed: int, newest: dt.datetime) -> int:
    """New customers who are lapsed VIPs at once, as when an older shop is taken over."""
    made = people(_next_row(database), count, seed).with_columns(
        pl.lit(value=True).alias("consent_ads"),
        pl.lit(value=True).alias("consent_personalization"),
        pl.lit(value=False).alias("newsletter"),
        pl.lit(640.0).alias("ltv"),
        (pl.lit(newest) - pl.duration(days=120)).alias("last_order_at"),
    )
    bought = made.select(
        ("T" + pl.col("customer_id")).alias("order_id"),
        "customer_id",
        pl.col("last_order_at").alias("ordered_at"),
        pl.col("ltv").alias("amount"),
        pl.lit("EUR").alias("currency"),
        pl.lit("paid").alias("status"),
    )
    insert(database, "customers", made)
    insert(database, "orders", bought)
    return count


def _next_row(database: duckdb.DuckDBPyConnection) -> int:
    """The number after the highest that a customer has."""
    highest = database.execute("SELECT max(substr(customer_id, 2)::BIGINT) FROM customers").fetchall()[0][0]
    return int(highest or 0) + 1


def _other_identifiers(database: duckdb.DuckDBPyConnection, ids: list[str], seed: int) -> tuple[int, int, int]:
    """A third moves to another mailbox, a third to another phone, a third marries; how many of each."""
    countries = "SELECT customer_id, any_value(upper(country)) AS country_code FROM customers GROUP BY customer_id"
    known = {country.code for country in COUNTRIES}
    first = _next_row(database) + seed * 10_000
    people = pl.DataFrame({"customer_id": ids}).join(
        pl.DataFrame(database.sql(countries).to_arrow_table()), on="customer_id", how="left", maintain_order="left"
    )
    people = people.with_columns(
        pl.int_range(first, first + pl.len(), dtype=pl.UInt64).alias("row"),
        pl.when(pl.col("country_code").is_in(known)).then("country_code").otherwise(pl.lit("US")).alias("country_code"),
    )
    third = -(-len(ids) // 3)
    emails, phones, names = (people.slice(start * third, third) for start in range(3))
    _update(database, emails.select("customer_id", pl.format("moved.{}@example.org", "row").alias("email")))
    _update(database, add_phones(phones, Dice(seed)).select("customer_id", "phone"))
    _update(database, names.select("customer_id", pl.format("Sample-Name {}", "row").alias("last_name")))
    return len(emails), len(phones), len(names)


def _update(database: duckdb.DuckDBPyConnection, values: pl.DataFrame) -> None:
    """Set the second column of ``values`` for the customers in its first."""
    _, column = values.columns
    with visible(database, values):
        database.execute(
            f"UPDATE customers SET {column} = incoming_rows.{column} FROM incoming_rows"
            " WHERE customers.customer_id = incoming_rows.customer_id"
        )
