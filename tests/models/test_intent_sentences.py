"""The intent model with embeddings: no score depends on company, none is guessed without the encoder."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from models.encoded import Sentences, encode_tickets
from models.encoders import NgramEncoder
from models.intent import IntentModel
from models.intent_blocks import folds, time_blocks
from models.intent_training import IntentSettings, fit_intent, ranker_data
from models.release import load_release, write_absent, write_release
from models.sentence_space import SentenceSpace
from models.sentences import FOLDER_SETTING, installed_encoder
from models.sentiment import SentimentModel
from tests.models.desks import tickets

SETTINGS = IntentSettings(min_examples=2, seed=1)


def english() -> Sentences:
    encoder = installed_encoder()
    return Sentences(encoder, encoder.identity, ("en",))


def asked(n: int, seed: int) -> pd.DataFrame:
    frame = tickets(n, seed, blur=0.1)
    language = np.where(np.arange(n) % 5 == 0, "de", "en")
    return frame.assign(language=language, language_confidence=1.0)


@pytest.fixture(scope="module")
def model() -> IntentModel:
    frame, sentences = asked(180, 1), english()
    labels = frame["intent"].to_numpy(dtype=object)
    encoded = encode_tickets(frame, NgramEncoder(), sentences)
    data = ranker_data(encoded, labels, folds(labels, 0), SETTINGS, in_time=False)
    return fit_intent(data, np.zeros(len(frame), dtype=bool), SETTINGS, None, sentences)[0]


def test_a_ticket_alone_is_scored_to_the_bit_as_among_many_with_and_without_a_vector(model):
    fresh = asked(40, 2)
    together = model.predict(fresh)
    assert [model.predict(fresh.iloc[[i]])[0] for i in range(len(fresh))] == together
    right = np.array([p.intent for p in together]) == fresh["intent"].to_numpy()
    assert right[fresh["language"] == "de"].mean() > 0.5
    assert right.mean() > 0.7


def test_a_loaded_model_says_exactly_what_the_fitted_one_said(model, tmp_path):
    model.save(tmp_path)
    fresh = asked(40, 3)
    loaded = IntentModel.load(tmp_path)
    assert loaded.predict(fresh) == model.predict(fresh)
    files = {"model.json", "novelty.txt", "proposer.npz", "ranker.txt"}
    assert {path.name for path in tmp_path.iterdir()} == files | {"sentences.npz", "sentence_examples.npz"}
    assert loaded.sentences.identity == model.sentences.identity


def released(model: IntentModel, folder: Path) -> Path:
    model.save(folder / "intent")
    SentimentModel().save(folder / "sentiment")
    for name in ("priority", "churn"):
        write_absent(folder / name, "not asked for")
    (folder / "rules.yaml").write_text("brand: Example\n", encoding="utf-8")
    parts = {name: folder / name for name in ("intent", "sentiment", "priority", "churn")}
    write_release(folder / "release", parts, folder / "rules.yaml", {}, {}, "r1", {})
    return folder / "release"


def test_a_release_names_its_encoder_and_does_not_guess_where_that_is_missing(model, tmp_path, monkeypatch):
    folder = released(model, tmp_path)
    manifest = json.loads((folder / "manifest.json").read_text("utf-8"))
    named = manifest["encoders"]["intent"]["sentences"]
    assert named["model_sha256"] == model.sentences.identity.model_sha256
    assert load_release(folder).intent is not None
    monkeypatch.setenv(FOLDER_SETTING, str(tmp_path / "nowhere"))
    without = load_release(folder)
    assert without.intent is None
    assert "nowhere" in without.absent["intent"]
    assert without.sentiment is not None


@pytest.mark.parametrize(
    ("hazard", "with_vectors"),
    [
        ("the first tickets in the encoder's language come late", slice(150, None)),
        ("a handful of them here and there", slice(None, None, 9)),
        ("only long ago", slice(None, 40)),
        ("too few anywhere", slice(None, None, 60)),
    ],
)
def test_a_desk_that_rarely_writes_in_the_encoder_s_language_is_learnt_from(hazard, with_vectors):
    """One retriever may have too few embeddings where others have enough; one ranker reads them all."""
    frame = tickets(400, seed=5, blur=0.1)
    frame = frame.assign(language="de", language_confidence=1.0)
    frame.loc[frame.index[with_vectors], "language"] = "en"
    labels, sentences = frame["intent"].to_numpy(dtype=object), english()
    encoded = encode_tickets(frame, NgramEncoder(), sentences)
    data = ranker_data(encoded, labels, time_blocks(len(frame), 0, 4), SETTINGS)
    fitted, _ = fit_intent(data, np.zeros(len(frame), dtype=bool), SETTINGS, None, sentences)
    right = np.array([p.intent for p in fitted.predict(frame)]) == labels
    assert right.mean() > 0.8, hazard


def test_a_class_without_any_vector_is_close_to_no_text():
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(60, 16)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    codes = np.repeat([0, 1, 2], 20)
    vectors[codes == 1] = 0
    space = SentenceSpace.fit(vectors, codes)
    close = space.closeness(vectors[[0, 25]], 3)
    for values in (close.logits, close.shares, close.nearest, close.votes):
        assert np.isfinite(values[0]).tolist() == [True, False, True]
        assert np.isnan(values[1]).all()
    assert close.nearest[0, 0] == pytest.approx(1, abs=1e-2)
    assert SentenceSpace.fit(vectors[:10], codes[:10]) is None
    assert SentenceSpace.fit(np.zeros((60, 0), np.float32), codes) is None
