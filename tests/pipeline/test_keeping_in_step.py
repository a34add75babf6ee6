"""Plan, deliver with any outcome, remember, plan again: in the end the platform holds exactly the wanted keys."""

from __future__ import annotations

from collections.abc import Callable

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pipeline.audiences import (
    GOOGLE,
    IDS,
    META,
    PLATFORMS,
    TODAY,
    Change,
    People,
    Platform,
    compare,
    empty_held,
    frame_of,
    held_people,
    keys_of,
    member_id,
    people,
    plain,
    usable,
    wanted_keys,
)

from guestlist.model.capabilities import Capabilities
from guestlist.model.vocabulary import Mode
from guestlist.pipeline.audience import wire_rows
from guestlist.pipeline.members import AfterMirror, Answered, Outcome, after_upload, by_member
from guestlist.pipeline.plan import Wish
from guestlist.pipeline.spans import Span

Choose = Callable[[], Outcome]
Guess = Callable[[], bool]
SPANS = (Span(None, member_id(2)), Span(member_id(2), member_id(4)), Span(member_id(4), None))
EVERY_PLATFORM = pytest.mark.parametrize("capabilities", PLATFORMS, ids=lambda one: one.platform)


def deliver(platform: Platform, operation: str, members: pl.DataFrame, choose: Choose, really: Guess) -> Answered:
    """Send members as wire rows; what is unsure may or may not have acted."""
    rows = wire_rows(members, platform.capabilities)
    outcomes = [choose() for _ in range(rows.height)]
    applied = [outcome is Outcome.SURE or (outcome is Outcome.UNSURE and really()) for outcome in outcomes]
    platform.take(operation, rows.to_dicts(), applied)
    return Answered(members, by_member(rows.select("member").with_columns(outcome=pl.Series(outcomes, dtype=pl.String))))


def one_run(
    held: pl.DataFrame, wanted: People, platform: Platform, choose: Choose, really: Guess, mode: Mode = Mode.MIRROR
) -> tuple[pl.DataFrame, Change]:
    capabilities = platform.capabilities
    change = compare(frame_of(wanted, capabilities), held.lazy(), capabilities, Wish(mode, TODAY))
    removed = deliver(platform, "remove", change.removals, choose, really)
    added = deliver(platform, "add", change.additions, choose, really)
    if mode is not Mode.MIRROR:
        return after_upload(held, added, change.gone, TODAY), change
    mirror = AfterMirror(removed, TODAY, capabilities)
    spans = [mirror.after(part(span, held), part_of(span, added), part(span, change.gone)) for span in SPANS]
    after = pl.concat(spans)
    return pl.concat([after, mirror.owed(after.lazy())]), change


def part(span: Span, members: pl.DataFrame) -> pl.DataFrame:
    return span.of(members.lazy()).collect()


def part_of(span: Span, answered: Answered) -> Answered:
    return Answered(part(span, answered.members), part(span, answered.outcomes))


def surely() -> Outcome:
    return Outcome.SURE


def never() -> bool:
    return False


@EVERY_PLATFORM
@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_any_trouble_then_one_good_run_leaves_exactly_the_wanted_keys(capabilities: Capabilities, data: st.DataObject) -> None:
    platform, held = Platform(capabilities), empty_held(capabilities)
    outcomes = st.sampled_from([*Outcome, Outcome.SURE])
    for _ in range(data.draw(st.integers(1, 3))):
        wanted = data.draw(people(capabilities))
        held, _ = one_run(held, wanted, platform, lambda: data.draw(outcomes), lambda: data.draw(st.booleans()))
        owned = {key for row in held.iter_rows(named=True) for key in keys_of(row, capabilities)}
        assert platform.keys <= owned, "a key is on the platform and nobody knows whose it is"
        sure = {key for row in held.filter(~held["unsure"]).iter_rows(named=True) for key in keys_of(row, capabilities)}
        assert sure <= platform.keys, "a key is believed to be on the platform and is not"
    wanted = data.draw(people(capabilities))
    held, _ = one_run(held, wanted, platform, surely, never)
    assert platform.keys == wanted_keys(wanted, capabilities)
    assert held_people(held) == {member: plain(person) for member, person in usable(wanted, capabilities).items()}
    assert not held["unsure"].any()
    held, change = one_run(held, wanted, platform, surely, never)
    assert (change.removals.height, change.additions.height) == (0, 0), "there is nothing left to do"


