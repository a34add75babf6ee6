"""The logs of guards and erasures are read a page at a time, however long they have become."""

import json

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Go on."""
    op.drop_index("ix_uploads_session", "uploads")  # nothing has ever searched by it
    stopped = sa.text("CAST(breaches AS TEXT) <> '[]'")
    op.create_index("ix_plans_breached", "plans", ["id"], sqlite_where=stopped, postgresql_where=stopped)
    op.create_index("ix_approvals_plan", "approvals", ["plan_id"])
    op.create_index("ix_erasure_steps_outcome", "erasure_steps", ["erasure_id", "outcome"])
    op.add_column("erasure_receipts", sa.Column("erasure_id", sa.String(length=40), nullable=True))
    op.create_index("ix_erasure_receipts_erasure", "erasure_receipts", ["erasure_id"])
    receipts = sa.table("erasure_receipts", sa.column("number"), sa.column("content"), sa.column("erasure_id"))
    connection = op.get_bind()
    for number, content in connection.execute(sa.select(receipts.c.number, receipts.c.content)).all():
        erasure = json.loads(content)["erasure"]
        connection.execute(sa.update(receipts).where(receipts.c.number == number).values(erasure_id=erasure))


def downgrade() -> None:
    """Go back."""
    op.drop_index("ix_erasure_receipts_erasure", "erasure_receipts")
    op.drop_column("erasure_receipts", "erasure_id")
    op.drop_index("ix_erasure_steps_outcome", "erasure_steps")
    op.drop_index("ix_approvals_plan", "approvals")
    op.drop_index("ix_plans_breached", "plans")
    op.create_index("ix_uploads_session", "uploads", ["session"])
