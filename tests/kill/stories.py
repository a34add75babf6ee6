"""A segment's days at one door, with kills in them; and what must be true of books and ledger whatever was killed when."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass, field, replace

from contract.doors import all_doors
from contract.rig import Door, World, expected_keys, people, person
from kill.rig import SYNC, Ended, Installation, Wanted, Zygote, killed_at

from guestlist.model.vocabulary import Mode, Operation
from guestlist.pipeline.audience import MEMBER
from guestlist.runtime.layout import gone_file, part_file
from guestlist.runtime.ledger import BatchRow

Rows = list[dict[str, str]]
PLACES = [
    (door, mode)
    for door in all_doors()
    for mode in door.capabilities.modes
    if (door.id, mode) != ("tiktok_ads-file", Mode.REMOVE)  # it takes nobody out of an audience that it has not filled
]
_TWO_DAYS = 49 * 3600
"""Meta blocks the next replace for 90 minutes after one that was broken off; TikTok takes one every two days."""
_SHOWS_BUILDS_LATE = ("topsort",)
"""A build whose receipt a kill has cost cannot be found before it is through, so it is made again."""
_BUSY = "try again in 60 s"
"""What Whop has people told while it is still busy with what a killed run has sent."""
_TIDIED = "Clear the run's prepare task"
"""Plain text leaves the lake once its run is sealed: tasks before that, started again, want it prepared again."""
_PAST_THE_LAST = 60
"""Boundaries that a run of these has at most, or nearly so."""


@dataclass
class Receipts:
    """What platforms have taken of whom: what has a receipt is not sent again as long as runs want the same people."""

    made: Installation
    taken: set[tuple[object, str, str]] = field(default_factory=set)
    kills_in_doubt: int = 0
    wanted: Rows = field(default_factory=list)

    def want(self, rows: Rows) -> None:
        """What the next run has prepared, which need not be what the warehouse holds by now: who changes is sent as a whole."""
        if rows != self.wanted:
            self.taken.clear()
        self.wanted = rows

    def read(self, ended: Ended) -> None:
        batches = self.made.batches() if ended.sent else {}
        in_doubt = sum(batches[sent["session"], sent["sequence"]].state != "received" for sent in ended.sent)
        assert in_doubt <= self.made.door.capabilities.limits.parallel_batches
        self.kills_in_doubt += bool(in_doubt)
        for sent in ended.sent:
            batch = batches[sent["session"], sent["sequence"]]
            carried, members = self._carried(batch, sent["rows"])
            again = carried & self.taken
            assert not again, f"{len(again)} rows were sent again, although the platform's receipt is in the ledger"
            if batch.state == "received":
                begun = self._members_without_receipt(batch.session_id)
                self.taken |= {known for known in carried if known[1] not in begun}
            else:  # all that is sent of somebody is sent together
                self.taken = {known for known in self.taken if known[1] not in members}

    def _members_without_receipt(self, session: int) -> set[str]:
        """Who has rows in a batch that was not sent or not answered: all of theirs are sent again, together."""
        batches = self.made.workspace.ledger.batches(session)
        return {member for batch in batches if batch.state != "received" for member in self._members(batch)}

    def _members(self, batch: BatchRow) -> list[str]:
        here = self.made.workspace
        session = here.ledger.session(batch.session_id)
        parts = here.lake.scan(part_file(here.ledger.plan_path(session.plan_id), session.operation, batch.part))
        return parts.select(MEMBER).slice(batch.offset, batch.rows).collect()[MEMBER].to_list()

    def _carried(self, batch: BatchRow, rows: list[str]) -> tuple[set[tuple[object, str, str]], set[str]]:
        """What is not to be sent twice, and of whom it is.

        A plan may do again what an earlier one has done: a replace sends everybody anew, and the old keys of somebody who
        changed are removed again as long as the new ones were not sent.
        """
        here = self.made.workspace
        session = here.ledger.session(batch.session_id)
        folder = here.ledger.plan_path(session.plan_id)
        members = self._members(batch)
        once = {*members}
        if session.operation is Operation.REPLACE:
            once = set()
        elif session.operation is Operation.REMOVE and self.made.mode == Mode.MIRROR:
            once = {*here.lake.scan(gone_file(folder)).collect()[MEMBER]}
        named = [
            (member, row, session.operation if member in once else session.id)
            for member, row in zip(members, rows, strict=True)
        ]
        return {(kind, member, row) for member, row, kind in named}, {*members}


class Story:
    """One audience through its days. ``kills`` counts kills by the kind of boundary at which they came."""

    def __init__(self, world: World, zygote: Zygote, door: Door, mode: Mode) -> None:
        world.begin_anew()
        self.world, self.door, self.mode = world, door, mode
        self.made = Installation(world, zygote, door, str(mode))
        self.receipts = Receipts(self.made)
        self.rows: Rows = []
        self.ever: Rows = []
        self.prepared: dict[str, Rows] = {}
        self.kills: Counter[str] = Counter()
        self.runs = 0
        self.before: dict[str, set[str]] = {}
        if mode is Mode.REMOVE:
            self._fill()

    def _fill(self) -> None:
        """The audience as somebody else has filled it."""
        other = Installation(self.world, self.made.zygote, self.door, str(self.door.mode), name="filler")
        other.write([*people(range(POOL)), *(person(20 + n, email=mail) for n, mail in enumerate(EMAILS))])
        assert other.start().code == 0
        self.before = other.held()

    def day(self, rows: Rows) -> None:
        """The warehouse has changed."""
        self.rows = [row for row in rows if row["consent"] == "yes"]
        self.ever += self.rows
        self.made.write(rows)

    def pass_time(self) -> None:
        self.world.advance(_TWO_DAYS if self.mode is Mode.REPLACE else 24 * 3600)

    def start(self, wanted: Wanted = SYNC) -> Ended:
        """A process; if it ends well, everything has to be right."""
        if wanted.prepare:
            self.prepared[wanted.run] = self.rows
        self.receipts.want(self.prepared[wanted.run])
        self.runs += 1
        ended = self.made.start(wanted)
        self.receipts.read(ended)
        if ended.killed:
            self.kills[ended.boundaries[-1]] += 1
            if self.mode is Mode.REPLACE:
                self.world.advance(_TWO_DAYS)
        elif ended.code == 8 and _BUSY in ended.said and self.door.id == "whop":
            self.world.advance(3600)
            return self.start(wanted)
        elif ended.code == 3 and _TIDIED in ended.said and self.door.capabilities.plain_text and not wanted.prepare:
            return self.start(replace(wanted, prepare=True))  # as the message says
        else:
            assert ended.code == 0, ended.said
            self.check(self.prepared[wanted.run])
        return ended

    def check(self, rows: Rows) -> None:
        """The books against the segment, and the ledger against both."""
        held, wanted = self.made.held(), expected_keys(rows, self.door)
        ever = expected_keys(self.ever, self.door)
        if self.mode is Mode.APPEND:
            assert _within(wanted, held)
            assert _within(held, ever)
        elif self.mode is Mode.REMOVE:
            assert not any(held.get(kind, set()) & values for kind, values in wanted.items())
            assert _within({kind: values - ever.get(kind, set()) for kind, values in self.before.items()}, held)
        else:
            assert held == wanted
        self._check_ledger()
        self._check_made_once()

    def _check_ledger(self) -> None:
        ledger = self.made.workspace.ledger
        with ledger.engine.connect() as connection:
            told = "SELECT number, plan_id FROM generations WHERE segment = 'killed' ORDER BY number"
            generations = connection.exec_driver_sql(told).all()
        assert [number for number, _ in generations] == list(range(1, len(generations) + 1))
        assert len({plan for _, plan in generations}) == len(generations), "each plan is sealed once"
        newest = generations[-1][1]
        assert ledger.generation("killed", "c").plan_id == newest
        assert ledger.unsealed_plans("killed", "c") == []
        for session in ledger.sessions(newest):
            assert session.state == "settled"
            assert {batch.state for batch in ledger.batches(session.id)} == {"received"}

    def _check_made_once(self) -> None:
        names = [book["name"] for book in self.world.books(self.door)]
        twins = len(names) - len(set(names))  # a build has its session in its name
        assert twins <= (self.receipts.kills_in_doubt if self.door.id in _SHOWS_BUILDS_LATE else 0)
        if self.mode is not Mode.SNAPSHOT:
            assert len(names) == 1
        jobs = [line for line in self.world.log(self.door) if line["operation"] == "create_job" and line["status"] == 200]
        assert len(jobs) <= len({session for session, _ in self.made.batches()})

    def end(self, wanted: Wanted = SYNC) -> None:
        """A run without a kill is right, and leaves the next one nothing to do."""
        self.start(wanted)
        if self.mode is not Mode.REPLACE:
            assert self.start(wanted).sent == []


def _within(inner: dict[str, set[str]], outer: dict[str, set[str]]) -> bool:
    return all(values <= outer.get(kind, set()) for kind, values in inner.items())


# random stories

POOL = 10
EMAILS = [f"shared{number}@example.com" for number in range(3)]
_PHONES = [f"+4915110000{number:03}" for number in range(3)]


def random_person(dice: random.Random, number: int) -> dict[str, str]:
    """Somebody whose keys may also be somebody else's."""
    row = person(number)
    row["email"] = dice.choice([row["email"], row["email"], f"new{dice.randrange(99)}@example.com", *EMAILS])
    row["email2"] = dice.choice(["", "", f"second{number}@example.com"])
    row["phone"] = dice.choice([row["phone"], row["phone"], "", *_PHONES])
    if dice.random() < 0.5:
        row |= {"first": "zoe", "last": dice.choice(["doe", "roe"]), "zip": "80331", "country": "DE"}
    row["consent"] = dice.choice(["yes", "yes", "yes", "yes", "no"])
    return row


