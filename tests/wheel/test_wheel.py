"""The wheel in a bare environment: two lines and a folder of segments are all that it takes; nothing is of the checkout."""

from __future__ import annotations

import json
import shutil
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest
from wheel.bare import ROOT
from wheel.conftest import DAG_FILE, Site, write_people

from guestlist import __version__, destinations
from guestlist.cli import exits
from guestlist.cli.proof import prove
from guestlist.runtime.config import Config
from guestlist.runtime.ledger import tables
from guestlist.runtime.segments import find_segment
from guestlist.runtime.wiring import Workspace
from guestlist.sandbox.server import Sandbox

pytestmark = pytest.mark.slow
OURS = {"people", "guestlist_upkeep", "guestlist_reconcile", "guestlist_watch", "guestlist_erasure"}


def test_the_wheel_holds_what_runs_and_its_licence(built_wheel: Path) -> None:
    with zipfile.ZipFile(built_wheel) as wheel:
        names = set(wheel.namelist())
    package = ROOT / "include" / "guestlist"
    sources = package / "web" / "ui"  # of what stands built in web/static
    files = (path for path in package.rglob("*") if path.is_file() and not path.is_relative_to(sources))
    there = {str(path.relative_to(package.parent)) for path in files}
    assert {name for name in names if ".dist-info/" not in name} == {name for name in there if "__pycache__" not in name}
    assert "guestlist/web/static/audiences.js" in names
    assert any(f"migrations/versions/{tables.HEAD}_" in name for name in names)
    assert any(name.endswith("licenses/LICENSE") for name in names)


def test_nothing_comes_from_the_checkout(site: Site) -> None:
    code = "import guestlist, json, sys; print(json.dumps([guestlist.__file__, *sys.path]))"
    (package, *path) = json.loads(site.run("python", "-c", code))
    assert Path(package).is_relative_to(site.python.parents[1])
    assert not any(Path(entry).is_relative_to(ROOT) for entry in path if entry)


