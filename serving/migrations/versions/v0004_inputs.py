"""What each decision was computed from, so that it can be computed again."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Add the table; decisions made before have no inputs and cannot be replayed."""
    op.create_table(
        "decision_inputs",
        sa.Column("decision_id", sa.String(64), nullable=False),
        sa.Column("inputs", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("decision_id"),
    )
