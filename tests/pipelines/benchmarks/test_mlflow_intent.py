"""The model that MLflow serves says what the release says, and nothing of it is pickled."""

import json

import mlflow.pyfunc
import pandas as pd
import pytest

from models.release import load_release
from pipelines.benchmarks.mlflow_intent import asked, save
from tests.serving.tiny_release import write_tiny_release

SAID = ("I forgot the password of my account", "the invoice for our workspace is lost", None)


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    folder = tmp_path_factory.mktemp("mlflow")
    write_tiny_release(folder / "release")
    save(folder / "release", folder / "model")
    return folder


def test_the_saved_model_answers_like_the_release(saved) -> None:
    tickets = [{"ticket_id": str(n), "channel": "email", "body": text} for n, text in enumerate(SAID)]
    rows = [asked(ticket)["dataframe_records"][0] for ticket in tickets]
    answers = mlflow.pyfunc.load_model(str(saved / "model")).predict(pd.DataFrame(rows))
    texts = [text or "" for text in SAID]
    expected = load_release(saved / "release").intent.predict(
        pd.DataFrame({"subject": "", "body": texts, "channel": "email"})
    )
    assert [answer["intent"] for answer in answers] == [one.intent for one in expected]
    assert [answer["probability"] for answer in answers] == [float(one.probability) for one in expected]
    assert answers[0]["intent"] == "password_reset"
    assert json.dumps(answers), "the scoring server answers in JSON"


def test_nothing_of_it_is_pickled(saved) -> None:
    assert not [
        path for path in (saved / "model").rglob("*") if path.suffix in (".pkl", ".pickle", ".joblib")
    ]
