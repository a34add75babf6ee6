"""Every problem of every file, at once and offline."""

from __future__ import annotations

import json

from cli.rig import Installation, guestlist


def test_good_files_pass(installation: Installation) -> None:
    installation.segment("vips")
    installation.segment("readers")
    told = guestlist("validate")
    assert told.exit_code == 0
    assert told.stdout.count("ok ") == 2


def test_every_problem_of_every_file_is_told_with_its_line(installation: Installation) -> None:
    installation.segment("good")
    installation.segment(
        "vips",
        guards={"max_removed": "lots"},
        colour="red",
        destinations=[{"platform": "metta", "connection": "m", "audience": "VIPs"}],
    )
    installation.text("broken", "name: [\n")
    told = guestlist("validate", "--json")
    assert told.exit_code == 2
    found = json.loads(told.stdout)
    assert not found["valid"]
    files = {item["segment"]: item["problems"] for item in found["files"]}
    assert files["good"] == []
    assert len(files["broken"]) == 1
    assert {problem["where"] for problem in files["vips"]} >= {"colour", "guards.max_removed", "destinations.0"}
    lines = (installation.segments / "vips.yaml").read_text(encoding="utf-8").splitlines()
    for problem in files["vips"]:
        assert problem["where"].split(".")[0].rstrip("s")[:5] in "\n".join(lines[problem["line"] - 2 : problem["line"]])


def test_the_text_names_file_line_and_what_is_allowed(installation: Installation) -> None:
    path = installation.segment("vips", destinations=[{"platform": "metta", "connection": "m", "audience": "VIPs"}])
    told = guestlist("validate", "vips")
    assert told.exit_code == 2
    assert str(path) in told.stdout
    assert "line " in told.stdout
    assert "there are: commbox, edgetag, google_ads, klaviyo, meta" in told.stdout


def test_a_query_file_that_is_not_there(installation: Installation) -> None:
    installation.segment("vips", source={"connection": "warehouse", "sql": "sql/nothing.sql"})
    told = guestlist("validate", "vips")
    assert told.exit_code == 2
    assert "source.sql" in told.stdout
    assert "sql/nothing.sql" in told.stdout.replace("\n", "")


def test_a_query_whose_template_is_broken(installation: Installation) -> None:
    installation.segment("vips", source={"connection": "warehouse", "sql": "SELECT '{{ ds'"})
    told = guestlist("validate", "vips")
    assert told.exit_code == 2
    assert "template is broken in line 1" in told.stdout


def test_two_files_of_one_name(installation: Installation) -> None:
    path = installation.segment("vips")
    path.with_suffix(".yml").write_text(path.read_text(encoding="utf-8"), encoding="utf-8")
    told = guestlist("validate")
    assert told.exit_code == 2
    assert "vips.yml has the same name" in told.stdout


def test_files_and_folders_can_be_named(installation: Installation) -> None:
    path = installation.segment("vips")
    assert guestlist("validate", str(path)).exit_code == 0
    assert guestlist("validate", str(installation.segments)).exit_code == 0
    missing = guestlist("validate", str(path.with_name("other.yaml")))
    assert missing.exit_code == 2
    assert "there is no segment file" in missing.stdout


def test_unknown_segments_and_empty_folders(installation: Installation) -> None:
    empty = guestlist("validate")
    assert empty.exit_code == 2
    assert "GUESTLIST_SEGMENTS" in empty.stderr
    installation.segment("vips")
    unknown = guestlist("validate", "vip")
    assert unknown.exit_code == 2
    assert "there are: vips" in unknown.stderr
