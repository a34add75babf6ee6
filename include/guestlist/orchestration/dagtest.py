"""A DAG run as `airflow dags test` does it, for each line that comes in: Airflow takes ten seconds to start, here only once.

`python -m guestlist.orchestration.dagtest DAG` makes Airflow's database, says "ready", and answers each line of standard input
with the state of a run. Its log is standard error.
"""

from __future__ import annotations

import os
import sys


def main(dag_id: str) -> None:
    """Run the DAG for each line until the input ends."""
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # Airflow writes its log to standard output
    from airflow.providers_manager import ProvidersManager
    from airflow.sdk.api.client import Client
    from airflow.sdk.execution_time.supervisor import in_process_api_server
    from airflow.sdk.timezone import utcnow
    from airflow.utils.cli import get_bagged_dag
    from airflow.utils.db import upgradedb

    from guestlist.orchestration import dags  # noqa: F401 - loaded while nobody waits for it

    ProvidersManager().initialize_providers_configuration()
    upgradedb()
    tasks = Client(base_url="http://airflow", token="", transport=in_process_api_server().transport)
    tasks.get("health", headers={"accept": "*/*"})  # the first answer of this API takes four seconds
    answers.write("ready\n")
    for _ in sys.stdin:
        run = get_bagged_dag(bundle_names=None, dag_id=dag_id).test(logical_date=utcnow())
        answers.write(f"{run.state}\n")


if __name__ == "__main__":
    main(sys.argv[1])
