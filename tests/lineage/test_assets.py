"""Assets in a real scheduler: what their updates carry, and a segment that runs because another one was prepared and sealed."""

import pytest
from lineage.conftest import Played

from guestlist.orchestration.assets import asset_at

pytestmark = pytest.mark.slow


def test_a_segment_runs_on_the_assets_of_another_one(played: Played) -> None:
    began = played.events.of("one_table", "START").json["run"]["facets"]
    assert began["airflowDagRun"]["dagRun"]["run_type"] == "asset_triggered"
    assert played.states["one_table"] == "success"


def test_the_segments_asset_carries_what_was_read_and_left_out(played: Played) -> None:
    told = played.asset_events[asset_at("guestlist://vips").uri]
    assert told["read"] == told["prepared"] + sum(told["dropped"].values())


def test_an_audiences_asset_carries_its_counts_its_plan_and_its_generation(played: Played) -> None:
    told = played.asset_events["guestlist://vips/meta_main"]
    assert told["added"] == told["wanted"] > 0
    assert (told["removed"], told["rejected"], told["generation"]) == (0, {}, 1)
    assert told["plan"] > 0


def test_what_failed_updates_nothing(played: Played) -> None:
    assert not [uri for uri in played.asset_events if uri.startswith(("guestlist://missing", "guestlist://refused/meta"))]
