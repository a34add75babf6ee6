"""Segment files: what a good one means, and that a bad one tells every problem at once with its line and what is allowed."""

from __future__ import annotations

import pickle
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from contract.doors import EVERY_DOOR
from contract.rig import Door
from hypothesis import given, settings
from hypothesis import strategies as st

from guestlist.destinations import platforms
from guestlist.model.errors import ConfigError
from guestlist.model.guards import Threshold
from guestlist.model.segment import Segment
from guestlist.model.segment_file import SegmentError, parse_segment
from guestlist.model.vocabulary import Field, Mode

PLATFORMS = platforms()
EXAMPLE = """\
name: lapsed_vips
description: Spent over 500 in a year, nothing for 90 days
owner: growth
schedule: "0 5 * * *"
source:
  connection: warehouse
  sql: sql/lapsed_vips.sql
key: customer_id
identifiers:
  email: [email, second_email]
  phone: {columns: [phone], region: country}
  first_name: first_name
  last_name: last_name
  country: country
  postal_code: zip
  mobile_ad_id: {columns: [idfa], hashed: false}
value: {column: ltv, currency: EUR}
consent: {ad_user_data: consent_ads, ad_personalization: consent_ads}
suppress: [{connection: warehouse, table: do_not_contact, identifiers: {email: email}}]
holdout: {percent: 5, experiment: spring}
guards: {max_removed: 20%, max_added: 300%, min_members: 100, min_email_coverage: 50%, max_dropped: 10%}
destinations:
  - {platform: google_ads, connection: google_ads_main, audience: Lapsed VIPs, mode: mirror}
  - {platform: meta, connection: meta_main, audience: Lapsed VIPs, mode: mirror}
"""
SMALL: dict[str, Any] = {
    "name": "small",
    "source": {"file": "people.csv"},
    "key": "id",
    "identifiers": {"email": "email"},
    "destinations": [{"platform": "meta", "connection": "main", "audience": "A"}],
}


def parse(text: str, file: str = "segments/small.yaml") -> Segment:
    return parse_segment(text, file, PLATFORMS)


def small(**changes: Any) -> Segment:
    return parse(yaml.safe_dump(SMALL | changes))


def problems(text: str, file: str = "small.yaml") -> list[tuple[int, str, str]]:
    with pytest.raises(SegmentError) as caught:
        parse(text, file)
    return [(problem.line, problem.where, problem.message) for problem in caught.value.problems]


def small_problems(**changes: Any) -> list[tuple[str, str]]:
    return [(where, message) for _, where, message in problems(yaml.safe_dump(SMALL | changes))]


def test_the_example_of_the_design_means_what_it_says() -> None:
    segment = parse(EXAMPLE, "segments/lapsed_vips.yaml")
    assert segment.identifiers[Field.EMAIL].columns == ("email", "second_email")
    assert segment.identifiers[Field.PHONE].region_column == "country"
    assert segment.identifiers[Field.PHONE].fixed_region is None
    assert not segment.identifiers[Field.MOBILE_AD_ID].hashed
    assert (segment.value.column, segment.value.currency) == ("ltv", "EUR")
    assert segment.consent.columns == ("consent_ads", "consent_ads")
    assert segment.suppress[0].table == "do_not_contact"
    assert (segment.holdout.percent, segment.holdout.experiment) == (5, "spring")
    assert segment.guards.max_removed.limit(1000) == 200
    assert segment.guards.min_email_coverage.limit(10) == 5
    assert [target.label for target in segment.destinations] == ["google_ads_main", "meta_main"]
    assert segment.destination("meta_main").platform == "meta"


def test_what_a_small_file_leaves_out() -> None:
    segment = small()
    assert (segment.owner, segment.schedule, segment.value, segment.holdout, segment.strict_phones) == (
        "airflow",
        None,
        None,
        None,
        False,
    )
    assert segment.consent.columns == ()
    assert segment.destinations[0].mode is Mode.MIRROR
    guards = segment.guards
    assert [str(limit) for limit in (guards.max_removed, guards.max_added, guards.max_rejected)] == ["20%", "300%", "0"]
    assert (guards.min_members, guards.min_email_coverage, guards.max_dropped) == (1, None, None)


