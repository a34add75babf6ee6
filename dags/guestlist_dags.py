"""Every Airflow DAG of Guestlist: one for each segment, and those of upkeep, reconciliation and erasures."""

from guestlist.orchestration import airflow_dags

globals().update(airflow_dags(__file__))
