"""attempts, approvals, writers, pauses; progress of a run; what an entry reverses; a ledger that only grows"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

APPEND_ONLY = ("ledger", "approvals", "policies")


def upgrade() -> None:
    for name, kind in (
        ("planned_sequence", sa.BigInteger()),
        ("planned_head", sa.Text()),
        ("findings", sa.JSON()),
        ("measures", sa.JSON()),
        ("revised_by", sa.Text()),
        ("revised_because", sa.Text()),
    ):
        op.add_column("runs", sa.Column(name, kind, nullable=True))
    op.add_column("runs", sa.Column("progress", sa.BigInteger(), nullable=False, server_default="0"))
    for name in ("reverses", "person", "person_says"):
        op.add_column("ledger", sa.Column(name, sa.Text(), nullable=True))
    op.add_column("recoverable_nights", sa.Column("last_on", sa.Date(), nullable=True))
    op.execute(
        "UPDATE recoverable_nights SET last_on = (SELECT max(business_date) FROM runs "
        "WHERE runs.portfolio = recoverable_nights.portfolio AND runs.status = 'published')"
    )
    if op.get_bind().dialect.name == "postgresql":
        op.create_table_comment(
            "runs", "One row a night and revision: what it ran on, how far it is, and how it ended."
        )
        op.create_table_comment(
            "recoverable_nights",
            "On how many published nights in a row a line was recoverable, up to `last_on`; a row that is not of the last night counts no more.",
        )
    _create_tables()
    for table in APPEND_ONLY:
        _only_appended(table)


def _create_tables() -> None:
    op.create_table(
        "attempts",
        sa.Column("portfolio", sa.Text(), nullable=False),
        sa.Column("business_date", sa.Date(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("epoch", sa.BigInteger(), nullable=False),
        sa.Column("holder", sa.Text(), nullable=False),
        sa.Column("code_version", sa.Text(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["portfolio", "business_date", "revision"],
            ["runs.portfolio", "runs.business_date", "runs.revision"],
            name=op.f("fk_attempts_portfolio_business_date_revision"),
        ),
        sa.PrimaryKeyConstraint("portfolio", "business_date", "revision", "attempt", name=op.f("pk_attempts")),
        comment="Every time that somebody set to work on a run.",
    )
    op.create_table(
        "approvals",
        sa.Column("portfolio", sa.Text(), nullable=False),
        sa.Column("plan_hash", sa.Text(), nullable=False),
        sa.Column("verdict", sa.Text(), nullable=False),
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column("business_date", sa.Date(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("is_proven", sa.Boolean(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("given_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("portfolio", "plan_hash", "verdict", "person", name=op.f("pk_approvals")),
        comment="Who released or discarded which held plan, and why.",
    )
    op.create_table(
        "writers",
        sa.Column("portfolio", sa.Text(), nullable=False),
        sa.Column("epoch", sa.BigInteger(), nullable=False),
        sa.Column("holder", sa.Text(), nullable=False),
        sa.Column("session", sa.Integer(), nullable=True),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("portfolio", name=op.f("pk_writers")),
        comment="The last process that was let to write; every write checks that its epoch is still this one.",
    )
    op.create_table(
        "pauses",
        sa.Column("portfolio", sa.Text(), nullable=False),
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("portfolio", name=op.f("pk_pauses")),
        comment="The portfolios whose nights publish nothing for now.",
    )


def _only_appended(table: str) -> None:
    """Let the database itself refuse to edit or delete what has been written."""
    if op.get_bind().dialect.name == "sqlite":
        for verb in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table} "
                f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
            )
        return
    op.execute(
        f"CREATE FUNCTION {table}_is_append_only() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN RAISE EXCEPTION '{table} is append-only'; END $$"
    )
    op.execute(
        f"CREATE TRIGGER {table}_only_appended BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
        f"FOR EACH STATEMENT EXECUTE FUNCTION {table}_is_append_only()"
    )
