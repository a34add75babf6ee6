"""Floor 1: raw value -> match key, as Polars expressions."""
