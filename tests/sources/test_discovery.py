import os
import subprocess
import sys
from pathlib import Path

import pytest

import guestlist
from guestlist.model.connection import Connection
from guestlist.model.errors import ConfigError
from guestlist.model.source import Source
from guestlist.sources import open_source

PROGRAM = """
import sys
from pathlib import Path
from guestlist.model.connection import Connection
from guestlist.model.source import Source
from guestlist.sources import open_source
for kind in ("databricks", "duckdb", "gcpbigquery", "mysql", "postgres", "redshift", "snowflake"):
    extra = {"account": "a", "http_path": "p", "token": "t", "project": "p"}
    open_source(Source(connection="c", table="t"), Connection("c", kind, host="h", extra=extra), Path())
open_source(Source(file="x.csv"), None, Path())
drivers = {"adbc_driver_manager", "google.cloud", "httpx", "paramiko", "pymysql"}
print(sorted({"duckdb", "polars", "fastexcel", "fsspec", "charset_normalizer", *drivers} & set(sys.modules)))
"""


def test_choosing_a_reader_loads_no_driver():
    environment = {**os.environ, "PYTHONPATH": str(Path(guestlist.__file__).parents[1])}
    run = subprocess.run([sys.executable, "-c", PROGRAM], env=environment, capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"


def test_a_connection_type_that_nobody_reads_is_told_with_those_that_can_be():
    with pytest.raises(ConfigError, match=r"'crm' is of type 'sap', which no source reads; it can be: .*duckdb, .*postgres"):
        open_source(Source(connection="crm", table="t"), Connection("crm", "sap"), Path())


def test_a_missing_connection_is_told():
    with pytest.raises(ConfigError, match="connection 'crm' is not known"):
        open_source(Source(connection="crm", table="t"), None, Path())
