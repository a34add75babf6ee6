"""What a site needs in Airflow's own database: users, and runs of its DAGs, one with a task that has failed.

A program of its own, run in the site's environment: FAB wants a Flask application around it.
"""

import json
import sys

from airflow.models.dag import DagModel
from airflow.models.dagbag import DBDagBag
from airflow.models.xcom import XComModel
from airflow.providers.fab.auth_manager.cli_commands.utils import get_application_builder
from airflow.utils.session import create_session
from airflow.utils.state import DagRunState
from airflow.utils.types import DagRunTriggeredByType, DagRunType

from guestlist.runtime import clock


def users(passwords, sees):
    """An admin, a viewer, and an analyst who sees some of the DAGs alone."""
    with get_application_builder() as builder:
        manager = builder.sm
        manager.sync_roles()
        pages = manager.create_permission("can_read", "Plugins")  # without it Airflow's menu has none of a plugin's pages
        grants = [pages, manager.create_permission("can_read", "Website")]
        grants += [manager.create_permission("can_read", f"DAG:{dag_id}") for dag_id in sees]
        analyst = manager.add_role("Analyst")
        for grant in grants:
            manager.add_permission_to_role(analyst, grant)
        manager.add_permission_to_role(manager.find_role("Viewer"), pages)
        for name, password in passwords.items():
            role = manager.find_role(name.capitalize())
            manager.add_user(name, name, "Made-up", f"{name}@example.com", role, password=password)


def name_dags(names):
    """DAGs of which Airflow knows that they are there, and no more."""
    with create_session() as session:
        file = {"bundle_name": "dags-folder", "fileloc": "guestlist_dags.py", "timetable_type": ""}
        session.add_all(DagModel(dag_id=name, is_paused=False, **file) for name in names)


def runs(wanted, failed):
    """Runs as the scheduler makes them, at their end; ``failed`` is the task that failed in one of them, and its error."""
    moment = clock.now()
    with create_session() as session:
        for dag_id, run_id, state in wanted:
            dag = DBDagBag().get_latest_version_of_dag(dag_id, session=session)
            dag.create_dagrun(
                run_id=run_id,
                logical_date=moment,
                data_interval=(moment, moment),
                run_after=moment,
                run_type=DagRunType.SCHEDULED,
                triggered_by=DagRunTriggeredByType.TEST,
                state=DagRunState(state),
                session=session,
            )
        session.flush()
        dag_id, run_id, task_id, error = failed
        XComModel.set("error", error, dag_id=dag_id, run_id=run_id, task_id=task_id, session=session)


if __name__ == "__main__":
    given = json.loads(sys.stdin.read())
    users(given["passwords"], given["sees"])
    name_dags(given["named"])
    runs(given["runs"], given["failed"])
