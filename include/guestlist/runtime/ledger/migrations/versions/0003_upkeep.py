"""Upkeep: audiences that a segment has left behind, and when the platform is asked what became of a sealed plan."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Go on."""
    op.create_table(
        "former_audiences",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("segment", sa.String(length=100), nullable=False),
        sa.Column("label", sa.String(length=100), nullable=False),
        sa.Column("platform", sa.String(length=50), nullable=False),
        sa.Column("connection", sa.String(length=250), nullable=False),
        sa.Column("name", sa.String(length=250), nullable=False),
        sa.Column("platform_id", sa.String(length=250), nullable=False),
        sa.Column("url", sa.String(length=1000), nullable=False),
        sa.Column("generation", sa.Integer(), nullable=True),
        sa.Column("left_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "checkpoints",
        sa.Column("plan_id", sa.Integer(), nullable=False),
        sa.Column("hours", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("platform_id", sa.String(length=250), nullable=True),
        sa.Column("held_low", sa.Integer(), nullable=True),
        sa.Column("held_high", sa.Integer(), nullable=True),
        sa.Column("low", sa.Integer(), nullable=True),
        sa.Column("high", sa.Integer(), nullable=True),
        sa.Column("match_rate", sa.String(length=50), nullable=True),
        sa.Column("status", sa.String(length=250), nullable=True),
        sa.Column("verdict", sa.String(length=20), nullable=True),
        sa.Column("told", sa.String(length=500), nullable=True),
        sa.ForeignKeyConstraint(["plan_id"], ["plans.id"]),
        sa.PrimaryKeyConstraint("plan_id", "hours"),
    )
    with op.batch_alter_table("checkpoints", schema=None) as batch_op:
        batch_op.create_index("ix_checkpoints_due", ["done_at", "due_at"], unique=False)


def downgrade() -> None:
    """Go back."""
    with op.batch_alter_table("checkpoints", schema=None) as batch_op:
        batch_op.drop_index("ix_checkpoints_due")

    op.drop_table("checkpoints")
    op.drop_table("former_audiences")
