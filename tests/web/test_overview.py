"""The overview: what its rows say, how they are filtered, sorted, cut and exported."""

import csv
import io
from datetime import UTC, datetime

import pytest

from guestlist.runtime.upkeep.stale import stale_before
from web.site import FAILED, IN_STEP, UNCONFIRMED, WAITING, Site

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def every(site: Site) -> dict[tuple[str, str], dict]:
    with site.client("admin") as admin:
        return {
            (row["segment"], row["destination"]): row for row in admin.get("/overview", params={"limit": 1000}).json()["rows"]
        }


def test_every_destination_of_every_segment_is_a_row(site: Site, every: dict) -> None:
    assert set(every) == site.audiences


@pytest.mark.parametrize(
    ("key", "status", "why"),
    [
        (WAITING, "waiting", "max_removed: "),
        (FAILED, "failed", "12 rejected as INVALID_EMAIL"),
        (UNCONFIRMED, "unconfirmed", " rows unconfirmed"),
        (IN_STEP, "in_step", None),
    ],
)
def test_statuses_and_their_reasons(every: dict, key: tuple[str, str], status: str, why: str | None) -> None:
    row = every[key]
    assert row["status"] == status
    assert row["why"] is None if why is None else why in row["why"]


def test_a_row_says_what_the_ledger_says(site: Site, every: dict) -> None:
    row, ledger = every[IN_STEP], site.ledger
    sealed = ledger.generation(*IN_STEP)
    run = ledger.last_runs(IN_STEP[0], 1)[0]
    [told] = [item for item in run.report["destinations"] if item["label"] == IN_STEP[1]]
    assert (row["members"], row["wanted"], row["added"], row["removed"]) == (
        sealed.members, told["wanted"], told["added"], told["removed"],
    )  # fmt: skip
    assert datetime.fromisoformat(row["sealed_at"]) == sealed.sealed_at.replace(tzinfo=UTC)
    assert row["trend"] == [one.members for one in ledger.generations(*IN_STEP)]
    seen = ledger.last_seen(*IN_STEP)
    assert (row["size"], row["match_rate"], row["match_rate_told"]) == (seen.low, 0.62, "62 %")
    assert row["run_id"] == run.run_id
    assert row["run_url"] == f"/dags/{IN_STEP[0]}/runs/{run.run_id.replace(':', '%3A').replace('+', '%2B')}"
    assert (row["can_run"], row["can_approve"]) == (True, True)


@pytest.mark.parametrize(
    ("asked", "kept"),
    [
        ({"search": "META 0001"}, lambda row: row["segment"] == "segment_0001" and row["platform"] == "meta"),
        ({"search": "nobody"}, lambda row: False),
        ({"status": ["waiting", "failed"]}, lambda row: row["status"] in ("waiting", "failed")),
        ({"platform": "klaviyo"}, lambda row: row["platform"] == "klaviyo"),
        ({"segment": ["segment_0002"]}, lambda row: row["segment"] == "segment_0002"),
        ({"search": "tiktok ads"}, lambda row: row["platform"] == "tiktok_ads"),
    ],
)
def test_filters(site: Site, every: dict, asked: dict, kept) -> None:
    with site.client("viewer") as viewer:
        found = viewer.get("/overview", params={**asked, "limit": 1000}).json()
    wanted = {key for key, row in every.items() if kept(row)}
    assert {(row["segment"], row["destination"]) for row in found["rows"]} == wanted
    assert found["total"] == len(wanted)
    assert len(found["platforms"]) == 10, "of all that may be chosen"
    if "status" not in asked:
        assert sum(found["statuses"].values()) == found["total"]


@pytest.mark.parametrize(
    "column", ["segment", "status", "size", "match_rate", "members", "wanted", "sealed_at", "run_at", "added"]
)
@pytest.mark.parametrize("descending", [False, True])
def test_order_and_pages(site: Site, column: str, descending: bool) -> None:
    asked = {"sort": column, "descending": descending}
    with site.client("viewer") as viewer:
        whole = viewer.get("/overview", params={**asked, "limit": 1000}).json()["rows"]
        cut = [
            row
            for start in (0, 15, 30)
            for row in viewer.get("/overview", params={**asked, "limit": 15, "offset": start}).json()["rows"]
        ]
    assert cut == whole
    order = ["waiting", "running", "failed", "unconfirmed", "stale", "in_step", "new"]
    values = [order.index(row[column]) if column == "status" else row[column] for row in whole]
    known = [value for value in values if value is not None]
    assert known == sorted(known, reverse=descending)
    assert values[: len(known)] == known, "those without a value come last"
    assert known


def test_it_is_a_table_for_a_spreadsheet_too(site: Site, every: dict) -> None:
    with site.client("viewer") as viewer:
        answer = viewer.get("/overview", params={"format": "csv", "platform": "meta"})
    assert answer.headers["content-type"].startswith("text/csv")
    assert 'filename="guestlist-overview.csv"' in answer.headers["content-disposition"]
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert {(row["segment"], row["destination"]) for row in rows} == {key for key in every if key[1] == "meta_main"}
    [one] = [row for row in rows if row["segment"] == WAITING[0]]
    assert (one["members"], one["status"]) == (str(every[WAITING]["members"]), "waiting")


@pytest.mark.parametrize("asked", ["limit=0", "limit=10001", "offset=-1", "sort=password", "status=green", "format=pdf"])
def test_what_cannot_be_asked(site: Site, asked: str) -> None:
    with site.client("viewer") as viewer:
        assert viewer.get(f"/overview?{asked}").status_code == 422


def test_late_is_who_has_missed_a_whole_run(site: Site, every: dict) -> None:
    now = datetime.now(UTC)
    for row in (one for one in every.values() if one["sealed_at"]):
        before = stale_before("0 5 * * *", now)
        assert row["late"] == (datetime.fromisoformat(row["sealed_at"]) < before)
        assert row["late"] or row["status"] != "stale"
