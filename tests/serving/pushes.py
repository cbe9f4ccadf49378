"""How each helpdesk pushes a new ticket, and what its API is then told, in order."""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from tests.connectors.vendors import fixture

SECRET = "a signing:secret"
COMPOSITE = "/services/data/v62.0/composite"
LOGIN = "/services/oauth2/token"


def zendesk_body(**changes: Any) -> bytes:
    """A new ticket; ``changes`` are fields of it."""
    ticket = {
        "id": "4711",
        "subject": "Password",
        "description": "I forgot my password.",
        "requester_id": "9",
        "organization_id": "5",
        "created_at": "2026-06-01T11:59:00Z",
        "updated_at": "2026-06-01T11:59:00Z",
        "via": {"channel": "email"},
    } | changes
    told = {"id": f"evt-{ticket['id']}", "type": "zen:event-type:ticket.created",
            "time": "2026-06-01T11:59:00Z", "detail": ticket, "event": {}}  # fmt: skip
    return json.dumps(told).encode()


def zendesk_signed(body: bytes, at: datetime | None = None, secret: str = SECRET) -> dict[str, str]:
    """Zendesk's headers: the time is signed with the body."""
    said = (at or datetime.now(UTC)).isoformat()
    return {
        "X-Zendesk-Webhook-Signature": _mac(secret, said, body),
        "X-Zendesk-Webhook-Signature-Timestamp": said,
        "Content-Type": "application/json",
    }


def freshdesk_signed(_body: bytes, secret: str = SECRET) -> dict[str, str]:
    """Freshdesk signs nothing: a user name and a password."""
    basic = base64.b64encode(secret.encode()).decode()
    return {"Authorization": f"Basic {basic}", "Content-Type": "application/json"}


def intercom_signed(body: bytes, secret: str = SECRET) -> dict[str, str]:
    """Intercom signs the body."""
    digest = hmac.new(secret.encode(), body, hashlib.sha1).hexdigest()
    return {"X-Hub-Signature": f"sha1={digest}", "Content-Type": "application/json"}


def salesforce_signed(body: bytes, secret: str = SECRET) -> dict[str, str]:
    """The relay of Salesforce's change events signs time and body."""
    said = datetime.now(UTC).isoformat()
    return {
        "X-Firstline-Signature": _mac(secret, said, body),
        "X-Firstline-Timestamp": said,
        "Content-Type": "application/json",
    }


def _mac(secret: str, said: str, body: bytes) -> str:
    return base64.b64encode(hmac.new(secret.encode(), said.encode() + body, hashlib.sha256).digest()).decode()


@dataclass(frozen=True)
class Push:
    """One vendor's delivery of a new ticket and what its API must be told because of it."""

    body: bytes
    signed: Callable[..., dict[str, str]]
    ticket: str
    """How the id of the ticket ends."""
    credentials: Mapping[str, str]
    """Environment variables of its API, without ``FIRSTLINE_<VENDOR>_``."""
    told: tuple[tuple[str, str], ...]
    """Method and path of each call that has an effect, in order."""
    authorization: str
    write_back: Mapping[str, Any] = field(default_factory=dict)
    """Beside the queues."""
    asked: tuple[str, ...] = ()
    """What is read before, or logged in to."""
    answers: Mapping[str, list[object]] = field(default_factory=dict)


def _told(vendor: str, name: str) -> bytes:
    return json.dumps(fixture(vendor, "webhooks")[name]).encode()


PUSHES = {
    "zendesk": Push(
        body=zendesk_body(),
        signed=zendesk_signed,
        ticket="4711",
        credentials={"EMAIL": "bot@desk.example", "API_TOKEN": "token"},
        told=(("PUT", "/api/v2/tickets/4711.json"), ("PUT", "/api/v2/tickets/4711/tags.json")),
        authorization="Basic ",
        write_back={"tags": {"action:human": "people"}},
    ),
    "freshdesk": Push(
        body=_told("freshdesk", "created"),
        signed=freshdesk_signed,
        ticket="20",
        credentials={"API_KEY": "key"},
        told=(("PUT", "/api/v2/tickets/20"), ("POST", "/api/v2/tickets/20/notes")),
        authorization="Basic ",
        write_back={"tags": {"action:human": "people"}},
        asked=("/api/v2/tickets/20",),
        answers={"/api/v2/tickets/20": [{"tags": ["theirs"]}]},
    ),
    "intercom": Push(
        body=_told("intercom", "user_created"),
        signed=intercom_signed,
        ticket="1295",
        credentials={"ACCESS_TOKEN": "token"},
        told=(
            ("PUT", "/conversations/1295"),
            ("POST", "/conversations/1295/tags"),
            ("POST", "/conversations/1295/parts"),
            ("POST", "/conversations/1295/reply"),
        ),
        authorization="Bearer token",
        write_back={"author": 7, "fields": {"priority": "level"}, "tags": {"action:human": 31}},
    ),
    "salesforce": Push(
        body=_told("salesforce", "case_created"),
        signed=salesforce_signed,
        ticket="500D000000uzmDsIAI",
        credentials={"CLIENT_ID": "app", "CLIENT_SECRET": "app secret"},
        told=(("POST", COMPOSITE),),
        authorization="Bearer first",
        write_back={"priorities": {"urgent": "P1", "high": "P2", "normal": "P3", "low": "P4"}},
        asked=(LOGIN,),
        answers={LOGIN: [{"access_token": "first"}, {"access_token": "second"}]},
    ),
}
