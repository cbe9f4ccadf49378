"""A small project on disk around ``tests.serving.forget_desk``: raw exports, tables, pages, logs, store."""

import csv
import gzip
import json
from pathlib import Path

import yaml

from connectors.intake.take_in import take_in
from connectors.mapping.file import load_mapping
from models.release import write_release
from pipelines.identity import identify
from pipelines.ingest import write
from serving.releases import Releases
from serving.settings import Settings
from serving.store import Store
from serving.triage import TriageDesk
from tests.serving import forget_desk
from tests.serving.forget_desk import ANSWER, BOB, EMAIL, EMMA, NAME, OFFICE, WORDS
from tests.serving.tiny_release import DESK

ROOT = Path(__file__).parents[3]
DAY = "2026-05-31T12:00:00Z"
MAPPING = {
    "about": "a small desk",
    "lookups": {
        "contact_of_user": {"file": "users.jsonl", "format": "jsonl", "key": "id", "value": "external_id"}
    },
    "sources": [
        {"file": "contacts.csv", "format": "csv", "tables": [{"table": "contacts", "columns": {
            "contact_id": "Id", "known_at": "At", "account_id": "Account", "name": "Name",
            "handles": {"all_of": [{"from": "Email", "prefix": "email:"},
                {"from": "Office", "prefix": "email:"},
                {"from": "User", "prefix": "zendesk:"}]}}}]},
        {"file": "tickets-*.jsonl.gz", "format": "jsonl", "tables": [{"table": "tickets", "columns": {
            "ticket_id": "id", "known_at": "at", "created_at": "at", "account_id": "account",
            "contact_id": {"from": "requester", "lookup": "contact_of_user", "unmapped": "keep"},
            "channel": {"value": "email"}, "subject": "subject", "body": "description"}}]},
        {"file": "events.json", "format": "json", "tables": [{"table": "ticket_events", "columns": {
            "event_id": "id", "ticket_id": "ticket", "known_at": "at", "occurred_at": "at",
            "kind": {"from": "kind", "unmapped": "filter", "map": {"reply": "reply", "solved": "solved",
                                                                   "intent": "intent_set"}},
            "value": "value", "actor_kind": "by", "actor_id": "who", "text": "text"}}]},
        {"file": "usage.csv", "format": "csv", "tables": [{"table": "usage", "columns": {
            "account_id": "account", "contact_id": "contact", "day": "day", "known_at": "at",
            "feature": "feature", "events": "events"}}]},
    ],
}  # fmt: skip
USERS = [
    {"id": 20000771, "external_id": EMMA, "name": NAME, "email": EMAIL.title(), "role": "end-user"},
    {"id": 20000772, "external_id": BOB, "name": "Bob Stone", "email": "bob.stone@summit.example"},
]
TICKETS = [
    {"id": "old-emma", "at": DAY, "account": "A-summit", "requester": 20000771, "subject": "Where is it",
     "description": WORDS},
    {"id": "old-bob", "at": DAY, "account": "A-summit", "requester": 20000772, "subject": "Password",
     "description": "please reset the password", "cc": [20000771, 20000772], "seats": 771},
    {"id": "old-caf\u00e9", "at": DAY, "account": "A-other", "requester": "003CarolWest",
     "subject": "Rechnung",
     "description": f"ask {EMAIL.upper()}, or {NAME}"},
]  # fmt: skip
EVENTS = [
    {"id": "e1", "ticket": "old-emma", "at": DAY, "kind": "intent", "value": "password_reset", "by": "agent"},
    {"id": "e2", "ticket": "old-emma", "at": DAY, "kind": "reply", "by": "agent", "text": ANSWER},
    {"id": "e3", "ticket": "old-emma", "at": DAY, "kind": "viewed", "by": "agent", "text": "not mapped"},
    {"id": "e4", "ticket": "old-bob", "at": DAY, "kind": "reply", "by": "customer", "who": EMMA,
     "text": "it is still broken, says Emma from the third floor"},
    {"id": "e5", "ticket": "old-bob", "at": DAY, "kind": "solved", "by": "agent"},
]  # fmt: skip


def write_raw(folder: Path) -> None:
    """Raw exports in four formats, one of them packed."""
    folder.mkdir(parents=True)
    contacts = [
        ["Id", "At", "Account", "Name", "Email", "Office", "User"],
        [EMMA, DAY, "A-summit", NAME, EMAIL.title(), OFFICE[6:], "20000771"],
        [BOB, DAY, "A-summit", "Bob Stone", "bob.stone@summit.example", OFFICE[6:], "20000772"],
        ["003CarolWest", DAY, "A-other", 'Carol "CW" West\nsecond line', "carol.west@other.example", "", ""],
    ]
    with (folder / "contacts.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(contacts)
    usage = [["account", "contact", "day", "at", "feature", "events"]]
    usage += [["A-summit", who, "2026-05-30", DAY, "login", "3"] for who in (EMMA, BOB)]
    with (folder / "usage.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows(usage)
    (folder / "users.jsonl").write_text("".join(json.dumps(user) + "\n" for user in USERS), encoding="utf-8")
    lines = "".join(json.dumps(ticket, ensure_ascii=ticket["id"] != "old-bob") + "\n" for ticket in TICKETS)
    (folder / "tickets-2026.jsonl.gz").write_bytes(gzip.compress(lines.encode(), mtime=0))
    (folder / "events.json").write_text(json.dumps({"events": EVENTS, "next": None}), encoding="utf-8")
    (folder / "README.md").write_text(f"exported for {NAME} by hand\n", encoding="utf-8")


def small_project(project: Path, database_url: str) -> Settings:
    """Everything, with a store in which the people lived and an old release whose golden rows quote one."""
    state, raw = project / "state", project / "data" / "desk"
    write_raw(raw)
    (project / "mapping.yaml").write_text(yaml.safe_dump(MAPPING), encoding="utf-8")
    params = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))
    params["ingest"].update(source="desk", mapping="mapping.yaml")
    (project / "params.yaml").write_text(yaml.safe_dump(params), encoding="utf-8")
    intake = take_in(raw, load_mapping(project / "mapping.yaml"), lambda line: None)
    write(intake, project / "artifacts")
    identify(project / "artifacts" / "tables", [], "")
    for page in ("reports/queue.html", "notebooks/executed/look.ipynb"):
        (project / page).parent.mkdir(parents=True)
        (project / page).write_text(f"<td>{NAME}</td>", encoding="utf-8")
    (project / "reports" / "other.html").write_text("<td>Carol West</td>", encoding="utf-8")
    made = state / "releases" / "made"
    release_id = write_release(made, {}, ROOT / DESK, {}, {}, "none", {"tickets": [WORDS]})
    made.rename(made.with_name(release_id))
    (state / "service.log").write_text(f'{{"event":"x","who":"{EMAIL}"}}\nlast line\n', encoding="utf-8")
    settings = Settings(state=state, desk=ROOT / DESK, database_url=database_url)
    store = Store(settings.database_url)
    store.set_pointer("champion", release_id, "test", "trained", forget_desk.NOON)
    forget_desk.lived(TriageDesk(store, Releases(store, settings.releases, ROOT / DESK, 60)))
    store.close()
    return settings
