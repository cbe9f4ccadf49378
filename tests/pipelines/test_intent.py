import numpy as np
import pandas as pd
import pytest

from features.hold_out import in_hold_out
from models.intent import IntentModel
from models.intent_training import NothingToLearnError
from models.metrics import accuracy
from models.release import absent_reason
from models.verified import verified_cases
from pipelines import artifacts
from pipelines import intent as stage
from pipelines.intent import TrainedIntent, best_labels, train_intent
from tests.models.desks import tickets
from tests.pipelines.desks import featured_tickets, small_params

PARAMS = small_params()
FRAME = featured_tickets()


@pytest.fixture(scope="module")
def trained() -> TrainedIntent:
    return train_intent(FRAME, PARAMS)


def saved(trained: TrainedIntent, folder) -> dict[str, bytes]:
    trained.model.save(folder)
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def written_to(folder, monkeypatch) -> None:
    for name in ("FOLDER", "OUT_OF_FOLD", "EVIDENCE", "THRESHOLDS"):
        monkeypatch.setattr(stage, name, folder / getattr(stage, name).name)
    monkeypatch.setattr(artifacts, "PLOTS", folder)


def test_every_ticket_gets_a_prediction_under_its_own_id(trained):
    assert trained.predictions["ticket_id"].tolist() == FRAME["ticket_id"].tolist()
    new = (FRAME["split"] == "evaluation").to_numpy()
    truth = tickets(900, 0, 0.1)["intent"]
    assert accuracy(truth[new], trained.predictions["intent"][new]) > 0.8
    alone = trained.model.predict(FRAME[new])
    assert [p.intent for p in alone] == trained.predictions["intent"][new].tolist()


def test_nothing_of_the_evaluation_tickets_reaches_model_or_thresholds(trained, tmp_path):
    new = FRAME["split"] == "evaluation"
    rng = np.random.default_rng(5)
    changed = FRAME.copy()
    for column in ("subject", "body", "intent_label", "intent_reviewed", "channel", "plan"):
        changed.loc[new, column] = rng.permutation(changed.loc[new, column].to_numpy())
    changed.loc[new, "intent_confirmed"] = True
    again = train_intent(changed, PARAMS)
    assert saved(again, tmp_path / "changed") == saved(trained, tmp_path / "original")
    assert again.thresholds == trained.thresholds
    pd.testing.assert_frame_equal(again.evidence, trained.evidence)


def test_what_is_said_of_a_ticket_does_not_depend_on_its_own_label_or_later_ones(trained):
    later = FRAME["split"] == "calibration"
    changed = FRAME.copy()
    changed.loc[later & FRAME["intent_label"].notna(), "intent_label"] = "login_help"
    changed.loc[later & FRAME["intent_reviewed"].notna(), "intent_reviewed"] = "login_help"
    again = train_intent(changed, PARAMS).predictions
    labelled = best_labels(FRAME).notna() & (FRAME["split"] != "evaluation")
    earlier = [*np.flatnonzero(labelled & ~later)]
    pd.testing.assert_frame_equal(again.iloc[earlier], trained.predictions.iloc[earlier])
    assert (again["intent"][labelled & later] == trained.predictions["intent"][labelled & later]).all()


def test_the_random_hold_out_is_never_learnt_from_and_judges(tmp_path):
    """Labels come from whoever answers; the hold-out is a fair draw only while no model has met it."""
    params = small_params(intent={"hold_out_share": 0.1})
    held = FRAME["ticket_id"].map(lambda one: in_hold_out(one, 0.1)).astype(bool)
    mine = held & (FRAME["split"] != "evaluation") & best_labels(FRAME).notna()
    changed = FRAME.copy()
    for column in ("intent_label", "intent_reviewed", "body", "subject"):
        changed.loc[held, column] = "login_help"
    made, again = train_intent(FRAME, params), train_intent(changed, params)
    assert saved(again, tmp_path / "changed") == saved(made, tmp_path / "original")
    found = made.metrics["hold_out"]
    assert found["tickets"] == mine.sum() > 50
    assert found["low"] <= found["accuracy"] <= found["high"]
    assert found["accuracy"] == pytest.approx(
        accuracy(best_labels(FRAME)[mine], made.predictions["intent"][mine])
    )


def test_without_being_asked_nothing_is_held_out_and_every_label_counts_alike(trained, tmp_path):
    weighed = FRAME.assign(label_weight=np.where(FRAME.index % 2, 9.0, 1.0))
    assert trained.metrics["hold_out"] == {"tickets": 0}
    assert saved(train_intent(weighed, PARAMS), tmp_path / "a") == saved(trained, tmp_path / "b")


