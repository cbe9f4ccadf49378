"""Stages sentiment, priority and churn: what they learn, leave out, and never look at."""

import numpy as np
import pandas as pd
import pytest

from pipelines.churn import LABEL, missing_table, train_churn
from pipelines.churn import compared as churn_compared
from pipelines.priority import too_few, train_priority
from pipelines.sentiment import known_intents, ticket_context, train_sentiment
from tests.models.desks import account_features, ticket_features
from tests.pipelines.desks import featured_tickets, small_params

PARAMS = small_params()
REPEATS = ["same_intent_contact_30d", "same_intent_account_30d", "hours_since_same_intent"]
FRAME = featured_tickets(900, seed=2).join(ticket_features(900, seed=2)[[*REPEATS, "intent", "frustration"]])


def snapshots() -> pd.DataFrame:
    frame = account_features(2400, seed=1)
    month = frame["as_of"].dt.month
    split = np.where(month <= 7, "train", np.where(month <= 9, "calibration", "evaluation"))
    return frame.assign(split=split, days_since_usage=np.random.default_rng(0).gamma(1, 5, len(frame)))


def changed_later(frame: pd.DataFrame, label: str) -> pd.DataFrame:
    new = frame["split"] == "evaluation"
    return frame.assign(**{label: frame[label].where(~new, frame[label].iloc[0])})


def test_priority_beats_the_claim_and_never_sees_evaluation_labels(tmp_path):
    trained = train_priority(FRAME, PARAMS)
    found = trained.metrics["calibration"]
    assert found["macro_f1"] > max(found["claimed_macro_f1"], found["majority_macro_f1"]) + 0.1
    again = train_priority(changed_later(FRAME, "priority_label"), PARAMS)
    trained.model.save(tmp_path / "a")
    again.model.save(tmp_path / "b")
    assert [p.read_bytes() for p in sorted((tmp_path / "a").iterdir())] == [
        p.read_bytes() for p in sorted((tmp_path / "b").iterdir())
    ]


@pytest.mark.parametrize(
    ("levels", "reason"),
    [
        (pd.Series([], dtype="str"), "0 training tickets with a priority set by agents"),
        (pd.Series(["high"] * 500), "1 different levels"),
    ],
)
def test_without_priorities_the_stage_says_why_there_is_no_model(levels, reason):
    assert reason in too_few(levels)
    with pytest.raises(ValueError, match=reason):
        train_priority(FRAME.iloc[: len(levels)].assign(priority_label=levels, split="train"), PARAMS)


def test_churn_beats_recency_and_never_sees_evaluation_labels():
    frame = snapshots()
    trained = train_churn(frame, PARAMS)
    assert trained.metrics["calibration"]["auc"] > trained.metrics["calibration"]["recency_auc"] + 0.1
    again = train_churn(changed_later(frame, LABEL), PARAMS)
    assert again.model.model.booster.model_to_string() == trained.model.model.booster.model_to_string()


@pytest.mark.parametrize(
    ("frame", "reason"),
    [
        (snapshots().iloc[:0], "the table accounts is missing or too short"),
        (snapshots().assign(usage_events_90d=np.nan), "the table usage is missing or empty"),
        (snapshots().assign(churned_90d=0), "0 of them before leaving"),
        (snapshots().assign(churned_90d=pd.array([pd.NA] * 2400, dtype="Int8")), "0 labelled account months"),
    ],
)
def test_without_accounts_usage_or_leavers_there_is_no_churn_model_and_a_reason(frame, reason):
    with pytest.raises(ValueError, match=reason):
        train_churn(frame, PARAMS)
    assert missing_table(snapshots()) is None


def test_churn_without_later_snapshots_is_told_not_failed():
    frame = snapshots()
    trained = train_churn(frame[frame["split"] == "train"], PARAMS)
    assert churn_compared(frame.iloc[:0], trained.model, frame) == {"snapshots": 0}


def test_sentiment_of_reviewed_training_tickets_is_not_read_from_their_own_label():
    rng = np.random.default_rng(3)
    frame = FRAME.assign(sentiment_reviewed=rng.choice(["asking", "frustrated"], len(FRAME)))
    frame = frame.assign(**dict.fromkeys(("caps_share", "failed_logins_24h", "exclamation_marks"), 0.0))
    trained = train_sentiment(frame, PARAMS)
    context = ticket_context(trained.model, frame, PARAMS.seed)
    train = frame["split"] == "train"
    label = frame["sentiment_reviewed"][train] == "frustrated"
    gap = context["frustration"][train][label].mean() - context["frustration"][train][~label].mean()
    assert abs(gap) < 0.05
    assert context.columns.tolist() == ["ticket_id", *REPEATS, "state", "frustration"]


def test_sentiment_without_reviews_goes_by_signals_and_says_so():
    trained = train_sentiment(
        FRAME.assign(sentiment_reviewed=pd.Series(None, index=FRAME.index, dtype="str")), PARAMS
    )
    assert trained.model.learnt is None
    assert trained.metrics["signals_only"].startswith("0 reviewed tickets")


def test_an_intent_is_known_as_predicted_first_and_as_corrected_once_agents_said_so():
    came, said = (pd.Timestamp(day, tz="UTC") for day in ("2025-01-01", "2025-01-03"))
    tables = {
        "tickets": pd.DataFrame({"ticket_id": ["1", "2"], "known_at": [came, came]}),
        "ticket_events": pd.DataFrame(
            {
                "ticket_id": ["1", "1"],
                "kind": ["intent_set", "priority_set"],
                "actor_kind": ["agent", "agent"],
                "value": ["refund", "high"],
                "known_at": [said, said],
            }
        ),
    }
    known = known_intents(tables, pd.DataFrame({"ticket_id": ["1", "2"], "intent": ["invoice", None]}))
    assert known[["ticket_id", "intent", "known_at"]].values.tolist() == [
        ["1", "invoice", came],
        ["1", "refund", said],
    ]