def test_the_shipped_segments_are_good() -> None:
    folder = Path(__file__).resolve().parents[2] / "include" / "segments"
    files = sorted(folder.glob("*.yaml"))
    assert files
    for file in files:
        assert parse_segment(file.read_text(encoding="utf-8"), str(file), PLATFORMS).name == file.stem


@pytest.mark.parametrize(
    ("written", "columns", "region", "hashed"),
    [
        ("a", ("a",), None, False),
        (["a"], ("a",), None, False),
        (["a", "b"], ("a", "b"), None, False),
        ({"columns": "a"}, ("a",), None, False),
        ({"columns": ["a"], "region": "DE"}, ("a",), "DE", False),
        ({"columns": ["a"], "region": "+"}, ("a",), "+", False),
        ({"columns": ["a", "b"], "region": "de", "hashed": True}, ("a", "b"), "de", True),
    ],
)
def test_the_forms_of_an_identifier(written: Any, columns: tuple[str, ...], region: str | None, hashed: bool) -> None:
    found = small(identifiers={"phone": written}).identifiers[Field.PHONE]
    assert (found.columns, found.region, found.hashed) == (columns, region, hashed)
    assert found.fixed_region == (region if region in ("DE", "+") else None)
    assert found.region_column == (region if region == "de" else None)


# -- everything that is wrong, at once

BAD = """\
name: Bad-Name
descripton: typing mistake
source: {connection: w, sql: a, table: b}
key: [a]
identifiers:
  emial: email
  phone: {columns: [], region: country}
  first_name: [a, b]
  email: {columns: [e, e]}
value: {column: v, currency: eur}
consent: {ads: x}
suppress:
  - {table: x, identifiers: {}}
holdout: {percent: 100}
guards:
  max_removed: 20 percent
  max_added: -3
  min_members: many
  foo: 1
strict_phones: perhaps
destinations:
  - {platform: googel, connection: a, audience: A}
  - {platform: google_ads, connection: "a b", audience: ""}
  - {platform: google_ads, connection: a, audience: A, mode: mirrored}
  - {platform: google_ads, connection: a, audience: A, mode: snapshot}
  - {platform: google_ads, connection: a, audience: A, aip: google_ads}
  - {platform: google_ads, connection: a, audience: A, upload: mobile_ad_id}
  - nonsense
  - {platform: meta, connection: m, audience: A, retention_days: 500}
  - {platform: meta, connection: n, audience: A}
  - {platform: meta, connection: n, audience: B}
"""
FOUND = [
    (1, "name", "Bad-Name"),
    (1, "name", "'bad'"),
    (2, "descripton", "identifiers, strict_phones"),
    (3, "source", "either `sql` or `table`"),
    (4, "key", "valid string"),
    (6, "identifiers.emial", "'mobile_ad_id'"),
    (7, "identifiers.phone.columns", "at least 1"),
    (8, "identifiers.first_name", "several are possible for email, mobile_ad_id, phone"),
    (9, "identifiers.email", "'e'"),
    (10, "value.currency", "eur"),
    (11, "consent.ads", "ad_user_data, ad_personalization"),
    (13, "suppress.0.identifiers", "at least 1"),
    (14, "holdout.percent", "less than 100"),
    (14, "holdout.experiment", "is missing"),
    (16, "guards.max_removed", "20% or a number"),
    (17, "guards.max_added", "20% or a number"),
    (18, "guards.min_members", "many"),
    (19, "guards.foo", "max_removed, max_added, min_members"),
    (20, "strict_phones", "boolean"),
    (22, "destinations.0", "commbox, edgetag, google_ads"),
    (23, "destinations.1.connection", "a b"),
    (23, "destinations.1.audience", "at least 1"),
    (24, "destinations.2.mode", "'mirror', 'append', 'remove', 'replace' or 'snapshot'"),
    (25, "destinations.3", "it can do: mirror, append, remove, replace"),
    (26, "destinations.4", "membership_days"),
    (27, "destinations.5", "app_id and key_space"),
    (28, "destinations.6", "nonsense"),
    (29, "destinations.7", "180"),
    (31, "destinations.9", "give each its own `name`"),
]


