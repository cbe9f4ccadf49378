from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from models.encoders import ENCODERS, TextEncoder, encoder_named
from models.intent import IntentModel
from models.intent_blocks import folds, held_out_intents, time_blocks
from models.intent_training import Foretold, IntentSettings, NothingToLearnError, fit_intent, ranker_data
from models.metrics import accuracy, auc, expected_calibration_error
from tests.models.desks import TOPICS, encoded, tickets

SETTINGS = IntentSettings(min_examples=10, seed=1)


def fitted(
    frame: pd.DataFrame, settings: IntentSettings = SETTINGS, blocks: int = 4
) -> tuple[IntentModel, Foretold]:
    labels = frame["intent"].to_numpy(dtype=object)
    data = ranker_data(encoded(frame), labels, time_blocks(len(frame), 0, blocks), settings)
    return fit_intent(data, np.zeros(len(frame), dtype=bool), settings)


@pytest.fixture(scope="module")
def model() -> IntentModel:
    return fitted(tickets(1300, seed=1, blur=0.15))[0]


def said(model: IntentModel, frame: pd.DataFrame) -> tuple[list[str | None], np.ndarray]:
    predictions = model.predict(frame)
    return [p.intent for p in predictions], np.array([p.probability for p in predictions])


def test_a_handful_of_tickets_is_learnt_by_heart():
    few = tickets(90, seed=3, topics=("delivery_late", "broken_item", "login_help"))
    assert accuracy(few["intent"], said(fitted(few)[0], few)[0]) > 0.97


def test_the_probability_is_that_of_being_right(model):
    fresh = tickets(800, seed=4, blur=0.15)
    intents, probability = said(model, fresh)
    right = fresh["intent"].to_numpy() == np.array(intents, dtype=object)
    assert expected_calibration_error(probability, right) < 0.05
    assert 0.8 < right.mean() < 0.95
    assert probability[right].mean() > probability[~right].mean() + 0.3


def test_an_intent_never_learnt_is_recognised_as_unknown(model):
    known, unknown = tickets(200, seed=5), tickets(200, seed=6)
    words = dict(zip(" ".join(TOPICS.values()).split(), (f"quux{i}" for i in range(48)), strict=True))
    unknown["body"] = unknown["body"].map(lambda text: " ".join(words.get(w, w) for w in text.split()))
    unknown["subject"] = unknown["subject"].map(lambda text: " ".join(words.get(w, w) for w in text.split()))
    doubt = [p.out_of_scope_probability for p in model.predict(pd.concat([known, unknown]))]
    assert auc(np.repeat([0, 1], 200), np.array(doubt)) > 0.9
    assert np.mean([p.out_of_scope for p in model.predict(known)]) < 0.1


@pytest.mark.parametrize(
    "text", ["", "  \n ", "12345 !!! 678", "パスワードを忘れました", "Забыл пароль от входа"]
)
def test_a_text_nobody_here_can_read_is_out_of_scope_not_guessed(model, text):
    (prediction,) = model.predict(pd.DataFrame({"subject": [""], "body": [text]}))
    assert prediction[:5] == (None, 0.0, True, 1.0, ())
    assert "script that the intent model learnt" in prediction.unread


def in_languages(frame: pd.DataFrame, *languages: tuple[str, float]) -> pd.DataFrame:
    told = [languages[i % len(languages)] for i in range(len(frame))]
    return frame.assign(language=[name for name, _ in told], language_confidence=[sure for _, sure in told])


@pytest.fixture(scope="module")
def bilingual() -> IntentModel:
    return fitted(in_languages(tickets(200, seed=1), ("en", 0.99), ("de", 0.95), ("en", 0.5)))[0]


@pytest.mark.parametrize(
    ("hazard", "language", "confidence", "reads"),
    [
        ("a language never learnt is not guessed", "pl", 0.99, False),
        ("a language learnt is read", "de", 0.99, True),
        ("a detector that is unsure decides nothing", "pl", 0.6, True),
        ("a language nobody could tell decides nothing", "und", 0.99, True),
        ("a language that is not told decides nothing", None, None, True),
    ],
)
def test_a_text_in_a_language_never_learnt_goes_to_people_by_name(
    bilingual, hazard, language, confidence, reads
):
    assert bilingual.languages == ("de", "en")
    (said,) = bilingual.predict(in_languages(tickets(1, seed=4), (language, confidence)))
    assert (said.intent is not None) is reads
    if not reads:
        assert said.out_of_scope
        assert said.unread == "language pl, which the intent model never learnt"