class Warehouse:
    """People who join, leave, come back as they were, and change their keys."""

    def __init__(self, dice: random.Random) -> None:
        self._dice = dice
        self._known = {number: random_person(dice, number) for number in range(POOL)}
        self._inside = {number for number in self._known if dice.random() < 0.6}

    def change(self) -> None:
        for number in self._known:
            if self._dice.random() < 0.35:
                self._inside ^= {number}
            if self._dice.random() < 0.2:
                self._known[number] = random_person(self._dice, number)

    @property
    def rows(self) -> Rows:
        """Two people are always in it: nobody cannot be sent in the place of somebody."""
        return [*people([90, 91]), *(self._known[number] for number in sorted(self._inside))]


def tell(story: Story, dice: random.Random) -> None:
    """Days with up to three kills in a row, also of the runs that recover from the one before."""
    warehouse = Warehouse(dice)
    by_airflow = dice.random() < 0.5
    days = dice.randint(1, 3)
    for day in range(days):
        story.day(warehouse.rows)
        run, prepare, runs = "", True, 0
        for _ in range(dice.choice([0, 1, 1, 2, 3])):
            if by_airflow and (not runs or dice.random() < 0.3):
                runs += 1
                run, prepare = f"day {day}, run {runs}", True
            ended = story.start(killed_at(dice.randint(1, _PAST_THE_LAST), Wanted(run, prepare or dice.random() < 0.3)))
            prepare = not run or (prepare and not ended.prepared)
            if not ended.killed:
                runs, prepare = 0, True
            if dice.random() < 0.25:
                warehouse.change()
                story.day(warehouse.rows)
        if run and runs:
            story.start(Wanted(run, prepare))
        story.end()
        story.pass_time()
        warehouse.change()
