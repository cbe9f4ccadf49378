"""One ticket, one decision: from what the store knows at that moment, stored before it is answered."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pandas as pd
import pytest

from features.schema import typed
from serving.problems import Problem
from serving.requests import TriageRequest
from serving.settings import Settings
from serving.triage import open_desk
from tests.serving.sample import NOON, tickets

LATER = NOON + timedelta(minutes=1)


@pytest.fixture
def desk(tmp_path):
    opened = open_desk(Settings(state=tmp_path / "state"))
    yield opened
    opened.store.close()


@pytest.fixture
def known(desk):
    """The desk with one account, two people, an agent, and usage with failed log-ins."""

    def add(table: str, *rows: dict[str, Any]) -> None:
        desk.store.append(table, typed(table, pd.DataFrame([{"known_at": NOON, **row} for row in rows])))

    account = {"account_id": "A1", "plan": "enterprise", "contract_value_cents": 30_000_000}
    add("accounts", {**account, "renewal_at": NOON + timedelta(days=20), "signed_up_at": NOON})
    add(
        "contacts",
        {"contact_id": "C1", "account_id": "A1", "name": "Ann", "handles": ["email:ann@x.example"]},
    )
    add("agents", {"agent_id": "bob", "team": "general", "skills": [], "languages": ["en"]})
    add("agents", {"agent_id": "eve", "team": "billing", "skills": [], "languages": ["en"]})
    day = {"account_id": "A1", "contact_id": "C1", "day": NOON.replace(hour=0), "feature": "login"}
    add("usage", {**day, "events": 6, "errors": 6})
    return desk


def asked(ticket_id: str = "1", **changes: Any) -> TriageRequest:
    plain = {"channel": "email", "subject": "Sign in", "body": "I forgot my password, please help."}
    return TriageRequest.model_validate({"ticket_id": ticket_id, **plain, **changes})


def test_without_a_release_everything_goes_to_a_person(known):
    decision = known.triage(asked(account_id="A1", contact_id="C1"), LATER).decision
    assert (decision.action, decision.release, decision.intent.name) == ("human", "none", None)
    assert (decision.route.queue, decision.route.agent) == ("general", "bob")
    assert decision.degraded == ["no release"]


def test_the_decision_shows_what_is_known_of_the_customer(known):
    decision = known.triage(asked(account_id="A1", contact_id="C1"), LATER).decision
    assert decision.account.account_id == "A1"
    assert decision.account.contract_value == 300_000
    assert decision.account.renewal_in_days == pytest.approx(20, abs=0.01)
    assert decision.context.usage["failed_logins_24h"] == 6
    assert "Ann" in decision.context.summary
    assert decision.sla.first_response_due_at is not None


@pytest.mark.parametrize(
    ("who", "missing"),
    [
        ({"account_id": "A404"}, "unknown account"),
        ({}, "no account"),
        ({"contact_id": "C404"}, "unknown contact"),
        ({"contact_handle": "email:nobody@x.example"}, "unknown contact"),
    ],
)
def test_an_unknown_customer_is_named_and_goes_to_a_person(known, who, missing):
    decision = known.triage(asked(**who), LATER).decision
    assert missing in decision.degraded
    assert decision.action == "human"


def test_a_person_brings_their_account(known):
    decision = known.triage(asked(contact_handle="email:ANN@x.example"), LATER).decision
    assert decision.account.account_id == "A1"


@pytest.mark.parametrize(
    ("body", "language"), [("12345", "pt"), ("I forgot my password, please help.", "en")]
)
def test_a_declared_language_counts_where_the_text_tells_none(known, body, language):
    """As in training: else the same ticket would be scored with other features than it was learnt with."""
    assert (
        known.triage(asked(subject=None, body=body, language="pt"), LATER).decision.language.code == language
    )


def test_nothing_known_at_or_after_the_moment_is_seen(known):
    decision = known.triage(asked(account_id="A1", as_of=NOON), LATER).decision
    assert "unknown account" in decision.degraded
    assert decision.at == NOON


def test_a_ticket_from_the_future_is_taken_as_written_now(known):
    decision = known.triage(asked(created_at=LATER + timedelta(hours=1)), LATER).decision
    assert "created_at is later than as_of" in decision.degraded
    assert decision.at == LATER


def test_the_same_ticket_again_gets_the_stored_decision(known):
    first = known.triage(asked(), LATER)
    again = known.triage(asked(), LATER + timedelta(hours=5))
    assert (first.new, again.new) == (True, False)
    assert again.decision == first.decision


def test_the_same_ticket_with_another_body_is_refused(known):
    known.triage(asked(), LATER)
    with pytest.raises(Problem) as refused:
        known.triage(asked(body="Something else"), LATER)
    assert refused.value.status == 409
    assert "new ticket_id" in refused.value.error["fix"]


def test_fifty_posts_at_once_make_one_decision(known):
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda _: known.triage(asked(), LATER), range(50)))
    assert len({answer.decision.decision_id for answer in answers}) == 1
    assert sum(answer.new for answer in answers) == 1
    assert len(known.store.decisions()) == 1
    assert known.store.verify_ledger().entries == 1


def test_a_decision_is_stored_with_its_ticket_its_action_and_its_proof(known):
    decision = known.triage(asked(account_id="A1"), LATER).decision
    done: list[str] = []
    assert known.store.decision(decision.decision_id) == decision
    assert known.store.carry_out(lambda action: done.append(action.kind), LATER) == 1
    assert known.store.carry_out(lambda action: done.append(action.kind), LATER) == 0
    assert done == ["route"]
    history = known.store.history_for("A1", None, LATER + timedelta(seconds=1))
    assert history["tickets"]["ticket_id"].tolist() == ["1"]
    assert known.store.verify_ledger().intact


def test_an_edited_decision_is_found_out(known):
    known.triage(asked(), LATER)
    with known.store.writing() as connection:
        connection.exec_driver_sql("UPDATE decisions SET record = replace(record, 'human', 'assist')")
    assert not known.store.verify_ledger().intact


def test_earlier_tickets_of_the_customer_come_along(known):
    known.triage(asked("1", account_id="A1", contact_id="C1", subject="First"), LATER)
    second = asked("2", account_id="A1", contact_id="C1", subject="Second")
    related = known.triage(second, LATER + timedelta(minutes=1)).decision.context.related_tickets
    assert [(ticket.ticket_id, ticket.subject) for ticket in related] == [("1", "First")]
    assert related[0].similarity > 0.5


def test_a_ticket_known_from_an_export_does_not_meet_itself(known):
    known.store.append("tickets", tickets({"ticket_id": "7"}))
    decision = known.triage(asked("7", account_id="A1", contact_id="C1"), LATER).decision
    assert decision.context.related_tickets == []


def test_the_queue_ranks_unsolved_tickets_by_value_at_risk(known):
    known.triage(asked("small"), LATER)
    known.triage(asked("large", account_id="A1"), LATER)
    known.triage(asked("solved", account_id="A1"), LATER)
    solved = {
        "event_id": "e",
        "ticket_id": "solved",
        "kind": "solved",
        "known_at": LATER,
        "occurred_at": LATER,
    }
    known.store.append("ticket_events", typed("ticket_events", pd.DataFrame([solved])))
    queue = known.store.open_queue(LATER + timedelta(hours=1), 10)
    assert [entry.ticket_id for entry in queue] == ["large", "small"]
    assert len(known.store.open_queue(LATER, 1)) == 1


def test_broken_rules_are_refused_at_the_start(tmp_path):
    broken = tmp_path / "desk.yaml"
    broken.write_text("brand: 3\n")
    with pytest.raises(ValueError, match=r"desk\.yaml"):
        open_desk(Settings(state=tmp_path / "state", desk=broken))
