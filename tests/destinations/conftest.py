"""One sandbox for all tests of this folder."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pytest
from contract.fixtures import running, small_batches, world

__all__ = ["running", "world"]


@pytest.fixture
def batches_of(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Makes every platform take so few rows a request."""
    return partial(small_batches, monkeypatch)
