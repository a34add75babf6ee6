"""Complaints of personal data in logs and tables."""

from __future__ import annotations

import logging

import pytest
from contract.doors import EVERY_DOOR
from contract.rig import Door, Wish, World, certificate_folder, people, person
from privacy.canaries import forms
from privacy.places import left_behind

pytestmark = pytest.mark.slow
SPOILED = [
    person(0, id="kanarienvogel-0", email="Kanarien.Vogel at example.com", phone="+49 KANARIEN 151"),
    person(1, id="kanarienvogel-1", email="kanarien vogel@example.com", phone="0151 8642 0001 8642 0001"),
    person(2, id="kanarienvogel-2", email="@kanarienvogel.example", phone="+999 151 8642 0002"),
    person(3, id="kanarienvogel-3", email="kanarienvogel3@example.com", phone="\U0001f424 151 8642 0003"),
]
"""People of whom nothing, or not all, can be hashed."""


@EVERY_DOOR
def test_what_cannot_be_hashed_is_written_nowhere(
    tmp_path_factory: pytest.TempPathFactory, door: Door, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    """Elsewhere the whole row was logged where hashing failed, and rows were kept as they were.

    https://github.com/google/megalista/blob/main/megalista_dataflow/mappers/ads_user_list_pii_hashing_mapper.py
    https://github.com/Multiwoven/multiwoven/blob/main/server/lib/reverse_etl/loaders/standard.rb
    """
    caplog.set_level(logging.DEBUG)
    folder = tmp_path_factory.mktemp("spoiled")
    world = World(folder, certificate_folder(folder))
    try:
        segment = world.segment(door, "spoiled", [*people(range(10, 20)), *SPOILED], Wish(guards={"max_malformed": "100%"}))
        report = world.run(door, segment)
    finally:
        world.close()
    assert report.state == "sealed"
    (folder / "spoiled.csv").unlink()  # the source is the one place where they may stand
    texts = {
        "log": caplog.text,
        "report": repr(report),
        "output": "".join(capfd.readouterr()),
        **dict(left_behind(folder, "sandbox")),
    }
    wanted = {form for row in SPOILED for name in ("id", "email", "phone") for form in forms(row[name])}
    assert not [(where, form) for where, text in texts.items() for form in wanted if form in text.lower()]
