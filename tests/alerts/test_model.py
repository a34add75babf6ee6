"""`alerts:` in a segment file: what it means, what is refused, and what a DAG makes of it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from airflow.serialization.serialized_objects import DagSerialization

from guestlist.destinations import platforms
from guestlist.model.alerts import Happening
from guestlist.model.segment import Segment
from guestlist.model.segment_file import SegmentError, parse_segment
from guestlist.orchestration.dags import build

FILE = """
name: vips
source: {{file: people.csv}}
key: id
identifiers: {{email: email}}
alerts: {alerts}
destinations: [{{platform: meta, connection: meta_main, audience: VIPs}}]
"""


def parsed(alerts: str) -> Segment:
    return parse_segment(FILE.format(alerts=alerts), "vips.yaml", platforms())


def test_who_says_nothing_is_told_of_everything_by_those_of_the_installation() -> None:
    alerts = parsed("{}").alerts
    assert (alerts.to, alerts.of, alerts.within) == ((), tuple(Happening), None)


def test_one_connection_or_several() -> None:
    assert parsed("{to: ops}").alerts.to == ("ops",)
    assert parsed("{to: [ops, mail.team-a], of: [failed, stale]}").alerts.to == ("ops", "mail.team-a")


@pytest.mark.parametrize(
    ("written", "means"),
    [
        ("45s", timedelta(seconds=45)),
        ("90m", timedelta(minutes=90)),
        ("3h", timedelta(hours=3)),
        ("2d", timedelta(days=2)),
    ],
)
def test_a_deadline_has_a_unit(written: str, means: timedelta) -> None:
    assert parsed(f"{{deadline: {written}}}").alerts.within == means


@pytest.mark.parametrize(
    ("alerts", "told"),
    [
        ("{to: 'jsons://hooks.example.com/secret'}", "line 6: alerts.to.0: String should match pattern"),
        ("{of: [broken]}", "line 6: alerts.of.0: Input should be 'failed', 'unconfirmed', 'guard', 'drift' or 'stale'"),
        ("{deadline: 3}", "line 6: alerts.deadline: Input should be a valid string (found 3)"),
        ("{deadline: 0h}", "line 6: alerts.deadline: String should match pattern"),
        ("{who: ops}", "line 6: alerts.who: nobody knows this key; there are: to, of, deadline"),
        ("{on: [failed]}", "line 6: alerts.1: keys are texts; YAML reads on, yes, off and no as true and false"),
    ],
)
def test_what_is_wrong_is_told(alerts: str, told: str) -> None:
    with pytest.raises(SegmentError) as caught:
        parsed(alerts)
    assert told in str(caught.value)


def serialised(alerts: str) -> dict[str, Any]:
    return DagSerialization.to_dict(build(parsed(alerts)))["dag"]


def test_a_deadline_is_airflows_own() -> None:
    [deadline] = serialised("{to: ops, deadline: 3h}")["deadline"]
    assert deadline["reference"] == {"reference_type": "DagRunQueuedAtDeadline"}
    assert deadline["interval"]["__data__"] == 3 * 3600
    callback = deadline["callback"]["__data__"]
    assert callback["path"] == "guestlist.orchestration.alerts.deadline_missed"
    assert callback["kwargs"] == {"segment": "vips", "allowed": "3h", "to": ["ops"]}
    assert not serialised("{to: ops}").get("deadline")
