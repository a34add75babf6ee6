"""Floor 4: the Audiences pages and their API, inside Airflow's own API server."""
