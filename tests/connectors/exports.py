"""One small company as its vendors export it, small enough to read."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

WriteFolder = Callable[[dict[str, Any]], Path]

ALICE_BY_MAIL, ALICE_BY_PHONE, STRANGER = 501, 502, 503
AGENT, REVIEWER = 601, 602
ACCESS, BILLING = 701, 702
OPENED, ONE_HOUR = 1_767_261_600, 3600  # 2026-01-01T10:00:00Z


def as_jsonl(records: list[dict[str, Any]]) -> str:
    return "".join(json.dumps(record) + "\n" for record in records)


def audit(number: int, hours: int, updater: int, *children: dict[str, Any]) -> dict[str, Any]:
    """One Zendesk ticket event ``hours`` after ticket 9001 was opened."""
    return {
        "id": number,
        "ticket_id": 9001,
        "timestamp": OPENED + hours * ONE_HOUR,
        "updater_id": updater,
        "event_type": "Audit",
        "child_events": [{"id": number * 10 + position, **child} for position, child in enumerate(children)],
    }


def zendesk_ticket(**changes: Any) -> dict[str, Any]:
    """A ticket as the export shows it at the end: solved, re-prioritised, tagged, rated."""
    return {
        "id": 9001,
        "external_id": None,
        "type": "incident",
        "subject": "cannot sign in",
        "raw_subject": "cannot sign in",
        "description": "It says my password is wrong.",
        "priority": "urgent",
        "status": "closed",
        "requester_id": ALICE_BY_PHONE,
        "submitter_id": ALICE_BY_PHONE,
        "assignee_id": AGENT,
        "organization_id": 801,
        "group_id": ACCESS,
        "tags": ["intent__password_reset"],
        "custom_fields": [
            {"id": 1001, "value": "high"},
            {"id": 1002, "value": "login page"},
            {"id": 1003, "value": "password_reset"},
        ],
        "satisfaction_rating": {"score": "good"},
        "via": {"channel": "voice"},
        "created_at": "2026-01-01T10:00:00Z",
        "updated_at": "2026-02-01T10:00:00Z",
        **changes,
    }


def change(**fields: Any) -> dict[str, Any]:
    return {"event_type": "Change", **fields}


EVENTS = [
    audit(
        1,
        0,
        ALICE_BY_PHONE,
        {"event_type": "Create", "status": "new", "priority": "high"},
        {"event_type": "Comment", "comment_public": True, "body": "It says ...", "author_id": ALICE_BY_PHONE},
    ),
    audit(2, 1, -1, change(group_id=BILLING), change(assignee_id=AGENT)),
    audit(
        3,
        2,
        AGENT,
        change(custom_ticket_fields={"1003": "password_reset"}),
        change(priority="urgent", previous_value="high"),
        {"event_type": "Comment", "comment_public": False, "body": "knows him", "author_id": AGENT},
        {"event_type": "Comment", "comment_public": True, "body": "Try again", "author_id": AGENT},
        change(status="solved", previous_value="open"),
    ),
    audit(
        4, 3, ALICE_BY_MAIL, change(status="open", previous_value="solved"), change(satisfaction_score="2")
    ),
    audit(5, 4, REVIEWER, change(custom_ticket_fields={"1004": "frustrated"})),
    audit(6, 5, ALICE_BY_MAIL, change(custom_ticket_fields={"1005": "confirmed"})),
]
USERS = [
    {
        "id": ALICE_BY_MAIL,
        "name": "Alice",
        "role": "end-user",
        "tags": [],
        "created_at": "2025-01-01T00:00:00Z",
    },
    {
        "id": ALICE_BY_PHONE,
        "name": "+1 555",
        "role": "end-user",
        "tags": [],
        "created_at": "2025-01-01T00:00:00Z",
    },
    {"id": STRANGER, "name": "?", "role": "end-user", "tags": [], "created_at": "2025-01-01T00:00:00Z"},
    {
        "id": AGENT,
        "name": "Bo",
        "role": "agent",
        "tags": [],
        "default_group_id": ACCESS,
        "user_fields": {"skills": ["password_reset"], "languages": ["en", "de"]},
        "created_at": "2025-01-01T00:00:00Z",
    },
    {
        "id": REVIEWER,
        "name": "Cy",
        "role": "agent",
        "tags": ["quality"],
        "created_at": "2025-01-01T00:00:00Z",
    },
]
ARTICLE = {
    "id": 31,
    "title": "Reset a password",
    "body": "<h1>Reset</h1><p>Click &amp; wait.</p>",
    "locale": "en",
    "label_names": ["intent:password_reset", "popular"],
    "created_at": "2025-01-01T00:00:00Z",
    "updated_at": "2025-06-01T00:00:00Z",
}
COMPANY: dict[str, Any] = {
    "zendesk/tickets-2026-01.jsonl": as_jsonl([zendesk_ticket()]),
    "zendesk/ticket_events-2026-01.jsonl": as_jsonl(EVENTS),
    "zendesk/users.jsonl": as_jsonl(USERS),
    "zendesk/organizations.jsonl": as_jsonl([{"id": 801, "external_id": "001A", "name": "Acme"}]),
    "zendesk/groups.jsonl": as_jsonl([{"id": ACCESS, "name": "access"}, {"id": BILLING, "name": "billing"}]),
    "zendesk/articles.jsonl": as_jsonl([ARTICLE]),
    "salesforce/accounts-2026-01.csv": (
        "Id,Name,Plan__c,Status__c,Segment__c,AnnualContractValue__c,LifetimeValue__c,Seats__c,OwnerId,"
        "Language__c,ContractStart__c,RenewalDate__c,ChurnDate__c,SystemModstamp\n"
        "001A,Acme,enterprise,active,large,123456.78,99.10,40,U1,en,2024-03-01,2026-03-01,,2026-01-01T00:00:00Z\n"
    ),
    "salesforce/contacts.csv": (
        "Id,AccountId,Name,Email,Phone,Twitter__c,ZendeskUserIds__c,CreatedDate,SystemModstamp\n"
        f"003A,001A,Alice,alice@acme.example,,@alice,{ALICE_BY_MAIL};{ALICE_BY_PHONE},"
        "2025-01-01T00:00:00Z,2025-01-01T00:00:00Z\n"
    ),
    "usage/usage-2026-01.csv": (
        "account_id,contact_id,day,feature,events,errors,seconds,exported_at\n"
        "001A,003A,2026-01-01,sign_in,7,6,120,2026-01-01T10:30:00Z\n"
        "001A,,2026-01-01,dashboard,12,0,900,2026-01-02T02:00:00Z\n"
    ),
}
