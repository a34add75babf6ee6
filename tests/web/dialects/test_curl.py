"""Each page's request as a line of curl: its own values, and nothing changed but the address, the token and the file's folder.

PitchTarget prints its line; the others' are made of their examples and parameters.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from contract.rig import digest
from destinations.test_google_ads import DOORS as GOOGLE
from destinations.test_meta import DOOR as META
from web.dialects.rig import Station

pytestmark = pytest.mark.slow
TOPSORT = r"""
curl "https://api.topsort.com/public/v1/offsite-ads/audiences/user-list?vendor_id=vendor_123" -X POST \
	-H "Authorization: Bearer TOKEN" \
	-H "Content-Type: application/json" \
	-d '{"name": "My user list audience", "description": "This is a user list audience description.", "dsp": ["google_ads", "meta"]}'
"""  # noqa: E501 - as it would be typed
PUT = r"""
curl "URL" -X PUT -H "Content-Type: text/csv" --data-binary @audience.csv -w '%{http_code}'
"""
PITCHTARGET = r"""
curl "api.pitchtarget.com/custom_audiences" -X POST \
	-H "Accept: application/json" \
	-H "Authorization: OAuth cpo7v1e0zbzdic90pc6txbj1cypb8yl" \
	-F 'fb_ad_account_id=2' \
	-F 'name=Spending users' \
	-F 'description=Users who bought something on my site' \
	-F 'opt_out_link=http://www.myshop.com/opt_out' \
	-F 'user_type=email_hash' \
	-F 'file=@spending_users.csv;type=text/plain'
"""
WHOP_FILE = r"""
curl https://api.whop.com/api/v1/files -H "Authorization: Bearer TOKEN" -H "Content-Type: application/json" \
	-d '{"filename": "audience.csv"}'
"""
WHOP = r"""
curl https://api.whop.com/api/v1/audiences -X POST \
	-H "Authorization: Bearer TOKEN" \
	-H "Content-Type: application/json" \
	-d '{"account_id": "biz_1", "name": "Lapsed", "file_id": "FILE",
	"column_mapping": {"email": "E-Mail", "phone": "Phone", "first_name": "First", "last_name": "Last", "country": "Country"}}'
"""
WHOP_STATUS = 'curl "https://api.whop.com/api/v1/audiences/AUDIENCE" -H "Authorization: Bearer TOKEN"'
EDGETAG = r"""
curl "https://edgetag.example.com/audience?disablePrefix=true&sync=true" -X POST \
	-F 'name=High-Value Customers Q1' \
	-F 'type=custom' \
	-F 'batch={"sessionId": 1, "sequence": 1, "totalBatches": 1, "totalUsers": 2, "pullDate": "2026-11-22"}' \
	-F 'users=<users.json'
"""
COMMBOX = r"""
curl https://api.commbox.io/audiences -X POST \
	-H "Authorization: Bearer TOKEN" \
	-F name=NE_USA-above50 \
	-F audience_file=@/Users/john/downloads/audience.csv
