"""What people are shown of the ledger: many audiences in a few queries, with SQLAlchemy alone; nothing here loads Polars."""
