"""``kill -9`` at every boundary of a run, of the first one and of one that changes an audience, at every door in every mode."""

from __future__ import annotations

import os
from itertools import count

import pytest
from contract.rig import Door, World, people, person
from kill.rig import Installation, Wanted, Zygote, killed_at
from kill.stories import PLACES, Story

from guestlist.model.vocabulary import Mode

STEP = int(os.environ.get("GUESTLIST_KILL_STEP", str(4 * len(PLACES))))
"""Every so many boundaries one is tried, at each place others; 1 tries all of them everywhere."""
FIRST = [*people(range(7)), person(7, phone=person(0)["phone"])]
THEN = [person(1, email="other1@example.com"), *people(range(2, 6)), person(7, phone=person(0)["phone"]), *people(range(8, 11))]
"""0 leaves, whose phone 7 keeps; 1 changes; 6 leaves; three join."""
BIG = 42_000


@pytest.mark.slow
@pytest.mark.parametrize("days", [[FIRST], [FIRST, THEN]], ids=["first", "then"])
@pytest.mark.parametrize(("door", "mode"), PLACES, ids=lambda value: getattr(value, "id", None))
def test_killed_at_a_boundary_the_next_run_ends_right(
    running: World, zygote: Zygote, door: Door, mode: Mode, days: list[list[dict[str, str]]]
) -> None:
    place = 2 * PLACES.index((door, mode)) + len(days) - 1
    for boundary in count(1 + place % STEP, STEP):
        story = Story(running, zygote, door, mode)
        for rows in days[:-1]:
            story.day(rows)
            story.start()
            story.pass_time()
        story.day(days[-1])
        if not story.start(killed_at(boundary)).killed:
            assert boundary > 1
            return
        story.end()


@pytest.mark.slow
def test_the_making_of_the_ledger_itself_may_be_killed(world: World, zygote: Zygote) -> None:
    made = Installation(world, zygote, PLACES[0][0])
    made.write(FIRST)
    nowhere = Wanted(environment={"GUESTLIST_LEDGER": f"sqlite:///{world.folder}/made/ledger.db"})
    assert made.start(killed_at(1, nowhere)).killed
    ended = made.start(nowhere)
    assert ended.code == 0, ended.said


@pytest.mark.slow
def test_a_big_upload_that_is_killed_twice_goes_on_where_it_was(running: World, zygote: Zygote) -> None:
    """Nothing is smaller than in production here."""
    running.begin_anew()
    [door] = [door for door, mode in PLACES if (door.id, mode) == ("meta", Mode.MIRROR)]
    made = Installation(running, zygote, door, rows_per_batch=0)
    made.write(people(range(BIG)))
    taken = []
    for answer, prepare in (("answer 4", True), ("answer 3", False)):
        ended = made.start(killed_at(answer, Wanted("daily", prepare=prepare)))
        assert len(ended.sent) == 2
        taken.append(sum(batch.rows for batch in made.batches().values() if batch.state == "received"))
    assert made.start(Wanted("daily", prepare=False)).code == 0
    assert taken == [10_000, 20_000]
    assert sum(line["rows"] for line in made.acted("add")) == BIG + 2 * 10_000
    assert len(made.held()["email"]) == BIG
