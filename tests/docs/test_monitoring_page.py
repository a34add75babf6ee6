"""docs/monitoring.md: its metrics, happenings, connection types and connections are those of the code."""

from __future__ import annotations

import re

import pytest
import yaml
from docs.pages import ROOT, blocks, section, table, text_of

from guestlist.model.alerts import Alerts, Happening
from guestlist.model.connection import parse_connection
from guestlist.orchestration.notifiers import _CHANNELS
from guestlist.runtime.metrics import METRICS

PAGE = text_of("monitoring.md")
_EXPORT = re.compile(r"^export AIRFLOW_CONN_(\w+)='(.*?)'$", re.MULTILINE | re.DOTALL)


def test_the_table_of_metrics_is_that_of_the_code() -> None:
    assert {name: told for name, (told,) in table(section(PAGE, "Metrics")).items()} == {
        f"guestlist.{name}": what for name, what in METRICS.items()
    }


def test_every_happening_is_told_of() -> None:
    told = [name for name, cells in table(section(PAGE, "Alerts")).items() if len(cells) == 2 and name in set(Happening)]
    assert told == list(Happening)
    [block] = blocks(section(PAGE, "Alerts"), "yaml")
    alerts = Alerts(**yaml.safe_load(block.text)["alerts"])
    assert alerts.of == tuple(Happening)
    assert alerts.within


def test_every_type_of_connection_is_told_of_with_its_provider() -> None:
    told = {kind: cells[0].strip("`") for kind, cells in table(section(PAGE, "Connections for alerts")).items()}
    assert told == {kind: channel.package for kind, channel in _CHANNELS.items()}


def test_the_connections_can_be_read() -> None:
    found = [match for block in blocks(PAGE, "sh") for match in _EXPORT.findall(block.text)]
    assert {parse_connection(name.lower(), value).type for name, value in found} == {"apprise", "slackwebhook", "smtp"}


@pytest.mark.parametrize("path", ["deploy/statsd/mapping.yaml", "deploy/grafana/guestlist.json"])
def test_the_files_that_it_names_are_there(path: str) -> None:
    assert path in PAGE
    assert (ROOT / path).exists()
