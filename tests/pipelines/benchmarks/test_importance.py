"""Importance: a group that matters shows, one that says nothing does not; its cost is that of one ticket."""

import numpy as np
import pandas as pd
import pytest

from features.account import SNAPSHOT_GROUPS
from features.schema import completed
from features.ticket import TICKET_FEATURES, TICKET_GROUPS
from models.churn import ChurnModel
from pipelines.benchmarks.importance.cost import snapshot_groups, ticket_groups
from pipelines.benchmarks.importance.questions import (
    SAME_WORDS,
    TICKET,
    Question,
    Said,
    answered,
    saved_bytes,
    unknown,
)
from pipelines.benchmarks.importance.run import report, run
from tests.serving.sample import tickets


class Nothing:
    """A model whose file grows with what it was told."""

    def __init__(self, size: int) -> None:
        self.size = size

    def save(self, folder) -> None:
        folder.mkdir()
        (folder / "model.txt").write_text("x" * self.size)


def accounts(seed: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    cause = rng.normal(size=400)
    return pd.DataFrame(
        {"cause": cause, "noise": rng.normal(size=400), "account_id": [f"A{i}" for i in range(400)]}
    ).assign(left=(cause + 0.5 * rng.normal(size=400) > 0).astype(float))


def ask(train: pd.DataFrame, later: pd.DataFrame) -> Said:
    numbers = ["cause", "noise"]
    model = ChurnModel.fit(train, train["left"], 0, None, numbers, [])
    return Said(model.predict(later), model)


def test_what_decides_adds_much_and_what_says_nothing_adds_nothing():
    later = accounts(2)
    groups = {"cause": ["cause"], "noise": ["noise"]}
    truth = later["left"].to_numpy()
    question = Question("churn", "AUC", accounts(1), later, groups, ask, truth, "account_id")
    cause, noise = answered(question, seed=0)
    assert cause["interval"][0] > 0.2
    assert noise["interval"][0] < 0.01
    assert noise["interval"][1] < 0.05
    assert cause["cases"] == 400
    assert cause["with_all"] == pytest.approx(0.9, abs=0.06)


def test_bytes_are_those_that_the_model_has_because_of_the_group():
    def told(train: pd.DataFrame, later: pd.DataFrame) -> Said:
        return Said(np.ones(len(later)), Nothing(100 * int(train.notna().sum().sum())))

    frame = pd.DataFrame({"a": [1.0, 2.0], "b": ["x", None]})
    first, second = answered(Question("m", "share right", frame, frame, {"a": ["a"], "b": ["b"]}, told), 0)
    assert (first["bytes"], second["bytes"]) == (200, 100)
    assert saved_bytes(Nothing(7)) == 7


def test_unknown_is_told_of_nobody_and_the_rest_stays():
    frame = pd.DataFrame(
        {"n": [1.0], "whole": pd.array([1], "Int8"), "c": ["x"], "body": ["text"], "kept": [1]}
    )
    found = unknown(frame, ["n", "whole", "c", "body", "not there"]).iloc[0]
    assert found[["n", "whole", "c"]].isna().all()
    assert (found["body"], found["kept"]) == (SAME_WORDS, 1)


def test_groups_are_those_that_features_declare_and_every_feature_is_in_one():
    declared = [name for group in TICKET.values() for name in group]
    assert len(declared) == len(set(declared))
    assert set(TICKET_FEATURES) <= set(declared)


def test_cost_is_measured_for_every_group_from_one_customers_rows():
    tables = completed({"tickets": tickets({"ticket_id": "1"}, {"ticket_id": "2", "account_id": "A2"})})
    assert set(ticket_groups(tables)) == {*TICKET_GROUPS, "same issue"}
    assert set(snapshot_groups(tables)) == set(SNAPSHOT_GROUPS)
    assert min(ticket_groups(tables).values()) >= 0


def test_a_model_that_does_not_exist_is_refused_by_name():
    with pytest.raises(ValueError, match="'spoon'; there are intent, sentiment"):
        run(["spoon"])


def test_the_report_says_what_is_unknown_and_what_is_absent():
    entry = {"model": "churn", "measure": "AUC", "cases": 5, "with_all": None, "group": "usage", "adds": None}
    told = report(
        {
            "absent": {"priority": "no labels"},
            "entries": [entry | {"interval": None, "milliseconds": None, "bytes": -12}],
        }
    )
    assert "no priority model: no labels" in told
    assert "unknown" in told
    assert "-12 bytes" in told
