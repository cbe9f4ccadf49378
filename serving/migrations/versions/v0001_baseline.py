"""The store as the first version of Firstline made it. Opening a store makes its indexes."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Make every table of the baseline."""
    op.create_table(
        "contact_handles",
        sa.Column("handle", TEXT, nullable=False),
        sa.Column("contact_id", TEXT, nullable=False),
        sa.Column("known_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("handle", "contact_id"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "context_accounts",
        sa.Column("account_id", TEXT, nullable=False),
        sa.Column("known_at", sa.BigInteger(), nullable=False),
        sa.Column("name", TEXT, nullable=True),
        sa.Column("plan", TEXT, nullable=True),
        sa.Column("status", TEXT, nullable=True),
        sa.Column("segment", TEXT, nullable=True),
        sa.Column("contract_value_cents", sa.BigInteger(), nullable=True),
        sa.Column("lifetime_value_cents", sa.BigInteger(), nullable=True),
        sa.Column("seats", sa.BigInteger(), nullable=True),
        sa.Column("owner", TEXT, nullable=True),
        sa.Column("language", TEXT, nullable=True),
        sa.Column("signed_up_at", sa.BigInteger(), nullable=True),
        sa.Column("renewal_at", sa.BigInteger(), nullable=True),
        sa.Column("churned_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("account_id", "known_at"),
    )
    op.create_table(
        "context_agents",
        sa.Column("agent_id", TEXT, nullable=False),
        sa.Column("known_at", sa.BigInteger(), nullable=False),
        sa.Column("name", TEXT, nullable=True),
        sa.Column("team", TEXT, nullable=True),
        sa.Column("skills", TEXT, nullable=True),
        sa.Column("languages", TEXT, nullable=True),
        sa.PrimaryKeyConstraint("agent_id", "known_at"),
    )
    op.create_table(
        "context_articles",
        sa.Column("article_id", TEXT, nullable=False),
        sa.Column("known_at", sa.BigInteger(), nullable=False),
        sa.Column("title", TEXT, nullable=True),
        sa.Column("body", TEXT, nullable=True),
        sa.Column("language", TEXT, nullable=True),
        sa.Column("intent", TEXT, nullable=True),
        sa.PrimaryKeyConstraint("article_id", "known_at"),
    )
    op.create_table(
        "context_contacts",
        sa.Column("contact_id", TEXT, nullable=False),
        sa.Column("known_at", sa.BigInteger(), nullable=False),
        sa.Column("account_id", TEXT, nullable=True),
        sa.Column("name", TEXT, nullable=True),
        sa.Column("handles", TEXT, nullable=True),
        sa.PrimaryKeyConstraint("contact_id", "known_at"),
    )
    op.create_table(
        "context_identities",
        sa.Column("alias", TEXT, nullable=False),
        sa.Column("known_at", sa.BigInteger(), nullable=False),
        sa.Column("contact_id", TEXT, nullable=True),
        sa.Column("account_id", TEXT, nullable=True),
        sa.Column("rule", TEXT, nullable=True),
        sa.Column("handle", TEXT, nullable=True),
        sa.Column("records", TEXT, nullable=True),
        sa.Column("because", TEXT, nullable=True),
        sa.PrimaryKeyConstraint("alias", "known_at"),
    )
    op.create_table(
        "context_ticket_events",
        sa.Column("event_id", TEXT, nullable=False),
        sa.Column("ticket_id", TEXT, nullable=True),
        sa.Column("known_at", sa.BigInteger(), nullable=True),
        sa.Column("occurred_at", sa.BigInteger(), nullable=True),
        sa.Column("kind", TEXT, nullable=True),
        sa.Column("value", TEXT, nullable=True),
        sa.Column("actor_kind", TEXT, nullable=True),
        sa.Column("actor_id", TEXT, nullable=True),
        sa.Column("text", TEXT, nullable=True),
        sa.PrimaryKeyConstraint("event_id"),
    )
    op.create_table(
        "context_tickets",
        sa.Column("ticket_id", TEXT, nullable=False),
        sa.Column("known_at", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=True),
        sa.Column("account_id", TEXT, nullable=True),
        sa.Column("contact_id", TEXT, nullable=True),
        sa.Column("writer", TEXT, nullable=True),
        sa.Column("channel", TEXT, nullable=True),
        sa.Column("subject", TEXT, nullable=True),
        sa.Column("body", TEXT, nullable=True),
        sa.Column("language", TEXT, nullable=True),
        sa.Column("product_area", TEXT, nullable=True),
        sa.Column("requested_priority", TEXT, nullable=True),
        sa.PrimaryKeyConstraint("ticket_id"),
    )
    op.create_table(
        "context_usage",
        sa.Column("account_id", TEXT, nullable=False),
        sa.Column("contact_id", TEXT, nullable=False),
        sa.Column("day", sa.BigInteger(), nullable=False),
        sa.Column("known_at", sa.BigInteger(), nullable=False),
        sa.Column("feature", TEXT, nullable=False),
        sa.Column("events", sa.BigInteger(), nullable=True),
        sa.Column("errors", sa.BigInteger(), nullable=True),
        sa.Column("seconds", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("account_id", "contact_id", "day", "known_at", "feature"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "decisions",
        sa.Column("decision_id", sa.String(length=64), nullable=False),
        sa.Column("ticket_id", TEXT, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("release", TEXT, nullable=False),
        sa.Column("account_id", TEXT, nullable=True),
        sa.Column("intent", TEXT, nullable=True),
        sa.Column("queue", TEXT, nullable=False),
        sa.Column("action", TEXT, nullable=False),
        sa.Column("value_at_risk", sa.Float(), nullable=False),
        sa.Column("request", TEXT, nullable=False),
        sa.Column("record", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("decision_id"),
    )
    op.create_table(
        "feedback",
        sa.Column("feedback_id", sa.String(length=64), nullable=False),
        sa.Column("decision_id", sa.String(length=64), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("verdict", TEXT, nullable=False),
        sa.Column("field", TEXT, nullable=True),
        sa.Column("value", TEXT, nullable=True),
        sa.Column("reason", TEXT, nullable=True),
        sa.Column("agent_id", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("feedback_id"),
    )
    op.create_table(
        "idempotency",
        sa.Column("scope", sa.String(length=32), nullable=False),
        sa.Column("key", sa.String(length=255), nullable=False),
        sa.Column("body_hash", sa.String(length=64), nullable=False),
        sa.Column("answer_id", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("scope", "key"),
    )
    op.create_table(
        "identity_decisions",
        sa.Column("decision_id", sa.String(length=64), nullable=False),
        sa.Column("kind", TEXT, nullable=False),
        sa.Column("subject", TEXT, nullable=False),
        sa.Column("other", TEXT, nullable=True),
        sa.Column("by", TEXT, nullable=False),
        sa.Column("why", TEXT, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("decision_id"),
    )
    op.create_table(
        "ledger",
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("kind", TEXT, nullable=False),
        sa.Column("subject", TEXT, nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("previous", sa.String(length=64), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("seq"),
        sa.UniqueConstraint("previous", name="ledger_never_forks"),
    )
    op.create_table(
        "marks",
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("value", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )
    op.create_table(
        "outbox",
        sa.Column("action_id", sa.String(length=64), nullable=False),
        sa.Column("decision_id", sa.String(length=64), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("kind", TEXT, nullable=False),
        sa.Column("payload", TEXT, nullable=False),
        sa.Column("status", TEXT, nullable=False),
        sa.Column("done_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("action_id"),
    )
    op.create_table(
        "pointer_moves",
        sa.Column("move_id", sa.Integer(), nullable=False),
        sa.Column("name", TEXT, nullable=False),
        sa.Column("release_id", TEXT, nullable=False),
        sa.Column("by", TEXT, nullable=False),
        sa.Column("reason", TEXT, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("move_id"),
    )
