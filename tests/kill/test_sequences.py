"""Random days, random kills, also of the runs that recover: the books equal the segment, and nothing is sent twice."""

from __future__ import annotations

import os
import random

import pytest
from contract.rig import World
from kill.rig import Zygote
from kill.stories import PLACES, Story, tell

SEQUENCES = int(os.environ.get("GUESTLIST_KILLS", "60"))
SEED = int(os.environ.get("GUESTLIST_SEED", "20261107"))


@pytest.mark.slow
@pytest.mark.parametrize("number", range(SEQUENCES))
def test_whatever_is_killed_when_the_books_end_right(running: World, zygote: Zygote, number: int, record_property) -> None:
    dice = random.Random(f"{SEED} {number}")
    door, mode = PLACES[number % len(PLACES)]
    story = Story(running, zygote, door, mode)
    tell(story, dice)
    record_property("kills", dict(story.kills))