def test_a_label_that_stands_for_many_makes_the_model_less_sure_of_the_others():
    """Of one wording, three in four labels say login_help; the others stand for nine tickets each."""
    frame = featured_tickets(600, blur=0.0).assign(intent_reviewed=pd.Series(None, dtype="str"))
    about = np.flatnonzero(frame["intent_label"] == "gift_voucher")
    frame.loc[about, "intent_label"] = "login_help"
    frame.loc[about[::4], "intent_label"] = "gift_voucher"
    frame["label_weight"] = frame["intent_label"].eq("gift_voucher").map({True: 9.0, False: 1.0})
    fresh = featured_tickets(300, seed=3, blur=0.0)
    fresh = fresh[fresh["intent_label"] == "gift_voucher"]

    def sure(weighing: bool) -> float:
        model = train_intent(frame, small_params(intent={"label_weights": weighing})).model
        return float(np.mean([p.probability for p in model.predict(fresh) if p.intent == "login_help"]))

    assert sure(True) < sure(False) - 0.1


@pytest.mark.parametrize(
    ("told", "asked", "largest_to_smallest"),
    [
        ([1.0, 1.0], True, None),
        ([1.0, 3.0], False, None),
        ([1.0, 3.0], True, 3.0),
        ([1.0] * 99 + [50.0], True, 14.9),  # ten times the mean of 1.49, not fifty times the smallest
    ],
    ids=["all alike", "not asked for", "as told", "capped"],
)
def test_weights_have_a_mean_of_one_and_a_cap(told, asked: bool, largest_to_smallest: float | None):
    params = small_params(intent={"label_weights": asked}).intent
    weight = stage.weights(pd.DataFrame({"label_weight": told}), params)
    assert (weight is None) == (largest_to_smallest is None)
    if weight is not None:
        assert weight.mean() == pytest.approx(1)
        assert weight.max() / weight.min() == pytest.approx(largest_to_smallest)


def cases(n: int, **columns: object) -> pd.DataFrame:
    frame = pd.DataFrame(
        {"intent": ["a"] * n, "probability": 0.9, "intent_reviewed": None, "intent_label": "a"}
    )
    frame = frame.assign(intent_confirmed=False).assign(**columns)
    return frame.astype({"intent_reviewed": "str", "intent_label": "str"})


def test_a_verified_case_is_a_review_or_where_those_are_few_a_confirmation_with_its_errors():
    frame = cases(
        6,
        intent_label=["a", "b", "a", "a", "a", None],
        intent_reviewed=[None, None, "b", "a", None, None],
        intent_confirmed=[True, True, False, True, False, True],
    )
    found = verified_cases(frame, 0.95, 0.95)
    assert found["source"].tolist() == ["confirmed", "confirmed", "reviewed", "reviewed"]
    assert found["correct"].tolist() == [True, False, False, True]


def test_confirmations_do_not_count_where_reviews_can_prove_it():
    frame = cases(70, intent_reviewed=["a"] * 60 + [None] * 10, intent_confirmed=True)
    assert verified_cases(frame, 0.95, 0.95)["source"].value_counts().to_dict() == {"reviewed": 60}
    assert len(verified_cases(frame.iloc[:30], 0.95, 0.95)) == 30
    assert verified_cases(frame.iloc[:0], 0.95, 0.95).empty


def test_reviewers_overrule_agents():
    frame = pd.DataFrame({"intent_reviewed": [None, "b", None], "intent_label": ["a", "a", None]}).astype(
        "str"
    )
    assert best_labels(frame).tolist()[:2] == ["a", "b"]
    assert best_labels(frame).isna().tolist() == [False, False, True]


def test_a_desk_without_labels_goes_on_without_an_intent_model(tmp_path, monkeypatch):
    unlabelled = FRAME.assign(
        intent_label=pd.Series(None, index=FRAME.index, dtype="str"), intent_reviewed=None
    )
    with pytest.raises(NothingToLearnError, match="two intents with 10 examples each") as refused:
        train_intent(unlabelled, PARAMS)
    written_to(tmp_path, monkeypatch)
    stage.write_nothing(unlabelled, str(refused.value))
    assert "two intents" in absent_reason(tmp_path / "intent")
    assert stage.read_thresholds() == {}
    predictions = pd.read_parquet(tmp_path / "intent_oof.parquet")
    assert predictions["intent"].isna().all()
    assert predictions["out_of_scope"].all()


def test_what_is_written_is_what_was_trained(trained, tmp_path, monkeypatch):
    written_to(tmp_path, monkeypatch)
    stage.write(trained)
    assert stage.read_thresholds() == trained.thresholds
    shown = pd.read_csv(tmp_path / "intent_thresholds.csv")
    assert shown["intent"].tolist() == sorted(trained.thresholds)
    assert shown["n"].sum() == sum(found.n for found in trained.thresholds.values())
    fresh = tickets(20, seed=50)
    assert IntentModel.load(tmp_path / "intent").predict(fresh) == trained.model.predict(fresh)
