"""Plans, and what people decided on them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from sqlalchemy import Row, select

from guestlist.model.conversation import Json
from guestlist.model.plan import Plan
from guestlist.runtime.clock import now
from guestlist.runtime.ledger import tables as t
from guestlist.runtime.ledger.audiences import Audiences


class Plans(Audiences):
    """What runs meant to send."""

    def enter_plan(self, plan: Plan, basis: str, attempt: int, *, dry: bool, prepared: Json | None = None) -> int:
        """Enter a plan with its sessions and batches, and what preparing its members saw; returns its id."""
        with self.transaction() as connection:
            entered = connection.execute(
                t.plans.insert().values(
                    segment=plan.segment,
                    label=plan.label,
                    run_id=plan.run_id,
                    attempt=attempt,
                    basis=basis,
                    path=plan.path,
                    counts=asdict(plan.counts),
                    breaches=[asdict(breach) for breach in plan.breaches],
                    prepared=prepared,
                    dry=dry,
                    state="planned",
                    created_at=now(),
                )
            )
            plan_id = int(entered.inserted_primary_key[0]) if entered.inserted_primary_key else 0
            for upload in plan.uploads if not dry else ():
                connection.execute(
                    t.sessions.insert().values(
                        id=upload.session_id,
                        plan_id=plan_id,
                        operation=upload.operation.value,
                        members=upload.members,
                        rows=upload.rows,
                        batches=len(upload.cuts),
                        parts=upload.parts,
                        state="planned",
                        handle={},
                        polls=0,
                        requests=0,
                        rejected_later={},
                    )
                )
                rows = [
                    {
                        "session_id": upload.session_id,
                        "sequence": cut.sequence,
                        "batch_id": cut.id,
                        "part": cut.part,
                        "offset": cut.offset,
                        "rows": cut.rows,
                        "state": "planned",
                        "attempts": 0,
                        "requests": 0,
                    }
                    for cut in upload.cuts
                ]
                connection.execute(t.batches.insert(), rows)
        return plan_id

    def plan_path(self, plan_id: int) -> str:
        """The folder of a plan in the lake."""
        with self.reading() as connection:
            return str(connection.execute(select(t.plans.c.path).where(t.plans.c.id == plan_id)).scalar_one())

    def is_under_way(self, path: str) -> bool:
        """Whether the plan in a folder of the lake may still send something."""
        planned = (t.plans.c.path == path) & (t.plans.c.state == "planned") & ~t.plans.c.dry
        with self.reading() as connection:
            return connection.execute(select(t.plans.c.id).where(planned)).first() is not None

    def is_superseded(self, plan_id: int) -> bool:
        """Whether a later plan of the audience has been sealed."""
        with self.reading() as connection:
            state = connection.execute(select(t.plans.c.state).where(t.plans.c.id == plan_id)).scalar_one()
        return bool(state == "superseded")

    def plans_of_run(self, segment: str, label: str, run_id: str) -> Sequence[Row[Any]]:
        """All attempts of one run at one audience, the newest first."""
        where = (t.plans.c.segment == segment) & (t.plans.c.label == label) & (t.plans.c.run_id == run_id)
        with self.reading() as connection:
            return connection.execute(select(t.plans).where(where).order_by(t.plans.c.id.desc())).all()

    def newest_plan(self, segment: str, label: str) -> Row[Any] | None:
        """The last plan that was made to be sent."""
        where = (t.plans.c.segment == segment) & (t.plans.c.label == label) & ~t.plans.c.dry
        with self.reading() as connection:
            return connection.execute(select(t.plans).where(where).order_by(t.plans.c.id.desc()).limit(1)).one_or_none()

    def sealed_preparation(self, segment: str, label: str) -> Json | None:
        """What preparing saw in the run that made the newest generation; None before there is one."""
        sealed = self.generation(segment, label)
        if sealed is None:
            return None
        with self.reading() as connection:
            return connection.execute(select(t.plans.c.prepared).where(t.plans.c.id == sealed.plan_id)).scalar_one()

    def unsealed_plans(self, segment: str, label: str) -> Sequence[Row[Any]]:
        """Plans since the last sealed generation that may have sent something, the oldest first."""
        sealed = self.generation(segment, label)
        after = sealed.plan_id if sealed else 0
        where = (
            (t.plans.c.segment == segment)
            & (t.plans.c.label == label)
            & (t.plans.c.id > after)
            & ~t.plans.c.dry
            & (t.plans.c.state == "planned")
        )
        with self.reading() as connection:
            return connection.execute(select(t.plans).where(where).order_by(t.plans.c.id)).all()

    def decide(self, plan_id: int, decision: str, who: str) -> None:
        """Keep who approved or rejected a plan that breaches a guard; ``expired`` if nobody did in time."""
        with self.transaction() as connection:
            connection.execute(t.approvals.insert().values(plan_id=plan_id, decision=decision, who=who, at=now()))

    def decide_first(self, plan_id: int, decision: str, who: str) -> Row[Any]:
        """As `decide`, unless somebody has approved or rejected it before; returns the decision that holds.

        Of two people who decide at the same moment one is the first.
        """
        with self.transaction() as connection:
            connection.execute(select(t.plans.c.id).where(t.plans.c.id == plan_id).with_for_update())
            held = connection.execute(_newest_decision(plan_id)).one_or_none()
            if held is None or held.decision not in ("approve", "reject"):
                connection.execute(t.approvals.insert().values(plan_id=plan_id, decision=decision, who=who, at=now()))
            return connection.execute(_newest_decision(plan_id)).one()

    def decision(self, plan_id: int) -> Row[Any] | None:
        """The newest decision on a plan."""
        with self.reading() as connection:
            return connection.execute(_newest_decision(plan_id)).one_or_none()


def _newest_decision(plan_id: int) -> Any:
    return select(t.approvals).where(t.approvals.c.plan_id == plan_id).order_by(t.approvals.c.id.desc()).limit(1)
