"""Segments that run through a real Airflow with OpenLineage's file transport: to the end, on an asset, and into failure."""

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import duckdb
import yaml
from contract.rig import COLUMNS, person
from privacy.canaries import CANARIES

from guestlist.model.segment import Segment

PEOPLE = [*CANARIES, *(person(number) for number in range(100, 140)), person(140, consent="no"), person(141, email="nobody")]
IDENTIFIERS = {
    "email": ["email", "email2"],
    "phone": {"columns": ["phone"], "region": "country"},
    "first_name": "first",
    "last_name": "last",
    "postal_code": "zip",
    "country": "country",
}
META = {"platform": "meta", "connection": "meta_main", "audience": "VIPs"}
GOOGLE = {"platform": "google_ads", "connection": "google_ads_main", "audience": "VIPs"}
WHOP = {"platform": "whop", "connection": "whop_main", "audience": "VIPs", "mode": "snapshot"}
REFUSED = {"platform": "meta", "connection": "meta_refused", "audience": "Refused"}
IN_PARTS = f"SELECT {', '.join(COLUMNS)} FROM people WHERE hash(id) % {{{{ partitions }}}} = {{{{ partition }}}}"
SEGMENTS: dict[str, dict[str, Any]] = {
    "vips": {
        "source": {"connection": "warehouse", "sql": "SELECT *, 12.5 AS worth FROM people JOIN orders USING (id)"},
        "suppress": [{"file": "unwanted.csv", "identifiers": {"email": "mail"}}],
        "holdout": {"percent": 1, "experiment": "spring"},
        "value": {"column": "worth", "currency": "EUR"},
        "guards": {"min_members": 100},
        "destinations": [GOOGLE, META, WHOP],
    },
    "one_table": {
        "source": {"connection": "warehouse", "sql": IN_PARTS, "partitions": 2},
        "destinations": [{**META, "audience": "One table"}],
        "schedule": {"after": ["guestlist://vips/meta_main", "guestlist://vips"]},
    },
    "refused": {"source": {"connection": "warehouse", "table": "people"}, "destinations": [REFUSED]},
    "missing": {"source": {"file": "missing.csv"}, "destinations": [{**META, "audience": "Missing"}]},
}


def write_stage(folder: Path) -> None:
    """Segment files and the places that they read: a warehouse with the canaries, and a list of people who are not wanted."""
    (folder / "segments").mkdir(parents=True)
    common = {"key": "id", "identifiers": IDENTIFIERS, "consent": {"ad_user_data": "consent"}}
    for name, more in SEGMENTS.items():
        (folder / "segments" / f"{name}.yaml").write_text(yaml.safe_dump({"name": name, **common, **more}))
    (folder / "unwanted.csv").write_text("mail\nperson100@example.com\n")
    with duckdb.connect(str(folder / "warehouse.duckdb")) as database:
        database.execute(f"CREATE TABLE people ({', '.join(f'{column} VARCHAR' for column in COLUMNS)})")
        rows = [[row[column] for column in COLUMNS] for row in PEOPLE]
        database.executemany(f"INSERT INTO people VALUES ({', '.join('?' * len(COLUMNS))})", rows)
        database.execute("CREATE TABLE orders AS SELECT id FROM people")


@dataclass(frozen=True)
class Event:
    """One event of OpenLineage."""

    text: str

    @cached_property
    def json(self) -> dict[str, Any]:
        return dict(json.loads(self.text))

    @property
    def job(self) -> str:
        return str(self.json["job"]["name"])

    @property
    def state(self) -> str:
        return str(self.json["eventType"])

    def dataset(self, side: str, name: str) -> dict[str, Any]:
        """One of the event's datasets, by the end of its name."""
        (found,) = [one for one in self.json[side] if one["name"].endswith(name)]
        return dict(found)


class Events:
    """All events of the run."""

    def __init__(self, files: list[Path]) -> None:
        self.all = [Event(line) for file in files for line in file.read_text().splitlines()]

    def of(self, job: str, state: str) -> Event:
        """The last event of a job in a state."""
        return [event for event in self.all if (event.job, event.state) == (job, state)][-1]


def segment(name: str) -> Segment:
    """A segment as its file has it."""
    return Segment.model_validate({"name": name, "key": "id", "identifiers": IDENTIFIERS, **SEGMENTS[name]})
