"""What agents said becomes labels of the next training set: all of it, once, and nothing they did not say."""

import json
from datetime import timedelta
from pathlib import Path

import pandas as pd
import pytest

from connectors.intake.take_in import take_in
from connectors.mapping.file import load_mapping
from features.labels import final_labels, label_weights
from features.schema import TABLES, typed
from monitoring.feedback import feedback_events, next_training_labels, preview_lines
from monitoring.feedback_export import export_feedback, last_exported
from pipelines.ingest import FEEDBACK_MAPPING
from policy.desk import load_desk
from serving.review_draws import draw_due_weeks
from serving.reviews import ReviewRequest, accept_review, review_cases_page
from tests.monitoring.desk import decide, open_desk, say
from tests.pipelines.decisions import NOW, decision

DECIDED = {"intent": "payment_failed", "priority": "urgent", "queue": "billing", "sentiment": "frustrated"}


@pytest.fixture
def store(tmp_path):
    store = open_desk(tmp_path)
    decide(store, [decision("t1"), decision("t2"), decision("t3")])
    yield store
    store.close()


def labels(store, ticket_id="t1"):
    events = feedback_events(store)
    assert list(events.columns) == list(TABLES["ticket_events"].columns)
    kinds = [f"{field}_set" for field in DECIDED]
    found = {kind.removesuffix("_set"): final_labels(events, kind).get(ticket_id) for kind in kinds}
    return {field: value for field, value in found.items() if value is not None}


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ([], {}),
        ([("approve", None, None)], DECIDED),
        ([("approve", "queue", None)], {"queue": "billing"}),
        ([("override", "intent", "refund_request")], {"intent": "refund_request"}),
        ([("reject", None, None)], {}),
        ([("reject", "intent", None)], {}),
        ([("modify", "reply", "Dear Ana")], {}),
        ([("override", "intent", "x"), ("override", "intent", "y")], {"intent": "y"}),
        ([("override", "intent", "x"), ("approve", None, None)], DECIDED | {"intent": "x"}),
        ([("approve", None, None), ("override", "intent", "x")], DECIDED | {"intent": "x"}),
    ],
    ids=[
        "silence is not approval",
        "an approval confirms every field",
        "an approval of one field confirms only that one",
        "an override sets the field",
        "a rejection names no right value",
        "a rejected field names no right value",
        "an edited reply is no label",
        "the last override counts",
        "a correction outweighs a later approval",
        "a correction outweighs an earlier approval",
    ],
)
def test_labels_of_what_was_said(store, said, expected):
    for number, (verdict, field, value) in enumerate(said, start=1):
        say(store, number, "d-t1", verdict, field, value)

    assert labels(store) == expected
    assert labels(store, "t2") == {}


def test_a_label_keeps_who_set_it_when_and_why(store):
    say(store, 1, "d-t1", "override", "intent", "refund_request")

    [event] = feedback_events(store).to_dict("records")

    assert event["actor_kind"] == "agent"
    assert event["actor_id"] == "a1"
    assert event["text"] == "read the whole ticket"
    assert event["known_at"] == event["occurred_at"] > NOW


def test_the_next_training_set_has_the_corrected_label(store):
    say(store, 1, "d-t1", "override", "intent", "refund_request")
    earlier = pd.DataFrame(
        {
            "event_id": ["e1"],
            "ticket_id": ["t1"],
            "known_at": [NOW],
            "occurred_at": [NOW],
            "kind": ["intent_set"],
            "value": ["payment_failed"],
            "actor_kind": ["agent"],
        }
    )

    changed = next_training_labels({"ticket_events": typed("ticket_events", earlier)}, feedback_events(store))

    assert changed.to_dict("records") == [
        {"ticket_id": "t1", "field": "intent", "before": "payment_failed", "after": "refund_request"}
    ]
    assert pd.isna(next_training_labels({}, feedback_events(store)).loc[0, "before"])


def test_the_preview_names_ticket_field_and_both_labels(store):
    assert preview_lines(next_training_labels({}, feedback_events(store)))[0].startswith("no feedback yet")
    say(store, 1, "d-t1", "override", "intent", "refund_request")
    say(store, 2, "d-t2", "override", "intent", "invoice_copy")

    assert preview_lines(next_training_labels({}, feedback_events(store)), shown=1) == [
        "ticket t1: intent not labelled so far, refund_request in the next training set",
        "... and 1 more",
    ]


