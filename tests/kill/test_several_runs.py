"""Two runs of one segment at once, a run that is cleared, and a task that is tried again after the warehouse has changed."""

from __future__ import annotations

import pytest
from contract.rig import World
from kill.rig import SYNC, Wanted, Zygote, killed_at, stopped_at
from kill.stories import PLACES, Story
from kill.test_every_boundary import FIRST, THEN

from guestlist.model.vocabulary import Mode

pytestmark = pytest.mark.slow
MIRRORS = [pytest.param(door, id=door.id) for door, mode in PLACES if mode is Mode.MIRROR]
TASKS = Wanted("daily")


@pytest.fixture
def story(running: World, zygote: Zygote, request: pytest.FixtureRequest) -> Story:
    """An audience that was filled and is about to change."""
    made = Story(running, zygote, request.param, Mode.MIRROR)
    made.day(FIRST)
    made.start()
    made.pass_time()
    made.day(THEN)
    return made


@pytest.mark.parametrize("story", MIRRORS[:1], indirect=True)
@pytest.mark.parametrize("at", ["lake 1", "request 1", "answer 4"])
@pytest.mark.parametrize(
    ("first", "second"), [(SYNC, SYNC), (SYNC, TASKS), (TASKS, SYNC)], ids=["cli cli", "cli dag", "dag cli"]
)
def test_of_two_runs_at_once_one_works_and_the_other_ends_with_10(
    story: Story, tmp_path_factory: pytest.TempPathFactory, first: Wanted, second: Wanted, at: str
) -> None:
    made = story.made
    with Zygote(tmp_path_factory.mktemp("other")) as other:
        assert made.start(stopped_at(at, first)).stopped
        before = len(story.world.log(story.door))
        refused = made.start(second, other)
        assert refused.code == 10, refused.said
        assert "another run" in refused.said or "held by" in refused.said
        assert refused.boundaries == [], "it has changed nothing"
        assert len(story.world.log(story.door)) == before, "it has asked the platform nothing"
        ended = made.zygote.go_on()
    assert ended.code == 0, ended.said
    story.receipts.read(ended)
    story.check(story.rows)
    story.end(TASKS if first == TASKS else SYNC)


@pytest.mark.parametrize("story", MIRRORS, indirect=True)
@pytest.mark.parametrize("killed", ["answer 3", "answer 4"])
def test_a_run_that_is_cleared_half_way_takes_the_warehouse_as_it_is_now(story: Story, killed: str) -> None:
    """Airflow runs all its tasks again under the same run id: the plan is made anew."""
    assert story.start(killed_at(killed, TASKS)).killed
    story.day([*FIRST[2:], *THEN[-2:]])
    story.start(TASKS)
    with_plan = [row.attempt for row in story.made.workspace.ledger.plans_of_run("killed", "c", "daily")]
    assert with_plan == [2, 1]
    story.end()


@pytest.mark.parametrize("story", MIRRORS, indirect=True)
@pytest.mark.parametrize("killed", ["answer 3", "answer 4"])
def test_a_task_that_is_tried_again_keeps_to_its_plan_although_the_warehouse_has_changed(story: Story, killed: str) -> None:
    """Prepare has ended well and is not done again; the next run has what has changed since. Midnight may lie between."""
    assert story.start(killed_at(killed, TASKS)).killed
    story.pass_time()
    story.day([*FIRST[2:], *THEN[-2:]])
    story.start(Wanted("daily", prepare=False))
    assert len(story.made.workspace.ledger.plans_of_run("killed", "c", "daily")) == 1
    story.end()


@pytest.mark.parametrize("story", MIRRORS, indirect=True)
def test_a_run_that_has_ended_well_may_be_cleared_on_a_later_day(story: Story) -> None:
    story.start(TASKS)
    story.pass_time()
    story.day(FIRST)
    story.start(TASKS)
    story.end()
