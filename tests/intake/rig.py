"""An intake with one destination, and people who push to it, without Airflow and without HTTP."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import yaml
from contract.rig import Door, World

from guestlist import destinations
from guestlist.model.segment import Segment
from guestlist.model.segment_file import parse_segment
from guestlist.runtime.intake import work
from guestlist.runtime.intake.audiences import Wish, audience_values, segment_of_upload
from guestlist.runtime.intake.kept import new_upload_id
from guestlist.runtime.intake.state import AudienceState, state_of
from guestlist.runtime.sync.run import RunOptions, run_segment
from guestlist.runtime.wiring import Workspace

IDENTIFIERS = {
    "email": ["email", "email2"],
    "phone": {"columns": ["phone"], "region": "country"},
    "first_name": "first",
    "last_name": "last",
    "country": "country",
    "postal_code": "zip",
}


@dataclass
class Pushing:
    """Somebody who pushes to one intake."""

    world: World
    door: Door
    workspace: Workspace
    intake: Segment

    @classmethod
    def to(cls, world: World, door: Door, name: str = "", **more: Any) -> Pushing:
        """An intake at a door of the sandbox, in a file of its own."""
        name = name or world.name("pushed")
        there = {"platform": door.platform, "connection": "c", "mode": str(door.mode)}
        target = {**there, "audience": "{audience}", **door.options}
        data = {
            "name": name,
            "source": {"intake": {}},
            "identifiers": IDENTIFIERS,
            "guards": {"max_removed": "100%", "max_added": "100000%", "min_members": 0},
            "destinations": [target],
            **more,
        }
        text = yaml.safe_dump(data)
        world.file_of(name).write_text(text, encoding="utf-8")
        if door.settings:
            world.settings(door, **door.settings)
        intake = parse_segment(text, f"{name}.yaml", destinations.platforms())
        return cls(world, door, world.workspace(door), intake)

    def audience(self, name: str = "VIPs", **wish: Any) -> Any:
        """An audience; its first upload enters it."""
        return SimpleNamespace(**audience_values(self.workspace, self.intake, Wish(name, **wish), "tests"))

    def push(self, audience: Any, rows: Iterable[Mapping[str, str]], kind: str = "replace", ending: str = ".csv") -> Any:
        """Push people as a file, in chunks that cut through rows."""
        rows = list(rows)
        lines = [",".join(rows[0]), *(",".join(row.values()) for row in rows)]
        return self.push_bytes(audience, "\n".join(lines).encode() + b"\n", kind, ending)

    def push_bytes(self, audience: Any, content: bytes, kind: str = "replace", ending: str = ".csv") -> Any:
        upload_id = new_upload_id()
        chunks = [content[start : start + 7001] for start in range(0, len(content), 7001)]
        piece = self.workspace.keeper.keep(upload_id, 1, ending, chunks, self.intake.source.intake.max_bytes)  # type: ignore[union-attr]
        values = {"id": upload_id, "audience_id": audience.id, "kind": kind, "pushed_by": "tests"}
        new = self.workspace.ledger.pushed_audience(audience.id) is None
        return self.workspace.ledger.enter_upload(values, [piece], vars(audience) if new else None)

    def delete(self, audience: Any) -> Any:
        """Ask for everybody to be taken off."""
        values = {"id": new_upload_id(), "audience_id": audience.id, "kind": "delete", "pushed_by": "tests", "pieces": 0}
        return self.workspace.ledger.enter_upload(values)

    def run_due(self) -> list[str]:
        """What Airflow would do: a run for everything that is due. Returns the uploads that had one."""
        done = []
        for run in [one for one in work.due(self.workspace) if one.dag_id == self.intake.name]:
            segment = segment_of_upload(self.workspace, self.intake, run.params["upload"])
            work.begun(self.workspace, segment, run.run_id)
            labels = run.params["destinations"]
            report = run_segment(self.workspace, segment, run.run_id, RunOptions(labels=labels, approved_by="tests"))
            work.ended(self.workspace, segment, report)
            done.append(run.params["upload"])
        return done

    def state(self, audience: Any) -> AudienceState:
        """What a person is told."""
        platforms = {target.label: target.platform for target in self.intake.destinations}
        found = self.workspace.ledger.pushed_audience(audience.id)
        return state_of(self.workspace.ledger, found, platforms)

    def held(self, audience: Any) -> dict[str, set[str]]:
        """What the platform's books hold of an audience."""
        [target] = self.state(audience).destinations
        return self.world.held(self.door, target.platform_id or "")
