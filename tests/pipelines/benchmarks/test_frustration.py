"""Anybody's texts and labels: what counts as frustrated, and that no text judges itself."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from pipelines.benchmarks.frustration import measure, report, run_file, states_of
from pipelines.benchmarks.tables import BenchmarkDataError

WORDS = {
    "asking": "how may one change settings invoice",
    "frustrated": "unacceptable ridiculous furious cancel disgrace nobody",
}


def texts(n: int, seed: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    states = rng.choice(list(WORDS), n, p=[0.7, 0.3])
    said = [
        " ".join([*rng.choice(WORDS[s].split(), 2), *rng.choice(["my", "the", "and", "it"], 5)])
        for s in states
    ]
    return pd.DataFrame({"text": said, "label": states})


def test_files_of_strangers_are_measured(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    frame = texts(250, 1).rename(columns={"text": "message"})
    frame["mood"] = frame.pop("label").map({"asking": "calm", "frustrated": "angry"})
    frame.to_csv(tmp_path / "a.csv", index=False)
    found = run_file(Path("a.csv"), "mood", "message", "angry", 0)
    assert found["macro_f1"] > 0.85 > found["majority_macro_f1"]
    assert found["auc"] > 0.9 > found["signals_only_auc"]
    assert set(found["per_label"]) == {"asking", "frustrated"}
    assert sum(part["texts"] for part in found["per_label"].values()) == found["texts"] == 250
    assert "signals alone" in report(found)
    with pytest.raises(BenchmarkDataError, match="lacks the column 'text'"):
        run_file(Path("a.csv"), "mood", "text", "angry", 0)


def test_a_text_given_twice_does_not_teach_its_own_answer():
    rng = np.random.default_rng(0)
    once = pd.DataFrame({"text": [" ".join(rng.choice(list("abcdefgh"), 9)) for _ in range(120)]})
    once["label"] = rng.choice(["asking", "frustrated"], 120)
    thrice = pd.concat([once] * 3, ignore_index=True)
    assert measure(thrice["text"], thrice["label"], 0)["auc"] < 0.75


@pytest.mark.parametrize(
    ("hazard", "labels", "positive", "states"),
    [
        ("our own words", ["asking", "Confused", "frustrated"], None, ["asking", "confused", "frustrated"]),
        ("two values", ["0", "1"], None, ["asking", "frustrated"]),
        ("one of them says it", ["calm", "Frustrated"], None, ["asking", "frustrated"]),
        ("asked for", ["happy", "sad", "angry"], "angry", ["asking", "asking", "frustrated"]),
    ],
)
def test_labels_are_read_as_states(hazard, labels, positive, states):
    assert states_of(pd.Series(labels), positive).tolist() == states


@pytest.mark.parametrize("labels", [["happy", "sad", "angry"], ["happy", "sad"]])
def test_labels_that_could_mean_anything_are_refused(labels):
    with pytest.raises(BenchmarkDataError, match="--positive"):
        states_of(pd.Series(labels))


def test_too_few_texts_are_refused_with_numbers():
    frame = texts(40, 1)
    with pytest.raises(BenchmarkDataError, match="40 texts, "):
        measure(frame["text"], frame["label"], 0)
