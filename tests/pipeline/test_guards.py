"""Guards: what is out of proportion stops, and nothing else does; exactly at the limit it still passes."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guestlist.identity.recipes import recipe
from guestlist.model.guards import Guards, Threshold
from guestlist.model.plan import Breach, Counts, Drops
from guestlist.model.vocabulary import Field, Mode
from guestlist.pipeline.derive import KeyColumn
from guestlist.pipeline.guards import ENOUGH, Prepared, breaches

CALM = {"wanted": 1000, "held": 1000, "with_email": 1000}


def breached(
    mode: Mode = Mode.MIRROR, drops: Drops | None = None, guards: dict[str, Any] | None = None, **counts: int
) -> list[str]:
    drawn = Guards.model_validate({"max_added": "300%", "max_removed": "20%"} | (guards or {}))
    return [
        breach.guard
        for breach in breaches(Counts(**(CALM | counts)), Prepared(drops or Drops(read=1000, prepared=1000)), drawn, mode)
    ]


@pytest.mark.parametrize(("counts", "found"), [
    ({"gone": 200}, []), ({"gone": 201}, ["max_removed"]), ({"held": 1, "gone": 1}, ["max_removed"]),
    ({"new": 3000}, []), ({"new": 3001}, ["max_added"]), ({"held": 1, "new": 4}, ["max_added"]),
    ({"held": 0, "gone": 0}, []), ({"held": 0, "new": 10**6}, []),
    ({"wanted": 1, "with_email": 1}, []), ({"wanted": 0, "with_email": 0}, ["min_members"]),
    ({"wanted": 0, "with_email": 0, "gone": 1000}, ["max_removed", "min_members"]),
    ({"changed": 1000}, []), ({"resent": 1000}, []), ({"renewed": 1000}, []),
])  # fmt: skip
def test_the_guards_that_hold_without_being_asked_for(counts: dict[str, int], found: list[str]) -> None:
    assert breached(**counts) == found


@pytest.mark.parametrize(("mode", "found"), [
    (Mode.MIRROR, ["max_removed"]), (Mode.REPLACE, ["max_removed"]), (Mode.SNAPSHOT, ["max_removed"]),
    (Mode.APPEND, []), (Mode.REMOVE, []),
])  # fmt: skip
def test_only_modes_that_take_people_off_are_guarded_against_it(mode: Mode, found: list[str]) -> None:
    assert breached(mode, gone=1000) == found


@pytest.mark.parametrize(("guards", "counts", "found"), [
    ({"max_removed": 5}, {"gone": 5}, []), ({"max_removed": 5}, {"gone": 6}, ["max_removed"]),
    ({"max_removed": 0}, {"gone": 1}, ["max_removed"]), ({"max_removed": "0.1%"}, {"gone": 1}, []),
    ({"max_removed": "0.1%"}, {"gone": 2}, ["max_removed"]), ({"max_removed": "100%"}, {"gone": 1000}, []),
    ({"max_added": 5}, {"new": 6}, ["max_added"]), ({"max_added": 5}, {"new": 6, "held": 0}, []),
    ({"min_members": 1001}, {}, ["min_members"]), ({"min_members": 1000}, {}, []),
    ({"min_members": 0}, {"wanted": 0, "with_email": 0}, []),
    ({"min_email_coverage": "50%"}, {"with_email": 500}, []),
    ({"min_email_coverage": "50%"}, {"with_email": 499}, ["min_email_coverage"]),
    ({"min_email_coverage": 10}, {"with_email": 9}, ["min_email_coverage"]),
    ({"min_email_coverage": 10}, {"with_email": 10}, []),
    ({"min_email_coverage": "50%"}, {"with_email": None}, []),
    ({"min_email_coverage": "50%"}, {"with_email": 0, "wanted": 0, "gone": 0}, ["min_members"]),
])  # fmt: skip
def test_guards_in_shares_and_in_people(guards: dict[str, Any], counts: dict[str, int], found: list[str]) -> None:
    assert breached(guards=guards, **counts) == found


@pytest.mark.parametrize(("dropped", "found"), [({"no_key": 100}, []), ({"no_key": 50, "no_consent": 51}, ["max_dropped"])])
def test_dropped_rows_are_guarded_all_reasons_together(dropped: dict[str, int], found: list[str]) -> None:
    drops = Drops(read=1000, prepared=1000 - sum(dropped.values()), rows=dropped)
    assert breached(drops=drops, guards={"max_dropped": "10%"}) == found
    assert breached(drops=drops) == [], "only where it is asked for"


def test_the_first_run_is_exempt_from_max_added_only() -> None:
    guards = {"min_members": 2000, "min_email_coverage": "50%", "max_dropped": "10%"}
    drops = Drops(read=1000, prepared=100, rows={"no_key": 900})
    found = breached(drops=drops, guards=guards, held=0, new=1000, with_email=0)
    assert found == ["min_members", "min_email_coverage", "max_dropped"]


def test_a_breach_tells_its_numbers() -> None:
    found = breaches(
        Counts(wanted=1, held=5000, gone=1234), Prepared(Drops()), Guards(max_removed=Threshold(percent=20)), Mode.MIRROR
    )
    assert found == (Breach("max_removed", "20%", 1234, 5000),)
    assert str(found[0]) == "max_removed: 1,234 of 5,000 (24.7%), allowed 20%"
    (gone,) = breaches(
        Counts(wanted=1, held=5000, gone=1234), Prepared(Drops()), Guards(max_removed=Threshold(count=1000)), Mode.MIRROR
    )
    assert str(gone).endswith("allowed 1,000")
    (few,) = breaches(Counts(held=3), Prepared(Drops()), Guards(min_members=7_000), Mode.APPEND)
    assert str(few) == "min_members: 0, allowed at least 7,000"


# -- what columns hold, and how that changed since the last sealed run

EMAIL = KeyColumn(Field.EMAIL, recipe("email.lower.v1"), ("mail",), None)
PHONE = KeyColumn(Field.PHONE, recipe("phone.e164_plus.v1"), ("mobile", "landline"), "country")
SHARES = st.integers(0, 100)
ROWS = st.integers(ENOUGH, 5000)


def told(drops: Drops, before: Drops | None = None, guards: dict[str, Any] | None = None, **counts: int) -> list[Breach]:
    prepared = Prepared(drops, (EMAIL, PHONE), before)
    return list(breaches(Counts(**(CALM | counts)), prepared, Guards.model_validate(guards or {}), Mode.MIRROR))


def seen(considered: int = 1000, **more: Any) -> Drops:
    return Drops(read=considered, prepared=considered, considered=considered, **more)


@given(rows=ROWS, share=SHARES, limit=SHARES, blank=st.integers(0, 3000), harmless=st.integers(0, 100))
def test_malformed_values_stop_above_the_limit_and_only_there(
    rows: int, share: int, limit: int, blank: int, harmless: int
) -> None:
    wrong = rows * share // 100
    reasons = {"not_an_email": wrong // 2, "inner_space": wrong - wrong // 2, "blank": blank}
    found = told(seen(rows + blank, keys={EMAIL.name: reasons}), guards={"max_malformed": f"{limit}%"})
    assert bool(found) == (wrong * 100 > rows * limit)
    calm = seen(rows, keys={EMAIL.name: {"all_zero": min(harmless, rows)}})
    assert told(calm) == [], "nobody is at fault for a reason of this kind"


@given(was_rows=ROWS, rows=ROWS, was=SHARES, now=SHARES, limit=SHARES)
def test_a_fall_of_keys_stops_above_the_limit_and_only_there(was_rows: int, rows: int, was: int, now: int, limit: int) -> None:
    before, has = was_rows * was // 100, rows * now // 100
    found = told(
        seen(rows, covered={EMAIL.name: has}),
        seen(was_rows, covered={EMAIL.name: before}),
        {"max_key_loss": f"{limit}%"},
    )
    fell = 100 * (before * rows - has * was_rows) > limit * rows * was_rows
    assert [breach.what for breach in found] == (["email"] if fell else [])


@given(was_rows=ROWS, rows=ROWS, was=SHARES, now=SHARES, limit=SHARES)
def test_a_reason_that_drops_more_rows_stops_above_the_limit_and_only_there(
    was_rows: int, rows: int, was: int, now: int, limit: int
) -> None:
    before, dropped = was_rows * was // 100, rows * now // 100
    found = told(
        seen(rows, rows={"no_consent": dropped}),
        seen(was_rows, rows={"no_consent": before} if before else {}),
        {"max_drop_rise": f"{limit}%"},
    )
    rose = 100 * (dropped * was_rows - before * rows) > limit * rows * was_rows
    assert [breach.what for breach in found] == (["no_consent"] if rose else [])


@given(of=ROWS, share=SHARES, limit=st.integers(50, 100))
def test_a_key_of_most_people_stops_above_the_limit_and_only_there(of: int, share: int, limit: int) -> None:
    same = of * share // 100
    found = told(seen(commonest={EMAIL.name: {"same": same, "of": of}}), guards={"max_same_key": f"{limit}%"})
    assert bool(found) == (same * 100 > of * limit)


@given(st.dictionaries(st.sampled_from("abcd"), st.sampled_from(["string", "int64"]), min_size=1))
def test_the_same_columns_never_stop_and_any_other_always(columns: dict[str, str]) -> None:
    assert told(seen(columns=columns), seen(columns=columns)) == []
    for other in ({**columns, "new": "string"}, {"new": "string"}, dict.fromkeys(columns, "double")):
        assert [breach.guard for breach in told(seen(columns=other), seen(columns=columns))] == ["schema_change"]
        assert told(seen(columns=other), seen(columns=columns), {"schema_change": "allow"}) == []


def test_a_source_that_names_no_columns_has_no_schema_to_change() -> None:
    assert told(seen(columns={"a": "string"}), seen()) == []
    assert told(seen(), seen(columns={"a": "string"})) == []


def test_too_few_rows_say_nothing() -> None:
    few = ENOUGH - 1
    drops = seen(
        few,
        keys={EMAIL.name: {"not_an_email": few}},
        covered={EMAIL.name: 0},
        commonest={EMAIL.name: {"same": few, "of": few}},
        rows={"no_consent": few},
    )
    assert told(drops, seen(covered={EMAIL.name: 1000})) == []


def test_other_platforms_columns_are_not_looked_at() -> None:
    other = "email:email.google.v1"
    drops = seen(keys={other: {"not_an_email": 1000}}, covered={other: 0}, commonest={"external_id:x": {"same": 9, "of": 10}})
    assert told(drops, seen(covered={other: 1000})) == []


def test_a_platform_without_values_is_not_stopped_for_want_of_them() -> None:
    nothing = seen(covered={"value": 0})
    assert told(nothing, seen(covered={"value": 1000})) == []
    found = told(nothing, seen(covered={"value": 1000}), with_value=0, without_value=1000)
    assert [breach.guard for breach in found] == ["min_value_coverage", "max_key_loss"]


def test_breaches_of_columns_tell_what_they_look_like() -> None:
    drops = seen(
        keys={EMAIL.name: {"not_an_email": 990}, PHONE.name: {"no_region": 900, "too_short": 200, "too_long": 1, "blank": 800}},
        lookalikes={EMAIL.name: {"a hash": 980}},
        covered={EMAIL.name: 10},
        rows={"no_consent": 812},
        columns={"mail": "int64", "phone": "string"},
    )
    before = seen(covered={EMAIL.name: 951}, rows={"no_consent": 50}, columns={"mail": "string", "mobile": "string"})
    malformed, phones, schema, loss, rise = map(str, told(drops, before))
    assert malformed == (
        "max_malformed email: 990 of 1,000 (99.0%), allowed 50%; column mail full of what looks like a hash (980 values): "
        "say `hashed: true` if it holds SHA-256"
    )
    assert phones == (
        "max_malformed phone: 1,101 of 1,200 (91.8%), allowed 50%; columns mobile and landline: 900 no_region, 200 too_short"
    )
    assert schema == (
        "schema_change columns: 3, allowed none; gone: mobile; new: phone; other type: mail (string before, int64 now)"
    )
    assert loss == "max_key_loss email: 10 of 1,000 (1.0%), allowed 10 points less than the 95.1% of the last sealed run"
    assert rise == "max_drop_rise no_consent: 812 of 1,000 (81.2%), allowed 20 points more than the 5.0% of the last sealed run"
