"""The canonical tables: the one vocabulary that every room shares.

Every row carries ``known_at``: when *we* learned it. A feature computed as of T uses only rows with
``known_at < T``. Times are UTC with microsecond resolution, amounts are integers (cents, seconds, counts).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import pandas as pd

Kind = Literal["string", "time", "int", "float", "list"]
Tables = Mapping[str, pd.DataFrame]

CHANNELS = ("email", "chat", "social", "phone", "web")
LEVELS = ("low", "normal", "high", "urgent")
SENTIMENTS = ("asking", "confused", "frustrated")
EVENT_KINDS = (
    "intent_set",
    "priority_set",
    "queue_set",
    "sentiment_set",
    "assigned",
    "reply",
    "note",
    "solved",
    "reopened",
    "escalated",
    "csat",
    "confirmed",
    "corrected",
    "deleted",
    "retracted",
    "weighed",
)
ACTOR_KINDS = ("agent", "customer", "system", "model", "reviewer")
IDENTITY_RULES = ("own", "handle", "shared handle", "decision", "ambiguous")
FROM_WRITER = "writer"
LOGIN_FEATURE = "login"
"""The product feature under which every source reports log-ins: its errors are failed log-ins."""

TIME_DTYPE = "datetime64[us, UTC]"
_DTYPES: dict[Kind, Any] = {
    "string": "str",
    "time": TIME_DTYPE,
    "int": "Int64",
    "float": "float64",
    "list": "object",
}


@dataclass(frozen=True)
class Column:
    """One canonical column: its kind, whether it may be missing, and the values it may take."""

    kind: Kind
    about: str
    required: bool = False
    allowed: tuple[str, ...] = ()


@dataclass(frozen=True)
class Table:
    """One canonical table: what a row is, and its columns. ``key`` identifies a row."""

    grain: str
    key: tuple[str, ...]
    columns: Mapping[str, Column]


def _string(about: str, required: bool = False, allowed: tuple[str, ...] = ()) -> Column:
    return Column("string", about, required, allowed)


def _time(about: str, required: bool = False) -> Column:
    return Column("time", about, required)


def _int(about: str, required: bool = False) -> Column:
    return Column("int", about, required)


_KNOWN_AT = _time("when we learned this row", required=True)

TABLES: dict[str, Table] = {
    "accounts": Table(
        "a version of an account",
        ("account_id", "known_at"),
        {
            "account_id": _string("the customer company", required=True),
            "known_at": _KNOWN_AT,
            "name": _string("name of the company"),
            "plan": _string("subscribed plan"),
            "status": _string("subscription status, for example active, trial, churned"),
            "segment": _string("size or market segment"),
            "contract_value_cents": _int("annual contract value"),
            "lifetime_value_cents": _int("revenue since sign-up"),
            "seats": _int("paid seats"),
            "owner": _string("agent who owns the relationship"),
            "language": _string("ISO 639-1 code"),
            "signed_up_at": _time("first contract"),
            "renewal_at": _time("next renewal"),
            "churned_at": _time("when the account left; empty while it stays"),
        },
    ),
    "contacts": Table(
        "a version of a person at a customer",
        ("contact_id", "known_at"),
        {
            "contact_id": _string("the person", required=True),
            "known_at": _KNOWN_AT,
            "account_id": _string("the company the person belongs to"),
            "name": _string("name of the person"),
            "handles": Column("list", "every handle as kind:value, for example email:a@b.example"),
        },
    ),
    "agents": Table(
        "a version of an agent",
        ("agent_id", "known_at"),
        {
            "agent_id": _string("the agent", required=True),
            "known_at": _KNOWN_AT,
            "name": _string("name of the agent"),
            "team": _string("queue the agent works in"),
            "skills": Column("list", "intents or product areas the agent is good at"),
            "languages": Column("list", "ISO 639-1 codes"),
        },
    ),
    "articles": Table(
        "a version of a knowledge-base article",
        ("article_id", "known_at"),
        {
            "article_id": _string("the article", required=True),
            "known_at": _KNOWN_AT,
            "title": _string("title"),
            "body": _string("plain text"),
            "language": _string("ISO 639-1 code"),
            "intent": _string("intent the article answers"),
        },
    ),
    "tickets": Table(
        "a ticket as it was created; nothing that came later",
        ("ticket_id",),
        {
            "ticket_id": _string("the ticket", required=True),
            "known_at": _KNOWN_AT,
            "created_at": _time("when the customer wrote", required=True),
            "account_id": _string("the company, as known when the ticket was"),
            "account_from": _string(
                "empty where the source names the company; writer where ingest filled in that of the person",
                allowed=(FROM_WRITER,),
            ),
            "contact_id": _string("the person, as known when the ticket was"),
            "writer": _string("who wrote, as the source says it: a contact id or a handle; filled by ingest"),
            "channel": _string("how it came in", allowed=CHANNELS),
            "subject": _string("subject line, may be empty"),
            "body": _string("plain text, may be empty"),
            "language": _string("language the source declares, ISO 639-1"),
            "product_area": _string("part of the product chosen by the customer"),
            "requested_priority": _string("urgency claimed by the customer", allowed=LEVELS),
        },
    ),
    "ticket_events": Table(
        "one fact about a ticket after its creation",
        ("event_id",),
        {
            "event_id": _string("the fact", required=True),
            "ticket_id": _string("the ticket", required=True),
            "known_at": _KNOWN_AT,
            "occurred_at": _time("when it happened", required=True),
            "kind": _string("what happened", required=True, allowed=EVENT_KINDS),
            "value": _string("intent, priority level, queue, agent id, CSAT 1-5, ... by kind"),
            "actor_kind": _string("who did it", allowed=ACTOR_KINDS),
            "actor_id": _string("agent or contact id"),
            "text": _string("text of a reply or note"),
        },
    ),
    "usage": Table(
        "uses of an account (and contact where known) x day x product feature; rows of one day add up",
        ("account_id", "contact_id", "day", "feature", "known_at"),
        {
            "account_id": _string("the company", required=True),
            "contact_id": _string("the person; empty where only the account is known"),
            "day": _time("midnight UTC that the day starts at", required=True),
            "known_at": _KNOWN_AT,
            "feature": _string("product feature; log-ins are called 'login'", required=True),
            "events": _int("uses", required=True),
            "errors": _int("failed uses"),
            "seconds": _int("time spent"),
        },
    ),
}

IDENTITIES = "identities"
ACCOUNT_REVISIONS = "account_revisions"
DERIVED: dict[str, Table] = {
    IDENTITIES: Table(
        "what a contact id or handle stands for from a moment on",
        ("alias", "known_at"),
        {
            "alias": _string("a contact id, or a handle in its one form", required=True),
            "known_at": _KNOWN_AT,
            "contact_id": _string("the person it stands for; itself where it stands for nobody else"),
            "account_id": _string("the company of that person"),
            "rule": _string("why", required=True, allowed=IDENTITY_RULES),
            "handle": _string("the handle that says so"),
            "records": Column("list", "contact ids that say so, the oldest first"),
            "because": _string("the decision of a person, or what makes it ambiguous"),
        },
    ),
    ACCOUNT_REVISIONS: Table(
        "the company that tickets under a name belong to, where that became another after they had come",
        ("alias", "known_at", "came_after"),
        {
            "alias": _string("a contact id, or a handle in its one form", required=True),
            "known_at": _KNOWN_AT,
            "came_after": _time("it is about tickets known after this moment", required=True),
            "account_id": _string("their company, up to the next row's tickets; empty where it is unknown"),
        },
    ),
}
"""Tables that ingest works out itself: no source feeds them, every other rule of canonical tables holds."""


def spec_of(name: str) -> Table:
    """What the canonical or derived table ``name`` is."""
    return TABLES[name] if name in TABLES else DERIVED[name]


def empty_table(name: str) -> pd.DataFrame:
    """An empty frame with the columns and dtypes of the canonical table ``name``."""
    columns = spec_of(name).columns
    return pd.DataFrame({c: pd.Series(dtype=_DTYPES[spec.kind]) for c, spec in columns.items()})


def typed(name: str, frame: pd.DataFrame) -> pd.DataFrame:
    """``frame`` with exactly the canonical columns of table ``name``, in order, in canonical dtypes.

    Missing columns become empty ones; columns the table does not know are left out. Raises ``ValueError``
    where a value cannot be read as its kind: parse and quarantine before calling this.
    """
    typed_columns = {}
    for column, spec in spec_of(name).columns.items():
        if column not in frame:
            missing = [None] * len(frame)
            typed_columns[column] = pd.Series(missing, index=frame.index, dtype=_DTYPES[spec.kind])
        elif spec.kind == "time":
            typed_columns[column] = pd.to_datetime(frame[column], utc=True).dt.as_unit("us")
        else:
            typed_columns[column] = frame[column].astype(_DTYPES[spec.kind])
    return pd.DataFrame(typed_columns, index=frame.index)


def completed(tables: Tables) -> dict[str, pd.DataFrame]:
    """All canonical and derived tables: those given, and an empty one for each that is missing."""
    return {name: tables[name] if name in tables else empty_table(name) for name in (*TABLES, *DERIVED)}
