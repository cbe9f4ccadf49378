"""From raw files to a served ticket: an email, then a chat of one person is a repeat, offline and served."""

from pathlib import Path

import pandas as pd
import pytest

from connectors.identity.decisions import Decision
from features.repeats import same_intent_repeats
from features.tables import read_tables
from features.ticket import ticket_features
from pipelines.identity import identify
from pipelines.ingest import ingest, write
from serving import context
from serving.backfill import backfill
from serving.requests import TriageRequest
from serving.settings import Settings
from serving.triage import open_desk
from tests.connectors.people import day, decided

MAPPING = """
about: a CRM, a mailbox and a chat tool that share nothing but the customer's handles
sources:
  - file: crm.csv
    format: csv
    tables:
      - table: contacts
        columns:
          contact_id: id
          known_at: since
          account_id: company
          handles: {all_of: [{from: mail, prefix: "email:"}, {from: phone, prefix: "phone:"}]}
  - file: chat_users.csv
    format: csv
    tables:
      - table: contacts
        columns:
          contact_id: {from: id, prefix: "chat-user-"}
          known_at: since
          handles: {all_of: [{from: id, prefix: "intercom:"}, {from: mail, prefix: "email:"}]}
  - file: tickets.csv
    format: csv
    tables:
      - table: tickets
        columns:
          {ticket_id: id, known_at: at, created_at: at, contact_id: writer, channel: channel, body: text}
      - table: ticket_events
        skip_where: {topic: ""}
        columns:
          event_id: {from: id, prefix: "topic:"}
          ticket_id: id
          known_at: {from: at, delay: 1h}
          occurred_at: {from: at, delay: 1h}
          kind: {value: intent_set}
          value: topic
          actor_kind: {value: agent}
"""
CRM = "id,since,company,mail,phone\nC1,2026-01-01,A,Ann@x.example,030 123456\n"
MAILED = (
    "id,at,writer,channel,text,topic\n"
    "1,2026-01-05T08:00Z,Ann Smith <ANN@x.example>,email,Where is my invoice?,billing\n"
)
CHATTED = "2,2026-01-06T08:00Z,intercom:77,chat,And my invoice?,billing\n"
CHAT_AT = day(5) + pd.Timedelta(hours=8)
BEFORE, AFTER = "2026-01-02", "2026-01-05T12:00Z"


def ingested(folder: Path, linked: str, tickets: str, decisions: list[Decision]) -> dict[str, pd.DataFrame]:
    raw = folder / "raw"
    raw.mkdir(parents=True)
    (raw / "crm.csv").write_text(CRM)
    (raw / "chat_users.csv").write_text(f"id,since,mail\n77,{linked},ann@x.example\n")
    (raw / "tickets.csv").write_text(tickets)
    (folder / "mapping.yaml").write_text(MAPPING)
    write(ingest(raw, folder / "mapping.yaml", lambda _line: None), folder / "artifacts")
    identify(folder / "artifacts/tables", decisions, "DE")
    return read_tables(folder / "artifacts/tables")


@pytest.mark.parametrize(
    ("hazard", "linked", "decisions", "repeats"),
    [
        ("linked before either", BEFORE, [], 1),
        ("linked between the two", AFTER, [], 1),
        (
            "linked wrongly, and undone before the chat",
            BEFORE,
            [decided("d1", 4.9, "split", "chat-user-77")],
            0,
        ),
        ("linked too late", "2026-01-06T08:00Z", [], 0),
    ],
)
def test_an_email_and_then_a_chat(tmp_path, hazard, linked, decisions, repeats):
    ingested(tmp_path / "first", linked, MAILED, decisions)
    desk = open_desk(Settings(state=tmp_path / "state"))
    backfill(desk.store, tmp_path / "first/artifacts/tables", lambda *_: None)
    asked = {"ticket_id": "2", "channel": "chat", "body": "And my invoice?", "contact_handle": "intercom:77"}
    related = desk.triage(TriageRequest.model_validate(asked), CHAT_AT).decision.context.related_tickets
    assert [ticket.ticket_id for ticket in related] == ["1"] * repeats, hazard

    tables = ingested(tmp_path / "again", linked, MAILED + CHATTED, decisions)
    offline = tables["tickets"].set_index("ticket_id", drop=False)
    chat = offline.loc[["2"]]
    contact, account = (None if pd.isna(v) else v for v in chat[["contact_id", "account_id"]].iloc[0])
    history = desk.store.history_for(account, contact, CHAT_AT)
    intents = pd.Series(["billing"], index=chat.index, dtype="str")
    labels = tables["ticket_events"].rename(columns={"value": "intent"})[["ticket_id", "intent", "known_at"]]
    with desk.store.reading() as connection:
        ids = history["tickets"]["ticket_id"].tolist()
        known = context.known_intents(connection, ids, history["ticket_events"], CHAT_AT)
    desk.store.close()

    served = ticket_features(chat, history)
    pd.testing.assert_frame_equal(served, ticket_features(chat, tables), check_exact=True)
    assert served["contact_tickets_7d"].tolist() == [repeats], hazard
    again = same_intent_repeats(chat, intents, history, known)
    pd.testing.assert_frame_equal(again, same_intent_repeats(chat, intents, tables, labels), check_exact=True)
    assert again["same_intent_contact_30d"].tolist() == [repeats], hazard
