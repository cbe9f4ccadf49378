"""What became known of a ticket's account after the ticket came: kept beside who is who."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Add the table, empty: of tickets from before, only what is learnt from now on changes the account."""
    op.create_table(
        "context_account_revisions",
        sa.Column("alias", TEXT, nullable=False),
        sa.Column("known_at", sa.BigInteger(), nullable=False),
        sa.Column("came_after", sa.BigInteger(), nullable=False),
        sa.Column("account_id", TEXT, nullable=True),
        sa.PrimaryKeyConstraint("alias", "known_at", "came_after"),
    )
