"""A store filled for the drill holds what the monitor would find after weeks of work."""

from datetime import timedelta

import pandas as pd

from monitoring.feedback import stored_decisions, stored_feedback
from monitoring.quality import quality
from pipelines.drills.monitor_size import ENDS, RELEASE, SPAN, a_decision, fill
from serving.settings import Settings
from serving.store import open_store


def test_every_decision_is_stored_once_in_its_time_and_a_fourth_is_answered(tmp_path):
    settings = Settings(state=tmp_path / "state")
    known = pd.DataFrame(
        {
            "account_id": ["a1", None],
            "contact_id": ["c1", "c2"],
            "channel": "email",
            "subject": ["Invoice", "Login"],
            "body": ["Paid twice", "No mail comes"],
            "intent_label": ["invoice", None],
        }
    )
    store = open_store(settings)
    try:
        fill(store, known, a_decision(settings), 200)
        decisions, feedback = stored_decisions(store), stored_feedback(store)
    finally:
        store.close()
    mine = decisions[decisions["release"] == RELEASE]
    assert mine["ticket_id"].nunique() == len(mine) == 200
    assert mine["at"].between(ENDS - SPAN, ENDS, inclusive="neither").all()
    assert mine["at"].diff().dropna().max() < timedelta(days=1)
    seen = quality(mine, feedback)
    assert (seen.decisions, seen.answered) == (200, 50)
    assert mine["intent"].eq("invoice").all(), "only what tickets were really labelled"
