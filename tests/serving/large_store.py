"""A store with so many rows that a question which goes through all of them stands out."""

from collections.abc import Mapping
from datetime import timedelta

from sqlalchemy import Connection, text

from serving.moments import microseconds
from tests.serving.sample import NOON

MINUTE = 60_000_000
_TICKET_EVERY_MINUTES = 15
INTENTS = ("password_reset", "invoice_copy", "slow_performance", *(f"intent_{i}" for i in range(9)))
PEOPLE, ACCOUNTS = 4000, 1000
"""A person writes every forty days or so."""


def fill(connection: Connection, tickets: int) -> None:
    """``tickets`` decided and solved tickets before NOON, of 4,000 people of 1,000 accounts, and their usage.

    Every id is a number; the newest ticket is 0. Statistics are made anew at the end.
    """
    names = ", ".join(f"({number}, '{intent}')" for number, intent in enumerate(INTENTS))
    noon = microseconds(NOON - timedelta(minutes=5))
    known: Mapping[str, object] = {
        "most": tickets,
        "noon": noon,
        "began": noon - tickets * _TICKET_EVERY_MINUTES * MINUTE,
        "step": _TICKET_EVERY_MINUTES * MINUTE,
        "minute": MINUTE,
        "people": PEOPLE,
        "accounts": ACCOUNTS,
    }
    numbers = (
        "WITH RECURSIVE n(i) AS"
        " (SELECT CAST(0 AS BIGINT) UNION ALL SELECT i + 1 FROM n WHERE i < :most - 1), "
        f"intents(number, intent) AS (VALUES {names}), "
        "t AS (SELECT CAST(i AS TEXT) AS id, i, :noon - i * :step AS known_at, "
        "'C' || (i % :people) AS contact_id, 'A' || ((i % :people) % :accounts) AS account_id, intent "
        f"FROM n JOIN intents ON number = (i / 7) % {len(INTENTS)}) "
    )
    for statement in _STATEMENTS:
        head, _, body = statement.partition(" SELECT ")
        sql = f"{head} {numbers} SELECT {body}"
        used = {name: value for name, value in known.items() if f":{name}" in sql}
        connection.execute(text(sql), used)
    connection.execute(text("ANALYZE"))


_STATEMENTS = (
    "INSERT INTO context_tickets (ticket_id, known_at, created_at, account_id, contact_id, writer, channel,"
    " subject, body) SELECT id, known_at, known_at, account_id, contact_id, contact_id, 'email', 'Hello',"
    " 'I forgot the password of ' || id FROM t",
    "INSERT INTO context_ticket_events (event_id, ticket_id, known_at, kind, value, actor_kind)"
    " SELECT 'i' || id, id, known_at + :minute, 'intent_set', intent, 'agent' FROM t",
    "INSERT INTO context_ticket_events (event_id, ticket_id, known_at, kind, value, actor_kind)"
    " SELECT 'r' || id, id, known_at + 2 * :minute, 'reply', 'It is done.', 'agent' FROM t",
    "INSERT INTO context_ticket_events (event_id, ticket_id, known_at, kind, value, actor_kind)"
    " SELECT 's' || id, id, known_at + 3 * :minute, 'solved', NULL, 'agent' FROM t",
    "INSERT INTO decisions (decision_id, ticket_id, at, release, account_id, intent, queue, action,"
    " value_at_risk, request, record)"
    " SELECT 'd' || id, id, known_at, 'r', account_id, intent, 'general', 'human', 0, '{}', '{}' FROM t",
    "INSERT INTO idempotency (scope, key, body_hash, answer_id) SELECT 'triage', id, id, 'd' || id FROM t",
    "INSERT INTO outbox (action_id, decision_id, created_at, kind, payload, status, done_at)"
    " SELECT 'o' || id, 'd' || id, known_at, 'route', '{}', 'done', known_at FROM t",
    "INSERT INTO feedback (feedback_id, decision_id, at, verdict, agent_id)"
    " SELECT 'f' || id, 'd' || id, known_at, 'approve', 'ann' FROM t",
    "INSERT INTO ticket_sources (ticket_id, vendor) SELECT id, 'zendesk' FROM t",
    "INSERT INTO context_accounts (account_id, known_at, plan) SELECT 'A' || i, :began, 'pro'"
    " FROM t WHERE i < :accounts",
    "INSERT INTO context_contacts (contact_id, known_at, account_id, name) SELECT contact_id,"
    " :began, account_id, contact_id FROM t WHERE i < :people",
    "INSERT INTO contact_handles (handle, contact_id, known_at) SELECT 'email:' || contact_id, contact_id,"
    " :began FROM t WHERE i < :people",
    "INSERT INTO context_identities (alias, known_at, contact_id, account_id, rule) SELECT contact_id,"
    " :began, contact_id, account_id, 'same' FROM t WHERE i < :people",
    "INSERT INTO context_usage (known_at, account_id, contact_id, feature, day, events, errors, seconds)"
    " SELECT known_at, account_id, contact_id, 'login', known_at, 1, 0, 60 FROM t",
)
FILLED = frozenset(statement.split()[2] for statement in _STATEMENTS)
"""Names of the tables that have rows."""
