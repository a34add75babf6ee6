"""What preparing saw, kept with each plan."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Go on."""
    op.add_column("plans", sa.Column("prepared", sa.JSON(), nullable=True))


def downgrade() -> None:
    """Go back."""
    op.drop_column("plans", "prepared")
