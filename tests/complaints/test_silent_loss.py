"""Complaints of rows that were lost without a word, of runs that were green and wrong, and of syncs that never ran."""

from __future__ import annotations

import pytest
from contract.doors import all_doors
from contract.rig import Wish, World, people

from guestlist.model.errors import ConfigError

pytestmark = pytest.mark.slow
HOUR = 3600
META = next(door for door in all_doors() if door.id == "meta")


NEVER = ["0 0 30 2 *", "0 0 31 4,6 *", "0 5 * * * *"]


@pytest.mark.parametrize("schedule", NEVER)
def test_a_schedule_by_which_nothing_would_ever_run_is_refused(world: World, schedule: str) -> None:
    """Elsewhere an hourly sync never ran, and nothing said why.

    https://github.com/Multiwoven/multiwoven/issues/925
    """
    with pytest.raises(ConfigError, match="schedule: "):
        world.segment(META, world.name("never"), people(range(2)), Wish(more={"schedule": schedule}))
