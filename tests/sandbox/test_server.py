"""Starting, stopping, and what survives a restart; TLS; platforms found by their file names."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
from sandbox.rig import Rig, digest, ingest_body, member

from guestlist.sandbox.server import Sandbox, platform_classes


def test_platforms_are_found_by_file_name() -> None:
    found = {platform.name for platform in platform_classes()}
    assert {"meta", "data_manager", "google_ads", "oauth"} <= found
    assert not {name for name in found if name.startswith("_")} | (found & {"core", "server", "admin"})


def test_books_jobs_sessions_and_clock_survive_a_restart(tmp_path: Path, ca_dir: Path) -> None:
    with Sandbox(tmp_path, ca_dir=ca_dir) as sandbox:
        rig = Rig(sandbox)
        audience = rig.meta_audience()
        payload = {"schema": ["EMAIL"], "data": [[digest("a")]]}
        session = {"session_id": 5, "batch_seq": 1}
        rig.meta("POST", f"{audience}/users", payload=payload, session=session)
        number = rig.dm_list()
        body = ingest_body(number, [member({"emailAddress": digest("b")})])
        request = rig.dm("POST", "audienceMembers:ingest", body).json()["requestId"]
        rig.advance(1000)
        rig.settings("meta", match_rate=0.5)
        bearer = rig.bearer
        rig.http.close()
    with Sandbox(tmp_path, ca_dir=ca_dir) as sandbox:
        rig = Rig(sandbox)
        assert rig.keys("meta", audience) == {"email": [digest("a")]}
        counts = rig.meta("POST", f"{audience}/users", payload=payload, session={**session, "batch_seq": 2}).json()
        assert counts["num_received"] == 2, "the session goes on"
        assert rig.keys("google", number) == {}
        rig.advance(801)
        assert rig.keys("google", number) == {"email": [digest("b")]}
        path = f"/data_manager/v1/requestStatus:retrieve?requestId={request}"
        status = rig.http.get(path, headers=bearer).json()["requestStatusPerDestination"][0]["requestStatus"]
        assert status == "SUCCESS", "and so does the token"
        assert rig.admin("GET", "settings/meta")["match_rate"] == 0.5
        assert rig.admin("GET", "requests/data_manager")["total"] == 3
        rig.http.close()


def test_settle_seconds_of_the_sandbox_replace_the_defaults(tmp_path: Path, ca_dir: Path) -> None:
    with Sandbox(tmp_path, ca_dir=ca_dir, settle_seconds=0) as sandbox:
        rig = Rig(sandbox)
        number = rig.dm_list()
        body = ingest_body(number, [member({"emailAddress": digest("b")})])
        request = rig.dm("POST", "audienceMembers:ingest", body).json()["requestId"]
        found = rig.dm("GET", "requestStatus:retrieve", requestId=request).json()["requestStatusPerDestination"][0]
        assert found["requestStatus"] == "SUCCESS"
        rig.http.close()


def test_two_sandboxes_do_not_mix(tmp_path: Path, ca_dir: Path) -> None:
    with Sandbox(tmp_path / "1", ca_dir=ca_dir) as one, Sandbox(tmp_path / "2", ca_dir=ca_dir) as two:
        first, second = Rig(one), Rig(two)
        first.meta_audience()
        assert len(first.admin("GET", "books/meta")) == 1
        assert second.admin("GET", "books/meta") == []
        first.http.close()
        second.http.close()


def test_nothing_answers_after_stop(tmp_path: Path, ca_dir: Path) -> None:
    with Sandbox(tmp_path, ca_dir=ca_dir) as sandbox:
        url = sandbox.http_url
        assert httpx.get(f"{url}/admin/health").status_code == 200
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{url}/admin/health")


def test_a_taken_port_is_told(tmp_path: Path, ca_dir: Path) -> None:
    with Sandbox(tmp_path / "1", ca_dir=ca_dir) as sandbox:
        port = int(sandbox.http_url.rpartition(":")[2])
        with pytest.raises(OSError, match="use"):
            Sandbox(tmp_path / "2", http_port=port, ca_dir=ca_dir).start()


def test_keys_are_readable_by_their_owner_only(tmp_path: Path) -> None:
    with Sandbox(tmp_path) as sandbox:
        assert sandbox.ca_file == tmp_path / "ca.pem"
        modes = [oct((tmp_path / name).stat().st_mode & 0o777) for name in ("ca-key.pem", "service-account.json")]
    assert modes == ["0o600", "0o600"]


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_the_command_prints_its_addresses_and_stops_when_told(tmp_path: Path, how: signal.Signals) -> None:
    command = [sys.executable, "-m", "guestlist.sandbox.server", "--state-dir", str(tmp_path), "--settle-seconds", "5"]
    include = str(Path(__file__).parents[2] / "include")
    with subprocess.Popen(command, stdout=subprocess.PIPE, env={"PYTHONPATH": include}, text=True) as process:
        assert process.stdout is not None
        addresses = json.loads(process.stdout.readline())
        assert httpx.get(f"{addresses['http']}/admin/health").json()["ok"] is True
        assert httpx.get(f"{addresses['http']}/admin/settings/data_manager").json()["settle_seconds"] == 5
        process.send_signal(how)
        assert process.wait(20) == 0
