"""OpenLineage's events of real runs through Airflow: valid by the published schemas, whole, and without anybody in them."""

import copy
from typing import Any

import pytest
from lineage.conftest import Played
from lineage.published import problems
from lineage.rig import PEOPLE, SEGMENTS, Event, segment
from privacy.canaries import digests, hits, people, secrets

from guestlist.destinations import destination_class
from guestlist.model.vocabulary import Field

pytestmark = pytest.mark.slow
DELIVERED = [("vips", "google_ads_main"), ("vips", "meta_main"), ("vips", "whop_main"), ("one_table", "meta_main")]
PLACES = {"vips": "vips", "one_table": "warehouse.main.people"}
"""Segment -> the dataset that its columns are traced to: what its query gives, or the only table that it names."""


def test_every_segment_ends_as_it_should(played: Played) -> None:
    assert played.states == {"vips": "success", "one_table": "success", "refused": "failed", "missing": "failed"}


def test_every_event_and_every_facet_is_valid(played: Played) -> None:
    assert len(played.events.all) > 2 * sum(len(one["destinations"]) for one in SEGMENTS.values())
    assert [problem for event in played.events.all for problem in problems(event.json)] == []


BREAKS: dict[str, tuple[list[Any], Any]] = {
    "a dataset without a name": (["outputs", 0, "name"], None),
    "a time that is none": (["eventTime"], "yesterday"),
    "a run that is no UUID": (["run", "runId"], "7"),
    "rows that are no number": (["outputs", 0, "outputFacets", "outputStatistics", "rowCount"], "many"),
    "lineage without columns": (["outputs", 0, "facets", "columnLineage", "fields"], None),
    "a guard that did not say": (["inputs", 0, "inputFacets", "dataQualityAssertions", "assertions", 0, "success"], "maybe"),
    "our own facet without a producer": (["outputs", 0, "outputFacets", "guestlist", "_producer"], None),
}


@pytest.mark.parametrize("broken", BREAKS)
def test_a_broken_event_is_found(played: Played, broken: str) -> None:
    event = copy.deepcopy(played.events.of("vips.meta_main.seal", "COMPLETE").json)
    (*path, last), value = BREAKS[broken]
    part = event
    for step in path:
        part = part[step]
    if value is None:
        del part[last]
    else:
        part[last] = value
    assert problems(event)


def test_every_task_has_begun_has_ended_and_belongs_to_its_dags_run(played: Played) -> None:
    began = {event.json["run"]["runId"]: event for event in played.events.all if event.state == "START"}
    dags = {event.job: run for run, event in began.items() if event.job in SEGMENTS}
    assert dags.keys() == SEGMENTS.keys()
    ended = [event for event in played.events.all if event.state in ("COMPLETE", "FAIL")]
    assert {event.json["run"]["runId"] for event in ended} == began.keys()
    for event in played.events.all:
        if event.job not in SEGMENTS:
            parent = event.json["run"]["facets"]["parent"]
            dag = event.job.split(".")[0]
            assert (parent["job"]["name"], parent["run"]["runId"]) == (dag, dags[dag])


def expected_fields(name: str, label: str) -> dict[str, set[tuple[str, str, str, bool]]]:
    """Field of the audience -> (column, kind, recipe, hashed), by the segment's file and what the platform takes."""
    wanted = segment(name)
    platform = destination_class(wanted.destination(label).platform)
    capabilities = platform.capabilities_for(platform.Options(**wanted.destination(label).options))
    found = {}
    for key in capabilities.keys:
        if (identifier := wanted.identifiers.get(key.field)) is not None:
            origins = {(column, "TRANSFORMATION", key.recipe, not key.plain) for column in identifier.columns}
            by_country = {(identifier.region, "CONDITIONAL", "region", False)} if identifier.region_column else set()
            found[key.field.value] = origins | by_country
    if wanted.value and capabilities.takes_value:
        found["value"] = {(wanted.value.column, "IDENTITY", "value", False)}
    return found


