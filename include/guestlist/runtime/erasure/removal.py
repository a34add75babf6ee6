"""The plan that takes erased people off one audience: a plan like any other, made from the books instead of a source."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace

import polars as pl

from guestlist.model.capabilities import Capabilities
from guestlist.model.errors import DataError
from guestlist.model.plan import Counts, Plan
from guestlist.model.segment import Segment
from guestlist.model.vocabulary import MULTI_VALUED, Field, Mode, Operation
from guestlist.pipeline.audience import KEYS, MEMBER, fields_of, with_keys
from guestlist.pipeline.erasure import Erased, belongs, given_rows
from guestlist.pipeline.plan import ADDED_ON, UNSURE, removable
from guestlist.runtime.layout import columns_file, gone_file, members_folder, plan_folder
from guestlist.runtime.sync.held import RECORDED, books_now
from guestlist.runtime.sync.plan import write_upload
from guestlist.runtime.wiring import Workspace


@dataclass(frozen=True)
class Books:
    """What an audience holds, as far as the lake tells, and who of it is erased.

    ``whole``: whoever is on the audience stands in them. ``waiting``: a plan that is still to be sent has an erased person.
    ``before`` are rows of earlier generations, where the platform keeps what the books forget: keys that an appended member
    has no more, and audiences that a newer one has taken the place of.
    """

    held: pl.LazyFrame | None
    theirs: pl.DataFrame
    before: pl.DataFrame
    whole: bool
    waiting: bool

    @property
    def has_them(self) -> bool:
        """Whether an erased person is, or may come, on the audience."""
        return self.waiting or self.theirs.height > 0


def look(workspace: Workspace, segment: Segment, label: str, erased: Erased) -> Books:
    """Look an audience's books through for erased people."""
    lake, sealed = workspace.lake, workspace.ledger.generations(segment.name, label)
    try:
        held = books_now(workspace, segment, label)
    except DataError:  # the newest generation was pruned
        held = None
    capabilities = workspace.capabilities(segment)[label]
    kept = segment.destination(label).mode is Mode.APPEND or capabilities.keeps_former
    earlier = sealed[:-1] if kept else []
    there = [row.path for row in earlier if lake.files(row.path)]
    nobody = _nobody(capabilities) if held is None else held.clear().collect()
    theirs = _theirs(held, erased) if held is not None else nobody
    before = pl.concat([nobody, *(_theirs(lake.scan(path), erased) for path in there)], how="diagonal_relaxed")
    whole = len(there) == len(earlier) and (held is not None or not sealed)
    return Books(held, theirs, before, whole, _is_waiting(workspace, segment, label, erased))


def holds(workspace: Workspace, path: str, erased: Erased) -> bool:
    """Whether anybody erased is in a generation of the lake."""
    return _theirs(workspace.lake.scan(path), erased).height > 0


def _theirs(frame: pl.LazyFrame, erased: Erased) -> pl.DataFrame:
    return frame.filter(belongs(erased, frame.collect_schema())).collect(engine="streaming")


def _nobody(capabilities: Capabilities) -> pl.DataFrame:
    """No rows, with every field that the platform takes."""
    kinds = {key.field.value: pl.List(pl.String) if key.field in MULTI_VALUED else pl.String() for key in capabilities.keys}
    return pl.DataFrame(schema={MEMBER: pl.String(), **kinds})


def _is_waiting(workspace: Workspace, segment: Segment, label: str, erased: Erased) -> bool:
    for row in workspace.ledger.unsealed_plans(segment.name, label):
        for operation in (Operation.ADD, Operation.REPLACE):
            folder = members_folder(row.path, operation)
            if workspace.lake.files(folder) and _theirs(workspace.lake.scan(folder), erased).height:
                return True
    return False


def removes(segment: Segment, label: str, capabilities: Capabilities) -> bool:
    """Whether people are taken off this audience one by one: the platform can, and it is no list of people to take off."""
    return capabilities.removes and segment.destination(label).mode is not Mode.REMOVE


@dataclass(frozen=True)
class Removal:
    """A plan that is written and not entered yet, its place among those of its erasure, and the keys to remove, by kind."""

    plan: Plan
    attempt: int
    keys: Mapping[str, int]

    def enter(self, workspace: Workspace) -> int:
        """Enter it in the ledger: from here on it is under way. Returns its id."""
        return workspace.ledger.enter_plan(self.plan, self.plan.run_id, self.attempt, dry=False)


def plan_removal(
    workspace: Workspace, segment: Segment, label: str, run_id: str, books: Books, listed: pl.DataFrame
) -> Removal:
    """Plan to take the people of ``books`` off, and to forget them.

    Keys that somebody else on the audience has stay. Where the books do not tell who is on it, the given keys of ``listed``
    go out as they are. An audience from which nobody can be taken is only forgotten; one that is built anew as a whole waits
    for its next run: then the plan only puts an end to earlier ones.
    """
    lake = workspace.lake_for(segment)
    capabilities, mode = workspace.capabilities(segment)[label], segment.destination(label).mode
    leaving = pl.concat([books.theirs, books.before], how="diagonal_relaxed").drop(ADDED_ON, UNSURE, strict=False)
    removing = removes(segment, label, capabilities)
    attempt = len(workspace.ledger.plans_of_run(segment.name, label, run_id)) + 1
    plan = Plan(
        segment=segment.name,
        label=label,
        run_id=run_id,
        mode=Mode.MIRROR if removing else mode,
        pull_date=workspace.today.isoformat(),
        path=plan_folder(segment.name, label, run_id, attempt),
        fields=fields_of(capabilities, [Field(name) for name in leaving.columns if name in set(Field)]),
        counts=Counts(gone=books.theirs.get_column(MEMBER).n_unique()),
    )
    lake.remove(plan.path)
    lake.write(columns_file(plan.path), leaving.clear())
    forgotten = leaving.clear() if RECORDED[plan.mode] is Operation.REPLACE else leaving
    lake.write(gone_file(plan.path), forgotten.select(MEMBER).unique())
    rows = _removals(leaving, books, listed, capabilities) if removing else leaving.clear()
    upload = write_upload(lake, plan, attempt, Operation.REMOVE, [rows], capabilities)
    plan = replace(plan, uploads=(upload,) if upload.rows else ())
    lake.write_json(f"{plan.path}/plan.json", plan.as_json())
    return Removal(plan, attempt, _kinds(rows, capabilities))


def _removals(leaving: pl.DataFrame, books: Books, listed: pl.DataFrame, capabilities: Capabilities) -> pl.DataFrame:
    """The people's rows without the keys of others, and the keys that were given where the books are not whole."""
    held = books.held if books.held is not None else leaving.clear().lazy()
    others = held.join(leaving.lazy().select(MEMBER), on=MEMBER, how="anti")
    rows = removable(with_keys(leaving.lazy(), capabilities).collect(), others, capabilities, leaving.columns)
    return rows if books.whole else pl.concat([rows, given_rows(listed, leaving.clear(), capabilities)])


def _kinds(rows: pl.DataFrame, capabilities: Capabilities) -> Mapping[str, int]:
    """How many different keys of each kind the rows have."""
    keys = with_keys(rows.lazy(), capabilities).select(pl.col(KEYS).explode()).drop_nulls().unique().collect()
    return Counter(key.partition("|")[0] for key in keys.get_column(KEYS))