"""
EMAILS = [f"person{number}@example.com" for number in range(3)]
HASHES = [digest(email) for email in EMAILS]


class Terminal:
    """Where the lines are typed; ``instead`` maps what they say to what stands for it."""

    def __init__(self, folder: Path, here: str) -> None:
        self.folder, self.here = folder, here

    def type(self, line: str, instead: Mapping[str, str]) -> Any:
        """What the line prints, as JSON."""
        for name, value in instead.items():
            assert name in line
            line = line.replace(name, value)
        done = subprocess.run(
            ["bash", "-c", f"{line.strip()} -sS"], cwd=self.folder, capture_output=True, check=True, timeout=120
        )
        return json.loads(done.stdout)


@pytest.fixture
def terminal(station: Station, tmp_path: Path, request: pytest.FixtureRequest) -> Terminal:
    dialect = request.function.__name__.removeprefix("test_")
    return Terminal(tmp_path, f"{station.url}/guestlist/dialects/{dialect}")


def test_topsort(station: Station, terminal: Terminal) -> None:
    intake = station.intake(META, GOOGLE[0], identifiers={"email": "e", "phone": "p"})
    (terminal.folder / "audience.csv").write_text("\n".join(["hashed_email", *HASHES]))
    made = terminal.type(TOPSORT, {"https://api.topsort.com": terminal.here, "TOKEN": station.key(intake)})
    assert sorted(made) == ["jobId", "url"]
    assert terminal.type(PUT, {"URL": made["url"]}) == 200
    station.settle()
    [audience] = station.audiences(intake)
    assert (audience.name, audience.details["vendor"]) == ("My user list audience", "vendor_123")
    assert station.held(audience, "meta") == station.held(audience, "google_ads") == {"email": set(HASHES)}


def test_pitchtarget(station: Station, terminal: Terminal) -> None:
    intake = station.intake(META)
    (terminal.folder / "spending_users.csv").write_text("\n".join(HASHES) + "\n")
    instead = {"api.pitchtarget.com": terminal.here, "cpo7v1e0zbzdic90pc6txbj1cypb8yl": station.key(intake)}
    view = terminal.type(PITCHTARGET, instead)["fb_custom_audience"]
    assert isinstance(view.pop("id"), int)
    assert view == {
        "name": "Spending users",
        "description": None,
        "opt_out_link": "http://www.myshop.com/opt_out",
        "user_type": "email_hash",
        "fb_id": None,
    }
    station.settle()
    [audience] = station.audiences(intake)
    assert station.held(audience, "meta") == {"email": set(HASHES)}


def test_whop(station: Station, terminal: Terminal) -> None:
    intake = station.intake(META)
    instead = {"https://api.whop.com": terminal.here, "TOKEN": station.key(intake)}
    rows = [f"{email},,Ann,Lee,US" for email in EMAILS]
    (terminal.folder / "audience.csv").write_text("\n".join(["E-Mail,Phone,First,Last,Country", *rows]))
    file = terminal.type(WHOP_FILE, instead)
    assert terminal.type(PUT, {"URL": file["upload_url"]}) == 200
    made = terminal.type(WHOP, {**instead, "FILE": file["id"]})
    assert (made["name"], made["error_message"]) == ("Lapsed", None)
    station.settle()
    found = terminal.type(WHOP_STATUS, {**instead, "AUDIENCE": made["id"]})
    assert (found["status"], found["total_rows"], found["matched_rows"], found["progress_percent"]) == ("ready", 3, 3, 100)
    [audience] = station.audiences(intake)
    assert station.held(audience, "meta")["email"] == set(HASHES)


def test_edgetag(station: Station, terminal: Terminal) -> None:
    """Its page has no place for a token: the address carries it."""
    intake = station.intake(META, identifiers={"email": "email", "phone": "phone", "postal_code": "zip", "country": "c"})
    spent = {"currency": "USD", "profit": 20, "total7Days": 80.5}
    people = [{"edgeTagId": "1", "email": email, "country": "US", "postalCode": "94016", "purchase": spent} for email in EMAILS]
    (terminal.folder / "users.json").write_text(json.dumps(people[:2]))
    address = terminal.here.replace("://", f"://edgetag:{station.key(intake)}@")
    assert terminal.type(EDGETAG, {"https://edgetag.example.com": address}) == {"success": True}
    [audience] = station.audiences(intake)
    assert audience.name == "High-Value Customers Q1"
    assert station.held(audience, "meta")["email"] == set(HASHES[:2])


def test_commbox(station: Station, terminal: Terminal) -> None:
    intake = station.intake(META, identifiers={"phone": "phone"})
    (terminal.folder / "audience.csv").write_text("phone1\n442079832100\n")
    instead = {"https://api.commbox.io": terminal.here, "TOKEN": station.key(intake)}
    made = terminal.type(COMMBOX, {**instead, "/Users/john/downloads": str(terminal.folder)})
    assert (made["status"], made["description"], sorted(made["data"])) == (201, "Audience created", ["id"])
    station.settle()
    [audience] = station.audiences(intake)
    assert audience.name == "NE_USA-above50"
    assert station.held(audience, "meta") == {"phone": {digest("442079832100")}}