def told_fields(lineage: dict[str, Any], dataset: str) -> dict[str, set[tuple[str, str, str, bool]]]:
    found: dict[str, set[tuple[str, str, str, bool]]] = {}
    for name, origins in lineage["fields"].items():
        for origin in origins["inputFields"]:
            assert origin["name"] == dataset
            (how,) = origin["transformations"]
            assert how["type"] == ("INDIRECT" if how["subtype"] in ("CONDITIONAL", "FILTER") else "DIRECT")
            of_column = (origin["field"], how["subtype"], how["description"], how["masking"])
            found.setdefault(name, set()).add(of_column)
    return found


@pytest.mark.parametrize(("name", "label"), DELIVERED)
def test_every_field_of_an_audience_is_traced_to_its_columns(played: Played, name: str, label: str) -> None:
    sealed = played.events.of(f"{name}.{label}.seal", "COMPLETE")
    audience = sealed.dataset("outputs", segment(name).destination(label).audience)
    facets = audience["facets"]
    expected = expected_fields(name, label)
    told = told_fields(facets["columnLineage"], PLACES[name])
    assert {field: {one for one in origins if one[1] != "CONDITIONAL"} for field, origins in told.items()} == {
        field: {one for one in origins if one[1] != "CONDITIONAL"} for field, origins in expected.items()
    }
    assert ("country", "CONDITIONAL", "region", False) in told[Field.PHONE]
    assert {column["name"] for column in facets["schema"]["fields"]} == expected.keys()
    read = sealed.dataset("inputs", PLACES[name])
    there = {column["name"] for column in read["facets"]["schema"]["fields"]}
    assert {column for origins in told.values() for column, *_ in origins} <= there


def test_what_decides_who_is_in_an_audience_is_told(played: Played) -> None:
    for job in ("vips.prepare", "vips.meta_main.seal"):
        lineage = played.events.of(job, "COMPLETE").json["outputs"][0]["facets"]["columnLineage"]
        chosen = {
            (origin["name"].split("/")[-1], origin["field"], origin["transformations"][0]["description"])
            for origin in lineage["dataset"]
            if origin["transformations"][0]["subtype"] == "FILTER"
        }
        listed = ("unwanted.csv", "mail", "suppression list")
        assert chosen == {("vips", "consent", "consent"), ("vips", "id", "holdout"), listed}


def test_the_source_has_its_tables_its_schema_and_its_rows(played: Played) -> None:
    prepared = played.events.of("vips.prepare", "COMPLETE")
    warehouse = f"duckdb://{played.folder / 'warehouse.duckdb'}"
    named = {(one["namespace"], one["name"]) for one in prepared.json["inputs"]}
    tables = {(warehouse, name) for name in ("vips", "warehouse.main.people", "warehouse.main.orders")}
    assert named == {*tables, ("file", str(played.folder / "unwanted.csv"))}
    query = prepared.dataset("inputs", "vips")
    assert query["inputFacets"]["inputStatistics"]["rowCount"] == len(PEOPLE)
    types = {column["name"]: column["type"] for column in query["facets"]["schema"]["fields"]}
    assert types["email"] == "string"
    assert types["worth"].startswith("decimal")
    gathered = played.events.of("one_table.prepare.gather", "COMPLETE").dataset("inputs", "one_table")
    assert gathered["inputFacets"]["inputStatistics"]["rowCount"] == len(PEOPLE)
    table = played.events.of("refused.prepare", "COMPLETE").dataset("inputs", "warehouse.main.people")
    assert table["inputFacets"]["inputStatistics"]["rowCount"] == len(PEOPLE)


