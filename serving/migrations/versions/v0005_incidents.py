"""Incidents: the same issue across customers, and which tickets belong to one."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Add incidents and their tickets."""
    op.create_table(
        "incidents",
        sa.Column("incident_id", sa.String(255), nullable=False),
        sa.Column("topic", TEXT, nullable=False),
        sa.Column("opened_at", sa.BigInteger(), nullable=False),
        sa.Column("evidence", TEXT, nullable=False),
        sa.Column("accounts", sa.BigInteger(), nullable=False),
        sa.Column("last_at", sa.BigInteger(), nullable=False),
        sa.Column("closed_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("incident_id"),
    )
    op.create_table(
        "incident_tickets",
        sa.Column("ticket_id", TEXT, nullable=False),
        sa.Column("incident_id", sa.String(255), nullable=False),
        sa.PrimaryKeyConstraint("ticket_id"),
    )
