"""Measure ``intake``: a large file pushed to all platforms, what a question takes meanwhile, and the memory of a huge file."""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml
from airflows import Homes
from web.intake.rig import ENDED, Place, running_place, until

from benchmarks.bench import ROOT, Bench, Missed, size
from benchmarks.results import Row

TITLE = "intake"
NOTE = (
    "a raw CSV of emails, phones, names, places and device ids with the dirt of real tables, pushed over HTTP into an Airflow "
    "of its own on SQLite, the sandbox beside it. To ten destinations: wall seconds from the request until the audience is "
    "*ready*; the books are compared with the file, prepared once more. Questions are `GET /audiences/{id}`, one by one, "
    "from when ten other audiences are pushed until the last has reached its two destinations. Memory is the API server's "
    "resident peak, and how far it is above what Airflow's server held before. Of the huge file no run begins."
)
_INTAKES = ("everywhere", "huge")
_MOST_MS = 50.0
_MOST_MIB = 300.0
_AT_ONCE = 10
_MIB = 2**20
_ROWS_AT_ONCE = 250_000
_PAUSE = 0.05
_LONGEST = 3600.0


def measure(bench: Bench) -> Iterator[Row]:
    """One Airflow for all three."""
    folder = bench.folder / "intake"
    segments = folder / "segments"
    segments.mkdir(parents=True)
    for name in _INTAKES:
        (segments / f"{name}.yaml").write_text(yaml.safe_dump(_intake(name)), encoding="utf-8")
    rows, few = size("INTAKE_ROWS", 1_000_000), size("INTAKE_FEW", 20_000)
    bench.say("making people up")
    file = folder / "people.csv"
    bench.call(people_file, file=str(file), rows=rows)
    bench.call(people_file, file=str(folder / "few.csv"), rows=few)
    with running_place(folder, segments, Homes(bench.folder), _INTAKES) as place:
        bench.say("a huge file")
        yield from _huge(place, file, size("INTAKE_BYTES", 5_000_000_000, least=50 * _MIB))
        bench.say("questions")
        yield _questions(place, folder / "few.csv", few)
        bench.say("to all platforms")
        yield from _everywhere(place, file)


def people_file(file: str, rows: int) -> Mapping[str, Any]:
    """The sample's customers as CSV."""
    from guestlist.sample.people import people

    with Path(file).open("wb") as out:
        for first in range(0, rows, _ROWS_AT_ONCE):
            made = people(first, min(_ROWS_AT_ONCE, rows - first), seed=7)
            made.drop("row").write_csv(out, include_header=first == 0)
    return {"rows": rows}


def _intake(name: str) -> dict[str, Any]:
    """An intake with the destinations and identifiers of the sample's segment for every platform."""
    sample = yaml.safe_load((ROOT / "include/segments/all_customers.yaml").read_text(encoding="utf-8"))
    targets = [target | {"audience": f"{{audience}} of {name}"} for target in sample["destinations"]]
    kept = {part: sample[part] for part in ("key", "identifiers", "consent")}
    guards = {"max_removed": "100%", "max_added": "100000%", "min_members": 0}
    return {"name": name, "source": {"intake": {}}, "guards": guards, "destinations": targets, **kept}


def _huge(place: Place, file: Path, most: int) -> Iterator[Row]:
    """Throughput, and the memory of the process that takes it in."""
    headers, change = place.as_user(), {"is_paused": True}
    until(lambda: place.client.patch("/api/v2/dags/huge", json=change, headers=headers).status_code == 200)  # once it is known
    asked = {"name": "Huge", "filename": "huge.csv", "intake": "huge"}
    announced = place.ask("POST", "/audiences", json=asked).json()["address"]
    server = place.airflow.api_server
    before = _peak(server, anew=True)
    started = time.monotonic()
    answer = place.client.put(announced["url"], content=_repeated(file, most), headers=announced["headers"], timeout=_LONGEST)
    seconds = time.monotonic() - started
    if answer.status_code >= 300:
        raise Missed(f"the huge file was refused: {answer.status_code}")
    peak, what = _peak(server), f"{most / 1e9:g} GB pushed"
    yield Row(f"{what}, a second", f"{most / seconds / _MIB:,.0f} MiB")
    grown = peak - before
    yield Row(f"{what}: peak of the API server", f"{peak:,.0f} MiB", peak)
    yield Row(
        f"{what}: of which it did not hold before",
        f"{grown:,.0f} MiB",
        goal=f"under {_MOST_MIB:g} MiB",
        reached=grown < _MOST_MIB,
    )


