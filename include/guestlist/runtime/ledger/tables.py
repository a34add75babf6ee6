"""The ledger's tables. A change here is a new file in migrations/versions; a test compares the two."""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)

HEAD = "0007"
"""The newest migration."""

metadata = MetaData()

runs = Table(
    "runs",
    metadata,
    Column("segment", String(100), primary_key=True),
    Column("run_id", String(250), primary_key=True),
    Column("state", String(20), nullable=False),  # running, or a state of model/report.py
    Column("started_at", DateTime(timezone=True), nullable=False),
    Column("ended_at", DateTime(timezone=True)),
    Column("prepared_path", String(500)),
    Column("drops", JSON),
    Column("report", JSON),
    Index("ix_runs_started", "segment", "started_at"),
)

audiences = Table(
    "audiences",
    metadata,
    Column("segment", String(100), primary_key=True),
    Column("label", String(100), primary_key=True),
    Column("platform", String(50), nullable=False),
    Column("connection", String(250), nullable=False),
    Column("name", String(250), nullable=False),
    Column("platform_id", String(250), nullable=False),
    Column("url", String(1000), nullable=False),
    Column("mode", String(20), nullable=False),
    Column("options", JSON),  # the platform's own keys: a person is erased from it even after its segment's file is gone
    Column("created_at", DateTime(timezone=True), nullable=False),
)

BREACHED = text("CAST(breaches AS TEXT) <> '[]'")
"""A plan that did not pass a guard: few of many, so that they have an index, which is used where the same words stand."""

