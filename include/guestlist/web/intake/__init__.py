"""The intake API: audiences that programs and people push to us, by keys of our own or by Airflow's permissions."""
