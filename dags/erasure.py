"""The Airflow DAG that finishes erasures; nothing else is decided here."""

from guestlist.orchestration.erasure import erasure_dag
from guestlist.runtime.config import Config

dag = erasure_dag(Config.from_environment().erasure_schedule)
