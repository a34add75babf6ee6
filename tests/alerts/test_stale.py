"""When an audience is stale: a second run that should have sealed it is due since."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from runtime.rig import Rig, people

from guestlist.runtime.ledger import audiences, checkpoints
from guestlist.runtime.upkeep.stale import stale_audiences

pytestmark = pytest.mark.slow
SEALED = datetime(2026, 3, 4, 5, 20, tzinfo=UTC)
"""A Wednesday."""


@pytest.fixture
def sealed(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> Rig:
    for module in (audiences, checkpoints):
        monkeypatch.setattr(module, "now", lambda: SEALED)
    assert rig.run(rig.segment(), people(1, 2, 3)).state == "sealed"
    return rig


@pytest.mark.parametrize(
    ("schedule", "since"),
    [
        ("0 5 * * *", datetime(2026, 3, 6, 5, tzinfo=UTC)),
        ("0 5 * * 1", datetime(2026, 3, 16, 5, tzinfo=UTC)),
        ("@hourly", datetime(2026, 3, 4, 7, tzinfo=UTC)),
        ("*/10 * * * *", datetime(2026, 3, 4, 5, 40, tzinfo=UTC)),
        ("@daily", datetime(2026, 3, 6, tzinfo=UTC)),
        ("@quarterly", datetime(2026, 7, 1, tzinfo=UTC)),
    ],
)
def test_stale_is_who_has_missed_a_whole_run(sealed: Rig, schedule: str, since: datetime) -> None:
    ledger, segment = sealed.workspace().ledger, sealed.segment(schedule=schedule)
    assert list(stale_audiences(ledger, segment, since - timedelta(seconds=1))) == []
    [one] = stale_audiences(ledger, segment, since)
    assert (one.label, one.sealed_at, one.since) == ("meta_main", SEALED, since)


@pytest.mark.parametrize("schedule", [None, "@once", "@continuous", {"after": ["guestlist://x/y"]}])
def test_without_times_nothing_is_stale(sealed: Rig, schedule: object) -> None:
    segment = sealed.segment(schedule=schedule)
    assert list(stale_audiences(sealed.workspace().ledger, segment, SEALED + timedelta(days=1000))) == []


def test_what_was_never_sealed_is_not_stale(rig: Rig) -> None:
    assert list(stale_audiences(rig.workspace().ledger, rig.segment(schedule="@hourly"), SEALED)) == []
