"""A small company that is not the demo company: a maker of kilns with a Zendesk desk and a CRM of its own.

Its exports have the forms that the vendors' documentation gives, and columns that nobody at Firstline chose.
"""

import csv
import json
import random
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

START = datetime(2026, 1, 5, 8, tzinfo=UTC)
TOPIC_FIELD, AGENTS, CUSTOMERS, COMPANIES = 360001, 4, 120, 40
TOPICS = {
    "heating_fault": (
        "The kiln does not reach {n} degrees",
        "The element on chamber {n} stays cold, firing fails.",
    ),
    "spare_part": ("Order for a part", "We need {n} thermocouples and a door gasket, what is the lead time?"),
    "invoice": ("Invoice {n}", "Invoice {n} shows the wrong VAT number, please send it corrected."),
    "firmware": ("Update stuck", "The controller update to version {n} stops half way and then reboots."),
    "training": ("Course for our team", "Could we book the glazing course for {n} people in spring?"),
}
OPENINGS = ("", "", "Hello, ", "Good morning, ", "Hi, we have a question. ", "Dear team, ")
CLOSINGS = ("", "", " Thanks!", " Please help us today.", " We fire again on Friday.", " Kind regards")
GROUPS = {11: "workshop", 12: "orders", 13: "office"}
GROUP_OF = {"heating_fault": 11, "firmware": 11, "spare_part": 12, "invoice": 13, "training": 13}
PRIORITY_OF = {"heating_fault": "urgent", "firmware": "high", "spare_part": "normal"}


def write_exports(folder: Path, tickets: int = 900, seed: int = 5) -> None:
    """Write ``zendesk/*.jsonl`` and ``crm/companies.csv`` under ``folder``; same seed, same bytes."""
    rng = random.Random(seed)
    zendesk = folder / "zendesk"
    zendesk.mkdir(parents=True)
    written = [_ticket(rng, number) for number in range(1, tickets + 1)]
    _lines(zendesk / "tickets-2026.jsonl", [ticket for ticket, _ in written])
    _lines(zendesk / "ticket_events-2026.jsonl", [audit for _, audits in written for audit in audits])
    _lines(zendesk / "users.jsonl", [*map(_customer, range(CUSTOMERS)), *map(_agent, range(AGENTS))])
    _lines(zendesk / "organizations.jsonl", map(_organization, range(COMPANIES)))
    _lines(zendesk / "groups.jsonl", ({"id": key, "name": name} for key, name in GROUPS.items()))
    (folder / "crm").mkdir()
    with (folder / "crm" / "companies.csv").open("w", encoding="utf-8-sig", newline="") as file:
        out = csv.writer(file, delimiter=";")
        out.writerow(
            ["Company No", "Company", "Service level", "Yearly contract", "Contract ends", "Changed on"]
        )
        for number in range(COMPANIES):
            level, worth = rng.choice(["Basic", "Premium"]), f"{rng.randint(2, 90)}.500,00"
            ends = START + timedelta(days=rng.randint(30, 700))
            out.writerow(
                [f"K-{number}", f"Pottery {number}", level, worth, f"{ends:%d.%m.%Y}", "02.01.2026 09:00"]
            )


def _ticket(rng: random.Random, number: int) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    created = START + timedelta(minutes=number * 290 + rng.randint(0, 200))
    topic, customer = rng.choice(list(TOPICS)), rng.randrange(CUSTOMERS)
    subject, body = (part.format(n=rng.randint(2, 1300)) for part in TOPICS[topic])
    body = f"{rng.choice(OPENINGS)}{body}{rng.choice(CLOSINGS)}"
    answered, solved = (
        created + timedelta(hours=rng.randint(1, 9)),
        created + timedelta(hours=rng.randint(10, 60)),
    )
    agent, priority = 9000 + rng.randrange(AGENTS), PRIORITY_OF.get(topic, "low")
    ticket = {
        "id": number,
        "subject": subject,
        "description": body,
        "requester_id": 1000 + customer,
        "organization_id": 500 + customer % COMPANIES,
        "via": {"channel": rng.choice(["email", "web", "chat"])},
        "status": "closed",
        "priority": priority,
        "custom_fields": [{"id": TOPIC_FIELD, "value": topic}],
        "created_at": _iso(created),
        "updated_at": _iso(solved),
    }
    opening = _audit(number, 0, 1000 + customer, created, [{"event_type": "Create", "subject": subject}])
    triaged = [
        {"event_type": "Change", "priority": priority, "previous_value": None},
        {"event_type": "Change", "group_id": GROUP_OF[topic], "previous_value": None},
        {"event_type": "Change", "assignee_id": agent, "previous_value": None},
        {"event_type": "Change", "custom_ticket_fields": {str(TOPIC_FIELD): topic}, "previous_value": None},
    ]
    answer = [
        {"event_type": "Comment", "comment_public": True, "body": f"About {topic}: done.", "author_id": agent}
    ]
    closing = [{"event_type": "Change", "status": "solved", "previous_value": "open"}]
    steps = [(triaged, answered), (answer, answered), (closing, solved)]
    return ticket, [
        opening,
        *(_audit(number, n, agent, at, did) for n, (did, at) in enumerate(steps, start=1)),
    ]


def _audit(
    ticket: int, step: int, actor: int, at: datetime, children: list[dict[str, Any]]
) -> dict[str, Any]:
    base = ticket * 100 + step * 10
    return {
        "id": base,
        "ticket_id": ticket,
        "timestamp": int(at.timestamp()),
        "created_at": _iso(at),
        "updater_id": actor,
        "event_type": "Audit",
        "child_events": [{"id": base + n, **child} for n, child in enumerate(children, start=1)],
    }


def _customer(number: int) -> dict[str, Any]:
    email = f"potter{number}@studio{number % COMPANIES}.example"
    identities = [{"type": "email", "value": email}]
    person = {"id": 1000 + number, "name": f"Potter {number}", "email": email, "role": "end-user"}
    return _user(person, identities) | {"organization_id": 500 + number % COMPANIES}


def _agent(number: int) -> dict[str, Any]:
    email = f"agent{number}@kilnworks.example"
    person = {"id": 9000 + number, "name": f"Agent {number}", "email": email, "role": "agent"}
    return _user(person, [{"type": "email", "value": email}]) | {"default_group_id": 11 + number % 3}


def _user(person: dict[str, Any], identities: list[dict[str, str]]) -> dict[str, Any]:
    at = _iso(START - timedelta(days=30))
    return {
        **person,
        "identities": identities,
        "tags": [],
        "user_fields": {},
        "created_at": at,
        "updated_at": at,
    }


def _organization(number: int) -> dict[str, Any]:
    at = _iso(START - timedelta(days=30))
    external = f"K-{number}"
    return {
        "id": 500 + number,
        "name": f"Pottery {number}",
        "external_id": external,
        "created_at": at,
        "updated_at": at,
    }


def _iso(at: datetime) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%SZ}"


def _lines(path: Path, records: Any) -> None:
    path.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")
