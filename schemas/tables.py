"""The tables of the store, in SQLAlchemy Core, for SQLite and PostgreSQL alike.

The database holds what must be transactional; the evidence of a whole book is bulk data and lies in Parquet.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Date,
    DateTime,
    ForeignKeyConstraint,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
)

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    }
)

policies = Table(
    "policies",
    metadata,
    Column("content_hash", Text, primary_key=True),
    Column("policy", Text, nullable=False),
    Column("version", Text, nullable=False),
    Column("content", Text, nullable=False),
    comment="Every policy content that ever decided, by its SHA-256.",
)

runs = Table(
    "runs",
    metadata,
    Column("portfolio", Text, primary_key=True),
    Column("business_date", Date, primary_key=True),
    Column("revision", Integer, primary_key=True),
    Column("status", Text, nullable=False),
    Column("snapshot_hash", Text),
    Column("policy_hash", Text, nullable=False),
    Column("portfolio_hash", Text, nullable=False),
    Column("ledger_hash", Text),
    Column("schema_hash", Text),
    Column("code_version", Text, nullable=False),
    Column("libraries", JSON),
    Column("plan_hash", Text),
    Column("ledger_head", Text),
    Column("counts", JSON),
    Column("message", Text),
    Column("planned_sequence", BigInteger),
    Column("planned_head", Text),
    Column("progress", BigInteger, nullable=False, server_default="0"),
    Column("findings", JSON),
    Column("measures", JSON),
    Column("revised_by", Text),
    Column("revised_because", Text),
    Column("started_at", DateTime(timezone=True), nullable=False),
    Column("finished_at", DateTime(timezone=True)),
    ForeignKeyConstraint(["policy_hash"], ["policies.content_hash"]),
    comment="One row a night and revision: what it ran on, how far it is, and how it ended.",
)

attempts = Table(
    "attempts",
    metadata,
    Column("portfolio", Text, primary_key=True),
    Column("business_date", Date, primary_key=True),
    Column("revision", Integer, primary_key=True),
    Column("attempt", Integer, primary_key=True),
    Column("epoch", BigInteger, nullable=False),
    Column("holder", Text, nullable=False),
    Column("code_version", Text, nullable=False),
    Column("started_at", DateTime(timezone=True), nullable=False),
    ForeignKeyConstraint(
        ["portfolio", "business_date", "revision"], ["runs.portfolio", "runs.business_date", "runs.revision"]
    ),
    comment="Every time that somebody set to work on a run.",
)

approvals = Table(
    "approvals",
    metadata,
    Column("portfolio", Text, primary_key=True),
    Column("plan_hash", Text, primary_key=True),
    Column("verdict", Text, primary_key=True),
    Column("person", Text, primary_key=True),
    Column("business_date", Date, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("is_proven", Boolean, nullable=False),
    Column("reason", Text, nullable=False),
    Column("given_at", DateTime(timezone=True), nullable=False),
    comment="Who released or discarded which held plan, and why.",
)

writers = Table(
    "writers",
    metadata,
    Column("portfolio", Text, primary_key=True),
    Column("epoch", BigInteger, nullable=False),
    Column("holder", Text, nullable=False),
    Column("session", Integer),
    Column("since", DateTime(timezone=True), nullable=False),
    comment="The last process that was let to write; every write checks that its epoch is still this one.",
)

pauses = Table(
    "pauses",
    metadata,
    Column("portfolio", Text, primary_key=True),
    Column("sequence", Integer, primary_key=True, autoincrement=False),
    Column("is_paused", Boolean, nullable=False),
    Column("person", Text, nullable=False),
    Column("is_proven", Boolean, nullable=False),
    Column("reason", Text, nullable=False),
    Column("since", DateTime(timezone=True), nullable=False),
    comment="Every time that somebody paused a portfolio or let it go on; the newest row says what is so.",
)

ledger = Table(
    "ledger",
    metadata,
    Column("portfolio", Text, primary_key=True),
    Column("sequence", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=False),
    Column("entry_id", Text, nullable=False),
    Column("account_id", Text, nullable=False),
    Column("business_date", Date, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("decision", Text, nullable=False),
    Column("step", Text, nullable=False),
    Column("route", Text),
    Column("campaign", Text),
    Column("cause", Text, nullable=False),
    Column("closed_on", Date),
    Column("closed_limit_cents", BigInteger),
    Column("limit_cents", BigInteger),
    Column("valid_until", Date),
    Column("score", Integer),
    Column("reasons", JSON, nullable=False),
    Column("policy_hash", Text, nullable=False),
    Column("reverses", Text),
    Column("person", Text),
    Column("person_says", Text),
    Column("previous_hash", Text, nullable=False),
    Column("entry_hash", Text, nullable=False),
    UniqueConstraint("entry_id"),
    ForeignKeyConstraint(["policy_hash"], ["policies.content_hash"]),
    Index("ix_ledger_portfolio_account_id", "portfolio", "account_id"),
    comment="Every transition, appended and never edited; each entry's hash covers the one before it.",
)

line_states = Table(
    "line_states",
    metadata,
    Column("portfolio", Text, primary_key=True),
    Column("account_id", Text, primary_key=True),
    Column("state", Text, nullable=False),
    Column("since", Date, nullable=False),
    Column("route", Text),
    Column("valid_until", Date),
    Column("cause", Text, nullable=False),
    Column("closed_on", Date),
    Column("closed_limit_cents", BigInteger),
    Column("sequence", BigInteger, nullable=False),
    ForeignKeyConstraint(["portfolio", "sequence"], ["ledger.portfolio", "ledger.sequence"]),
    comment="What the last transition left each line as, with the closing that it reversed.",
)

recoverable_nights = Table(
    "recoverable_nights",
    metadata,
    Column("portfolio", Text, primary_key=True),
    Column("account_id", Text, primary_key=True),
    Column("nights", Integer, nullable=False),
    Column("last_on", Date),
    Column("revision", Integer, nullable=False, server_default="1"),
    comment="On how many published nights in a row a line was recoverable, up to `last_on`; a row that is not of the last night counts no more.",
)

notices = Table(
    "notices",
    metadata,
    Column("notice_id", Text, primary_key=True),
    Column("portfolio", Text, nullable=False),
    Column("business_date", Date, nullable=False),
    Column("sequence", BigInteger, nullable=False),
    Column("account_id", Text, nullable=False),
    Column("audience", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("batch", Text, nullable=False, server_default=""),
    Column("content", JSON, nullable=False),
    Column("is_accepted", Boolean, nullable=False),
    Column("accepted_at", DateTime(timezone=True)),
    ForeignKeyConstraint(["portfolio", "sequence"], ["ledger.portfolio", "ledger.sequence"]),
    Index("ix_notices_portfolio_is_accepted", "portfolio", "is_accepted"),
    comment="The outbox: what is owed because of a transition, written with it.",
)

VERSION_TABLE: Final = "alembic_version"
"""Where Alembic keeps the revision of the tables."""
JOB_MAY: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "policies": ("SELECT", "INSERT"),
        "runs": ("SELECT", "INSERT", "UPDATE"),
        "attempts": ("SELECT", "INSERT"),
        "approvals": ("SELECT", "INSERT"),
        "writers": ("SELECT", "INSERT", "UPDATE"),
        "pauses": ("SELECT", "INSERT"),
        "ledger": ("SELECT", "INSERT"),
        "line_states": ("SELECT", "INSERT", "UPDATE"),
        "recoverable_nights": ("SELECT", "INSERT", "UPDATE", "DELETE"),
        "notices": ("SELECT", "INSERT", "UPDATE"),
        VERSION_TABLE: ("SELECT",),
    }
)
"""What the role that runs the job does with each table, and all that it may: a row that it locks it may update."""