@pytest.mark.parametrize("n", [100, 200, 250])
def test_a_young_desk_whose_first_blocks_knew_fewer_intents_is_learnt_from(n):
    model, _ = fitted(tickets(n, seed=1))
    assert len(model.classes) == len(TOPICS)


def test_a_few_strays_do_not_make_a_language_known():
    frame = in_languages(tickets(160, seed=1), *[("en", 0.99)] * 19, ("pl", 0.99))
    assert fitted(frame)[0].languages == ("en",)


def test_a_desk_whose_languages_nobody_detected_reads_them_all(model):
    assert model.languages == ()
    (said,) = model.predict(in_languages(tickets(1, seed=4), ("pl", 1.0)))
    assert said.intent is not None


def test_missing_text_and_unknown_circumstances_do_not_fail(model):
    odd = pd.DataFrame({"subject": [None], "body": ["parcel courier delayed"], "plan": ["never heard of"]})
    assert model.predict(odd)[0].intent == "delivery_late"
    assert model.predict(odd.iloc[:0]) == []


def test_a_megabyte_of_text_is_read_from_its_beginning(model):
    long = "my parcel and the courier are delayed " + "lorem ipsum " * 90_000
    assert model.predict(pd.DataFrame({"subject": [""], "body": [long]}))[0].intent is not None


def test_rare_labels_are_left_out_by_name():
    frame = tickets(300, seed=7)
    frame.loc[:4, "intent"] = "asked_once"
    model, _ = fitted(frame)
    assert model.left_out == {"asked_once": 5}
    assert "asked_once" not in model.classes


def test_a_new_intent_is_understood_from_a_handful_of_examples():
    known = tickets(500, seed=30, topics=("delivery_late", "broken_item", "wrong_size", "login_help"))
    new = tickets(8, seed=31, topics=("gift_voucher",))
    model, _ = fitted(pd.concat([known, new], ignore_index=True), replace(SETTINGS, min_examples=5))
    fresh = tickets(60, seed=32, topics=("gift_voucher",))
    assert accuracy(fresh["intent"], said(model, fresh)[0]) > 0.7


def test_three_alternatives_come_with_their_probabilities_best_first(model):
    for prediction in model.predict(tickets(50, seed=33, blur=0.3)):
        names = [prediction.intent, *(name for name, _ in prediction.alternatives)]
        probabilities = [prediction.probability, *(p for _, p in prediction.alternatives)]
        assert len(set(names)) == 4
        assert probabilities == sorted(probabilities, reverse=True)
        assert all(0 <= p <= 1 for p in probabilities)


def test_one_intent_is_nothing_to_learn():
    with pytest.raises(
        NothingToLearnError,
        match=r"two intents with 10 examples each .* examples login_help: label more",
    ):
        fitted(tickets(60, topics=("login_help",)))


def test_tickets_without_text_are_nothing_to_learn_and_no_crash():
    """An export of incidents may hold no word that a customer wrote."""
    with pytest.raises(NothingToLearnError, match="no word occurs in two of these 120 tickets"):
        fitted(tickets(120).assign(subject="", body=""))


def test_text_that_begins_late_is_learnt_from_when_it_is_there():
    frame = tickets(600)
    frame.loc[:299, ["subject", "body"]] = ""
    model, foretold = fitted(frame)
    assert len(model.classes) > 1
    assert len(foretold.intent)


def test_two_intents_are_enough():
    model, _ = fitted(tickets(120, seed=8, topics=("login_help", "wrong_size")))
    assert model.classes == ("login_help", "wrong_size")
    assert model.novelty is None
    assert [len(p.alternatives) for p in model.predict(tickets(2, seed=9))] == [1, 1]


def test_no_ticket_is_judged_by_what_learnt_from_it():
    frame = tickets(800, seed=10)
    frame["intent"] = np.random.default_rng(0).permutation(frame["intent"])
    _, foretold = fitted(frame)
    assert accuracy(frame["intent"], foretold.intent) < 0.27  # guessing gives 1 in 6


