"""Tables of the store: the context follows ``features.schema.TABLES``, the others are the service's own.

Moments are microseconds since 1970 UTC (``serving.moments``), lists and records are JSON text, and a missing
part of a key is the empty string, so that keys mean the same in SQLite and PostgreSQL.
"""

from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    Float,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)

from features.schema import ACCOUNT_REVISIONS, DERIVED, IDENTITIES, TABLES, spec_of

TEXT = Text().with_variant(Text(collation="C"), "postgresql")
"""Text that sorts by its characters' code points in every database."""

metadata = MetaData()

_SQL_TYPES: dict[str, Any] = {
    "string": TEXT,
    "time": BigInteger,
    "int": BigInteger,
    "float": Float,
    "list": TEXT,
}


def _context_table(name: str) -> Table:
    spec = spec_of(name)
    columns: list[Column[Any]] = [
        Column(column, _SQL_TYPES[s.kind], primary_key=column in spec.key, autoincrement=False)
        for column, s in spec.columns.items()
    ]
    # narrow rows are clustered by their key, so that an account's usage is read in one piece
    return Table(f"context_{name}", metadata, *columns, sqlite_with_rowid=name != "usage")


CONTEXT: dict[str, Table] = {name: _context_table(name) for name in TABLES}

_accounts, _contacts = CONTEXT["accounts"], CONTEXT["contacts"]
_tickets, _events = CONTEXT["tickets"], CONTEXT["ticket_events"]
Index("tickets_by_account", _tickets.c.account_id, _tickets.c.known_at)
Index("tickets_by_contact", _tickets.c.contact_id, _tickets.c.known_at)
Index("tickets_by_writer", _tickets.c.writer, _tickets.c.known_at)
Index("events_by_ticket", _events.c.ticket_id, _events.c.known_at)
Index("events_by_value", _events.c.kind, _events.c.value, _events.c.known_at)
Index("contacts_by_account", _contacts.c.account_id)

contact_handles = Table(
    "contact_handles",
    metadata,
    Column("handle", TEXT, primary_key=True),
    Column("contact_id", TEXT, primary_key=True),
    Column("known_at", BigInteger, nullable=False),
    Index("handles_by_contact", "contact_id"),
    sqlite_with_rowid=False,
)

DERIVED_TABLES: dict[str, Table] = {name: _context_table(name) for name in DERIVED}
"""What is worked out from contacts and decisions, by ``serving.people``."""

identities, _revisions = DERIVED_TABLES[IDENTITIES], DERIVED_TABLES[ACCOUNT_REVISIONS]
Index("identities_by_contact", identities.c.contact_id, identities.c.known_at)
Index("identities_by_account", identities.c.account_id, identities.c.known_at)
Index("revisions_by_account", _revisions.c.account_id, _revisions.c.known_at)

identity_decisions = Table(
    "identity_decisions",
    metadata,
    Column("decision_id", String(64), primary_key=True),
    Column("kind", TEXT, nullable=False),
    Column("subject", TEXT, nullable=False),
    Column("other", TEXT),
    Column("by", TEXT, nullable=False),
    Column("why", TEXT, nullable=False),
    Column("at", BigInteger, nullable=False),
)

