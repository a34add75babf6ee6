"""Guestlist keeps ad-platform audiences in step with customer segments, inside Apache Airflow."""

__version__ = "0.1.0"