def test_what_is_foretold_does_not_change_with_what_comes_later():
    frame = tickets(800, seed=11, blur=0.1)
    changed = frame.copy()
    changed.loc[600:, "intent"] = np.random.default_rng(0).permutation(changed.loc[600:, "intent"])
    before, after = fitted(frame)[1], fitted(changed)[1]
    assert before.proven.tolist() == list(range(400, 800))
    assert (before.intent[400:] == after.intent[400:]).all()
    assert (before.probability[400:] == after.probability[400:]).all()


def test_a_desk_that_renamed_its_intents_is_understood_by_the_new_names():
    frame = tickets(1200, seed=12)
    frame.loc[:899, "intent"] = "old_" + frame.loc[:899, "intent"]
    fresh = tickets(200, seed=13)
    model, _ = fitted(pd.concat([frame, tickets(600, seed=14)], ignore_index=True))
    assert accuracy(fresh["intent"], said(model, fresh)[0]) > 0.9


def test_what_is_common_just_now_counts_only_where_it_is_known_which_tickets_are_the_newest():
    """In folds that share labels evenly, a count among the learnt gives away the one left out."""
    frame = tickets(300, seed=12)
    labels = frame["intent"].to_numpy(dtype=object)
    for in_time, blocks in ((True, time_blocks(300, 0, 3)), (False, folds(labels, 0))):
        data = ranker_data(encoded(frame), labels, blocks, SETTINGS, in_time)
        assert ("log_recent_prior" in data.columns.names) is in_time


def test_blocks_of_time_are_consecutive_and_hold_every_ticket_once():
    blocks = time_blocks(10, 3, 4)
    assert np.concatenate(blocks).tolist() == list(range(13))
    assert [len(block) for block in blocks] == [3, 3, 2, 2, 3]
    assert [len(block) for block in time_blocks(2, 0, 4)] == [1, 1]


def test_a_dominating_intent_is_never_held_out():
    labels = np.array(["most"] * 80 + ["a"] * 10 + ["b"] * 10 + ["c"] * 10 + ["d"] * 10)
    assert all("most" not in kept for kept in held_out_intents(labels, seed=0))
    assert held_out_intents(np.array(["a", "b", "c"]), seed=0) == []


def test_a_loaded_model_says_exactly_what_the_fitted_one_said(model, tmp_path):
    model.save(tmp_path)
    fresh = tickets(100, seed=13, blur=0.2)
    assert IntentModel.load(tmp_path).predict(fresh) == model.predict(fresh)
    assert len(model.retriever.lifts.names) == 3  # their order in the file decides the ranker's columns


def test_one_ticket_alone_is_scored_as_among_many(model):
    fresh = tickets(60, seed=14, blur=0.2)
    together = model.predict(fresh)
    for i, prediction in enumerate(together):
        (alone,) = model.predict(fresh.iloc[[i]])
        assert alone == prediction  # to the last bit


def test_evidence_in_another_order_is_refused_not_misread(model):
    columns = replace(model.ranker.columns, numbers=model.ranker.columns.numbers[::-1])
    shuffled = replace(model, ranker=replace(model.ranker, columns=columns))
    with pytest.raises(ValueError, match="the ranker was trained on"):
        shuffled.predict(tickets(1))


def test_the_same_data_and_seed_give_the_same_bytes(tmp_path):
    for name in ("once", "again"):
        fitted(tickets(320, seed=15))[0].save(tmp_path / name)
    files = sorted(path.name for path in (tmp_path / "once").iterdir())
    assert files == ["examples.npz", "model.json", "novelty.txt", "proposer.npz", "ranker.txt"]
    for file in files:
        assert (tmp_path / "once" / file).read_bytes() == (tmp_path / "again" / file).read_bytes(), file


def test_what_is_learnt_of_a_customer_helps_where_the_text_does_not():
    train = tickets(900, seed=17, blur=0.6)
    model, _ = fitted(train)
    silent = tickets(400, seed=18, blur=1.0)
    logins = silent[silent["intent"] == "login_help"]
    assert accuracy(logins["intent"], said(model, logins)[0]) > 0.6


def test_encoders_are_found_by_name_and_unknown_ones_are_named():
    assert all(isinstance(encoder_named(name), TextEncoder) for name in ENCODERS)
    with pytest.raises(ValueError, match="'bert' is unknown; known are"):
        encoder_named("bert")
