"""What was filed with a ticket, what became of it, and that neither is known before its time."""

import pandas as pd
import pytest

from features.opening import OPENING_FEATURES, opening_facts, outcome_labels


def at(hour: float) -> pd.Timestamp:
    return pd.Timestamp("2025-03-01", tz="UTC") + pd.Timedelta(hours=hour)


TICKETS = pd.DataFrame({"ticket_id": ["t"], "known_at": [at(1)]}, index=[7])


def events(*told: tuple[float, str, str | None, str]) -> pd.DataFrame:
    rows = [
        {"event_id": f"e{i}", "ticket_id": "t", "known_at": at(hour), "kind": kind, "value": value}
        | {"actor_kind": by, "actor_id": f"{by} 1", "text": value if kind == "note" else None}
        for i, (hour, kind, value, by) in enumerate(told)
    ]
    columns = ["event_id", "ticket_id", "known_at", "kind", "value", "actor_kind", "actor_id", "text"]
    return pd.DataFrame(rows, columns=columns)


FILED = [
    (1, "intent_set", "printer", "agent"),
    (1, "queue_set", "desk", "agent"),
    (1, "priority_set", "high", "system"),
    (1, "note", "paper jam", "agent"),
]


def test_what_was_filed_with_the_ticket_is_known_and_nothing_after_it():
    later = [
        (1.01, "queue_set", "field", "agent"),
        (2, "intent_set", "network", "agent"),
        (3, "priority_set", "urgent", "system"),
        (4, "note", "it was the cable", "agent"),
    ]
    alone, with_later = opening_facts(TICKETS, events(*FILED)), opening_facts(TICKETS, events(*FILED, *later))
    assert alone.loc[7].to_dict() == {
        "opening_intent": "printer",
        "opening_queue": "desk",
        "opening_priority": "high",
        "opening_note": "paper jam",
        "opened_by": "agent 1",
    }
    pd.testing.assert_frame_equal(alone, with_later)


def test_a_ticket_without_a_form_has_no_opening_facts():
    found = opening_facts(
        TICKETS, events((1, "intent_set", "x", "model"), (1, "intent_set", "x", "reviewer"))
    )
    assert found.columns.tolist() == list(OPENING_FEATURES)
    assert found.isna().all().all()


MOVED = [*FILED, (3, "queue_set", "field", "agent")]
SOLVED = (5, "solved", None, "agent")
LATE = (4, "escalated", "sla_missed", "system")


@pytest.mark.parametrize(
    ("hazard", "told", "until", "queue", "reassigned", "missed"),
    [
        ("not over yet", FILED, None, None, None, None),
        ("over, nothing happened", [*FILED, SOLVED], None, "desk", 0, None),
        ("moved, not over", MOVED, None, None, 1, None),
        ("moved and over", [*MOVED, SOLVED], None, "field", 1, None),
        ("moved only afterwards", [*MOVED, SOLVED], 2, None, None, None),
        ("solved only afterwards", [*MOVED, SOLVED], 4, None, 1, None),
        (
            "set again is not moved",
            [*FILED, (2, "queue_set", "desk", "agent"), SOLVED],
            None,
            "desk",
            0,
            None,
        ),
        ("late, and the source says so", [*FILED, LATE, SOLVED], None, "desk", 0, 1),
        ("late, but not known yet", [*FILED, LATE, SOLVED], 3, None, None, None),
        ("another desk's decision", [*FILED, (2, "queue_set", "x", "model"), SOLVED], None, "desk", 0, None),
    ],
)
def test_an_outcome_counts_from_when_it_was_known(hazard, told, until, queue, reassigned, missed):
    found = outcome_labels(TICKETS, events(*told), None if until is None else at(until)).loc[7]
    got = [
        None if pd.isna(found[name]) else found[name] for name in ("final_queue", "reassigned", "sla_missed")
    ]
    assert got == [queue, reassigned, missed]