plans = Table(
    "plans",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("segment", String(100), nullable=False),
    Column("label", String(100), nullable=False),
    Column("run_id", String(250), nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("basis", String(64), nullable=False),  # digest of what it was made from: the same basis is the same plan
    Column("path", String(500), nullable=False),
    Column("counts", JSON, nullable=False),
    Column("breaches", JSON, nullable=False),
    Column("prepared", JSON),  # what preparing saw (model.plan.Drops): the guards of later plans compare with it
    Column("dry", Boolean, nullable=False),
    Column("state", String(20), nullable=False),  # planned | sealed | superseded
    Column("created_at", DateTime(timezone=True), nullable=False),
    UniqueConstraint("segment", "label", "run_id", "attempt"),
    Index("ix_plans_audience", "segment", "label", "id"),
    Index("ix_plans_breached", "id", sqlite_where=BREACHED, postgresql_where=BREACHED),
)

approvals = Table(
    "approvals",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("plan_id", Integer, ForeignKey("plans.id"), nullable=False),
    Column("decision", String(20), nullable=False),  # approve | reject | expired
    Column("who", String(250), nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
    Index("ix_approvals_plan", "plan_id"),
)

sessions = Table(
    "sessions",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("plan_id", Integer, ForeignKey("plans.id"), nullable=False),
    Column("operation", String(20), nullable=False),
    Column("members", Integer, nullable=False),
    Column("rows", Integer, nullable=False),
    Column("batches", Integer, nullable=False),
    Column("parts", Integer, nullable=False),
    Column("state", String(20), nullable=False),  # planned | opened | closed | settled | unconfirmed
    Column("handle", JSON, nullable=False),
    Column("polls", Integer, nullable=False),
    Column("match_rate", String(50)),
    Column("requests", Integer, nullable=False),  # besides those of its batches: look-ups, open, close, polls
    Column("rejected_later", JSON, nullable=False),  # reason -> rows that the platform refused without naming them
    Column("opened_at", DateTime(timezone=True)),
    Column("closed_at", DateTime(timezone=True)),  # or the platform was asked for its last step
    Column("settled_at", DateTime(timezone=True)),
    Index("ix_sessions_plan", "plan_id"),
)

batches = Table(
    "batches",
    metadata,
    Column("session_id", BigInteger, ForeignKey("sessions.id"), primary_key=True),
    Column("sequence", Integer, primary_key=True),
    Column("batch_id", String(64), nullable=False),
    Column("part", Integer, nullable=False),
    Column("offset", Integer, nullable=False),
    Column("rows", Integer, nullable=False),
    Column("state", String(20), nullable=False),  # planned | sending | received
    Column("attempts", Integer, nullable=False),
    Column("accepted", Integer),
    Column("rejected", JSON),  # [[row index, reason], ...]
    Column("request_id", String(250)),
    Column("job", String(1000)),
    Column("job_state", String(20)),  # done | failed | partial; null while the platform works on it
    Column("requests", Integer, nullable=False),
    Column("envelope", JSON),  # the EdgeTag header that it was sent under
    Column("sent_at", DateTime(timezone=True)),
    Column("received_at", DateTime(timezone=True)),
    Index("ix_batches_id", "batch_id"),
)

generations = Table(
    "generations",
    metadata,
    Column("segment", String(100), primary_key=True),
    Column("label", String(100), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("plan_id", Integer, ForeignKey("plans.id"), nullable=False),
    Column("path", String(500), nullable=False),
    Column("members", Integer, nullable=False),
    Column("sealed_at", DateTime(timezone=True), nullable=False),
    Column("forgotten", Boolean, nullable=False),  # it was sent to another audience, or kept in a mode that means the opposite
)

former_audiences = Table(
    "former_audiences",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("segment", String(100), nullable=False),
    Column("label", String(100), nullable=False),
    Column("platform", String(50), nullable=False),
    Column("connection", String(250), nullable=False),
    Column("name", String(250), nullable=False),
    Column("platform_id", String(250), nullable=False),
    Column("url", String(1000), nullable=False),
    Column("generation", Integer),  # the newest that was sealed of it
    Column("left_at", DateTime(timezone=True), nullable=False),
)

checkpoints = Table(
    "checkpoints",
    metadata,
    Column("plan_id", Integer, ForeignKey("plans.id"), primary_key=True),
    Column("hours", Integer, primary_key=True, autoincrement=False),  # after the plan was sealed
    Column("due_at", DateTime(timezone=True), nullable=False),
    Column("done_at", DateTime(timezone=True)),
    Column("platform_id", String(250)),  # the audience that was asked about, and what the platform said of it
    Column("held_low", Integer),  # the fewest and the most members held within the platform's delay
    Column("held_high", Integer),
    Column("low", Integer),
    Column("high", Integer),
    Column("match_rate", String(50)),
    Column("status", String(250)),
    Column("verdict", String(20)),  # a Verdict of pipeline/drift.py
    Column("told", String(500)),  # what is wrong, and what to do
    Index("ix_checkpoints_due", "done_at", "due_at"),
)

checks = Table(
    "checks",
    metadata,
    Column("platform", String(50), primary_key=True),
    Column("connection", String(250), primary_key=True),
    Column("checked_at", DateTime(timezone=True), nullable=False),
    Column("ok", Boolean, nullable=False),
    Column("findings", JSON, nullable=False),  # of the last check: model.audiences.Finding
)

leases = Table(
    "leases",
    metadata,
    Column("segment", String(100), primary_key=True),
    Column("holder", String(400), nullable=False),
    Column("expires_at", DateTime(timezone=True), nullable=False),
)

opt_outs = Table(
    "opt_outs",
    metadata,
    Column("plan_id", Integer, ForeignKey("plans.id"), primary_key=True, autoincrement=False),  # the one that was sealed
    Column("members", Integer, nullable=False),
    Column("median_seconds", Float, nullable=False),
    Column("worst_seconds", Float, nullable=False),
)

erasures = Table(
    "erasures",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("people", Integer, nullable=False),
    Column("given", JSON, nullable=False),  # field -> how many keys were given
    Column("list_path", String(500), nullable=False),  # in the lake: the digests that nobody may be sent with again
    Column("list_digest", String(64), nullable=False),
    Column("entered_at", DateTime(timezone=True), nullable=False),
    Column("closed_at", DateTime(timezone=True)),
)

erasure_steps = Table(
    "erasure_steps",
    metadata,
    Column("erasure_id", String(40), ForeignKey("erasures.id"), primary_key=True),
    Column("segment", String(100), primary_key=True),
    Column("label", String(100), primary_key=True),
    Column("former", Integer, primary_key=True, autoincrement=False),  # of former_audiences; 0 for the one that is kept in step
    Column("platform", String(50), nullable=False),
    Column("connection", String(250), nullable=False),
    Column("audience", String(250), nullable=False),
    Column("audience_id", String(250), nullable=False),
    Column("found", Boolean, nullable=False),  # the books of the audience had the person
    Column("outcome", String(20)),  # of erasure/steps.py; null while it is open
    Column("reason", String(1000)),
    Column("removed", JSON, nullable=False),  # field -> how many keys
    Column("request_ids", JSON, nullable=False),
    Column("at", DateTime(timezone=True)),
    Index("ix_erasure_steps_outcome", "erasure_id", "outcome"),
)

erasure_receipts = Table(
    "erasure_receipts",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("content", Text, nullable=False),  # JSON, byte by byte what `digest` was made of
    Column("previous", String(64), nullable=False),
    Column("digest", String(64), nullable=False),
    Column("erasure_id", String(40)),  # again, out of `content`, to be searched by
    Index("ix_erasure_receipts_erasure", "erasure_id"),
)

intake_keys = Table(
    "intake_keys",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("digest", String(64), nullable=False, unique=True),  # of the secret, which nobody keeps
    Column("name", String(100), nullable=False),
    Column("segments", JSON, nullable=False),  # the intakes that it may push to
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("expires_at", DateTime(timezone=True)),
    Column("revoked_at", DateTime(timezone=True)),
)

pushed_audiences = Table(
    "pushed_audiences",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("intake", String(100), nullable=False),  # the segment of the file
    Column("name", String(200), nullable=False),
    Column("live_name", String(200)),  # the name until it is deleted: no two live ones share it
    Column("destinations", JSON, nullable=False),  # labels
    Column("key_column", String(200), nullable=False),
    Column("identifiers", JSON, nullable=False),  # field -> columns, as a segment file has them
    Column("details", JSON, nullable=False),  # what a dialect has to give back: never a person's value
    Column("pushed_by", String(250), nullable=False),  # the id of a key, or a user of Airflow
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("deleted_at", DateTime(timezone=True)),
    UniqueConstraint("intake", "live_name"),
    Index("ix_pushed_audiences_listed", "intake", "created_at", "id"),
)

uploads = Table(
    "uploads",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("audience_id", String(40), ForeignKey("pushed_audiences.id")),  # none until a file that came first has one
    Column("number", Integer),  # of the audience's uploads, in the order in which they count
    Column("kind", String(20), nullable=False),  # replace | append | delete
    Column("state", String(20), nullable=False),  # waiting | received | running | ended | expired
    Column("pushed_by", String(250), nullable=False),
    Column("request_key", String(250), unique=True),  # who has asked, and their Idempotency-Key
    Column("request_digest", String(64)),
    Column("session", String(250)),  # of what comes in batches
    Column("pieces", Integer, nullable=False),  # that it is whole with
    Column("run_id", String(250)),  # of the run that began with it last
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("expires_at", DateTime(timezone=True)),  # until when it may come
    Column("received_at", DateTime(timezone=True)),
    Column("ended_at", DateTime(timezone=True)),
    Column("rows_read", Integer, nullable=False),
    Column("outcome", String(20)),  # ready | partial | failed
    Column("told", String(1000)),  # what went wrong
    Column("cleared_at", DateTime(timezone=True)),  # its files are gone
    UniqueConstraint("audience_id", "number"),
    Index("ix_uploads_state", "state"),
)

upload_pieces = Table(
    "upload_pieces",
    metadata,
    Column("upload_id", String(40), ForeignKey("uploads.id"), primary_key=True),
    Column("sequence", Integer, primary_key=True, autoincrement=False),
    Column("path", String(500), nullable=False),  # in the lake
    Column("bytes", BigInteger, nullable=False),
    Column("lines", Integer, nullable=False),  # line breaks, from which rows are guessed before they are counted
    Column("digest", String(64), nullable=False),
    Column("received_at", DateTime(timezone=True), nullable=False),
)
