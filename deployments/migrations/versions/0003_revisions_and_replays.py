"""what a run was judged with; lines that wait by revision; batches of notices; who paused and resumed, for ever"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for name, kind in (("ledger_hash", sa.Text()), ("schema_hash", sa.Text()), ("libraries", sa.JSON())):
        op.add_column("runs", sa.Column(name, kind, nullable=True))
    op.add_column("recoverable_nights", sa.Column("revision", sa.Integer(), nullable=False, server_default="1"))
    op.add_column("notices", sa.Column("batch", sa.Text(), nullable=False, server_default=""))
    op.execute(
        "UPDATE runs SET planned_sequence = (SELECT count(*) FROM ledger WHERE ledger.portfolio = runs.portfolio "
        "AND ledger.business_date < runs.business_date) WHERE planned_sequence IS NULL AND status = 'published'"
    )
    on_postgresql = op.get_bind().dialect.name == "postgresql"
    notices = sa.table("notices", sa.column("batch"), sa.column("business_date"))
    date = notices.c.business_date  # text on SQLite; PostgreSQL casts it to text as its DateStyle says
    op.execute(notices.update().values(batch=sa.func.to_char(date, "YYYY-MM-DD") if on_postgresql else date))
    _keep_pauses(on_postgresql)


def _keep_pauses(on_postgresql: bool) -> None:
    """Pauses become rows that are only added; one that is in force is the first of its portfolio."""
    if on_postgresql:
        op.execute("ALTER TABLE pauses RENAME CONSTRAINT pk_pauses TO pk_pauses_before")
    op.rename_table("pauses", "pauses_before")
    op.create_table(
        "pauses",
        sa.Column("portfolio", sa.Text(), nullable=False),
        sa.Column("sequence", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("is_paused", sa.Boolean(), nullable=False),
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column("is_proven", sa.Boolean(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("portfolio", "sequence", name=op.f("pk_pauses")),
        comment="Every time that somebody paused a portfolio or let it go on; the newest row says what is so.",
    )
    op.execute(
        "INSERT INTO pauses (portfolio, sequence, is_paused, person, is_proven, reason, since) "
        "SELECT portfolio, 1, true, person, false, reason, since FROM pauses_before"
    )
    op.drop_table("pauses_before")
    if on_postgresql:
        op.execute(
            "CREATE FUNCTION pauses_is_append_only() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN RAISE EXCEPTION 'pauses is append-only'; END $$"
        )
        op.execute(
            "CREATE TRIGGER pauses_only_appended BEFORE UPDATE OR DELETE OR TRUNCATE ON pauses "
            "FOR EACH STATEMENT EXECUTE FUNCTION pauses_is_append_only()"
        )
        return
    for verb in ("UPDATE", "DELETE"):
        op.execute(
            f"CREATE TRIGGER pauses_no_{verb.lower()} BEFORE {verb} ON pauses "
            "BEGIN SELECT RAISE(ABORT, 'pauses is append-only'); END"
        )