def test_every_problem_is_told_at_once_with_its_line_and_what_is_allowed() -> None:
    told = problems(BAD, "segments/bad.yaml")
    for line, where, part in FOUND:
        assert any(part in message for at, place, message in told if (at, place) == (line, where)), (line, where, part, told)
    assert {(line, where) for line, where, _ in told} <= {(line, where) for line, where, _ in FOUND} | {(13, "suppress.0")}
    assert [line for line, _, _ in told] == sorted(line for line, _, _ in told)
    assert not any(message.startswith(":") for _, _, message in told)


def test_the_error_lists_them_and_survives_a_process_border() -> None:
    with pytest.raises(SegmentError) as caught:
        parse(BAD, "segments/bad.yaml")
    error = caught.value
    assert str(error).startswith(f"segments/bad.yaml has {len(error.problems)} problems:\n  line 1: name: ")
    assert len(str(error).splitlines()) == len(error.problems) + 1
    again = pickle.loads(pickle.dumps(error))  # noqa: S301 - our own
    assert (str(again), again.problems, again.file, again.exit_code) == (str(error), error.problems, error.file, 2)


@pytest.mark.parametrize(
    ("changes", "where", "part"),
    [
        ({"source": {}}, "source", "`connection` with `sql` or `table`, `file`, or `intake`"),
        ({"source": {"connection": "c"}}, "source", "needs either `sql` or `table`"),
        ({"source": {"file": "a", "table": "t"}}, "source", "`file` stands alone"),
        ({"source": {"file": "a", "format": "xml"}}, "source.format", "csv|tsv|parquet"),
        ({"source": {"file": "a", "delimiter": "||"}}, "source.delimiter", "at most 1"),
        ({"key": ""}, "key", "at least 1"),
        ({"key": 5}, "key", "5"),
        ({"identifiers": {}}, "identifiers", "at least 1"),
        ({"identifiers": {"email": ""}}, "identifiers.email.columns.0", "at least 1"),
        ({"identifiers": {"email": None}}, "identifiers.email", "dictionary"),
        ({"identifiers": {"phone": {"columns": "p", "region": False}}}, "identifiers.phone.region", "False"),
        ({"identifiers": {"phone": {"columns": "p", "country": "DE"}}}, "identifiers.phone.country", "nobody knows this key"),
        ({"identifiers": {"city": "c"}}, "destinations.0", "it needs first_name+last_name"),
        ({"identifiers": {"mobile_ad_id": {"columns": "m", "hashed": True}}}, "destinations.0", "unhashed"),
        ({"name": "other"}, "name", "must be the file's name, 'small'"),
        ({"name": "a" * 101}, "name", "at most 100"),
        ({"name": "guestlist_upkeep"}, "name", "Guestlist's own DAGs"),
        ({"schedule": ["x"]}, "schedule", "string"),
        ({"schedule": {"after": []}}, "schedule.after", "at least 1"),
        ({"schedule": "every day"}, "schedule", "@daily"),
        ({"holdout": {"percent": 0, "experiment": "e"}}, "holdout.percent", "greater than 0"),
        ({"holdout": {"percent": 5, "experiment": ""}}, "holdout.experiment", "at least 1"),
        ({"value": {"column": "v"}}, "value.currency", "is missing"),
        ({"value": {"column": "", "currency": "EUR"}}, "value.column", "at least"),
        ({"consent": {"ad_user_data": ""}}, "consent.ad_user_data", "at least 1"),
        ({"guards": {"max_removed": 0.2}}, "guards.max_removed", "20%"),
        ({"guards": {"max_removed": {"percent": -1}}}, "guards.max_removed", "20%"),
        ({"guards": {"max_removed": True}}, "guards.max_removed", "20%"),
        ({"guards": {"max_same_key": "40%"}}, "guards.max_same_key", "at least 50%"),
        (
            {"guards": {"min_email_coverage": "50%"}, "identifiers": {"phone": {"columns": "p", "region": "DE"}}},
            "guards.min_email_coverage",
            "guards nothing",
        ),
        ({"guards": {"min_members": -1}}, "guards.min_members", "0"),
        ({"guards": {"max_rejected": "x"}}, "guards.max_rejected", "20%"),
        ({"suppress": [{"file": "f", "identifiers": {"phone": "p"}}]}, "suppress.0.identifiers", "segment's own email"),
        ({"suppress": [{"file": "f", "identifiers": {"email": ["a", "a"]}}]}, "suppress.0.identifiers.email", "'a'"),
        ({"destinations": []}, "destinations", "at least 1"),
        ({"destinations": [SMALL["destinations"][0] | {"name": "prepare"}]}, "destinations.0", "a task of the DAG"),
    ],
)
def test_one_thing_that_is_wrong(changes: dict[str, Any], where: str, part: str) -> None:
    told = small_problems(**changes)
    assert any(place == where and part in message for place, message in told), told


