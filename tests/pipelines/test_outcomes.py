"""Stage outcomes: labels are those known before the evaluation; an answer is late by the promise."""

from pathlib import Path

import pandas as pd
import pytest

from pipelines.outcomes import judged, late_first_responses, settling_time, ticket_outcomes, train_outcomes
from policy.desk import load_desk
from policy.sla import due_times
from tests.models.test_outcomes import LATER, NEW, TRAIN

DESK = load_desk(Path("policy/desk.yaml"))
NOON = pd.Timestamp("2025-03-03 12:00", tz="UTC")  # a Monday
PLAN = next(iter(DESK.plans))
DUE = pd.Timestamp(due_times(DESK, PLAN, NOON.to_pydatetime()).first_response_due_at)
MINUTE = pd.Timedelta(minutes=1)


def event(ticket: str, kind: str, at: pd.Timestamp, by: str = "agent", value: str | None = None) -> dict:
    return {
        "event_id": f"{ticket} {kind} {at}",
        "ticket_id": ticket,
        "known_at": at,
        "occurred_at": at,
        "kind": kind,
        "value": value,
        "actor_kind": by,
        "actor_id": None,
        "text": None,
    }


def ticket(plan: str | None = PLAN) -> pd.DataFrame:
    frame = pd.DataFrame({"ticket_id": ["t"], "created_at": [NOON], "plan": [plan]})
    return frame.astype({"created_at": "datetime64[us, UTC]"})


@pytest.mark.parametrize(
    ("hazard", "told", "until", "late"),
    [
        ("answered in time", [event("t", "reply", DUE)], None, 0),
        ("answered too late", [event("t", "reply", DUE + MINUTE)], None, 1),
        ("solved without a word", [event("t", "solved", NOON + MINUTE)], None, 0),
        ("only the customer wrote", [event("t", "reply", NOON + MINUTE, "customer")], DUE - MINUTE, None),
        ("nobody answered, and it is over", [event("t", "note", NOON)], DUE + MINUTE, 1),
        ("nobody answered, and there is time", [event("t", "note", NOON)], DUE - MINUTE, None),
        ("the answer came afterwards", [event("t", "reply", DUE)], DUE - MINUTE, None),
    ],
)
def test_a_late_first_response_is_one_after_the_promise_as_far_as_known(hazard, told, until, late):
    (found,) = late_first_responses(ticket(), pd.DataFrame(told), DESK, until)
    assert (None if pd.isna(found) else found) == late


def test_labels_of_older_tickets_are_those_known_before_the_evaluation():
    day = pd.Timedelta(days=1)
    created = [NOON + i * day for i in range(10)]
    features = pd.DataFrame({"ticket_id": [f"t{i}" for i in range(10)], "created_at": created, "plan": PLAN})
    features = features.assign(split=["train"] * 5 + ["calibration"] * 3 + ["evaluation"] * 2)
    events = [
        event(f"t{i}", kind, at + after, value=value)
        for i, at in enumerate(created)
        for kind, after, value in (
            ("queue_set", 0 * day, "first"),
            ("queue_set", 2 * day, "second"),
            ("solved", 3 * day, None),
        )
    ]
    tables = {
        "tickets": features[["ticket_id", "created_at"]].assign(known_at=created),
        "ticket_events": pd.DataFrame(events),
    }
    found = ticket_outcomes(features, tables, DESK).set_index("ticket_id")
    assert found["final_queue"].notna().tolist() == [True] * 5 + [False] * 3 + [True] * 2
    assert found["reassigned"].tolist()[:6] == [1] * 6
    assert found["reassigned"].isna().tolist() == [False] * 6 + [True] * 2 + [False] * 2
    assert set(found["opening_queue"]) == {"first"}
    assert found["is_mature"].tolist()[:8] == [True] * 6 + [False] * 2


def test_without_a_solved_ticket_nothing_waits_for_the_end():
    empty = pd.DataFrame([event("t", "note", NOON)])
    assert settling_time(ticket(), empty) == pd.Timedelta(0)


def test_outcomes_of_evaluation_tickets_teach_nothing():
    parts = [TRAIN.assign(split="train"), LATER.assign(split="calibration"), NEW.assign(split="evaluation")]
    frame = pd.concat(parts, ignore_index=True).assign(is_mature=True)
    models, metrics = train_outcomes(frame, 0)
    new = frame["split"] == "evaluation"
    scrambled = frame.assign(
        final_queue=frame["final_queue"].where(~new, "billing"), sla_missed=frame["sla_missed"].mask(new, 1)
    )
    again, _ = train_outcomes(scrambled, 0)
    assert again.predict(NEW.iloc[:20]) == models.predict(NEW.iloc[:20])
    assert metrics["calibration"]["tickets"] == len(LATER)
    found = judged(models, frame[new], frame[frame["split"] == "train"], 0)
    assert found["queue"]["accuracy"] > found["queue"]["opening_queue_accuracy"]
    assert found["queue"]["accuracy_low"] <= found["queue"]["accuracy"] <= found["queue"]["accuracy_high"]
