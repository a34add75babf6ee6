"""Floor 4: Airflow. One DAG a segment; each task is one verb of `guestlist.runtime.sync`, imported when it runs."""