def test_each_export_adds_one_file_and_an_export_of_nothing_new_adds_none(store, tmp_path):
    folder = tmp_path / "feedback"
    assert export_feedback(store, folder).path is None
    assert not folder.exists()

    say(store, 1, "d-t1", "override", "intent", "refund_request")
    say(store, 2, "d-t2", "approve", "queue")
    first = export_feedback(store, folder)
    again = export_feedback(store, folder)
    content = first.path.read_bytes()
    say(store, 3, "d-t3", "override", "priority", "low")
    second = export_feedback(store, folder)

    assert (first.labels, again.path, second.labels) == (2, None, 1)
    assert sorted(p.name for p in folder.iterdir()) == sorted([first.path.name, second.path.name])
    assert first.path.read_bytes() == content
    assert last_exported([first.path.name, second.path.name]) == second.positions[1]
    assert [json.loads(line)["ticket_id"] for line in second.path.read_text().splitlines()] == ["t3"]


def test_what_is_held_back_is_written_beside_and_told_and_not_exported_again(store, tmp_path):
    folder = tmp_path / "feedback"
    say(store, 1, "d-t1", "override", "intent", "x", agent="ann")
    say(store, 2, "d-t1", "override", "intent", "y", agent="bob")
    say(store, 3, "d-t2", "override", "intent", "z", agent="bob")

    found = export_feedback(store, folder)

    assert (found.labels, dict(found.held)) == (1, {"they said different things of the same ticket": 2})
    assert [json.loads(line)["value"] for line in found.held_path.read_text().splitlines()] == ["x", "y"]
    assert "held back: 2 labels: they said different things of the same ticket" in found.line()
    assert export_feedback(store, folder).path is None
    events = take_in(folder, load_mapping(FEEDBACK_MAPPING), lambda line: None).tables["ticket_events"]
    assert events.kept.loc[events.kept["kind"] == "intent_set", "value"].tolist() == ["z"]


def test_late_feedback_with_an_earlier_clock_is_exported_too(store, tmp_path):
    say(store, 5, "d-t1", "override", "intent", "x")
    export_feedback(store, tmp_path / "feedback")
    say(store, 1, "d-t2", "override", "intent", "y")

    assert export_feedback(store, tmp_path / "feedback").labels == 1


def test_an_exported_line_holds_the_event_and_its_ticket(store, tmp_path):
    say(store, 1, "d-t1", "override", "intent", "refund_request")

    [line] = export_feedback(store, tmp_path / "feedback").path.read_text("utf-8").splitlines()
    row = json.loads(line)

    assert (row["kind"], row["value"]) == ("intent_set", "refund_request")
    assert row["known_at"] == "2026-07-01T08:01:00.000000Z"
    assert row["ticket"]["ticket_id"] == "t1"
    assert row["ticket"]["body"] == "I cannot log in"
    assert (row["source"], row["weight"]) == ("feedback", 3.0)  # one answer among three decisions of its kind


def test_what_leadership_found_of_decisions_drawn_at_random_says_so(store, tmp_path):
    with store.writing() as connection:
        drawn = draw_due_weeks(connection, load_desk(Path("policy/desk.yaml")), NOW + timedelta(days=7))
    assert drawn == 1
    with store.reading() as connection:
        [case] = review_cases_page(connection, "open", NOW, 10)
    wrong = {"field": "intent", "verdict": "wrong", "value": "refund_request", "reason": "read it"}
    verdicts = [wrong, {"field": "action", "verdict": "right"}]
    said = {"decision_id": case.decision_id, "reviewer": "lea", "verdicts": verdicts}
    accept_review(store, ReviewRequest.model_validate(said), NOW + timedelta(days=8))

    [line] = export_feedback(store, tmp_path / "feedback").path.read_text("utf-8").splitlines()
    row = json.loads(line)

    assert (row["source"], row["kind"], row["value"]) == ("review", "intent_set", "refund_request")
    assert (row["actor_id"], row["text"]) == ("lea", "read it")


def test_ingest_reads_exported_feedback_without_loss(store, tmp_path):
    folder = tmp_path / "feedback"
    say(store, 1, "d-t1", "override", "intent", "refund_request")
    say(store, 2, "d-t2", "approve")
    export_feedback(store, folder)

    intake = take_in(folder, load_mapping(FEEDBACK_MAPPING), lambda line: None).tables["ticket_events"]

    weighed = intake.kept["kind"] == "weighed"
    labels = typed("ticket_events", intake.kept[~weighed].reset_index(drop=True))
    pd.testing.assert_frame_equal(labels, feedback_events(store))
    assert label_weights(intake.kept).to_dict() == {"t1": 1.5, "t2": 1.5}  # two answers, three decisions
    assert label_weights(intake.kept, NOW).empty, "before anybody had answered"
    assert intake.quarantine.empty