def test_a_list_whose_ids_are_hashed_cannot_suppress_on_a_platform_that_takes_them_plain() -> None:
    listed = [
        {
            "file": "f",
            "identifiers": {"email": {"columns": "e", "hashed": True}, "mobile_ad_id": {"columns": "m", "hashed": True}},
        }
    ]
    told = small_problems(identifiers={"email": "e", "mobile_ad_id": "m"}, suppress=listed)
    assert told == [("suppress.0.identifiers", "meta takes mobile_ad_id unhashed, and the column is declared as hashed")]


@EVERY_DOOR
@pytest.mark.parametrize("mode", Mode)
def test_a_mode_is_taken_where_the_platform_can_do_it_and_refused_with_those_that_it_can(door: Door, mode: Mode) -> None:
    target = {"platform": door.platform, "connection": "c", "audience": "A", "mode": mode.value, **door.options}
    keys, can = {"email": "e", "phone": {"columns": "p", "region": "DE"}}, door.capabilities.modes
    if mode in can:
        assert small(identifiers=keys, destinations=[target]).destinations[0].mode is mode
    else:
        assert small_problems(identifiers=keys, destinations=[target]) == [
            ("destinations.0", f"{door.platform} cannot do mode '{mode.value}'; it can do: {', '.join(can)}")
        ]


def test_what_a_mode_can_do_depends_on_the_platforms_options() -> None:
    target = {"platform": "google_ads", "connection": "c", "audience": "A", "mode": "replace"}
    assert small(destinations=[target])
    assert small_problems(destinations=[target | {"api": "google_ads"}]) == [
        ("destinations.0", "google_ads cannot do mode 'replace'; it can do: mirror, append, remove")
    ]


def test_options_are_the_platforms_own() -> None:
    target = {"platform": "meta", "connection": "c", "audience": "A", "retention_days": 30}
    assert small(destinations=[target]).destinations[0].options == {"retention_days": 30}
    (told,) = small_problems(destinations=[target | {"platform": "google_ads"}])
    assert "retention_days: nobody knows this key" in told[1]
    assert "api, upload" in told[1]


def test_labels_tell_destinations_apart() -> None:
    one = {"platform": "meta", "connection": "main.eu-1", "audience": "A"}
    segment = small(destinations=[one, one | {"name": "second"}, one | {"connection": "b"}])
    assert [target.label for target in segment.destinations] == ["main_eu_1", "second", "b"]
    (told,) = small_problems(destinations=[one, one | {"connection": "main_eu_1"}])
    assert told[0] == "destinations.1"
    with pytest.raises(ConfigError, match="there are: main_eu_1, second, b") as caught:
        segment.destination("third")
    assert caught.value.segment == "small"