def _repeated(file: Path, most: int) -> Iterator[bytes]:
    """The file's lines again and again."""
    sent = 0
    while sent < most:
        with file.open("rb") as lines:
            if sent:
                lines.readline()
            while sent < most and (block := lines.read(_MIB)):
                yield block
                sent += len(block)


def _peak(pid: int, *, anew: bool = False) -> float:
    """The most memory in MiB that a process has held, from now on if it is to be counted anew."""
    if anew:
        Path(f"/proc/{pid}/clear_refs").write_text("5", encoding="ascii")
    lines = Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM"))


def _questions(place: Place, file: Path, rows: int) -> Row:
    """The slow end of many questions while runs go on."""
    there = [
        place.create(f"Few {number}", file.read_bytes(), intake="everywhere", destinations="meta_main,klaviyo_main").json()[
            "id"
        ]
        for number in range(_AT_ONCE)
    ]
    taken: list[float] = []
    open_ones, deadline = set(there), time.monotonic() + _LONGEST
    while open_ones and time.monotonic() < deadline:
        for audience_id in there:
            started = time.perf_counter()
            state = place.show(audience_id)["status"]
            taken.append(1000 * (time.perf_counter() - started))
            if state in ENDED[1:]:
                raise Missed(f"an audience of {rows:,} rows is {state}")
            if state in ENDED:
                open_ones.discard(audience_id)
            time.sleep(_PAUSE)
    if open_ones:
        raise Missed(f"{len(open_ones)} runs were not over after {_LONGEST:.0f} s")
    slow = statistics.quantiles(taken, n=20)[-1]
    what = f"question while {_AT_ONCE} runs of {rows:,} rows go on, p95 of {len(taken):,}"
    median = f"median {statistics.median(taken):.0f} ms"
    return Row(f"{what} ({median})", f"{slow:.0f} ms", goal=f"under {_MOST_MS:g} ms", reached=slow < _MOST_MS)


def _everywhere(place: Place, file: Path) -> Iterator[Row]:
    """From the request to *ready*, and the books."""
    from guestlist.cli.proof import prove
    from guestlist.model.source import Source
    from guestlist.runtime.intake.audiences import find_any, segment_name
    from guestlist.runtime.wiring import Workspace

    started = time.monotonic()
    with file.open("rb") as content:
        answer = place.ask(
            "POST", "/audiences", data={"name": "Everybody", "intake": "everywhere"}, files={"file": (file.name, content)}
        )
    received = time.monotonic() - started
    there = answer.json()["id"]
    found = place.wait(there, _LONGEST)
    seconds = time.monotonic() - started
    if found["status"] != "ready":
        raise Missed(f"the audience is {found['status']}: {found['message']}")
    what = f"{found['total_rows']:,} rows to {len(found['destinations'])} destinations"
    yield Row(f"{what}, until it was received", f"{received:,.1f} s")
    yield Row(f"{what}, until ready", f"{seconds:,.0f} s")
    environment = place.stage.environment(place.sandbox)
    os.environ.update({name: value for name, value in environment.items() if name.startswith(("GUESTLIST_", "AIRFLOW_CONN_"))})
    workspace = Workspace()
    segment = find_any(workspace, segment_name(workspace.ledger.pushed_audience(there)))
    same = segment.model_copy(update={"source": Source(file=str(file))})
    proofs = prove(workspace, same, place.sandbox.http_url, str(place.folder / "proof"))
    differ = sum(proof.missing + proof.extra for proof in proofs)
    yield Row(f"keys that differ, of {sum(proof.wanted for proof in proofs):,}", f"{differ:,}", goal="none", reached=not differ)