decisions = Table(
    "decisions",
    metadata,
    Column("decision_id", String(64), primary_key=True),
    Column("ticket_id", TEXT, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("release", TEXT, nullable=False),
    Column("account_id", TEXT),
    Column("intent", TEXT),
    Column("queue", TEXT, nullable=False),
    Column("action", TEXT, nullable=False),
    Column("value_at_risk", Float, nullable=False),
    Column("request", TEXT, nullable=False),
    Column("record", TEXT, nullable=False),
    Index("decisions_by_ticket", "ticket_id"),
    Index("decisions_by_intent", "intent", "at"),
    Index("decisions_by_time", "at"),
    Index("decisions_by_rank", "value_at_risk"),
)

feedback = Table(
    "feedback",
    metadata,
    Column("feedback_id", String(64), primary_key=True),
    Column("decision_id", String(64), nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("verdict", TEXT, nullable=False),
    Column("field", TEXT),
    Column("value", TEXT),
    Column("reason", TEXT),
    Column("agent_id", TEXT, nullable=False),
    Index("feedback_by_decision", "decision_id"),
    Index("feedback_by_time", "at"),
)

outbox = Table(
    "outbox",
    metadata,
    Column("action_id", String(64), primary_key=True),
    Column("decision_id", String(64), nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("kind", TEXT, nullable=False),
    Column("payload", TEXT, nullable=False),
    Column("status", TEXT, nullable=False),
    Column("done_at", BigInteger),
    Column("attempts", BigInteger),
    Column("not_before", BigInteger),
    Column("calls_done", BigInteger),
    Column("problem", TEXT),
    Index("outbox_by_status", "status", "created_at"),
)

idempotency = Table(
    "idempotency",
    metadata,
    Column("scope", String(32), primary_key=True),
    Column("key", String(255), primary_key=True),
    Column("body_hash", String(64), nullable=False),
    Column("answer_id", String(64), nullable=False),
)

pointer_moves = Table(
    "pointer_moves",
    metadata,
    Column("move_id", Integer, primary_key=True),
    Column("name", TEXT, nullable=False),
    Column("release_id", TEXT, nullable=False),
    Column("by", TEXT, nullable=False),
    Column("reason", TEXT, nullable=False),
    Column("at", BigInteger, nullable=False),
    Index("pointer_moves_by_name", "name", "move_id"),
)

ledger = Table(
    "ledger",
    metadata,
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("at", BigInteger, nullable=False),
    Column("kind", TEXT, nullable=False),
    Column("subject", TEXT, nullable=False),
    Column("digest", String(64), nullable=False),
    Column("previous", String(64), nullable=False),
    Column("hash", String(64), nullable=False),
    UniqueConstraint("previous", name="ledger_never_forks"),
)

marks = Table(
    "marks",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("value", TEXT, nullable=False),
)

api_keys = Table(
    "api_keys",
    metadata,
    Column("key_id", String(64), primary_key=True),
    Column("name", TEXT, nullable=False),
    Column("role", TEXT, nullable=False),
    Column("hash", String(64), nullable=False),
    Column("requests_per_second", Float, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("revoked_at", BigInteger),
)

deliveries = Table(
    "deliveries",
    metadata,
    Column("vendor", String(32), primary_key=True),
    Column("delivery_id", String(255), primary_key=True),
    Column("received_at", BigInteger, nullable=False),
    Column("body", TEXT, nullable=False),
    Column("status", String(16), nullable=False),
    Column("attempts", BigInteger),
    Column("not_before", BigInteger),
    Column("problem", TEXT),
    Index("deliveries_by_status", "status", "received_at"),
)

ticket_sources = Table(
    "ticket_sources",
    metadata,
    Column("ticket_id", TEXT, primary_key=True),
    Column("vendor", String(32), nullable=False),
)

decision_inputs = Table(
    "decision_inputs",
    metadata,
    Column("decision_id", String(64), primary_key=True),
    Column("inputs", LargeBinary, nullable=False),
)

incidents = Table(
    "incidents",
    metadata,
    Column("incident_id", String(255), primary_key=True),
    Column("topic", TEXT, nullable=False),
    Column("opened_at", BigInteger, nullable=False),
    Column("evidence", TEXT, nullable=False),
    Column("accounts", BigInteger, nullable=False),
    Column("last_at", BigInteger, nullable=False),
    Column("closed_at", BigInteger),
    Index("incidents_by_topic", "topic", "opened_at"),
)

incident_tickets = Table(
    "incident_tickets",
    metadata,
    Column("ticket_id", TEXT, primary_key=True),
    Column("incident_id", String(255), nullable=False),
    Index("incident_tickets_by_incident", "incident_id"),
)

review_draws = Table(
    "review_draws",
    metadata,
    Column("week", String(16), primary_key=True),
    Column("begins_at", BigInteger, nullable=False),
    Column("drawn_at", BigInteger, nullable=False),
    Column("seed", String(64), nullable=False),
    Column("decisions", BigInteger, nullable=False),
    Column("cases", BigInteger, nullable=False),
)

review_cases = Table(
    "review_cases",
    metadata,
    Column("decision_id", String(64), primary_key=True),
    Column("week", String(16), nullable=False),
    Column("intent", TEXT, nullable=False),
    Column("action", TEXT, nullable=False),
    Column("sampled", BigInteger, nullable=False),
    Column("population", BigInteger, nullable=False),
    Column("due_at", BigInteger, nullable=False),
    Column("demote_at", BigInteger, nullable=False),
    Column("review_id", String(64)),
    Column("reviewed_at", BigInteger),
    Column("reviewer", TEXT),
    Column("wrong", TEXT),
    Index("review_cases_by_state", "reviewed_at", "due_at", "decision_id"),
)

erasures = Table(
    "erasures",
    metadata,
    Column("subject", String(255), primary_key=True),
    Column("pseudonym", String(64), nullable=False),
    Column("at", BigInteger, nullable=False),
)

trials = Table(
    "trials",
    metadata,
    Column("trial_id", Integer, primary_key=True),
    Column("release_id", Text, nullable=False),
    Column("mode", String(16), nullable=False),
    Column("share", Float, nullable=False),
    Column("by", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
)

trial_scores = Table(
    "trial_scores",
    metadata,
    Column("decision_id", String(64), primary_key=True),
    Column("release_id", Text, primary_key=True),
    Column("at", BigInteger, nullable=False),
    Column("intent", Text),
    Column("probability", Float),
    Column("queue", Text),
    Column("action", Text),
    Column("milliseconds", Float),
    Column("failed", Text),
    Index("trial_scores_by_release", "release_id", "at"),
)
