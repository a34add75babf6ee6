"""Names in, ready objects out: configuration, connections, segments, queries and destinations."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from guestlist.destinations import platforms
from guestlist.model.connection import Connection
from guestlist.model.errors import ConfigError
from guestlist.model.segment import Segment
from guestlist.model.segment_file import SegmentError
from guestlist.model.source import Source
from guestlist.runtime.config import Config
from guestlist.runtime.segments import find_segment, read_segment, segment_files
from guestlist.runtime.wiring import Workspace, connection_from_environment
from guestlist.sources.base import Reader

META = {"platform": "meta", "connection": "main", "audience": "A"}
GOOGLE = {"platform": "google_ads", "connection": "main", "audience": "A"}


def segment(*destinations: dict[str, Any], **parts: Any) -> Segment:
    document = {
        "name": "vips",
        "description": "Best customers",
        "source": {"file": "people.csv"},
        "key": "id",
        "identifiers": {"email": "email", "city": "city", "country": "country"},
        "destinations": list(destinations or (META,)),
    }
    return Segment.model_validate(document | parts, context={"platforms": platforms()})


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    (tmp_path / "segments").mkdir()
    config = Config(
        tmp_path / "home",
        tmp_path / "segments",
        f"sqlite:///{tmp_path}/ledger.db",
        str(tmp_path / "lake"),
        tmp_path / "vault.key",
    )
    extra = {"ad_account_id": "1", "access_token": "hunter2"}
    return Workspace(config, lambda name: Connection(name, "guestlist", extra=extra))


# -- configuration and connections


def test_everything_has_its_place_in_the_home_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("HOME", "SEGMENTS", "LEDGER", "LAKE", "VAULT_KEY"):
        monkeypatch.delenv(f"GUESTLIST_{name}", raising=False)
    project = Path(__file__).resolve().parents[2]
    found = Config.from_environment()
    assert (found.home, found.segments) == (project / ".guestlist", project / "include" / "segments")
    monkeypatch.setenv("GUESTLIST_HOME", str(tmp_path))
    found, key = Config.from_environment(), tmp_path / "vault.key"
    assert found == Config(
        tmp_path, project / "include" / "segments", f"sqlite:///{tmp_path}/ledger.db", f"{tmp_path}/lake", key
    )
    monkeypatch.setenv("GUESTLIST_LEDGER", "postgresql://h/db")
    monkeypatch.setenv("GUESTLIST_LAKE", "s3://bucket/lake")
    monkeypatch.setenv("GUESTLIST_SEGMENTS", "here")
    monkeypatch.chdir(tmp_path)
    assert Config.from_environment() == Config(tmp_path, tmp_path / "here", "postgresql://h/db", "s3://bucket/lake", key)


def test_connections_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_META_MAIN", json.dumps({"conn_type": "guestlist", "extra": {"a": 1}}))
    assert connection_from_environment("meta_Main") == Connection("meta_Main", "guestlist", extra={"a": 1})
    for value in (None, ""):
        monkeypatch.delenv("AIRFLOW_CONN_OTHER", raising=False)
        if value is not None:
            monkeypatch.setenv("AIRFLOW_CONN_OTHER", value)
        with pytest.raises(
            ConfigError, match="no connection 'other': define it in Airflow, or outside of Airflow as AIRFLOW_CONN_OTHER"
        ):
            connection_from_environment("other")


# -- segments


GOOD = """\
name: {}
source: {{file: p.csv}}
key: id
identifiers: {{email: e}}
destinations: [{{platform: meta, connection: m, audience: A}}]
"""


def test_segments_are_found_by_name_and_by_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("one.yaml", "two.yml", "readme.md"):
        (tmp_path / name).write_text(GOOD.format(name.split(".")[0]), encoding="utf-8")
    assert [path.name for path in segment_files(tmp_path)] == ["one.yaml", "two.yml"]
    assert find_segment("one", tmp_path).name == "one"
    assert find_segment("two", tmp_path).name == "two"
    assert find_segment(str(tmp_path / "one.yaml"), Path("/nowhere")).name == "one"
    with pytest.raises(ConfigError, match="there are: one, two"):
        find_segment("three", tmp_path)
    with pytest.raises(ConfigError, match="there are: none"):
        find_segment("three", tmp_path / "nowhere")


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="there is no segment file"):
        read_segment(tmp_path / "gone.yaml")
    (tmp_path / "bytes.yaml").write_bytes(b"name: \xff\xfe")
    with pytest.raises(ConfigError, match="UnicodeDecodeError") as caught:
        read_segment(tmp_path / "bytes.yaml")
    assert not isinstance(caught.value, SegmentError)
    (tmp_path / "folder.yaml").mkdir()
    with pytest.raises(ConfigError, match="IsADirectoryError"):
        read_segment(tmp_path / "folder.yaml")


def test_problems_are_told_with_the_path_as_the_person_sees_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "bad.yaml").write_text("name: bad\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SegmentError, match=r"^sub/bad.yaml has 4 problems"):
        read_segment(tmp_path / "sub" / "bad.yaml")
    monkeypatch.chdir(tmp_path / "sub")
    with pytest.raises(SegmentError, match=r"^bad.yaml has"):
        read_segment(tmp_path / "sub" / "bad.yaml")


# -- destinations


def test_capabilities_need_no_connection(workspace: Workspace) -> None:
    workspace.resolve = lambda _: pytest.fail("nobody was to be asked")
    found = workspace.capabilities(segment(META | {"retention_days": 30}, GOOGLE | {"name": "jobs", "api": "google_ads"}))
    assert list(found) == ["main", "jobs"]
    assert found["main"].limits.membership_days == 30
    assert found["jobs"].limits.identifiers_per_row == 20


def test_a_destination_is_made_ready_without_sending_anything(workspace: Workspace) -> None:
    ready = workspace.ready(segment(value={"column": "ltv", "currency": "EUR"}), "main")
    assert (ready.label, ready.capabilities.platform) == ("main", "meta")
    spec = ready.spec
    assert (spec.name, spec.description, spec.reference) == ("A", "Best customers", "guestlist:vips:main")
    assert [str(name) for name in spec.fields] == ["email", "city", "country"]
    assert spec.value_based
    assert not workspace.ready(segment(), "main").spec.value_based
    assert ready.driver.requests == 0


def test_polling_is_the_platforms_own_unless_the_connection_says_otherwise(workspace: Workspace) -> None:
    theirs = workspace.ready(segment(), "main")
    assert theirs.polling == theirs.capabilities.polling
    extra = {"ad_account_id": "1", "access_token": "x", "poll_first_seconds": 0, "poll_longest_seconds": 5}
    workspace.resolve = lambda name: Connection(name, "guestlist", extra=extra)
    ours = workspace.ready(segment(), "main").polling
    assert (ours.first, ours.longest) == (0, 5)
    assert (ours.factor, ours.give_up) == (theirs.polling.factor, theirs.polling.give_up)


@pytest.mark.parametrize(
    ("extra", "part"),
    [
        ({}, "ad_account_id: is missing"),
        ({"ad_account_id": "x", "access_token": "hunter2"}, "ad_account_id: an ad account id is a number"),
        ({"ad_account_id": 1, "access_token": "hunter2", "acess": "hunter2"}, "acess: nobody knows this key"),
    ],
)
def test_a_wrong_connection_is_told_with_all_that_it_takes(workspace: Workspace, extra: dict[str, Any], part: str) -> None:
    workspace.resolve = lambda name: Connection(name, "guestlist", extra=extra)
    with pytest.raises(ConfigError) as caught:
        workspace.ready(segment(), "main")
    assert (caught.value.segment, caught.value.destination) == ("vips", "main")
    assert part in str(caught.value)
    assert "api_version" in str(caught.value), "what it takes is listed"
    assert "hunter2" not in str(caught.value)


# -- queries


def sql_of(workspace: Workspace, text: str) -> str:
    captured: list[Source] = []

    def spy(source: Source, *_: object) -> Reader:
        captured.append(source)
        return None

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("guestlist.runtime.wiring.open_source", spy)
        workspace.reader(Source(connection="w", sql=text))
    return captured[0].sql


def test_queries_stand_in_files_or_in_the_segment_and_are_rendered(workspace: Workspace) -> None:
    (workspace.config.segments.parent / "sql").mkdir()
    (workspace.config.segments.parent / "sql" / "q.sql").write_text("SELECT '{{ ds }}' FROM t", encoding="utf-8")
    day = workspace.today.isoformat()
    assert sql_of(workspace, "sql/q.sql") == f"SELECT '{day}' FROM t"
    assert sql_of(workspace, " sql/q.sql ") == f"SELECT '{day}' FROM t"
    assert sql_of(workspace, "SELECT {{ ds_nodash }}") == f"SELECT {day.replace('-', '')}"
    workspace.variables = {"ds": "2020-01-01", "limit": 5}
    assert sql_of(workspace, "SELECT '{{ ds }}' LIMIT {{ limit }}") == "SELECT '2020-01-01' LIMIT 5"


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("sql/gone.sql", "there is no query file"),
        ("SELECT {{ nobody }}", "'nobody' is undefined"),
        ("SELECT {{ ", "cannot be rendered"),
        ("{{ ''.__class__.__mro__ }}", "unsafe"),
    ],
)
def test_a_query_that_cannot_be_rendered(workspace: Workspace, text: str, part: str) -> None:
    with pytest.raises(ConfigError, match=part):
        sql_of(workspace, text)


def test_ledger_and_lake_are_opened_when_first_used(workspace: Workspace, tmp_path: Path) -> None:
    assert not (tmp_path / "ledger.db").exists()
    assert workspace.ledger is workspace.ledger
    assert (tmp_path / "ledger.db").exists()
    assert workspace.lake is workspace.lake
