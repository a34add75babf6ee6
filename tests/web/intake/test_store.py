"""Uploads where the lake lies in a store (moto's server), and with a vault whose key changes."""

from __future__ import annotations

import os
import subprocess
import sys

import httpx
import pytest

from guestlist.runtime.intake import store, work
from guestlist.runtime.rotation import rotate
from guestlist.runtime.wiring import Workspace
from web.intake.rig import Desk, csv_of

pytestmark = pytest.mark.slow
GOOD = csv_of(range(3))


@pytest.fixture
def in_store(desk: Desk, s3: str, monkeypatch: pytest.MonkeyPatch) -> Desk:
    monkeypatch.setenv("GUESTLIST_LAKE", f"{s3}/lake")
    return desk


def objects() -> list[str]:
    root = Workspace().lake.root
    return sorted(path.rpartition("/")[2] for path in root.fs.find(str(root / "_uploads")))


def test_a_file_that_is_pushed_lies_encrypted_in_the_store(in_store: Desk) -> None:
    assert in_store.create("VIPs", GOOD).status_code == 201
    [name] = objects()
    root = Workspace().lake.root
    assert b"example.com" not in next(root.glob("_uploads/*/*")).read_bytes()
    assert in_store.create("Bad", b"mail\nx\n").status_code == 422
    assert objects() == [name]


@pytest.mark.parametrize(("content", "status"), [(GOOD, "pending"), (b"mail\nx\n", "failed"), (b"x" * 3_000_001, "failed")])
def test_the_store_itself_takes_what_was_announced(in_store: Desk, content: bytes, status: str) -> None:
    answer = in_store.ask("POST", "/audiences", json={"name": "VIPs", "filename": "people.csv"})
    address = answer.json()["address"]
    assert "X-Amz-Signature" in address["url"] or "Signature" in address["url"]
    assert httpx.put(address["url"], headers=address["headers"], content=content).status_code == 200
    assert (objects(), work.due(Workspace())) == (["announced.csv"], [])
    assert store.adopt(Workspace()) == 1
    assert store.adopt(Workspace()) == 0
    found = in_store.show(answer.json()["id"])
    assert found["status"] == status, found
    assert "announced.csv" not in objects()
    assert len(objects()) == len(work.due(Workspace())) == (status == "pending")


def test_uploads_are_locked_with_the_new_key(desk: Desk) -> None:
    desk.create("VIPs", GOOD)
    here = Workspace()
    rotated = rotate(here, [here.lake])
    assert rotated.files == 1
    [upload] = work.due(here)
    [piece] = here.ledger.pieces(upload.params["upload"])
    with Workspace().keeper.file(piece.path).open() as file:
        assert file.read() == GOOD
    assert len(desk.kept()) == 1


def test_keeping_uploads_needs_no_polars() -> None:
    """The API server would carry it along for nothing."""
    told = "import sys; import guestlist.web.app; print('polars' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", told], capture_output=True, text=True, check=True, env=os.environ
    )
    assert done.stdout.strip().splitlines()[-1] == "False"
