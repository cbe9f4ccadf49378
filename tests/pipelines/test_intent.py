import numpy as np
import pandas as pd
import pytest

from models.intent import IntentModel
from models.intent_training import NothingToLearnError
from models.metrics import accuracy
from models.release import absent_reason
from models.rolling_origin import time_blocks, verified_cases
from pipelines import intent as stage
from pipelines.intent import TrainedIntent, best_labels, customers, train_intent
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


def test_labels_of_calibration_never_train_the_ranking(trained, tmp_path):
    later = FRAME["split"] == "calibration"
    changed = FRAME.copy()
    changed.loc[later, ["intent_label", "intent_reviewed"]] = "login_help"
    again = saved(train_intent(changed, PARAMS), tmp_path / "changed")
    original = saved(trained, tmp_path / "original")
    assert {name for name in original if original[name] != again[name]} == {"model.json"}  # the calibrator


def test_evidence_is_later_than_what_judged_it():
    blocks = time_blocks(100)
    assert [block[0] for block in blocks] == [0, 34, 67]
    assert np.concatenate(blocks).tolist() == list(range(100))


def test_a_verified_case_is_a_review_or_where_those_are_few_a_confirmation_with_its_errors(trained):
    said = trained.model.predict(FRAME.iloc[:6])
    right = pd.Series([p.intent for p in said], dtype="str")
    none = pd.Series([None] * 6, dtype="str")
    confirmed = pd.Series([True, True, False, True, False, False])
    agents = right.mask(right.index == 1, "something else")
    reviewed = none.mask(none.index == 2, "something else").mask(none.index == 3, right)
    cases = verified_cases(said, agents, reviewed, confirmed, 0.95, 0.95)
    assert cases["source"].tolist() == ["confirmed", "confirmed", "reviewed", "reviewed"]
    assert cases["correct"].tolist() == [True, False, False, True]


def test_confirmations_do_not_count_where_reviews_can_prove_it(trained):
    said = trained.model.predict(FRAME.iloc[[0]]) * 70
    agents = pd.Series([said[0].intent] * 70)
    reviewed = agents.where(agents.index < 60)
    cases = verified_cases(said, agents, reviewed, pd.Series([True] * 70), 0.95, 0.95)
    assert cases["source"].value_counts().to_dict() == {"reviewed": 60}


def test_reviewers_overrule_agents():
    frame = pd.DataFrame({"intent_reviewed": [None, "b", None], "intent_label": ["a", "a", None]}).astype(
        "str"
    )
    assert best_labels(frame).tolist()[:2] == ["a", "b"]
    assert best_labels(frame).isna().tolist() == [False, False, True]


def test_tickets_of_nobody_known_stand_for_themselves():
    frame = pd.DataFrame(
        {"ticket_id": ["1", "2", "3"], "account_id": ["a", None, None], "contact_id": ["x", "c", None]}
    ).astype("str")
    assert customers(frame).tolist() == ["a", "c", "3"]


def test_a_desk_without_labels_goes_on_without_an_intent_model(tmp_path, monkeypatch):
    unlabelled = FRAME.assign(
        intent_label=pd.Series(None, index=FRAME.index, dtype="str"), intent_reviewed=None
    )
    with pytest.raises(NothingToLearnError, match="two intents with 10 examples each") as refused:
        train_intent(unlabelled, PARAMS)
    for name in ("FOLDER", "OUT_OF_FOLD", "EVIDENCE", "THRESHOLDS"):
        monkeypatch.setattr(stage, name, tmp_path / getattr(stage, name).name)
    stage.write_nothing(unlabelled, str(refused.value))
    assert "two intents" in absent_reason(tmp_path / "intent")
    assert stage.read_thresholds() == {}
    predictions = pd.read_parquet(tmp_path / "intent_oof.parquet")
    assert predictions["intent"].isna().all()
    assert predictions["out_of_scope"].all()


def test_what_is_written_is_what_was_trained(trained, tmp_path, monkeypatch):
    for name in ("FOLDER", "OUT_OF_FOLD", "EVIDENCE", "THRESHOLDS"):
        monkeypatch.setattr(stage, name, tmp_path / getattr(stage, name).name)
    stage.write(trained)
    assert stage.read_thresholds() == trained.thresholds
    fresh = tickets(20, seed=50)
    assert IntentModel.load(tmp_path / "intent").predict(fresh) == trained.model.predict(fresh)
