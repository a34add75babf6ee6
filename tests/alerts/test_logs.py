"""Log lines carry what they are about as fields, also those of the threads that talk to platforms."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

import pytest
from runtime.rig import Rig, people
from structlog.contextvars import bound_contextvars, get_contextvars

pytestmark = pytest.mark.slow


class Fields(logging.Handler):
    """Every line with the fields that Airflow's formatter finds for it."""

    def __init__(self) -> None:
        super().__init__()
        self.got: list[tuple[str, dict[str, Any]]] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.got.append((record.getMessage(), get_contextvars()))


@pytest.fixture
def fields() -> Iterator[Fields]:
    found, logger = Fields(), logging.getLogger("guestlist")
    level = logger.level
    logger.addHandler(found)
    logger.setLevel(logging.INFO)
    yield found
    logger.removeHandler(found)
    logger.setLevel(level)


def test_a_batch_and_its_retries_say_which_they_are(rig: Rig, fields: Fields) -> None:
    segment = rig.segment()
    rig.fault({"status": 503}, "users", times=1)
    with bound_contextvars(segment="vips", destination="meta_main"):
        rig.run(segment, people(*range(10)))
    about = {"segment": "vips", "destination": "meta_main", "batch": 1}
    lines = {text.partition(":")[0]: told for text, told in fields.got if "batch 1 of 1" in text or "attempt 2" in text}
    assert len(lines) == 2
    assert all(told == about for told in lines.values())
    assert get_contextvars() == {}
