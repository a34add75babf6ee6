"""What the tests push, and how they ask."""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import httpx
from contract.rig import people

from guestlist.cli.components import Airflow
from guestlist.cli.stage import Stage
from guestlist.runtime.ledger import Ledger, open_ledger
from guestlist.sandbox.server import Sandbox

INTAKE = """
name: {name}
source: {{intake: {{max_bytes: 3000000}}}}
identifiers:
  email: [email, email2]
  phone: {{columns: [phone], region: country}}
  first_name: first
  last_name: last
  country: country
  postal_code: zip
guards: {{max_removed: 100%, max_added: 100000%, min_members: 0}}
destinations:
  - {{platform: meta, connection: meta_main, audience: "{{audience}} of {name}", mode: mirror}}
  - {{platform: edgetag, connection: edgetag_main, audience: "{{audience}} of {name}", mode: append}}
"""
API = "/guestlist/api/v1"


@dataclass
class Place:
    """A running Airflow with two intakes; ``key`` may push to one of them."""

    stage: Stage
    sandbox: Sandbox
    airflow: Airflow
    key: str

    @cached_property
    def client(self) -> httpx.Client:
        """Asks with the key."""
        return httpx.Client(base_url=self.airflow.url, timeout=120, headers={"Authorization": f"Bearer {self.key}"})

    @cached_property
    def ledger(self) -> Ledger:
        """Guestlist's own books."""
        return open_ledger(f"sqlite:///{self.stage.folder / 'ledger.db'}")

    def create(self, name: str, content: bytes, filename: str = "people.csv", **more: Any) -> httpx.Response:
        """Push an audience as a form."""
        headers = more.pop("headers", {})
        form = {"data": {"name": name, **more}, "files": {"file": (filename, content)}}
        return self.client.post(f"{API}/audiences", headers=headers, **form)

    def show(self, audience_id: str) -> dict[str, Any]:
        answer = self.client.get(f"{API}/audiences/{audience_id}")
        answer.raise_for_status()
        return answer.json()

    def wait(self, audience_id: str, seconds: float = 150) -> dict[str, Any]:
        """Until its run is over."""
        deadline = time.monotonic() + seconds
        while (found := self.show(audience_id))["status"] not in ("ready", "partial", "failed"):
            assert time.monotonic() < deadline, found
            time.sleep(0.5)
        return found


def csv_of(numbers: range, delimiter: str = ",") -> bytes:
    rows = people(numbers)
    return "\n".join([delimiter.join(rows[0]), *(delimiter.join(row.values()) for row in rows), ""]).encode()
