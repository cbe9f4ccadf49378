"""Routing is compared fairly: rules learn from old tickets only, handoffs and agents are counted by hand."""

import pandas as pd
import pytest

from pipelines.benchmarks.routing import compared, first_queues, learnt_rules, report, routed
from tests.policy.examples import NOW, shipped_desk


def test_the_rules_table_asks_the_form_first_then_the_most_telling_word() -> None:
    old = pd.DataFrame(
        {
            "product_area": ["sign_in"] * 30 + [None] * 70,
            "subject": ["about the invoice"] * 30 + ["about the invoice"] * 40 + ["about something"] * 30,
            "body": [""] * 100,
        }
    )
    queues = pd.Series(["access"] * 30 + ["billing"] * 40 + ["product"] * 30)
    rules = learnt_rules(old, queues)
    assert rules.by_area == {"sign_in": "access"}
    assert rules.queue("sign_in", "the invoice") == "access"
    assert rules.queue(None, "Something about the INVOICE") == "product"  # always product, invoice not always
    assert rules.queue(None, "the invoice") == "billing"
    assert rules.queue("unheard of", "???") == "billing"
    assert "rare" not in learnt_rules(old.assign(body="rare").head(20), queues.head(20)).by_word


def event(ticket: str, minute: int, kind: str, value: str) -> dict[str, object]:
    return {"ticket_id": ticket, "known_at": NOW + pd.Timedelta(minutes=minute), "kind": kind, "value": value}


def test_handoffs_are_changes_of_queue_after_the_first() -> None:
    events = pd.DataFrame(
        [
            event("a", 5, "queue_set", "billing"),
            event("a", 1, "queue_set", "access"),
            event("a", 2, "queue_set", "access"),
            event("a", 9, "queue_set", "access"),
            event("a", 3, "assigned", "mia"),
            event("a", 8, "assigned", "bob"),
            event("b", 1, "queue_set", "product"),
        ]
    )
    found = first_queues(events)
    assert found.loc["a"].to_dict() == {"queue": "access", "handoffs": 2, "agent": "mia"}
    assert found.loc["b", "handoffs"] == 0


def test_the_comparison_by_hand() -> None:
    right = pd.Series(["access", "access", "billing", "billing"])
    ours = pd.DataFrame(
        {"queue": ["access", "access", "billing", "product"], "agent": ["mia", "mia", "bob", None]}
    )
    history = pd.DataFrame(
        {
            "queue": ["access", "general", "general", "billing"],
            "handoffs": [0, 1, 2, 0],
            "agent": ["mia", "bob", "bob", "bob"],
            "language": ["en", "de", "de", "de"],
            "intent": ["password_reset", "password_reset", "invoice_copy", "invoice_copy"],
        }
    )
    agents = pd.DataFrame(
        {
            "agent_id": ["mia", "bob"],
            "languages": [["en"], ["de"]],
            "skills": [["password_reset"], ["invoice_copy"]],
        }
    )
    found = compared(right, ours, ["access", "billing", "access", "billing"], history, agents)
    assert (found["firstline_accuracy"], found["rules_accuracy"], found["desk_accuracy"]) == (0.75, 0.5, 0.5)
    assert found["gain_over_rules"] == 0.25
    assert found["desk_handoffs_per_100"] == 75  # 3 in 4 tickets
    assert found["firstline_handoffs_per_100"] == 37.5  # a wrong first queue cost 1.5; 1 in 4 is wrong
    assert found["firstline_agents"] == pytest.approx({"speaks_language": 2 / 3, "knows_subject": 1.0})
    assert found["desk_agents"] == {"speaks_language": 1.0, "knows_subject": 0.75}
    assert "gain over the rules table: 25.0 points" in report(found)


def test_policy_routes_what_the_model_said_and_shares_the_load() -> None:
    row = {
        "account_id": None,
        "channel": "email",
        "subject": "",
        "language": "en",
        "body": "I cannot sign in",
    }
    tickets = pd.DataFrame(
        [
            {**row, "ticket_id": str(n), "created_at": pd.Timestamp(NOW) + pd.Timedelta(minutes=n)}
            for n in range(4)
        ]
    )
    tickets.loc[3, "body"] = "Please delete all my personal data"
    said = pd.DataFrame({"intent": ["password_reset"] * 4, "probability": 0.9, "out_of_scope": False})
    agents = pd.DataFrame(
        {
            "agent_id": ["mia", "zoe"],
            "team": ["access"] * 2,
            "skills": [["password_reset"], ["password_reset"]],
            "languages": [["en"], ["en"]],
        }
    )
    found = routed(shipped_desk(), tickets, said, agents)
    assert list(found["queue"]) == ["access"] * 3 + ["compliance"]
    assert list(found["agent"][:3]) == ["zoe", "mia", "zoe"]
    assert found["agent"].isna()[3]
