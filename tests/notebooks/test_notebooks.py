"""The notebooks run from top to bottom on a desk's artifacts, with tables missing too."""

import json
import os
from pathlib import Path

import nbformat
import numpy as np
import pandas as pd
import pytest

from features.schema import typed
from features.tables import read_tables, write_tables
from pipelines.featurize import ticket_frame, write_features
from pipelines.notebook import NotebookError, execute_notebook, parsed_parameters
from pipelines.params import SplitParams
from tests.project import ROOT

START = pd.Timestamp("2026-01-01", tz="UTC")
TEXTS = {
    "password_reset": "I cannot log in, reset my password",
    "invoice_copy": "please send the invoice again",
}
TICKETS = 600


def write_artifacts(project: Path) -> None:
    """Tickets labelled by agents and reviewers, predictions of which one in ten is wrong, no other table."""
    chance = np.random.default_rng(1)
    created_at = START + pd.to_timedelta(np.arange(TICKETS), unit="h")
    intents = chance.choice(list(TEXTS), TICKETS)
    ids = [f"t{i}" for i in range(TICKETS)]
    tickets = {
        "ticket_id": ids,
        "known_at": created_at,
        "created_at": created_at,
        "channel": chance.choice(["email", "chat"], TICKETS),
        "subject": "",
        "body": [TEXTS[intent] for intent in intents],
    }
    events = [
        {
            "event_id": f"{who}-{ticket}",
            "ticket_id": ticket,
            "known_at": at + pd.Timedelta(hours=1),
            "occurred_at": at + pd.Timedelta(hours=1),
            "kind": "intent_set",
            "value": intent,
            "actor_kind": kind,
            "actor_id": who,
        }
        for ticket, at, intent in zip(ids, created_at, intents, strict=True)
        for who, kind in (("a1", "agent"), ("r1", "reviewer"), ("r2", "reviewer"))
    ]
    artifacts = project / "artifacts"
    tables = {
        "tickets": typed("tickets", pd.DataFrame(tickets)),
        "ticket_events": typed("ticket_events", pd.DataFrame(events)),
    }
    write_tables(artifacts / "tables", tables)
    split = SplitParams(calibration_share=0.4, evaluation_share=0.2)
    write_features(
        artifacts / "features", {"tickets": ticket_frame(read_tables(artifacts / "tables"), split)}
    )
    is_wrong = chance.random(TICKETS) < 0.1
    other = np.where(intents == "password_reset", "invoice_copy", "password_reset")
    predictions = {
        "ticket_id": ids,
        "intent": np.where(is_wrong, other, intents),
        "probability": np.where(is_wrong, 0.6, 0.97),
    }
    (artifacts / "models").mkdir()
    made = pd.DataFrame(predictions)
    made.to_parquet(artifacts / "models" / "intent_oof.parquet")
    verified = made.assign(correct=~is_wrong, source="reviewed").iloc[: TICKETS // 2]
    verified.to_parquet(artifacts / "models" / "intent_evidence.parquet")


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The notebooks beside artifacts of their own."""
    project = tmp_path_factory.mktemp("desk")
    (project / "notebooks").mkdir()
    for path in (ROOT / "notebooks").glob("*.ipynb"):
        (project / "notebooks" / path.name).write_bytes(path.read_bytes())
    write_artifacts(project)
    return project


def printed(executed: Path) -> str:
    cells = json.loads(executed.read_text("utf-8"))["cells"]
    outputs = [output for cell in cells for output in cell.get("outputs", [])]
    return "".join("".join(output.get("text", "")) for output in outputs)


def pictures(executed: Path) -> int:
    cells = json.loads(executed.read_text("utf-8"))["cells"]
    return sum("image/png" in o.get("data", {}) for cell in cells for o in cell.get("outputs", []))


def test_features_are_explored_without_accounts_contacts_and_usage(desk):
    notebook = desk / "notebooks" / "01_explore_features.ipynb"

    executed = execute_notebook(notebook, {"newest_tickets": 200}, desk / "home")

    said = printed(executed)
    assert "missing: accounts, contacts, agents, articles, usage" in said
    assert "200 tickets" in said
    assert "0 of" in said
    assert "features differ" in said
    assert pictures(executed) == 2


def test_thresholds_are_judged_on_verified_cases_only(desk):
    notebook = desk / "notebooks" / "02_intent_thresholds.ipynb"

    executed = execute_notebook(notebook, {"try_threshold": 0.9}, desk / "home")

    said = printed(executed)
    assert executed == desk / "notebooks" / "executed" / "02_intent_thresholds.ipynb"
    assert "300 verified cases; 2 of 2 intents are proven at 95%" in said
    assert "0 disagreements with agents" in said
    assert pictures(executed) == 1


def test_a_failing_cell_is_named_and_nothing_is_left_in_home_or_environment(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path / "untouched"))
    before = dict(os.environ)
    notebook = tmp_path / "broken.ipynb"
    cell = nbformat.v4.new_code_cell("raise ValueError('no accounts')")
    nbformat.write(nbformat.v4.new_notebook(cells=[cell]), notebook)

    with pytest.raises(NotebookError, match=r"broken.ipynb, cell 1: ValueError: no accounts"):
        execute_notebook(notebook, {}, tmp_path / "jupyter")

    assert dict(os.environ) == before
    assert not (tmp_path / "untouched").exists()


def test_an_unknown_notebook_or_parameter_is_answered_with_the_known_ones(desk):
    with pytest.raises(NotebookError, match=r"01_explore_features.ipynb, 02_intent_thresholds.ipynb"):
        execute_notebook(desk / "notebooks" / "03.ipynb", {}, desk / "home")
    with pytest.raises(
        NotebookError, match=r"has no parameter thresold: it has project, split, try_threshold"
    ):
        execute_notebook(desk / "notebooks" / "02_intent_thresholds.ipynb", {"thresold": 1}, desk / "home")


def test_parameters_are_read_as_yaml():
    assert parsed_parameters(["split=train", "try_threshold = 0.8"]) == {
        "split": "train",
        "try_threshold": 0.8,
    }
    with pytest.raises(NotebookError, match="write name=value"):
        parsed_parameters(["split"])
