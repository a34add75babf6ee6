"""docs/faults.md, made from the description of the fault matrix.

`PYTHONPATH=include:tests python tests/faults/page.py` writes it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby
from pathlib import Path

from faults.endings import RULES, WORDS, Ending
from faults.exceptions import EXCEPTIONS, EXISTS, FINISHED_FIRST, STAYS
from faults.matrix import Cell, cells
from faults.messages import message_of
from faults.points import DOORS, POINTS, Kind
from faults.trouble import FAULTS

from guestlist.model import errors

PAGE = Path(__file__).resolve().parents[2] / "docs" / "faults.md"
_HEAD = """\
# Faults

What a run does when something goes wrong, at every request of every platform. `tests/faults` describes it, makes this
page of the description (`python tests/faults/page.py`), and has every cell happen: a real run against the sandbox meets the
fault and ends as written here; when the fault has passed, the next run ends green, with the platform's books equal to the
segment, one audience, and nothing done twice that must not be.

A red cell tells the [exit code](cli.md#exit-codes) and the [state of the report](promises.md#the-states-of-a-report).
Airflow's task fails with the same error; one of exit 8 is [tried again](operating.md#retries). A fault happens once,
except that connections are refused, and credentials, permissions, terms and quotas stay as they are, until the run has ended.
"""
_RULE = """\
What decides is what the request does, and whether anybody can know that it acted:
"""
_ABSENT = """\
The other faults exist wherever there is a request. A sign-in has only those that say something of signing in.
"""


def page() -> str:
    parts = [_HEAD, "## The words\n", _words(), "## The rule\n", _RULE, _rule(), "## Faults that do not exist everywhere\n"]
    parts += [_ABSENT, _absent()]
    found = list(cells())
    for door in POINTS:
        parts += _door(door, [cell for cell in found if cell.door == door])
    return "\n".join(parts)


def _words() -> str:
    return _table(("Word", "What happens"), ([word, meaning] for word, meaning in WORDS.items()))


def _rule() -> str:
    rows = [[fault.name, *(_ending(RULES[fault].get(kind)) for kind in Kind)] for fault in FAULTS]
    return _table(("Fault", *Kind), _merged(rows))


def _absent() -> str:
    return _table(("Fault", "Why not elsewhere"), ([fault.name, only.why] for fault, only in EXISTS.items()))


def _door(door: str, found: Sequence[Cell]) -> list[str]:
    title = DOORS[door].capabilities.title
    of_many = [other for other in POINTS if DOORS[other].platform == DOORS[door].platform]
    points = POINTS[door]
    by_place = {(cell.point.name, cell.fault): cell for cell in found}
    rows = [[fault.name, *(_cell(by_place.get((point.name, fault))) for point in points)] for fault in FAULTS]
    there = [row for row in rows if set(row[1:]) != {"-"}]
    api = f" ({door.partition('-')[2]})" if len(of_many) > 1 else ""
    parts = [f"## {title}{api}\n"]
    parts.append(_table(("Fault", *(f"{point.name} ({point.kind})" for point in points)), _merged(there)))
    if told := _exceptions(door, found):
        parts.append("Otherwise than by the rule:\n\n" + "".join(f"- {line}\n" for line in told))
    parts.append(_table(("What a person reads", "When"), _messages(found)))
    return parts


def _exceptions(door: str, found: Sequence[Cell]) -> list[str]:
    told: dict[str, list[Cell]] = {}
    for cell in found:
        one = next((one for one in EXCEPTIONS if one.of(door, cell.point, cell.fault)), None)
        if one is not None:
            told.setdefault(one.why, []).append(cell)
    lines = [f"{_names(cell.fault.name for cell in where)}{_places(door, where)}: {why}." for why, where in told.items()]
    lines += [
        f"{place}: a run that is begun anew finishes what the one before was about, and then does its own; a task that is "
        "tried again does not."
        for other, place in FINISHED_FIRST
        if other == door
    ]
    stays = [cell for cell in found if cell.fault in STAYS.get((door, cell.point.name), ())]
    if len(stays) == len(found):
        lines.append("every build stays at the platform, which cannot delete any.")
    elif stays:
        where = _names(f"{cell.fault.name} ({cell.point.name})" for cell in stays)
        lines.append(f"{where}: what the run has built, or began to, stays beside what the next run builds; nobody deletes it.")
    return lines


def _places(door: str, where: Sequence[Cell]) -> str:
    """The points of some cells, unless they are many."""
    names = dict.fromkeys(cell.point.name for cell in where)
    return f" ({_names(names)})" if len(names) <= len(POINTS[door]) // 2 + 1 else ""


def _messages(found: Iterable[Cell]) -> list[list[str]]:
    told: dict[str, list[str]] = {}
    for cell in found:
        if message := message_of(cell):
            told.setdefault(message, []).append(cell.fault.name)
    return [[f"... {message} ...", _names(when)] for message, when in told.items()]


def _names(names: Iterable[str]) -> str:
    return ", ".join(dict.fromkeys(names))


def _cell(cell: Cell | None) -> str:
    if cell is None:
        return "-"
    return _ending(cell.ending) + (f" {cell.state}" if cell.ending.error else "")


def _ending(ending: Ending | None) -> str:
    if ending is None:
        return "-"
    return f"{ending.word} **{getattr(errors, ending.error).exit_code}**" if ending.error else ending.word


def _merged(rows: Iterable[list[str]]) -> list[list[str]]:
    """Neighbours that end alike become one row."""
    return [
        [_names(row[0] for row in same), *alike] for alike, group in groupby(rows, lambda row: row[1:]) for same in [[*group]]
    ]


def _table(header: Sequence[str], body: Iterable[Sequence[str]]) -> str:
    lines = [header, ["---"] * len(header), *body]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
