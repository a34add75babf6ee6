"""The report as a person sees it, from JSON alone."""

from __future__ import annotations

from typing import Any

from rich.console import Console, RenderableType

from guestlist.cli.tables import report_table
from guestlist.model.plan import Drops
from guestlist.runtime.sync.report import DestinationReport, RunReport


def text(renderable: RenderableType, width: int = 100) -> str:
    console = Console(width=width, record=True, quiet=False, file=None, force_terminal=False)
    with console.capture() as captured:
        console.print(renderable)
    return captured.get()


def report(*destinations: DestinationReport, **drops: Any) -> dict[str, Any]:
    return RunReport("vips", "cli__[1]", Drops(**drops), list(destinations)).as_json()


def test_rejections_by_reason_and_what_is_not_known() -> None:
    one = DestinationReport(
        "meta_main", "meta", "VIPs [/red]", "rejected", wanted=1234, rejected={"invalid_entry": 2, "[odd": 1}
    )
    told = text(report_table(report(one)))
    assert "1,234" in told
    assert "2 invalid_entry" in told
    assert "1 [odd" in told
    assert "VIPs [/red]" in told
    assert "cli__[1]" in told


def test_breaches_are_shown() -> None:
    one = DestinationReport("meta_main", "meta", "VIPs", "stopped", breaches=["max_removed: 3 of 4 (75.0%), allowed 20%"])
    assert "max_removed: 3 of 4" in text(report_table(report(one)))


def test_many_destinations_do_not_grow_wider() -> None:
    several = [DestinationReport(f"audience_{number}", "meta", "VIPs", "sealed", added=number) for number in range(9)]
    told = text(report_table(report(*several)))
    assert max(map(len, told.splitlines())) <= 100
    assert all(f"audience_{number}" in told for number in range(9))


def test_dropped_rows_and_keys_and_phones() -> None:
    phones = {f"X{letter}": {"kept": 100 - number, "valid": 50} for number, letter in enumerate("ABCDEFGHIJKL")}
    keys = {
        "email:email.google.v1": {"blank": 5},
        "email:email.lower.v1": {"blank": 5},
        "state:state.meta.v1": {"blank": 2, "unknown_state": 7},
        "phone:phone.e164_plus.v1": {"too_short": 1},
        "phone:phone.e164_digits.v1": {"too_short": 2},
    }
    told = text(report_table(report(read=1000, prepared=990, rows={"no_consent": 10}, keys=keys, phones=phones)))
    assert "1,000 rows read = 990 prepared + 10 dropped" in told
    assert "no_consent" in told
    assert told.count("blank") == 2, "one line for a field where both platforms agree"
    assert "phone:phone.e164_plus.v1" in told
    assert told.index("unknown_state") < told.rindex("blank")
    assert "XA" in told
    assert "XJ" in told
    assert "XK" not in told
    assert "50.0%" in told
