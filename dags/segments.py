"""The Airflow DAGs of all segments: one dag for each file in include/segments; nothing else is decided here."""

from airflow.sdk import get_parsing_context

from guestlist.orchestration.dags import segment_dags
from guestlist.runtime.config import Config

for dag in segment_dags(Config.from_environment().segments, only=get_parsing_context().dag_id):
    globals()[dag.dag_id] = dag
