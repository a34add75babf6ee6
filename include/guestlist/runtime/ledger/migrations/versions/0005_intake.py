"""What is pushed: keys, audiences, uploads and their pieces."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

_MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Go on."""
    op.create_table(
        "intake_keys",
        sa.Column("id", sa.String(40), primary_key=True),
        sa.Column("digest", sa.String(64), nullable=False, unique=True),
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("segments", sa.JSON(), nullable=False),
        sa.Column("created_at", _MOMENT, nullable=False),
        sa.Column("expires_at", _MOMENT),
        sa.Column("revoked_at", _MOMENT),
    )
    op.create_table(
        "pushed_audiences",
        sa.Column("id", sa.String(40), primary_key=True),
        sa.Column("intake", sa.String(100), nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("live_name", sa.String(200)),
        sa.Column("destinations", sa.JSON(), nullable=False),
        sa.Column("key_column", sa.String(200), nullable=False),
        sa.Column("identifiers", sa.JSON(), nullable=False),
        sa.Column("details", sa.JSON(), nullable=False),
        sa.Column("pushed_by", sa.String(250), nullable=False),
        sa.Column("created_at", _MOMENT, nullable=False),
        sa.Column("deleted_at", _MOMENT),
        sa.UniqueConstraint("intake", "live_name"),
    )
    op.create_index("ix_pushed_audiences_listed", "pushed_audiences", ["intake", "created_at", "id"])
    _uploads()


def _uploads() -> None:
    op.create_table(
        "uploads",
        sa.Column("id", sa.String(40), primary_key=True),
        sa.Column("audience_id", sa.String(40), sa.ForeignKey("pushed_audiences.id")),
        sa.Column("number", sa.Integer()),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("pushed_by", sa.String(250), nullable=False),
        sa.Column("request_key", sa.String(250), unique=True),
        sa.Column("request_digest", sa.String(64)),
        sa.Column("session", sa.String(250)),
        sa.Column("pieces", sa.Integer(), nullable=False),
        sa.Column("run_id", sa.String(250)),
        sa.Column("created_at", _MOMENT, nullable=False),
        sa.Column("expires_at", _MOMENT),
        sa.Column("received_at", _MOMENT),
        sa.Column("ended_at", _MOMENT),
        sa.Column("rows_read", sa.Integer(), nullable=False),
        sa.Column("outcome", sa.String(20)),
        sa.Column("told", sa.String(1000)),
        sa.Column("cleared_at", _MOMENT),
        sa.UniqueConstraint("audience_id", "number"),
    )
    op.create_index("ix_uploads_state", "uploads", ["state"])
    op.create_index("ix_uploads_session", "uploads", ["session"])
    op.create_table(
        "upload_pieces",
        sa.Column("upload_id", sa.String(40), sa.ForeignKey("uploads.id"), primary_key=True),
        sa.Column("sequence", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("path", sa.String(500), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.Column("lines", sa.Integer(), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("received_at", _MOMENT, nullable=False),
    )


def downgrade() -> None:
    """Go back."""
    for table in ("upload_pieces", "uploads", "pushed_audiences", "intake_keys"):
        op.drop_table(table)
