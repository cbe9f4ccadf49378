"""Figures that people will quote: each must mean what it says, and the test texts must teach nothing."""

import json

import numpy as np
import pandas as pd
import pytest

from pipelines.benchmarks import command
from pipelines.benchmarks.ablation import ablation
from pipelines.benchmarks.intent import measure, threshold_for_precision
from pipelines.benchmarks.recall import Recalling
from pipelines.benchmarks.tables import LabelledTexts
from pipelines.params import Params
from tests.models.desks import tickets
from tests.pipelines.desks import small_params

KNOWN = ("delivery_late", "broken_item", "wrong_size", "card_declined")


def texts(n: int, seed: int, topics: tuple[str, ...] = KNOWN, blur: float = 0.1) -> pd.DataFrame:
    frame = tickets(n, seed, blur, topics)
    return pd.DataFrame({"text": frame["subject"] + " " + frame["body"], "label": frame["intent"]})


TRAIN, TEST = texts(240, 0), texts(120, 1)
STRANGE = texts(60, 2, ("gift_voucher", "login_help"), blur=0.0).assign(label="")


def params(encoder: str = "none") -> Params:
    return small_params(intent={"encoder": encoder})


@pytest.fixture(scope="module")
def found() -> dict:
    with_copies = pd.concat([TEST, TRAIN.iloc[:5]], ignore_index=True)
    return measure(LabelledTexts("x", TRAIN, with_copies, None, STRANGE), params(), seed=0)


def test_the_model_beats_guessing_and_the_figures_agree_with_each_other(found):
    test = found["test"]
    low, high = test["accuracy_interval"]
    assert 0.7 < low < test["accuracy"] < high < 1
    assert 0 < test["calibration_error"] < 0.2
    assert test["out_of_scope"]["auroc"] > 0.8
    assert test["out_of_scope"]["texts"] == len(STRANGE)
    assert found["ms_per_ticket_p50"] > 0
    assert test["precision_coverage"][-1]["precision"] == pytest.approx(test["accuracy"])


def test_test_texts_that_are_also_in_train_are_counted_and_left_out_once_more(found):
    assert found["test_texts_also_in_train"] >= 5
    assert found["test_without_them"]["texts"] == found["test_texts"] - found["test_texts_also_in_train"]


def test_test_texts_and_labels_teach_nothing(found):
    rng = np.random.default_rng(0)
    shuffled = TEST.assign(label=rng.permutation(TEST["label"]))
    again = measure(LabelledTexts("x", TRAIN, shuffled, None, STRANGE), params(), seed=0)
    assert again["validation"] == found["validation"]
    assert again["test"]["at_99_precision"]["threshold"] == found["test"]["at_99_precision"]["threshold"]
    assert again["test"]["out_of_scope"]["threshold"] == found["test"]["out_of_scope"]["threshold"]
    assert again["test"]["accuracy"] < 0.5


def test_thresholds_come_from_validation_texts_where_there_are_some(found):
    validated = LabelledTexts("x", TRAIN, TEST, texts(80, 5), STRANGE)
    again = measure(validated, params(), seed=0)
    assert again["thresholds_chosen_on"] == "validation texts"
    assert again["test"]["out_of_scope"]["threshold"] != found["test"]["out_of_scope"]["threshold"]


def test_embeddings_are_used_as_the_pipeline_uses_them():
    recalling = Recalling()
    few = LabelledTexts("x", TRAIN.iloc[:120], TEST.iloc[:30])
    found = measure(few, params("installed"), 0, recalling)
    assert found["encoder"]["sha256"]
    assert len(recalling.known) > 100
    assert found["test"]["accuracy"] > 0.7


@pytest.mark.parametrize(
    ("hazard", "probability", "right", "expected"),
    [
        ("none is good enough", [0.9, 0.8], [0, 1], None),
        ("all are right", [0.9, 0.8, 0.7], [1, 1, 1], 0.7),
        ("an error in the tail", [0.9, 0.8, 0.7], [1, 1, 0], 0.8),
        ("texts of one probability are decided together", [0.9, 0.8, 0.8], [1, 1, 0], 0.9),
    ],
)
def test_a_threshold_is_the_lowest_that_holds_its_precision(hazard, probability, right, expected):
    assert threshold_for_precision(np.array(probability), np.array(right), 0.99) == expected


def test_every_run_is_logged_and_nothing_of_the_texts_is(found, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    command.log_run(found)
    assert list(tmp_path.iterdir()) == []  # outside a checkout there is no log to keep
    (tmp_path / "docs").mkdir()
    command.log_run(found)
    command.log_run(found)
    lines = (tmp_path / "docs" / "benchmark_runs.jsonl").read_text("utf-8").splitlines()
    assert len(lines) == 2
    entry = json.loads(lines[0])
    assert entry["test"]["accuracy"] == pytest.approx(found["test"]["accuracy"], abs=1e-6)
    assert "date" in entry
    assert TRAIN["text"].iloc[0] not in lines[0]


def test_every_claim_finds_its_figure_and_a_missed_target_says_so(found):
    for preset in ("banking77", "clinc150", "banking77_oos"):
        for claim in command.CLAIMS[preset]:
            result = claim.result(found, "firstline benchmark", "x", command.note(found))
            assert np.isfinite(result.value)
            if result.met is not None:
                bar = float(result.target.split()[-1])
                assert result.met == (result.value <= bar if claim.at_most else result.value >= bar)
    assert "accuracy" in command.report(found)


def test_an_ablation_reads_no_test_text_and_shows_what_a_part_is_worth():
    nothing_to_read = LabelledTexts("x", TRAIN, TEST.iloc[:0])
    entries = {entry["left_out"]: entry for entry in ablation(nothing_to_read, params(), 0)}
    assert entries["nothing"]["part_adds_interval"] == (0, 0)
    assert entries["n-gram evidence"]["accuracy"] < entries["nothing"]["accuracy"] - 0.2
    assert "embeddings" not in entries  # there were none to leave out
    assert "it adds" in command.ablation_report({"set": "x", "ablation": list(entries.values())})


def test_draws_of_few_examples_are_averaged():
    draws = [{"test": {"accuracy": value}} for value in (0.8, 0.9)]
    mean = command.mean_of(draws)
    assert mean["accuracy"] == pytest.approx(0.85)
    assert mean["accuracy_interval"][0] == pytest.approx(0.75)
    (claim,) = command.CLAIMS["banking77_10shot"]
    assert claim.result(mean, "c", "d", command.note(mean)).met
