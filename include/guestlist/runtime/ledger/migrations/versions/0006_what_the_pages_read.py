"""What the pages read: the last check of each connection, and runs by when they began."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Go on."""
    op.create_table(
        "checks",
        sa.Column("platform", sa.String(length=50), nullable=False),
        sa.Column("connection", sa.String(length=250), nullable=False),
        sa.Column("checked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ok", sa.Boolean(), nullable=False),
        sa.Column("findings", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("platform", "connection"),
    )
    op.create_index("ix_runs_started", "runs", ["segment", "started_at"])


def downgrade() -> None:
    """Go back."""
    op.drop_index("ix_runs_started", "runs")
    op.drop_table("checks")
