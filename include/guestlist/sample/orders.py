"""Made-up orders, and what they make of their customers: lifetime value and the day of the last order."""

from __future__ import annotations

import datetime as dt

import polars as pl

from guestlist.sample.dice import Dice, at, padded

PULLED_AT = dt.datetime(2026, 11, 1, 5, 0)  # noqa: DTZ001 - the warehouse keeps times without a zone
"""No order of a fresh warehouse is newer."""

_COUNTS = (0,) * 8 + (1,) * 24 + (2,) * 22 + (3,) * 16 + (4,) * 11 + (5,) * 8 + (7,) * 6 + (12,) * 5
_MOST = 16
_DAYS = 700


def orders(customers: pl.DataFrame, seed: int) -> pl.DataFrame:
    """Orders of customers with ``row`` and ``customer_id``; most people come once to five times, some never."""
    dice = Dice(seed)
    visits = customers.select(
        "customer_id",
        "row",
        pl.int_ranges(0, at(_COUNTS, dice.number("orders", len(_COUNTS)))).alias("visit"),
        (dice.share("last order").pow(1.6) * _DAYS).alias("last"),
        (5 + dice.share("rhythm") * 60).alias("rhythm"),
        (15 + dice.share("purse").pow(2) * 220).alias("purse"),
    )
    each = visits.explode("visit", empty_as_null=False).with_columns(
        (pl.col("row") * _MOST + pl.col("visit").cast(pl.UInt64)).alias("row")
    )
    days_ago = pl.col("last") + pl.col("visit") * pl.col("rhythm")
    seconds = (days_ago * 86_400).cast(pl.Int64)
    way = dice.number("status", 100)
    return each.select(
        ("O" + padded(pl.col("row"), 10)).alias("order_id"),
        "customer_id",
        (pl.lit(PULLED_AT) - pl.duration(seconds=seconds)).dt.cast_time_unit("us").alias("ordered_at"),
        (pl.col("purse") * (0.5 + dice.share("amount"))).round(2).alias("amount"),
        pl.lit("EUR").alias("currency"),
        pl.when(way < 4)
        .then(pl.lit("refunded"))
        .when(way < 6)
        .then(pl.lit("cancelled"))
        .otherwise(pl.lit("paid"))
        .alias("status"),
    )


def lifetimes(made: pl.DataFrame) -> pl.DataFrame:
    """``customer_id``, ``ltv`` and ``last_order_at`` of those who ever paid."""
    paid = made.filter(pl.col("status") == "paid").group_by("customer_id")
    return paid.agg(pl.col("amount").sum().round(2).alias("ltv"), pl.col("ordered_at").max().alias("last_order_at"))
