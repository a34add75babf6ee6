"""A segment of two million made-up people, whose exports lie as files on the cluster's object store."""

import polars as pl
from upath import UPath

PEOPLE = 2_000_000
FILES = 16
SEGMENT = """
name: crowd
description: Two million people, read from sixteen files by as many tasks
source: {file: "s3://guestlist/exports/crowd-*.parquet"}
key: id
identifiers: {email: email, phone: {columns: [phone], region: US}}
destinations:
  - {platform: google_ads, connection: google_ads_main, audience: Crowd}
  - {platform: meta, connection: meta_main, audience: Crowd}
"""


def export(people: int = PEOPLE, files: int = FILES) -> None:
    """Write the files, with the login that the environment has for the store."""
    each = people // files
    for number in range(files):
        row = pl.int_range(number * each, (number + 1) * each)
        email, phone = pl.format("person{}@example.com", row), pl.format("+1212{}", 2_000_000 + row)
        frame = pl.select(row.cast(pl.String).alias("id"), email.alias("email"), phone.alias("phone"))
        with UPath(f"s3://guestlist/exports/crowd-{number:03d}.parquet").open("wb") as file:
            frame.write_parquet(file)
