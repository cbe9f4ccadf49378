"""A made-up company as the pipeline leaves it: other words and queues than the demo company's."""

from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd

from features.schema import empty_table, typed
from models.risk import ThresholdEvidence
from pipelines.backtest.recorded import History
from policy.desk import Desk, parse_desk
from policy.draft import draft_desk, usual_filings
from tests.models.desks import TOPICS
from tests.pipelines.backtest.worlds import ROOT
from tests.pipelines.desks import featured_tickets

QUEUES = {topic: ("parcels", "money")[number % 2] for number, topic in enumerate(TOPICS)}
PEOPLE = {"parcels": ("p1", "p2", "p3"), "money": ("m1", "m2")}


@lru_cache(maxsize=1)
def history() -> History:
    """600 tickets, one every three hours; the newest 120 are new to the models. People work from 8 on."""
    frame = featured_tickets(600, seed=4)
    rng = np.random.default_rng(4)
    hours = pd.to_timedelta(3 * np.arange(len(frame)), unit="h")
    truth = frame["intent_label"].where(frame["intent_label"].notna(), "delivery_late")
    wrong = rng.random(len(frame)) < 0.1
    frame = frame.assign(
        created_at=(frame["created_at"].iloc[0] + hours).as_unit("us"),
        intent=np.where(wrong, "wrong_size", truth),
        probability=np.where(wrong, 0.6, 0.99),
        out_of_scope=False,
        label=frame["intent_label"],
        state="asking",
        frustration=0.1,
        failed_logins_24h=0.0,
        same_intent_contact_30d=0.0,
        priority_score=rng.random(len(frame)),
        priority_level=rng.choice(["low", "normal", "high"], len(frame)),
        churn_risk=0.1,
        language="en",
        language_confidence=0.99,
        contract_value_cents=np.where(rng.random(len(frame)) < 0.3, 3e7, 1e6),
    )
    events = typed("ticket_events", pd.DataFrame(_events(frame, truth, rng)))
    hired = frame["created_at"].iloc[0]
    agents = [
        {
            "agent_id": a,
            "known_at": hired,
            "team": team,
            "skills": [],
            "languages": ["en"],
        }
        for team, members in PEOPLE.items()
        for a in members
    ]
    proven = {topic: ThresholdEvidence(0.96, 120, 1, 0.955) for topic in TOPICS}
    tables = {
        "ticket_events": events,
        "agents": typed("agents", pd.DataFrame(agents)),
        "usage": empty_table("usage"),
    }
    return History(frame, tables, proven, {})


def _events(frame: pd.DataFrame, truth: pd.Series, rng: np.random.Generator) -> Iterator[dict[str, Any]]:
    count = 0

    def event(
        ticket: str, at: pd.Timestamp, kind: str, value: str | None, who: str, actor: str
    ) -> dict[str, Any]:
        nonlocal count
        count += 1
        return {
            "event_id": f"e{count}",
            "ticket_id": ticket,
            "known_at": at,
            "occurred_at": at,
            "kind": kind,
            "value": value,
            "actor_kind": who,
            "actor_id": actor,
        }

    for (ticket, created), topic in zip(
        frame[["ticket_id", "created_at"]].itertuples(index=False), truth, strict=True
    ):
        right = QUEUES[topic]
        first = right if rng.random() < 0.7 else ("money" if right == "parcels" else "parcels")
        agent = str(rng.choice(PEOPLE[right]))
        morning = created.normalize() + pd.Timedelta(days=1, hours=8)
        start = created if 8 <= created.hour < 17 else morning
        yield event(ticket, created, "queue_set", first, "system", "")
        if first != right:
            yield event(ticket, start, "queue_set", right, "agent", agent)
        yield event(ticket, start, "assigned", agent, "agent", agent)
        yield event(ticket, start + pd.Timedelta(minutes=10), "reply", None, "agent", agent)
        end = start + pd.Timedelta(minutes=int(rng.integers(20, 50)))
        yield event(ticket, end, "reply", None, "agent", agent)
        yield event(ticket, end, "solved", None, "agent", agent)
        yield event(ticket, end, "intent_set", topic, "agent", agent)
        later = end + pd.Timedelta(days=1)
        if rng.random() < 0.05:
            yield event(ticket, later, "reopened", None, "customer", "")
        elif rng.random() < 0.85:
            yield event(ticket, later, "confirmed", None, "customer", "")
        yield event(ticket, later, "csat", str(int(rng.integers(2, 6))), "customer", "")


@lru_cache(maxsize=1)
def desk() -> Desk:
    """The desk that `firstline desk new` drafts for this company, with one intent that may be automated."""
    given = history()
    tickets = given.tickets.assign(product_area=None)
    example = (ROOT / "policy" / "desk.yaml").read_text("utf-8")
    filings = usual_filings(tickets, given.tables["ticket_events"])
    drafted = parse_desk(draft_desk(example, "Kiln", ["small", "large"], list(PEOPLE), filings))
    intent = drafted.intents["login_help"].model_copy(update={"phase": "selective", "action": "send_link"})
    action = parse_desk(example).actions["send_invoice_copy"]
    return drafted.model_copy(
        update={
            "intents": {**drafted.intents, "login_help": intent},
            "actions": {"send_link": action},
            "replies": {"login_help": dict.fromkeys(drafted.automation.languages, "Here is your link.")},
        }
    )
