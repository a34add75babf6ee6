"""The Airflow DAGs of upkeep: one dag a day, and two every hour, to ask platforms and to watch."""

from guestlist.orchestration.upkeep import reconcile_dag, upkeep_dag, watch_dag

upkeep = upkeep_dag(schedule="@daily")
reconcile = reconcile_dag(schedule="@hourly")
watch = watch_dag(schedule="@hourly")
