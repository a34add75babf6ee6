"""Upkeep: what has to be done between runs. Each verb looks at all segments, and is the same from Airflow and by hand."""
