"""The Grafana dashboard and the mapping of statsd_exporter: they know every metric that is emitted, and no other."""

from __future__ import annotations

import json
import re
from itertools import combinations
from typing import Any

import yaml
from alerts.webhook import ROOT

from guestlist.runtime.metrics import METRICS

BOARD = json.loads((ROOT / "deploy" / "grafana" / "guestlist.json").read_text(encoding="utf-8"))
MAPPINGS = yaml.safe_load((ROOT / "deploy" / "statsd" / "mapping.yaml").read_text(encoding="utf-8"))["mappings"]
QUERY = re.compile(r"airflow_guestlist_(\w+)")
LABELS = {"platform", "segment", "destination"}


def queries() -> list[str]:
    return [target["expr"] for panel in BOARD["panels"] for target in panel["targets"]]


def test_every_metric_has_a_panel_and_every_panel_a_metric() -> None:
    assert {name for query in queries() for name in QUERY.findall(query)} == set(METRICS)
    assert all(panel["targets"] and panel["title"] and panel["description"] for panel in BOARD["panels"])


def test_every_query_keeps_to_what_is_chosen() -> None:
    variables = {one["name"]: one for one in BOARD["templating"]["list"]}
    assert set(variables) == {"datasource", *LABELS}
    for query in queries():
        [selector] = re.findall(r"\{(.*?)\}", query)
        assert dict(re.findall(r'(\w+)=~"(.*?)"', selector)) == {label: f"${label}" for label in LABELS}, query
    for label in LABELS:
        assert variables[label]["query"]["query"] == f"label_values(airflow_guestlist_members, {label})"
        assert variables[label]["allValue"] == ".+", "a number without labels belongs to no audience"


def test_the_panels_can_be_laid_out() -> None:
    ids = [panel["id"] for panel in BOARD["panels"]]
    assert len(set(ids)) == len(ids)
    for panel in BOARD["panels"]:
        place = panel["gridPos"]
        assert 0 <= place["x"] < place["x"] + place["w"] <= 24
        assert panel["type"] in ("stat", "timeseries", "state-timeline")
        assert panel["datasource"] == {"type": "prometheus", "uid": "${datasource}"}
    for one, other in combinations((panel["gridPos"] for panel in BOARD["panels"]), 2):
        assert not overlap(one, other), (one, other)


def overlap(one: dict[str, int], other: dict[str, int]) -> bool:
    across = one["x"] < other["x"] + other["w"] and other["x"] < one["x"] + one["w"]
    return across and one["y"] < other["y"] + other["h"] and other["y"] < one["y"] + one["h"]


def mapped(name: str, tags: dict[str, str]) -> tuple[str, dict[str, str]]:
    """As statsd_exporter maps a name: a star is one part between dots, the first rule that fits counts, tags are labels."""
    for rule in MAPPINGS:
        pattern = re.escape(rule["match"]).replace(r"\*", r"([^.]+)")
        if match := re.fullmatch(pattern, name):
            labels = {label: filled(text, match) for label, text in rule.get("labels", {}).items()}
            return filled(rule["name"], match), labels | tags
    return re.sub(r"[^A-Za-z0-9_]", "_", name), tags


def filled(text: str, match: re.Match[str]) -> str:
    return re.sub(r"\$(\d)", lambda number: match[int(number[1])], text)


def test_plain_statsd_and_tags_come_to_the_same_series() -> None:
    audience: dict[str, Any] = {"platform": "meta", "segment": "lapsed_vips", "destination": "meta_main"}
    for name in METRICS:
        plain = mapped(f"airflow.guestlist.{name}.meta.lapsed_vips.meta_main", {})
        assert plain == mapped(f"airflow.guestlist.{name}", audience) == (f"airflow_guestlist_{name}", audience)


def test_nothing_else_of_airflow_is_touched() -> None:
    assert {rule["match"].split(".*")[0] for rule in MAPPINGS} == {"airflow.guestlist"}
