"""Random days, random kills, also of the runs that recover: the books equal the segment, and nothing is sent twice."""

from __future__ import annotations

import json
import os
import random

import pytest
from contract.rig import World
from kill.rig import Zygote
from kill.stories import PLACES, Story, tell

SEQUENCES = int(os.environ.get("GUESTLIST_KILLS", "30"))
SEED = int(os.environ.get("GUESTLIST_SEED", "20261107"))


@pytest.mark.slow
@pytest.mark.parametrize("number", range(SEQUENCES))
def test_whatever_is_killed_when_the_books_end_right(
    running: World, zygote: Zygote, tmp_path_factory: pytest.TempPathFactory, number: int
) -> None:
    dice = random.Random(f"{SEED} {number}")
    door, mode = PLACES[number % len(PLACES)]
    story = Story(running, zygote, door, mode)
    tell(story, dice)
    figures = {"number": number, "door": door.id, "mode": mode, "runs": story.runs, "kills": story.kills}
    with (tmp_path_factory.getbasetemp() / "kills.jsonl").open("a") as file:  # what `make kill` has really done
        file.write(json.dumps(figures) + "\n")