@pytest.mark.parametrize("file", ["small.yaml", "a/b/small.yml", "a\\small.yaml"])
def test_the_file_is_named_after_its_segment(file: str) -> None:
    assert parse(yaml.safe_dump(SMALL), file).name == "small"
    assert problems(yaml.safe_dump(SMALL), "large.yaml") == [(8, "name", "must be the file's name, 'large'")]


@pytest.mark.parametrize("text", ["- a", "just words", "---\n", "5"])
def test_a_file_that_is_no_mapping(text: str) -> None:
    assert problems(text) == [(1, "", "must be keys and values, such as `name: ...`")]


def test_a_segment_that_was_read_is_the_same_when_it_is_written_and_read_again() -> None:
    segment = parse(EXAMPLE, "segments/lapsed_vips.yaml")
    written = yaml.safe_dump(segment.model_dump(mode="json", exclude_none=True))
    assert parse(written, "segments/lapsed_vips.yaml") == segment


@pytest.mark.parametrize(
    ("text", "limit", "shown"),
    [
        ("20%", 200.0, "20%"),
        ("0.5 %", 5.0, "0.5%"),
        (" 300% ", 3000.0, "300%"),
        (0, 0.0, "0"),
        (500, 500.0, "500"),
        ("0%", 0.0, "0%"),
    ],
)
def test_thresholds(text: str | int, limit: float, shown: str) -> None:
    found = small(guards={"max_removed": text}).guards.max_removed
    assert (found.limit(1000), str(found)) == (limit, shown)
    assert isinstance(found, Threshold)


@pytest.mark.parametrize("place", ["audience", "owner", "description", "key"])
@pytest.mark.parametrize("sign", ["\0", "\x1b[31m", "\x7f", "\x85"])
def test_control_characters_are_refused_with_their_line(place: str, sign: str) -> None:
    value = f"a{sign}b"
    changes = {"destinations": [SMALL["destinations"][0] | {"audience": value}]} if place == "audience" else {place: value}
    told = problems(yaml.safe_dump(SMALL | changes, sort_keys=False))
    assert any("holds a control character" in message and where.endswith(place) for _, where, message in told)
    assert all(message.isprintable() for _, _, message in told)


def test_a_delimiter_may_be_a_control_character_and_a_description_have_lines() -> None:
    assert small(source={"file": "a.csv", "delimiter": "\x01"}, description="two\nlines").source.delimiter == "\x01"
    assert small_problems(destinations=[SMALL["destinations"][0] | {"audience": "two\nlines"}])


def test_what_is_long_or_much_is_told_in_part() -> None:
    with pytest.raises(SegmentError) as caught:
        parse(yaml.safe_dump(SMALL | {"schedule": "x" * 50_000}))
    assert len(str(caught.value)) < 2000
    with pytest.raises(SegmentError, match="has 500 problems") as caught:
        parse(yaml.safe_dump(SMALL | {f"unknown_{number}": 1 for number in range(500)}))
    assert len(caught.value.problems) == 100
    assert "and 400 more" in str(caught.value)


KEYS = st.sampled_from([*SMALL, "email", "columns", "platform", "x"])
json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.sampled_from(["", "a", "meta", "email", "20%", "mirror"]),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([*SMALL, "email", "columns", "platform", "x"]), inner)
    ),
    max_leaves=12,
)


@settings(max_examples=150, deadline=None)
@given(st.dictionaries(st.sampled_from([*SMALL, "suppress", "guards", "consent", "value", "schedule", "holdout"]), json_values))
def test_whatever_stands_in_a_file_it_is_a_segment_or_a_list_of_problems(changes: dict[str, Any]) -> None:
    text = yaml.safe_dump(SMALL | changes)
    try:
        segment, told = parse(text), []
    except SegmentError as error:
        segment, told = None, list(error.problems)
    assert (segment is None) == bool(told)
    assert all(1 <= problem.line <= len(text.splitlines()) for problem in told)
    assert all(re.fullmatch(r"line \d+: .+", str(problem)) for problem in told)
