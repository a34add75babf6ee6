from datetime import UTC, datetime
from pathlib import Path

import pytest
from sources.artifacts import BASE, GOOD, MODEL, TESTS, UNIT, write_artifacts

from guestlist.model.dbt import Dbt
from guestlist.model.errors import ConfigError, DataError
from guestlist.sources.dbt import last_build

_, UNIQUE, NOT_NULL = TESTS
EARLIER = datetime(2026, 1, 31, 3, 40, tzinfo=UTC)


@pytest.fixture
def build(tmp_path):
    def build(statuses, model="lapsed_vips", **options):
        write_artifacts(tmp_path / "target", statuses, EARLIER, **options)
        return last_build(Dbt(model=model, artifacts="target"), None, tmp_path)

    return build


def test_a_good_build_is_known_by_the_end_of_its_model(build):
    found = build(GOOD)
    assert (found.at, found.command, found.failed, found.warnings) == (EARLIER, "build", (), ())


@pytest.mark.parametrize("model", ["lapsed_vips", "shop.lapsed_vips"])
def test_a_model_may_be_named_with_its_package(build, model):
    assert build(GOOD, model).at == EARLIER


@pytest.mark.parametrize("status", ["fail", "error", "skipped"])
@pytest.mark.parametrize(("test", "name"), [(UNIQUE, "unique_lapsed_vips_id"), (UNIT, "keeps_people")])
def test_a_test_that_did_not_pass_is_named_without_what_dbt_says_of_the_rows(build, test, name, status):
    found = build({**GOOD, test: status})
    assert found.failed == (f"{name} ({status})",)
    assert "anna" not in repr(found)


def test_a_test_that_only_warns_is_told_and_stops_nothing(build):
    found = build({**GOOD, NOT_NULL: "warn"})
    assert found.failed == ()
    assert found.warnings == ("not_null_lapsed_vips_email (warn)",)


def test_a_test_of_another_model_stops_nothing(build):
    assert build({**GOOD, next(iter(TESTS)): "fail"}).failed == ()


def test_a_model_that_was_skipped_is_told_with_what_failed_before_it(build):
    found = build({BASE: "success", next(iter(TESTS)): "fail", MODEL: "skipped", UNIT: "skipped"})
    assert found.at is None
    assert found.failed == ("lapsed_vips (skipped)", "unique_stg_people_id (fail)")
    assert build({BASE: "error", MODEL: "skipped"}).failed == ("lapsed_vips (skipped)", "stg_people (error)")


def test_what_the_last_command_did_not_do_is_not_known(build):
    assert build({BASE: "success"}, command="run").unknown == "`dbt run` did not build it"
    found = build({BASE: "success", MODEL: "success"}, command="run")
    assert found.at is None
    assert found.unknown == "`dbt run` ran 3 of its 3 tests not; `dbt build` does both"


def test_a_model_that_nobody_knows_is_a_config_error(build):
    with pytest.raises(ConfigError, match=r"the dbt project in target has no model 'vips'; is its name right?"):
        build(GOOD, "vips")


@pytest.mark.parametrize("content", ["", "[]", '{"metadata": {}', '{"metadata": {"generated_at": 5}, "results": [{}]}'])
def test_what_is_no_artifact_is_a_data_error(tmp_path, content):
    write_artifacts(tmp_path, GOOD)
    (tmp_path / "run_results.json").write_text(content)
    with pytest.raises(DataError, match="artifact"):
        last_build(Dbt(model="lapsed_vips", artifacts="."), None, tmp_path)


def test_missing_artifacts_are_told():
    with pytest.raises(DataError, match=r"there is no file target/manifest\.json"):
        last_build(Dbt(model="lapsed_vips", artifacts="target/"), None, Path("/nowhere"))
