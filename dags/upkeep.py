"""The Airflow DAGs of upkeep: one dag a day for the lake, sessions and audiences, one every hour for reconciliation."""

from guestlist.orchestration.upkeep import reconcile_dag, upkeep_dag

upkeep = upkeep_dag(schedule="@daily")
reconcile = reconcile_dag(schedule="@hourly")
