"""Prepare: read the source once, normalise and hash, write members to the lake; raw values stay in this process's memory."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, dataclass
from itertools import count
from typing import Any

import polars as pl

from guestlist.model.delivery import Capabilities
from guestlist.model.errors import GuestlistError
from guestlist.model.plan import Drops
from guestlist.model.segment import Segment, Source
from guestlist.pipeline.audience import MEMBER
from guestlist.pipeline.erasure import NOBODY, Erased
from guestlist.pipeline.prepare import Preparer, Wanted, suppression_keys
from guestlist.pipeline.repeats import Seen
