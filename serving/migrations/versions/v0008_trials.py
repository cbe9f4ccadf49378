"""Trials: which release is tried out on which share of accounts, and what it said beside the champion."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Add both tables: nothing was tried out before."""
    op.create_table(
        "trials",
        sa.Column("trial_id", sa.Integer(), nullable=False),
        sa.Column("release_id", sa.Text(), nullable=False),
        sa.Column("mode", sa.String(16), nullable=False),
        sa.Column("share", sa.Float(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("trial_id"),
    )
    op.create_table(
        "trial_scores",
        sa.Column("decision_id", sa.String(64), nullable=False),
        sa.Column("release_id", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("intent", sa.Text()),
        sa.Column("probability", sa.Float()),
        sa.Column("queue", sa.Text()),
        sa.Column("action", sa.Text()),
        sa.Column("milliseconds", sa.Float()),
        sa.Column("failed", sa.Text()),
        sa.PrimaryKeyConstraint("decision_id", "release_id"),
    )
