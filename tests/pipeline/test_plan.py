"""Planning: renewals are spread and never late, and doubt is sent again."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pipeline.audiences import GOOGLE, META, TODAY, capabilities_of, compare, empty_held, frame_of, member_id, people, usable

from guestlist.model.capabilities import Capabilities
from guestlist.model.plan import Counts
from guestlist.model.vocabulary import Mode
from guestlist.pipeline.plan import Wish


def person(number: int) -> dict[str, Any]:
    address = {"first_name": None, "last_name": None, "country": None, "postal_code": None}
    return {"email": (f"e{number}",), "phone": ()} | address


CROWD = {hashlib.md5(str(n).encode(), usedforsecurity=False).hexdigest(): person(n) for n in range(400)}


def held(capabilities: Capabilities, *, unsure: bool = False) -> pl.LazyFrame:
    frame = frame_of(CROWD, capabilities).with_columns(added_on=pl.lit(TODAY), unsure=pl.lit(unsure))
    return frame.select(empty_held(capabilities).columns)


def renewed_on(capabilities: Capabilities, day: int, within: int = 7, mode: Mode = Mode.MIRROR) -> set[str]:
    """Who is sent again on that day after everybody was added."""
    wish = Wish(mode, TODAY + timedelta(days=day), renew_within_days=within)
    change = compare(frame_of(CROWD, capabilities), held(capabilities), capabilities, wish)
    assert change.counts.renewed == change.additions.height
    assert change.removals.is_empty()
    return set(change.additions["member"])


def test_renewals_are_spread_and_none_is_late() -> None:
    capabilities = capabilities_of("google_ads", membership_days=90)  # spread over 22 days, the last 7 days before the end
    seen: set[str] = set()
    days: dict[int, int] = {}
    for day in range(55, 91):
        due = renewed_on(capabilities, day)
        assert seen <= due, "who is due stays due until renewed"
        days[day] = len(due - seen)
        seen |= due
    assert seen == set(CROWD)
    assert [day for day, count in days.items() if count] == list(range(62, 84)), (
        "from 83 days on the run a week later would be late"
    )
    assert max(days.values()) < len(CROWD) / 8, "a big first upload is not renewed at once"


def test_a_longer_window_renews_sooner_by_as_much() -> None:
    assert renewed_on(GOOGLE, 525, within=7) == renewed_on(GOOGLE, 512, within=20)
    assert 0 < len(renewed_on(GOOGLE, 525)) < len(CROWD)


@pytest.mark.parametrize("days", [1, 2, 7, 8])
def test_short_memberships_are_renewed_by_every_run_that_could_be_the_last(days: int) -> None:
    assert renewed_on(capabilities_of("google_ads", membership_days=days), 1) == set(CROWD)


def test_long_memberships_are_renewed_within_the_last_month_before_the_window() -> None:
    assert renewed_on(GOOGLE, 540 - 7 - 30) == set()
    assert 0 < len(renewed_on(GOOGLE, 540 - 7 - 29)) < len(CROWD) / 8
    assert renewed_on(GOOGLE, 540 - 7) == set(CROWD)


def test_a_membership_of_a_few_days_is_not_renewed_before_its_window() -> None:
    assert renewed_on(capabilities_of("google_ads", membership_days=4), 3, within=0) == set()


def test_who_has_a_key_that_the_platform_forgets_sooner_is_renewed_by_it() -> None:
    """Meta forgets external ids after 90 days, and nothing else."""
    crowd = {member: one | {"external_id": "c" if member < "8" else None} for member, one in CROWD.items()}
    wanted = frame_of(crowd, META)
    before = wanted.with_columns(added_on=pl.lit(TODAY), unsure=pl.lit(value=False))
    later = Wish(Mode.MIRROR, TODAY + timedelta(days=90))
    assert compare(wanted, before, META, Wish(Mode.MIRROR, TODAY + timedelta(days=50))).additions.is_empty()
    assert set(compare(wanted, before, META, later).additions["member"]) == {member for member in CROWD if member < "8"}
    unmapped = compare(wanted.drop("external_id"), before.drop("external_id"), META, later)
    assert unmapped.counts == Counts(wanted=400, held=400, with_email=400)


def test_nothing_lapses_where_the_platform_keeps_members() -> None:
    change = compare(held(META).drop("added_on", "unsure"), held(META), META, Wish(Mode.MIRROR, TODAY + timedelta(days=9999)))
    assert change.counts == Counts(wanted=400, held=400, with_email=400)


@pytest.mark.parametrize(("mode", "sent"), [(Mode.MIRROR, 400), (Mode.APPEND, 400), (Mode.REMOVE, 0)])
def test_who_was_removed_is_not_renewed(mode: Mode, sent: int) -> None:
    wish = Wish(mode, TODAY + timedelta(days=540))
    assert compare(frame_of(CROWD, GOOGLE), held(GOOGLE), GOOGLE, wish).additions.height == sent


@pytest.mark.parametrize(("unsure", "full", "resent"), [(False, False, 0), (True, False, 400), (False, True, 400)])
@pytest.mark.parametrize("mode", [Mode.MIRROR, Mode.APPEND, Mode.REMOVE])
def test_doubt_and_a_full_resend_send_everybody_again(unsure: bool, full: bool, resent: int, mode: Mode) -> None:
    wish = Wish(mode, TODAY, full_resend=full)
    change = compare(frame_of(CROWD, GOOGLE), held(GOOGLE, unsure=unsure), GOOGLE, wish)
    assert change.counts == Counts(wanted=400, held=400, resent=resent, with_email=400)
    assert change.additions.height == resent
    assert change.removals.is_empty()


def test_a_value_that_changes_is_sent_and_removes_no_key() -> None:
    capabilities = META
    columns = [name for name in empty_held(capabilities).columns if name not in ("added_on", "unsure")]
    wanted = frame_of(CROWD, capabilities).select(columns).with_columns(value=pl.lit(2.0))
    before = held(capabilities).with_columns(value=pl.when(pl.col("member") < "8").then(1.0).otherwise(2.0))
    change = compare(wanted, before, capabilities, Wish(Mode.MIRROR, TODAY))
    assert set(change.additions["member"]) == {member for member in CROWD if member < "8"}
    assert change.additions["value"].unique().to_list() == [2.0]
    assert change.removals.is_empty()
    assert change.counts.changed == change.additions.height


def test_a_removal_names_keys_alone_in_the_columns_of_an_addition() -> None:
    someone = person(1) | {"first_name": "f", "last_name": None, "city": "c", "mobile_ad_id": (), "external_id": None}
    before = frame_of({member_id(1): someone}, META).with_columns(
        value=pl.lit(1.5), added_on=pl.lit(TODAY), unsure=pl.lit(value=False)
    )
    wanted = before.drop("added_on", "unsure").clear()
    change = compare(wanted, before, META, Wish(Mode.MIRROR, TODAY))
    assert change.removals.schema == change.additions.schema
    (row,) = change.removals.iter_rows(named=True)
    assert {name: value for name, value in row.items() if value} == {"member": member_id(1), "email": ["e1"]}


def test_the_order_of_a_plan_does_not_depend_on_the_order_of_its_inputs() -> None:
    wish = Wish(Mode.MIRROR, TODAY)
    some = pl.col("member") > "5"
    one = compare(frame_of(CROWD, GOOGLE).filter(some), held(GOOGLE).filter(~some), GOOGLE, wish)
    two = compare(frame_of(CROWD, GOOGLE).filter(some).reverse(), held(GOOGLE).filter(~some).reverse(), GOOGLE, wish)
    assert one.additions.equals(two.additions)
    assert one.removals.equals(two.removals)
    assert one.gone.equals(two.gone)


@settings(max_examples=20, deadline=None)
@given(data=st.data())
def test_the_same_again_is_no_change(data: st.DataObject) -> None:
    wanted = data.draw(people(GOOGLE))
    now = frame_of(wanted, GOOGLE).with_columns(added_on=pl.lit(TODAY), unsure=pl.lit(value=False))
    there = now.filter(pl.col("member").is_in(list(usable(wanted, GOOGLE))))
    change = compare(frame_of(wanted, GOOGLE), there, GOOGLE, Wish(Mode.MIRROR, TODAY))
    assert (change.additions.height, change.removals.height, change.gone.height) == (0, 0, 0)


def test_several_held_rows_of_one_member_count_as_one() -> None:
    double = pl.concat([held(GOOGLE), held(GOOGLE).head(10)])
    change = compare(frame_of(CROWD, GOOGLE), double, GOOGLE, Wish(Mode.MIRROR, TODAY))
    assert (change.counts.held, change.counts.resent, change.counts.gone) == (400, 10, 0)
    gone = compare(frame_of({member_id(1): person(1)}, GOOGLE), double, GOOGLE, Wish(Mode.MIRROR, TODAY))
    assert gone.counts.gone == gone.gone.height == 400


def test_a_changed_member_who_is_held_in_several_rows_loses_each_key_once() -> None:
    rows = [frame_of({member_id(1): person(number)}, GOOGLE) for number in (1, 2)]
    before = pl.concat(rows).with_columns(added_on=pl.lit(TODAY), unsure=pl.lit(value=False))
    change = compare(frame_of({member_id(1): person(3)}, GOOGLE), before, GOOGLE, Wish(Mode.MIRROR, TODAY))
    assert change.removals["email"].to_list() == [["e1"], ["e2"]]
    assert change.additions["email"].to_list() == [["e3"]]


def test_emails_are_counted_only_where_the_platform_takes_them() -> None:
    devices = capabilities_of("google_ads", upload="user_id")
    wanted = pl.LazyFrame({"member": [member_id(1), member_id(2)], "external_id": ["c-1", None]})
    before = wanted.clear().with_columns(added_on=pl.lit(TODAY), unsure=pl.lit(value=False))
    change = compare(wanted, before, devices, Wish(Mode.MIRROR, TODAY))
    assert change.counts == Counts(wanted=1, new=1, without_key=1, with_email=None)