def ids(**values: object) -> dict[str, object]:
    return {"external_id": None, "email": ()} | values


ANNA, BEN = member_id(1), member_id(2)


class Story:
    """Runs on one platform, one after the other."""

    def __init__(self, capabilities: Capabilities = IDS) -> None:
        self.platform = Platform(capabilities)
        self.held = empty_held(capabilities)

    def run(self, wanted: People, *outcomes: Outcome, applied: bool = False) -> Change:
        """``outcomes``: of the wire rows in their order, removals first; the last one holds for all that follow."""
        left = list(outcomes) or [Outcome.SURE]

        def choose() -> Outcome:
            return left.pop(0) if len(left) > 1 else left[0]

        self.held, change = one_run(self.held, wanted, self.platform, choose, lambda: applied)
        return change

    @property
    def keys(self) -> set[str]:
        return {key[-1] for key in self.platform.keys}


def test_keys_of_a_changed_member_are_remembered_until_their_removal_is_sure() -> None:
    story = Story()
    story.run({ANNA: ids(email=("old",))})
    story.run({ANNA: ids(email=("new",))}, Outcome.UNSURE, Outcome.SURE)
    assert story.keys == {"old", "new"}
    story.run({ANNA: ids(email=("new",))})
    assert story.keys == {"new"}


def test_a_shared_key_is_remembered_until_its_other_owner_is_surely_there() -> None:
    story = Story()
    story.run({ANNA: ids(email=("shared",))})
    story.run({BEN: ids(email=("shared",))}, Outcome.REJECTED)  # Anna is gone, her key stays for Ben, who is not taken
    story.run({})
    assert story.keys == set()


def test_who_lost_a_key_through_anothers_removal_is_sent_again() -> None:
    story = Story()
    both = {ANNA: ids(email=("shared",)), BEN: ids(email=("shared",))}
    story.run(both)
    story.run({}, Outcome.SURE, Outcome.UNSENT)  # Anna's removal takes the key from Ben too
    assert story.keys == set()
    story.run({BEN: ids(email=("shared",))})
    assert story.keys == {"shared"}


def test_of_two_forms_that_may_be_there_both_are_removed() -> None:
    story = Story()
    story.run({ANNA: ids(external_id="one")}, Outcome.UNSURE, applied=True)
    story.run({ANNA: ids(external_id="two")}, Outcome.UNSENT, Outcome.UNSURE, applied=True)
    assert story.keys == {"one", "two"}
    story.run({})
    assert story.keys == set()


def test_of_two_addresses_that_may_be_there_both_are_removed() -> None:
    story = Story(GOOGLE)
    person = {"email": (), "phone": (), "first_name": "a", "last_name": "b", "country": "DE", "postal_code": "1"}
    story.run({ANNA: person}, Outcome.UNSURE, applied=True)
    story.run({ANNA: person | {"postal_code": "2"}}, Outcome.UNSENT, Outcome.UNSURE, applied=True)
    assert story.keys == {"1", "2"}
    story.run({})
    assert story.keys == set()


def test_going_back_to_an_unsure_form_removes_the_other_one() -> None:
    story = Story()
    story.run({ANNA: ids(email=("one",))}, Outcome.UNSURE, applied=True)
    story.run({ANNA: ids(email=("two",))}, Outcome.UNSENT, Outcome.UNSURE, applied=True)
    assert story.keys == {"one", "two"}
    story.run({ANNA: ids(email=("one",))})
    assert story.keys == {"one"}
    assert story.held.height == 1


def test_a_rejected_removal_is_tried_again_until_it_is_sure() -> None:
    story = Story()
    story.run({ANNA: ids(email=("a",))})
    for _ in range(2):
        assert story.run({}, Outcome.REJECTED).removals.height == 1
    assert story.keys == {"a"}
    story.run({})
    assert (story.keys, story.held.height) == (set(), 0)


