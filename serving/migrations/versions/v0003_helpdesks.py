"""Webhooks that are stored before they are worked on, and actions that are tried again."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Add deliveries and where tickets came from; actions get what retries need, empty at first."""
    op.create_table(
        "deliveries",
        sa.Column("vendor", sa.String(32), nullable=False),
        sa.Column("delivery_id", sa.String(255), nullable=False),
        sa.Column("received_at", sa.BigInteger(), nullable=False),
        sa.Column("body", TEXT, nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("attempts", sa.BigInteger(), nullable=True),
        sa.Column("not_before", sa.BigInteger(), nullable=True),
        sa.Column("problem", TEXT, nullable=True),
        sa.PrimaryKeyConstraint("vendor", "delivery_id"),
    )
    op.create_table(
        "ticket_sources",
        sa.Column("ticket_id", TEXT, nullable=False),
        sa.Column("vendor", sa.String(32), nullable=False),
        sa.PrimaryKeyConstraint("ticket_id"),
    )
    op.add_column("outbox", sa.Column("attempts", sa.BigInteger(), nullable=True))
    op.add_column("outbox", sa.Column("not_before", sa.BigInteger(), nullable=True))
    op.add_column("outbox", sa.Column("calls_done", sa.BigInteger(), nullable=True))
    op.add_column("outbox", sa.Column("problem", TEXT, nullable=True))
