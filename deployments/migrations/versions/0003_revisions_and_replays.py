"""what a run was judged with; lines that wait by revision; the batch in which a notice goes out"""

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
    op.execute("UPDATE notices SET batch = CAST(business_date AS TEXT)")