def test_who_returns_before_being_removed_is_not_sent_again() -> None:
    story = Story()
    story.run({ANNA: ids(email=("a",))})
    story.run({}, Outcome.UNSENT)
    assert story.run({ANNA: ids(email=("a",))}).counts.added == 0


@EVERY_PLATFORM
@settings(max_examples=15, deadline=None)
@given(data=st.data())
def test_append_never_removes_and_does_not_repeat_itself(capabilities: Capabilities, data: st.DataObject) -> None:
    platform, held = Platform(capabilities), empty_held(capabilities)
    ever: set[tuple[str, ...]] = set()
    for _ in range(2):
        wanted = data.draw(people(capabilities))
        held, change = one_run(held, wanted, platform, surely, never, Mode.APPEND)
        ever |= wanted_keys(wanted, capabilities)
        assert change.removals.is_empty()
        assert change.gone.is_empty()
        assert platform.keys == ever
        held, change = one_run(held, wanted, platform, surely, never, Mode.APPEND)
        assert change.additions.is_empty()


@settings(max_examples=15, deadline=None)
@given(data=st.data())
def test_remove_mode_sends_each_member_once(data: st.DataObject) -> None:
    held = empty_held(GOOGLE)
    before: People = {}
    for _ in range(3):
        wanted = data.draw(people(GOOGLE))
        change = compare(frame_of(wanted, GOOGLE), held.lazy(), GOOGLE, Wish(Mode.REMOVE, TODAY))
        now = usable(wanted, GOOGLE)
        fresh = {member for member, person in now.items() if before.get(member) != person}
        assert set(change.additions["member"]) == fresh
        assert change.removals.is_empty()
        held = after_upload(held, all_sure(change.additions), change.gone, TODAY)
        assert set(held["member"]) == set(now)
        before = now


@settings(max_examples=15, deadline=None)
@given(data=st.data())
def test_replace_sends_everybody_who_is_wanted_and_remembers_nobody_else(data: st.DataObject) -> None:
    held = empty_held(META)
    for _ in range(2):
        wanted = data.draw(people(META))
        change = compare(frame_of(wanted, META), held.lazy(), META, Wish(Mode.REPLACE, TODAY))
        held = after_upload(held, all_sure(change.additions), change.gone, TODAY)
        assert set(change.additions["member"]) == set(held["member"]) == set(usable(wanted, META))
        assert change.removals.is_empty() or not usable(wanted, META)


@EVERY_PLATFORM
@settings(max_examples=20, deadline=None)
@given(data=st.data())
def test_what_a_plan_removes_and_adds(capabilities: Capabilities, data: st.DataObject) -> None:
    """Only free keys are removed, all keys of those who go are, and whoever changed is sent whole."""
    before, after = data.draw(people(capabilities)), data.draw(people(capabilities))
    held, _ = one_run(empty_held(capabilities), before, Platform(capabilities), surely, never)
    change = compare(frame_of(after, capabilities), held.lazy(), capabilities, Wish(Mode.MIRROR, TODAY))
    was, now = usable(before, capabilities), usable(after, capabilities)
    removed = {key for row in wire_rows(change.removals, capabilities).to_dicts() for key in keys_of(row, capabilities)}
    assert removed == wanted_keys(was, capabilities) - wanted_keys(now, capabilities)
    assert set(change.gone["member"]) == set(was) - set(now)
    sent = {row.pop("member"): plain(row) for row in change.additions.to_dicts()}
    assert sent == {member: plain(person) for member, person in now.items() if plain(was.get(member, {})) != plain(person)}
    counts = change.counts
    assert (counts.wanted, counts.held, counts.without_key) == (len(now), len(was), len(after) - len(now))
    assert (counts.new, counts.gone) == (len(set(now) - set(was)), len(set(was) - set(now)))
    assert counts.new + counts.changed == len(sent)
    assert counts.with_email == sum(bool(person["email"]) for person in now.values())


def all_sure(members: pl.DataFrame) -> Answered:
    return Answered(members, members.select("member", outcome=pl.lit(Outcome.SURE.value)))
