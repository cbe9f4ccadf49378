"""Weekly reviews: which decisions were drawn with which probability, and when each was looked at."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Add draws and their cases."""
    op.create_table(
        "review_draws",
        sa.Column("week", sa.String(16), nullable=False),
        sa.Column("begins_at", sa.BigInteger(), nullable=False),
        sa.Column("drawn_at", sa.BigInteger(), nullable=False),
        sa.Column("seed", sa.String(64), nullable=False),
        sa.Column("decisions", sa.BigInteger(), nullable=False),
        sa.Column("cases", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("week"),
    )
    op.create_table(
        "review_cases",
        sa.Column("decision_id", sa.String(64), nullable=False),
        sa.Column("week", sa.String(16), nullable=False),
        sa.Column("intent", TEXT, nullable=False),
        sa.Column("action", TEXT, nullable=False),
        sa.Column("sampled", sa.BigInteger(), nullable=False),
        sa.Column("population", sa.BigInteger(), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=False),
        sa.Column("demote_at", sa.BigInteger(), nullable=False),
        sa.Column("review_id", sa.String(64), nullable=True),
        sa.Column("reviewed_at", sa.BigInteger(), nullable=True),
        sa.Column("reviewer", TEXT, nullable=True),
        sa.Column("wrong", TEXT, nullable=True),
        sa.PrimaryKeyConstraint("decision_id"),
    )
