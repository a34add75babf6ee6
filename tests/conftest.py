"""Settings that every test shares: nothing of the machine's own Airflow or Guestlist is used, and warnings are errors."""

import gc
import os
import sqlite3
import tempfile
from pathlib import Path

from hypothesis import Phase, settings
from sqlalchemy import Engine, event

_ROOT = Path(__file__).resolve().parents[1]
_HOME = tempfile.mkdtemp(prefix="guestlist-tests-")
os.environ["AIRFLOW_HOME"] = f"{_HOME}/airflow"
os.environ["AIRFLOW__CORE__DAGS_FOLDER"] = str(_ROOT / "dags")
os.environ["AIRFLOW__CORE__PLUGINS_FOLDER"] = str(_ROOT / "plugins")
os.environ["AIRFLOW__CORE__LOAD_EXAMPLES"] = "False"
os.environ["AIRFLOW__LOGGING__LOGGING_LEVEL"] = "ERROR"
os.environ["GUESTLIST_HOME"] = f"{_HOME}/guestlist"
for name in [name for name in os.environ if name.startswith(("AIRFLOW_CONN_", "GUESTLIST_LEDGER", "GUESTLIST_LAKE"))]:
    del os.environ[name]

# no test is timed: machines are busy with other things, too
settings.register_profile("guestlist", deadline=None)
settings.load_profile("guestlist")
# for `make mutation`: the same examples each time, and a mistake that was noticed is not made smaller
settings.register_profile("mutation", derandomize=True, deadline=None, database=None, phases=(Phase.explicit, Phase.generate))

pytest_plugins = ["servers", "measured", "sharing", "airflows"]


def pytest_collection_finish():
    """Modules and tests stay to the end: the garbage collector is not to look through them again and again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000)


def pytest_unconfigure():
    """At the interpreter's end it has to: native modules print what is left of theirs."""
    gc.unfreeze()


@event.listens_for(Engine, "connect")
def _sqlite_in_no_hurry(connection, _record):
    """No test cuts the power, and a disk takes longer for its word that all is written than the rest of a test."""
    if isinstance(connection, sqlite3.Connection):
        connection.execute("PRAGMA synchronous=OFF")
