"""Floor 0: plain data and rules; no input or output, no clock, no Airflow."""
