"""Floor 4: the command line. Each command is a file; importing them loads neither Polars nor a vendor's SDK."""