def test_a_segment_runs_and_who_leaves_is_removed(site: Site, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    dags = site.folder / "airflow" / "dags"
    assert len(DAG_FILE.splitlines()) == 2
    assert {dag["dag_id"] for dag in site.json("airflow", "dags", "list", "--local", "-o", "json")} == OURS
    for people in (range(50), range(3, 52)):
        write_people(dags, people)
        site.run("airflow", "dags", "test", "people")
    (segment,) = site.json("guestlist", "status", "people", "--json")["segments"]
    assert [run["state"] for run in segment["runs"]] == ["sealed", "sealed"]
    for name, value in site.environment.items():
        monkeypatch.setenv(name, value)
    workspace = Workspace(replace(Config.from_environment(), segments=dags / "segments"))
    wanted = find_segment("people", workspace.config.segments)
    assert all(proof.holds for proof in prove(workspace, wanted, sandbox.http_url, str(site.folder / "proof")))


def test_nobody_is_left_to_guess_where_the_memory_is_kept(site: Site) -> None:
    refused = site.try_to_run("guestlist", "status", GUESTLIST_HOME="")
    assert (refused.returncode, refused.stdout) == (exits.CONFIG, "")
    assert "set GUESTLIST_HOME to a folder that outlives a restart, or GUESTLIST_LEDGER and GUESTLIST_LAKE" in refused.stderr
    assert site.run("guestlist", "validate", GUESTLIST_HOME="").startswith("ok ")
    failed = site.try_to_run("airflow", "dags", "test", "people", GUESTLIST_HOME="")
    assert failed.returncode == 1
    assert "nobody has said where ledger and lake are kept" in failed.stdout + failed.stderr


def test_a_missing_folder_of_segments_is_told(site: Site) -> None:
    elsewhere = {"GUESTLIST_SEGMENTS": str(site.folder / "nowhere")}
    (error,) = json.loads(site.try_to_run("airflow", "dags", "list-import-errors", "--local", "-o", "json", **elsewhere).stdout)
    assert f"there is no folder {site.folder / 'nowhere'}" in error["error"]


def test_a_secrets_backend_is_asked_for_connections(site: Site) -> None:
    """The backend and the document of docs/secrets.md, A file."""
    page = (ROOT / "docs" / "secrets.md").read_text(encoding="utf-8")
    (site.folder / "connections.json").write_text(page.partition("```json\n")[2].partition("```")[0])
    asked = {
        "BACKEND": "airflow.secrets.local_filesystem.LocalFilesystemBackend",
        "BACKEND_KWARGS": json.dumps({"connections_file_path": str(site.folder / "connections.json")}),
    }
    backend = {f"AIRFLOW__SECRETS__{name}": value for name, value in asked.items()}
    assert all(name in page and value.partition(":")[0] in page for name, value in backend.items())
    code = "from guestlist.orchestration.workspaces import connection_from_airflow as found; print(found('meta_main').extra)"
    assert "act_1234567890" in site.run("python", "-c", code, **backend)


PROBE = """
import json, sys
from airflow.api_fastapi.core_api.services.ui.connections import HookMetaService
forms = {meta.connection_type: meta.model_dump(mode="json") for meta in HookMetaService.hook_meta_data()}
heavy = sorted({"polars", "pyarrow", "duckdb", "phonenumbers", "google.ads", "facebook_business", "grpc"} & set(sys.modules))
from airflow.plugins_manager import get_import_errors, get_plugin_info
plugins = [(one["name"], str(one["source"]).partition(":")[0]) for one in get_plugin_info()]
print(json.dumps({"forms": forms, "heavy": heavy, "plugins": plugins, "errors": get_import_errors()}))
"""
"""What the API server asks for the page of connections, and for plugins."""


def test_airflow_knows_every_platform_and_loads_nothing_heavy_for_it(site: Site) -> None:
    shutil.copytree(ROOT / "plugins", site.folder / "airflow" / "plugins", dirs_exist_ok=True)
    found = site.json("python", "-c", PROBE)
    forms = {kind: form for kind, form in found["forms"].items() if kind.startswith("guestlist_")}
    assert set(forms) == {f"guestlist_{platform}" for platform in destinations.names()}
    assert all(form["standard_fields"][name]["hidden"] for form in forms.values() for name in ("host", "login", "password"))
    assert forms["guestlist_meta"]["extra_fields"]["access_token"]["schema"]["format"] == "password"
    assert found["heavy"] == []
    assert (found["plugins"], found["errors"]) == ([["guestlist", f"guestlist=={__version__}"]], {}), "once, and by the wheel"
    hooks = {hook["connection_type"]: hook for hook in site.json("airflow", "providers", "hooks", "-o", "json")}
    assert set(forms) <= set(hooks)
    links = site.json("airflow", "providers", "links", "-o", "json")
    assert {"extra_link_class_name": "guestlist.orchestration.links.AudienceLink"} in links
    assert "Usage: guestlist" in site.run("guestlist", "--help")


BUTTON = """
import json, os, sys
from airflow.api_fastapi.core_api.datamodels.connections import ConnectionBody
from airflow.api_fastapi.core_api.routes.public.connections import test_connection

class Everybody:
    def is_authorized_connection(self, **_): return True

answers = {}
for platform, extra in json.loads(sys.argv[1]).items():
    body = ConnectionBody(connection_id="new", conn_type=f"guestlist_{platform}", extra=json.dumps(extra))
    answer = test_connection(body, user=None, auth_manager=Everybody())
    answers[platform] = [answer.status, answer.message]
print(json.dumps(answers))
"""
"""What the API server does when *Test* is pressed on a connection's page."""


def test_the_button_test_tells_what_check_tells(site: Site, sandbox: Sandbox) -> None:
    enabled = {"AIRFLOW__CORE__TEST_CONNECTION": "Enabled"}
    extras = sandbox.connections()
    answers = json.loads(site.run("python", "-c", BUTTON, json.dumps(extras), **enabled))
    assert {platform: ok for platform, (ok, _) in answers.items()} == dict.fromkeys(destinations.names(), True), answers
    assert "terms custom_audience_tos are accepted" in answers["meta"][1]
    assert not any("any audience' will be made" in told for _, told in answers.values())
    spoilt = {"klaviyo": {**extras["klaviyo"], "api_key": "wrong"}, "meta": {"acces_token": "hunter2"}}
    answers = json.loads(site.run("python", "-c", BUTTON, json.dumps(spoilt), **enabled))
    assert [ok for ok, _ in answers.values()] == [False, False]
    assert "the private API key is not accepted" in answers["klaviyo"][1]
    assert "acces_token: nobody knows this key" in answers["meta"][1]
    assert "hunter2" not in str(answers)
