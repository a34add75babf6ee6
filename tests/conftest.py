"""Settings that every test shares: nothing of the machine's own Airflow or Guestlist is used, and warnings are errors."""

import os
import tempfile
from pathlib import Path

from hypothesis import Phase, settings

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

pytest_plugins = ["servers", "measured"]
