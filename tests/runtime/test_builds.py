"""Waiting for dbt, and refusing what its tests refuse."""

from datetime import UTC, datetime, timedelta

import pytest
from sources.artifacts import GOOD, TESTS, write_artifacts

from guestlist.model.errors import DataError
from guestlist.model.segment import Segment
from guestlist.runtime.config import Config
from guestlist.runtime.sync import await_builds
from guestlist.runtime.wiring import Workspace

NOW = datetime.now(UTC)
HOUR = timedelta(hours=1)
UNIQUE = list(TESTS)[1]


@pytest.fixture
def look(tmp_path, monkeypatch):
    """One look at the artifacts, by a run that has waited since ``since``."""
    monkeypatch.setenv("GUESTLIST_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("GUESTLIST_SEGMENTS", str(tmp_path / "segments"))
    workspace = Workspace(Config.from_environment())

    def look(statuses=GOOD, built=NOW, since=NOW, **options):
        write_artifacts(tmp_path / "target", statuses, built)
        dbt = {"model": "lapsed_vips", "artifacts": "target", **options}
        segment = Segment.model_validate(
            {
                "name": "vips",
                "source": {"file": "people.csv", "dbt": dbt},
                "key": "id",
                "identifiers": {"email": "email"},
                "destinations": [{"platform": "meta", "connection": "meta_main", "audience": "VIPs"}],
            }
        )
        return await_builds(workspace, segment, since)

    look.ledger = workspace.ledger
    return look


def green(ledger, run_id, state="sealed"):
    ledger.begin_run("vips", run_id, "members", {})
    ledger.end_run("vips", run_id, state, {})


def test_a_first_run_takes_any_build(look):
    progress, warnings = look(built=NOW - 100 * HOUR)
    assert progress.done
    assert warnings == []


def test_a_later_run_waits_for_a_build_since_the_last_green_one(look):
    green(look.ledger, "monday")
    progress, _ = look(built=NOW - HOUR)
    assert not progress.done
    assert 0 < progress.wait <= 60
    assert look(built=datetime.now(UTC) + HOUR)[0].done


def test_a_run_that_did_not_end_green_does_not_use_up_a_build(look):
    green(look.ledger, "monday", state="unsent")
    assert look(built=NOW - HOUR)[0].done


def test_with_an_age_only_the_age_counts(look):
    green(look.ledger, "monday")
    assert look(built=NOW - 25 * HOUR, max_age="26h")[0].done
    assert not look(built=NOW - 27 * HOUR, max_age="26h")[0].done


def test_the_wait_ends_and_says_what_is_missing(look):
    with pytest.raises(DataError, match=r"vips was not built since .*: it was last built .*; waited 2 h 0 min") as caught:
        look(built=NOW - 27 * HOUR, max_age="26h", since=NOW - 3 * HOUR)
    assert caught.value.segment == "vips"
    with pytest.raises(DataError, match="waited 0 min"):
        look(built=NOW - 27 * HOUR, max_age="26h", wait="0m")


def test_the_last_look_is_at_the_end_of_the_wait(look):
    progress, _ = look(built=NOW - 27 * HOUR, max_age="26h", wait="2m", since=datetime.now(UTC) - timedelta(seconds=100))
    assert 0 < progress.wait <= 20


def test_failed_tests_end_the_run_at_once(look):
    with pytest.raises(
        DataError, match=r"did not pass its tests by `dbt build` of .*: unique_lapsed_vips_id \(fail\)\. Nothing"
    ):
        look({**GOOD, UNIQUE: "fail"})


def test_warnings_are_handed_on(look):
    assert look({**GOOD, UNIQUE: "warn"})[1] == ["dbt model lapsed_vips: unique_lapsed_vips_id (warn)"]
