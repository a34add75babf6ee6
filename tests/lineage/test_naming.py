"""What sources are called in lineage: by OpenLineage's naming conventions, without logins or secrets."""

from pathlib import Path

import pytest

from guestlist.model.connection import Connection
from guestlist.model.lineage import Dataset
from guestlist.sources.naming import file_dataset, query_dataset, table_dataset

BASE = Path("/srv/project/include")
CLUSTER = "sales.abc123.eu-west-1.redshift.amazonaws.com"
TABLES = {
    "postgres": (
        Connection("w", "postgres", "db", None, "u", "p", "shop"),
        "people",
        "postgres://db:5432",
        "shop.public.people",
    ),
    "postgres with all": (
        Connection("w", "postgres", "db", 5433, schema="shop"),
        'crm."Odd Name"',
        "postgres://db:5433",
        "shop.crm.Odd Name",
    ),
    "mysql": (Connection("w", "mysql", "db", schema="shop"), "people", "mysql://db:3306", "shop.people"),
    "mysql of another database": (Connection("w", "mysql", "db", schema="shop"), "crm.people", "mysql://db:3306", "crm.people"),
    "redshift": (
        Connection("w", "redshift", CLUSTER, schema="dev"),
        "people",
        "redshift://sales.eu-west-1:5439",
        "dev.public.people",
    ),
    "snowflake": (
        Connection("w", "snowflake", extra={"account": "org-acct", "database": "SHOP"}, schema="CRM"),
        "PEOPLE",
        "snowflake://org-acct",
        "SHOP.CRM.PEOPLE",
    ),
    "bigquery": (
        Connection("w", "google_cloud_platform", extra={"project": "acme"}),
        "crm.people",
        "bigquery",
        "acme.crm.people",
    ),
    "databricks": (
        Connection("w", "databricks", "x.cloud.databricks.com", extra={"catalog": "main"}),
        "people",
        "unitycatalog://x.cloud.databricks.com",
        "main.default.people",
    ),
    "duckdb": (Connection("w", "duckdb", "/data/shop.duckdb"), "people", "duckdb:///data/shop.duckdb", "shop.main.people"),
    "a kind that is not known": (Connection("w", "exasol", "db", 8563), "crm.people", "exasol://db:8563", "crm.people"),
}


@pytest.mark.parametrize("kind", TABLES)
def test_a_table_is_called_by_its_database(kind: str) -> None:
    connection, written, namespace, name = TABLES[kind]
    assert table_dataset(connection, written) == Dataset(namespace, name)
    assert query_dataset(connection, "vips") == Dataset(namespace, "vips")


FILES = {
    "exports/people.csv": Dataset("file", "/srv/project/include/exports/people.csv"),
    "/data/*.parquet": Dataset("file", "/data/*.parquet"),
    "file:///data/people.csv": Dataset("file", "/data/people.csv"),
    "s3://bucket/people/*.parquet": Dataset("s3://bucket", "people/*.parquet"),
    "gs://bucket/people.csv?signature=secret": Dataset("gs://bucket", "people.csv"),
    "s3://key:secret@bucket/people.csv": Dataset("s3://bucket", "people.csv"),
    "s3://bucket": Dataset("s3://bucket", "/"),
}


@pytest.mark.parametrize("address", FILES)
def test_a_file_is_called_by_its_place(address: str) -> None:
    assert file_dataset(address, BASE) == FILES[address]
