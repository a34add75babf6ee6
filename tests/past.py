"""A made-up past: a ledger as if many segments had run for weeks, for tests, benchmarks and pictures of the pages.

Its numbers fit together as those of real runs do: held + added - removed = wanted, and every row has an outcome.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from guestlist.model.audiences import Finding
from guestlist.model.plan import Breach, Counts, Drops
from guestlist.model.report import DestinationReport, OptOuts, RunReport
from guestlist.model.segment import Destination, Segment
from guestlist.model.vocabulary import Mode
from guestlist.runtime.ledger import Ledger
from guestlist.runtime.ledger import tables as t
from guestlist.runtime.ledger.checkpoints import HOURS

PLATFORMS = {
    "google_ads": "mirror",
    "meta": "mirror",
    "tiktok_ads": "mirror",
    "snapchat_ads": "mirror",
    "klaviyo": "mirror",
    "edgetag": "append",
    "topsort": "snapshot",
    "pitchtarget": "snapshot",
    "whop": "snapshot",
    "commbox": "snapshot",
}
_ENDS = ("sealed",) * 88 + ("rejected",) * 3 + ("unconfirmed",) * 3 + ("stopped",) * 4 + ("unsent",) * 2
"""How the last run ends for a destination; all runs before end well."""
_SEGMENT = """
name: {name}
description: Made up, number {number}
owner: growth
schedule: "0 5 * * *"
source: {{connection: warehouse, sql: sql/all_customers.sql}}
key: customer_id
identifiers: {{email: [email, second_email], phone: {{columns: [phone], region: country}}, country: country}}
consent: {{ad_user_data: consent_ads}}
destinations:
"""
_MEMBERS = (300, 900_000)
_DAY = timedelta(days=1)
_BATCH = 10_000


def write_segments(folder: Path, count: int, platforms: Sequence[str] = tuple(PLATFORMS)) -> None:
    """Segment files ``segment_0000`` and so on, each with a destination on every one of the platforms."""
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(count):
        name = f"segment_{number:04d}"
        text = _SEGMENT.format(name=name, number=number)
        for platform in platforms:
            extra = ", dsp: [google_ads, meta]" if platform == "topsort" else ""
            audience = f"{{platform: {platform}, connection: {platform}_main, audience: Segment {number}"
            text += f"  - {audience}, mode: {PLATFORMS[platform]}{extra}}}\n"
        (folder / f"{name}.yaml").write_text(text, encoding="utf-8")


@dataclass
class _Delivery:
    """One destination of one run: who was held and wanted, and how it ended."""

    segment: Segment
    target: Destination
    began: datetime
    number: int
    held: int
    end: str
    chance: random.Random

    def __post_init__(self) -> None:
        least, most = (0.21, 0.3) if self.end == "stopped" else (0.01, 0.02)
        self.removed = int(self.held * self.chance.uniform(least, most)) if self.target.mode is Mode.MIRROR else 0
        self.added = int(self.held * self.chance.uniform(0, 0.022))
        self.wanted = self.held + self.added - self.removed
        self.refused = min(12, self.added) if self.end == "rejected" else 0

    @property
    def operations(self) -> list[tuple[str, int]]:
        """What is sent, and in how many rows."""
        if self.target.mode is Mode.SNAPSHOT:
            return [("replace", self.wanted)]
        return [(operation, rows) for operation, rows in (("remove", self.removed), ("add", self.added)) if rows]

    def report(self) -> DestinationReport:
        """What the run's report says of it."""
        planned = sum(rows for _, rows in self.operations)
        whole = self.end in ("sealed", "rejected")
        return DestinationReport(
            label=self.target.label,
            platform=self.target.platform,
            audience=self.target.audience,
            state=self.end,
            wanted=self.wanted,
            held=self.held,
            added=self.added - self.refused if whole else 0,
            removed=self.removed if whole else 0,
            rows_planned=planned,
            rows_accepted=planned - self.refused if whole else 0,
            rejected={"INVALID_EMAIL": self.refused} if self.refused else {},
            without_key=35,
            requests=8,
            batches=len(self.operations),
            seconds=100.0,
            waited=70.0,
            generation=self.number if whole else None,
            members=self.wanted if whole else None,
            size=str(int(self.wanted * 0.62)) if whole else None,
            match_rate="62 %" if whole else None,
            opt_outs=OptOuts(self.removed, 3900.0, 5100.0) if whole and self.removed else None,
            unconfirmed=planned if self.end == "unconfirmed" else 0,
            unsent=0 if whole or self.end == "unconfirmed" else planned,
        )