def test_rows_are_counted_from_the_source_to_the_audience(played: Played) -> None:
    prepared = played.events.of("vips.prepare", "COMPLETE").dataset("outputs", "lake/vips/runs")
    own = prepared["outputFacets"]["guestlist"]
    assert own["read"] == len(PEOPLE)
    assert own["dropped"]["no_consent"] == 1
    assert own["dropped"]["suppressed"] == 1
    members = len(PEOPLE) - sum(own["dropped"].values())
    assert prepared["outputFacets"]["outputStatistics"]["rowCount"] == members
    sealed = played.events.of("vips.meta_main.seal", "COMPLETE")
    audience = sealed.dataset("outputs", "VIPs")
    assert audience["namespace"] == "meta://2024001"
    assert (
        audience["outputFacets"]["outputStatistics"]["rowCount"]
        == played.asset_events["guestlist://vips/meta_main"]["rows_accepted"]
    )
    assert {name: audience["outputFacets"]["guestlist"][name] for name in ("added", "removed", "generation", "rejected")} == {
        "added": members,
        "removed": 0,
        "generation": 1,
        "rejected": {},
    }
    filled = sealed.dataset("inputs", "lake/vips/runs")["inputFacets"]["dataQualityMetrics"]
    emails = filled["columnMetrics"]["email:email.lower.v1"]
    assert emails["count"] + emails["nullCount"] == filled["rowCount"]
    assert emails["nullCount"] == 1  # "nobody" is no email


def test_guards_are_assertions(played: Played) -> None:
    read = played.events.of("vips.meta_main.seal", "COMPLETE").dataset("inputs", "lake/vips/runs")
    told = {one["assertion"]: one for one in read["inputFacets"]["dataQualityAssertions"]["assertions"]}
    assert told.keys() >= {"max_removed", "min_members", "max_rejected", "schema_change"}
    assert [name for name, one in told.items() if not one["success"]] == ["min_members"]  # somebody approved of it
    assert told["min_members"]["expected"] == "100"
    assert "allowed at least 100" in told["min_members"]["actual"]


def test_what_was_never_sent_was_not_rejected(played: Played) -> None:
    read = played.events.of("refused.report", "FAIL").dataset("inputs", "lake/refused/runs")
    told = {one["name"]: one["success"] for one in read["inputFacets"]["dataQualityAssertions"]["assertions"]}
    assert told["meta_refused.max_rejected"]


def test_a_platform_that_tells_its_match_rate_is_quoted(played: Played) -> None:
    told = played.events.of("vips.whop_main.seal", "COMPLETE").json["outputs"][0]["outputFacets"]["guestlist"]
    assert told["match_rate"] == played.asset_events["guestlist://vips/whop_main"]["match_rate"]


FAILED = {
    "missing.prepare": ("there is no file missing.csv", "missing.csv", "lake/missing/runs"),
    "missing.report": ("not every audience is in step: meta_main is failed", "missing.csv", "Missing"),
    "refused.meta_refused.additions.open": ("the access token is not accepted", "warehouse.main.people", "Refused"),
    "refused.report": ("meta_refused is unsent", "warehouse.main.people", "Refused"),
}


@pytest.mark.parametrize("job", FAILED)
def test_a_failure_says_in_one_sentence_what_and_on_the_way_from_where_to_where(played: Played, job: str) -> None:
    event: Event = played.events.of(job, "FAIL")
    sentence, source, target = FAILED[job]
    assert sentence in event.json["run"]["facets"]["errorMessage"]["message"]
    assert event.dataset("inputs", source)
    assert event.dataset("outputs", target)["facets"]["columnLineage"]["fields"]


def test_tasks_that_make_nothing_repeat_no_arrows(played: Played) -> None:
    for event in played.events.all:
        if event.state == "COMPLETE" and not event.job.endswith((".prepare", ".gather", ".seal")):
            assert (event.json["inputs"], event.json["outputs"]) == ([], [])


def test_nobody_is_in_any_event(played: Played) -> None:
    hidden = secrets(["not-accepted", (played.folder / "vault.key").read_text().strip()])
    for event in played.events.all:
        assert hits(event.text, people() | digests() | hidden) == set(), event.job
