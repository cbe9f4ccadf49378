"""What was erased on demand, by the ledger's name for it and a pseudonym."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Add the table: nothing was erased before."""
    op.create_table(
        "erasures",
        sa.Column("subject", sa.String(255), nullable=False),
        sa.Column("pseudonym", sa.String(64), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("subject"),
    )