def run_id(began: datetime) -> str:
    """As Airflow calls a scheduled run."""
    return f"scheduled__{began:%Y-%m-%dT%H:%M:%S}+00:00"


@dataclass
class Past:
    """The rows of a ledger, made segment by segment; segments of the same names get the same numbers each time."""

    until: datetime
    runs: int
    """Daily runs of each segment; the last one began within the day before ``until``."""
    ends: Mapping[tuple[str, str], str] = field(default_factory=dict)
    """How the last run ends for a segment's destination; what is not named is left to chance."""
    _rows: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    _plans: int = 0

    def write(self, ledger: Ledger, segments: Sequence[Segment]) -> None:
        """Fill an empty ledger, one transaction a segment."""
        for segment in segments:
            self._segment(segment)
            self._flush(ledger)
        accounts = sorted({(target.platform, target.connection) for segment in segments for target in segment.destinations})
        for platform, connection in accounts[1:]:  # the first was never checked
            ok = platform != "snapchat_ads"
            mend = "" if ok else "sign in again and put the new refresh token into the connection"
            ledger.enter_check(platform, connection, [Finding("the credential is accepted", ok, mend)])

    def _flush(self, ledger: Ledger) -> None:
        with ledger.transaction() as connection:
            for table in t.metadata.sorted_tables:  # those that others refer to first
                if rows := self._rows.pop(table.name, None):
                    connection.execute(table.insert(), rows)

    def _add(self, table: str, **row: Any) -> None:
        self._rows.setdefault(table, []).append(row)

    def _segment(self, segment: Segment) -> None:
        chance = random.Random(segment.name)
        late = chance.random() < 0.02
        members = {one.label: int(_MEMBERS[0] * (_MEMBERS[1] / _MEMBERS[0]) ** chance.random()) for one in segment.destinations}
        for one in segment.destinations:
            self._audience(segment, one)
        for number in range(self.runs):
            age = (self.runs - 1 - number + 4 * late) * _DAY + timedelta(hours=2)
            began = self.until - age
            reports = []
            for one in segment.destinations:
                end = self.ends.get((segment.name, one.label), chance.choice(_ENDS)) if number == self.runs - 1 else "sealed"
                reports.append(self._delivery(_Delivery(segment, one, began, number + 1, members[one.label], end, chance)))
            for report in reports:
                members[report.label] = report.members or members[report.label]
            self._run(segment, began, reports, chance)

    def _audience(self, segment: Segment, target: Destination) -> None:
        self._add(
            "audiences",
            segment=segment.name,
            label=target.label,
            platform=target.platform,
            connection=target.connection,
            name=target.audience,
            platform_id=f"{segment.name}-{target.label}",
            url=f"https://example.com/{target.platform}/{segment.name}",
            mode=target.mode.value,
            options=target.options,
            created_at=self.until - self.runs * _DAY,
        )

    def _run(self, segment: Segment, began: datetime, reports: list[DestinationReport], chance: random.Random) -> None:
        prepared = max(report.wanted for report in reports) + 35
        dropped = {"without consent": chance.randint(0, 900), "no match key": chance.randint(0, 90)}
        keys = {"email:email.lower.v1": {"not an address": chance.randint(1, 40)}, "phone:phone.e164_plus.v1": {"too short": 7}}
        drops = Drops(read=prepared + sum(dropped.values()), prepared=prepared, rows=dropped, keys=keys)
        report = RunReport(segment.name, run_id(began), drops, reports)
        self._add(
            "runs",
            segment=segment.name,
            run_id=run_id(began),
            state=report.state,
            started_at=began,
            ended_at=began + timedelta(seconds=chance.randint(200, 2000)),
            prepared_path=f"{segment.name}/runs/made-up",
            drops=drops.as_json(),
            report=report.as_json(),
        )

    def _delivery(self, one: _Delivery) -> DestinationReport:
        self._plans += 1
        report, stopped = one.report(), one.end == "stopped"
        many = Breach("max_removed", "20%", one.removed, one.held)
        few = Breach("min_members", f"at least {2 * one.wanted}", one.wanted, 0)
        breaches = [many if one.removed else few] if stopped else []
        report.breaches = list(map(str, breaches))
        counts = Counts(wanted=one.wanted, held=one.held, new=one.added, gone=one.removed, without_key=35)
        self._add(
            "plans",
            id=self._plans,
            segment=one.segment.name,
            label=one.target.label,
            run_id=run_id(one.began),
            attempt=1,
            basis=f"{self._plans:064x}",
            path=f"{one.segment.name}/plans/{one.target.label}/{self._plans}",
            counts=asdict(counts),
            breaches=list(map(asdict, breaches)),
            prepared=None,
            dry=False,
            state="sealed" if report.generation else "planned",
            created_at=one.began + timedelta(seconds=60),
        )
        for place, (operation, rows) in enumerate(one.operations):
            self._session(one, 2 * self._plans + place, operation, rows, sent=not stopped)
        if report.generation:
            self._sealed(one, report)
        return report

    def _session(self, one: _Delivery, session: int, operation: str, rows: int, *, sent: bool) -> None:
        opened, done = one.began + timedelta(seconds=70), one.began + timedelta(seconds=170)
        settled = sent and one.end != "unconfirmed"
        size = rows if operation == "replace" else _BATCH
        self._add(
            "sessions",
            id=session,
            plan_id=self._plans,
            operation=operation,
            members=rows,
            rows=rows,
            batches=-(-rows // size),
            parts=1,
            state="settled" if settled else "closed" if sent else "planned",
            handle={},
            polls=2,
            requests=3,
            match_rate="62 %" if settled else None,
            rejected_later={},
            opened_at=opened if sent else None,
            closed_at=opened + timedelta(seconds=30) if sent else None,
            settled_at=done if settled else None,
        )
        for sequence, start in enumerate(range(0, rows, size), start=1):
            refused = one.refused if operation != "remove" and start == 0 else 0
            self._add(
                "batches",
                session_id=session,
                sequence=sequence,
                batch_id=f"{session:032x}{sequence:032x}",
                part=0,
                offset=start,
                rows=min(size, rows - start),
                state="received" if sent else "planned",
                attempts=int(sent),
                accepted=min(size, rows - start) - refused if sent else None,
                rejected=[[row, "INVALID_EMAIL"] for row in range(refused)] if sent else None,
                request_id=f"A{session:012X}{sequence:03X}" if sent else None,
                job=None,
                job_state="done" if settled else None,
                requests=int(sent),
                sent_at=opened if sent else None,
                received_at=opened + timedelta(seconds=1) if sent else None,
            )

    def _sealed(self, one: _Delivery, report: DestinationReport) -> None:
        sealed_at = one.began + timedelta(seconds=180)
        key: dict[str, Any] = {
            "segment": one.segment.name,
            "label": one.target.label,
            "number": one.number,
            "plan_id": self._plans,
        }
        self._add("generations", **key, path="made-up", members=one.wanted, sealed_at=sealed_at, forgotten=False)
        for hours in HOURS:
            self._add("checkpoints", plan_id=self._plans, hours=hours, **self._look(one, sealed_at + timedelta(hours=hours)))
        if report.opt_outs:
            self._add("opt_outs", plan_id=self._plans, **asdict(report.opt_outs))

    def _look(self, one: _Delivery, due: datetime) -> dict[str, Any]:
        done = due <= self.until
        size = int(one.wanted * 0.62)
        told: dict[str, Any] = {"match_rate": "62 %", "status": "READY", "verdict": "expected", "low": size, "high": size}
        return {
            "due_at": due,
            "done_at": due if done else None,
            "told": None,
            **{k: v if done else None for k, v in told.items()},
        }
