"""Which files a segment may name: traversal, links, places that hold secrets, addresses of other machines."""

from __future__ import annotations

from pathlib import Path

import pytest

from guestlist.model.errors import ConfigError, GuestlistError
from guestlist.model.source import Source
from guestlist.sources import open_source
from guestlist.sources.templates import query_text

PEOPLE = "id\n7\n"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project beside two folders of exports."""
    for name in ("project", "exports", "private"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "people.csv").write_text(PEOPLE)
        (tmp_path / name / "people.sql").write_text("SELECT 1")
    (tmp_path / "project" / "link.csv").symlink_to(tmp_path / "private" / "people.csv")
    (tmp_path / "project" / "link.sql").symlink_to(tmp_path / "private" / "people.sql")
    return tmp_path / "project"


def read(file: str, project: Path, *roots: Path) -> list[str]:
    batches = open_source(Source(file=file, format="csv"), None, project, roots).batches(["id"])
    return [value for batch in batches for value in batch["id"].to_pylist()]


def test_a_relative_path_stays_in_the_project(project: Path) -> None:
    assert read("people.csv", project) == ["7"]
    (project / "sub").mkdir()
    assert read("sub/../people.csv", project) == ["7"]
    for file in ("../exports/people.csv", "sub/../../exports/people.csv", "../*/people.csv"):
        with pytest.raises(ConfigError, match=r"leads out of .*project, where relative paths start; write an absolute path"):
            read(file, project)
    with pytest.raises(ConfigError, match="leads out of"):
        query_text("../exports/people.sql", project)


def test_absolute_paths_and_links_lead_anywhere_unless_folders_are_named(project: Path) -> None:
    exports, private = project.parent / "exports", project.parent / "private"
    for file in (f"{exports}/people.csv", f"file://{exports}/people.csv", "link.csv"):
        assert read(file, project) == ["7"]
    assert read(f"{exports}/*.csv", project, exports) == ["7"]
    assert query_text(f"{exports}/people.sql", project, [exports]) == "SELECT 1"
    for file in (f"{private}/people.csv", f"{exports}/../private/people.csv", f"file://{private}/people.csv", "link*.csv"):
        with pytest.raises(ConfigError, match=r"outside of the folders that may be read: .*GUESTLIST_FILES names more"):
            read(file, project, exports)
    for name in (f"{private}/people.sql", "link.sql"):
        with pytest.raises(ConfigError, match="outside of the folders that may be read"):
            query_text(name, project, [exports])


@pytest.mark.parametrize(
    "file", ["/proc/self/environ", "/proc/*/environ", "/dev/zero", "/dev/stdin", "/sys/power/state", "out.csv"]
)
def test_what_programs_are_doing_is_no_data(project: Path, file: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET", "hunter2")
    (project / "out.csv").symlink_to("/proc/self/environ")
    with pytest.raises(ConfigError, match="nothing is read from /dev, /proc, /sys") as caught:
        read(file, project)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    "address",
    [
        "http://169.254.169.254/people.csv", "https://example.com/people.csv", "ftp://127.0.0.1/people.csv",
        "zip://people.csv::file:///tmp/people.zip", "file:///tmp/people.zip::http://example.com", "github://a:b@/people.csv",
        "reference://people.csv", "filecache://people.csv", "sftp://host/people.csv", "data:text/csv,id", "~nobody/people.csv",
        "a\0.csv", "s3://box/\0.csv", "file://a\0.csv", "[.csv", "x" * 5000,
    ],
)  # fmt: skip
def test_other_addresses_are_errors_of_ours_and_nobody_is_asked(project: Path, address: str) -> None:
    with pytest.raises(GuestlistError) as caught:
        read(address, project)
    assert str(caught.value).isprintable()


def test_a_file_that_is_no_table_is_not_shown(project: Path) -> None:
    for content in ("root:x:0:0:root:/root:/bin/bash\n", "KEY=hunter2\n", "a\x1b[31m,b\n", "x" * 101 + "\n"):
        (project / "people.csv").write_text(content)
        with pytest.raises(GuestlistError, match="its first row holds values, not the names of columns") as caught:
            read("people.csv", project)
        assert content[:6] not in str(caught.value)
