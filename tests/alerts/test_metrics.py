"""Metrics: every number comes from the books, through Airflow's own client, to a real StatsD listener and a real OTLP one."""

from __future__ import annotations

import pytest
from alerts.conftest import Project
from alerts.receivers import client, otlp, statsd
from alerts.webhook import run
from runtime.rig import GOOGLE, META, Rig, people

from guestlist.model.segment import Segment
from guestlist.orchestration.metrics import emit
from guestlist.runtime.metrics import METRICS, measure, share

pytestmark = pytest.mark.slow


def measured(rig: Rig, segment: Segment, label: str = "meta_main") -> dict[str, float]:
    return {one.name: one.value for one in measure(rig.workspace().ledger, segment) if one.destination == label}


def test_what_a_run_did_is_measured_and_asking_again_changes_nothing(rig: Rig) -> None:
    segment = rig.segment()
    rig.run(segment, people(*range(100)))
    rig.run(segment, people(*range(5, 108)))
    first, second = measured(rig, segment), measured(rig, segment)
    age = "seconds_since_sealed"
    assert second.pop(age) >= first.pop(age) >= 0
    assert second == first
    wanted = {
        "members": 103,
        "wanted": 103,
        "adds": 8,
        "removes": 5,
        "renewals": 0,
        "rejects": 0,
        "unconfirmed": 0,
        "unsent": 0,
    }
    assert first.items() >= {**wanted, "in_step": 1}.items()
    assert 2 <= first["requests"] <= 10
    assert first["seconds"] >= first["waits"] >= 0
    assert first["opt_out_seconds"] >= 0


def test_a_platform_that_works_for_a_while_is_waited_for(rig: Rig) -> None:
    segment = rig.segment(GOOGLE)
    rig.run(segment, people(*range(100)))
    found = measured(rig, segment, "google_main")
    assert found["in_step"] == 1
    assert "match_rate" not in found or 0 <= found["match_rate"] <= 1


def test_what_was_lost_is_measured(rig: Rig) -> None:
    segment = rig.segment()
    rig.fault({"reject_rows": [0, 1, 2], "reason": "INVALID"}, "users", times=1)
    report = rig.run(segment, people(*range(10)))
    found = measured(rig, segment)
    lost = report.destinations[0]
    assert lost.state == "rejected"
    assert (found["rejects"], found["adds"], found["in_step"]) == (sum(lost.rejected.values()), lost.added, 0)
    assert found["rejects"] > 0


def test_a_dry_run_and_one_of_another_destination_are_not_the_last(rig: Rig) -> None:
    segment = rig.segment(META, GOOGLE)
    rig.run(segment, people(*range(100)))
    before = measured(rig, segment)
    rig.run(segment, people(*range(50)), dry_run=True)
    rig.run(segment, people(*range(120)), labels=["google_main"])
    after = measured(rig, segment)
    assert {name: value for name, value in after.items() if name != "seconds_since_sealed"} == {
        name: value for name, value in before.items() if name != "seconds_since_sealed"
    }
    assert measured(rig, segment, "google_main")["wanted"] == 120


def test_of_an_audience_that_never_was_nothing_is_known(rig: Rig) -> None:
    assert list(measure(rig.workspace().ledger, rig.segment())) == []


@pytest.mark.parametrize(
    ("told", "number"),
    [
        ("72 %", 0.72),
        ("40-50 %", 0.4),
        ("meta 40-50 %", 0.4),
        ("< 20 %", 0.0),
        ("7.5%", 0.075),
        ("", None),
        (None, None),
        ("many", None),
    ],
)
def test_a_match_rate_is_a_number_as_far_as_it_is_told(told: str | None, number: float | None) -> None:
    assert share(told) == number


def test_plain_statsd_has_the_names_of_things_in_the_names_of_metrics(rig: Rig) -> None:
    segment = rig.segment()
    rig.run(segment, people(*range(100)))
    with statsd() as receiver:
        count = emit(rig.workspace().ledger, [segment])
        got = receiver.got()
    assert got["members.meta.vips.meta_main"] == 100
    assert count == len(got)
    assert {name.split(".")[0] for name in got} <= set(METRICS)
    assert {tuple(name.split(".")[1:]) for name in got} == {("meta", "vips", "meta_main")}


def test_statsd_with_tags_has_them_as_tags(rig: Rig) -> None:
    segment = rig.segment()
    rig.run(segment, people(*range(100)))
    with statsd(statsd_influxdb_enabled="True") as receiver:
        emit(rig.workspace().ledger, [segment])
        got = receiver.got()
    assert got["members,platform=meta,segment=vips,destination=meta_main"] == 100
    assert all(name.count(",") == 3 for name in got)


def test_opentelemetry_has_them_as_attributes(rig: Rig) -> None:
    from opentelemetry.metrics import get_meter_provider

    segment = rig.segment()
    rig.run(segment, people(*range(100)))
    with otlp() as receiver, client(**receiver.environment):
        count = emit(rig.workspace().ledger, [segment])
        get_meter_provider().force_flush()
        get_meter_provider().shutdown()
    tags = frozenset({("platform", "meta"), ("segment", "vips"), ("destination", "meta_main")})
    assert receiver.got["members", tags] == 100
    assert {tags} == {one for _, one in receiver.got}
    assert count == len(receiver.got)


@pytest.mark.filterwarnings("ignore")  # Airflow's own deprecations, not ours
def test_a_run_emits_what_it_did_and_the_watch_emits_it_again(project: Project) -> None:
    with statsd() as receiver:
        assert run("people")[0] == "success"
        of_run = receiver.got()
        assert run("guestlist_watch")[0] == "success"
        of_watch = receiver.got()
    ages = [name for name in of_run if name.startswith("seconds_since_sealed")]
    assert len(ages) == 2
    assert of_watch.keys() == of_run.keys()
    assert {name: value for name, value in of_watch.items() if name not in ages} == {
        name: value for name, value in of_run.items() if name not in ages
    }
    assert (of_run["adds.meta.people.meta_main"], of_run["adds.google_ads.people.google_ads_main"]) == (200, 200)
