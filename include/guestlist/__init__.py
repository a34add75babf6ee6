"""Guestlist keeps ad-platform audiences in step with customer segments, inside Apache Airflow."""

import os

# Of what a column leaves free, Polars' allocator gives the system everything back within half a second, and each new column
# then costs a fault a page: a twentieth of prepare's time. Polars reads this once, as it is imported; a setting that is there
# stays. https://jemalloc.net/jemalloc.3.html#opt.dirty_decay_ms
os.environ.setdefault("_RJEM_MALLOC_CONF", "dirty_decay_ms:5000")

__version__ = "0.1.0"
