"""The feature stage: labels known in time, the same bytes again, and work done with what there is."""

import pandas as pd
import pytest

from features.schema import completed, typed
from features.tables import write_tables
from features.ticket import ticket_features
from pipelines import featurize
from pipelines.params import PARAMS_FILE, ChurnParams, SplitParams
from tests.features.histories import START, history

DAY = pd.Timedelta(days=1)
SPLIT = SplitParams(calibration_share=0.2, evaluation_share=0.2)
CHURN = ChurnParams(horizon_days=90, trials=1, team_capacity=5)


def ten_tickets() -> pd.DataFrame:
    """One ticket a day: t0 to t5 train, t6 and t7 calibrate, t8 and t9 evaluate."""
    created = [START + k * DAY for k in range(10)]
    rows = {
        "ticket_id": [f"t{k}" for k in range(10)],
        "created_at": created,
        "known_at": created,
        "body": "help",
    }
    return typed("tickets", pd.DataFrame(rows))


def said(
    ticket_id: str, day: float, kind: str = "intent_set", who: str = "agent", actor: str = "g"
) -> dict[str, object]:
    at = START + day * DAY
    return {
        "event_id": f"{ticket_id}-{day}-{actor}",
        "ticket_id": ticket_id,
        "known_at": at,
        "occurred_at": at,
        "kind": kind,
        "value": "reset",
        "actor_kind": who,
        "actor_id": actor,
    }


@pytest.mark.parametrize(
    ("ticket_id", "day", "is_used"),
    [
        ("t0", 1, True),
        ("t0", 5.9, True),
        ("t0", 6, False),
        ("t5", 6.5, False),
        ("t6", 6.5, True),
        ("t6", 8, False),
        ("t9", 500, True),
    ],
)
@pytest.mark.parametrize(
    ("kind", "who", "column"),
    [
        ("intent_set", "agent", "intent_label"),
        ("priority_set", "agent", "priority_label"),
        ("queue_set", "system", "queue_label"),
        ("intent_set", "reviewer", "intent_reviewed"),
        ("sentiment_set", "reviewer", "sentiment_reviewed"),
        ("confirmed", "customer", "intent_confirmed"),
    ],
)
def test_a_label_set_after_the_cut_never_reaches_the_split_before_it(
    ticket_id, day, is_used, kind, who, column
):
    events = [said(ticket_id, day, kind, who, actor) for actor in ("one", "two")]
    tables = completed(
        {"tickets": ten_tickets(), "ticket_events": typed("ticket_events", pd.DataFrame(events))}
    )
    labelled = featurize.ticket_frame(tables, SPLIT).set_index("ticket_id")[column]
    used = labelled[labelled.notna() & labelled.ne(False)]
    assert used.index.tolist() == ([ticket_id] if is_used else [])


def test_a_correction_after_the_cut_leaves_the_label_that_was_known():
    events = [said("t0", 1), {**said("t0", 7), "value": "invoice"}]
    tables = completed(
        {"tickets": ten_tickets(), "ticket_events": typed("ticket_events", pd.DataFrame(events))}
    )
    assert featurize.ticket_frame(tables, SPLIT)["intent_label"].iat[0] == "reset"


def test_the_frame_holds_exactly_the_served_features():
    tables = history(9, tickets=80)
    frame = featurize.ticket_frame(completed(tables), SPLIT)
    served = ticket_features(tables["tickets"].set_index("ticket_id", drop=False), tables).loc[
        frame["ticket_id"]
    ]
    pd.testing.assert_frame_equal(frame[served.columns], served.reset_index(drop=True), check_exact=True)


def test_churn_labels_of_a_split_were_known_before_the_next_begins():
    tables = history(10, tickets=50, days=540)
    frame = featurize.account_frame(completed(tables), SPLIT, CHURN)
    labelled = frame[frame[featurize.CHURN_LABEL].notna()]
    known_at = labelled["as_of"] + pd.Timedelta(days=CHURN.horizon_days)
    begins = frame.groupby("split")["as_of"].min()
    assert set(labelled["split"]) == {"train", "calibration", "evaluation"}
    assert (known_at[labelled["split"] == "train"] <= begins["calibration"]).all()
    assert (known_at[labelled["split"] == "calibration"] <= begins["evaluation"]).all()


def test_no_account_is_learnt_from_before_its_usage_was_recorded():
    tables = completed(history(10, tickets=50, days=540))
    late = tables["usage"][tables["usage"]["known_at"] >= START + 200 * DAY]
    frame = featurize.account_frame({**tables, "usage": late}, SPLIT, CHURN)
    assert frame["as_of"].min() >= late["known_at"].min()
    without = featurize.account_frame({**tables, "usage": late[:0]}, SPLIT, CHURN)
    assert without["as_of"].min() < START + 60 * DAY


@pytest.fixture
def project(tmp_path, monkeypatch):
    params = PARAMS_FILE.read_text(encoding="utf-8")
    (tmp_path / "params.yaml").write_text(params, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_stage_writes_the_same_bytes_again_whatever_the_order_of_rows(project, capsys):
    tables = history(11, tickets=120)
    written = []
    for order in (1, -1):
        write_tables(featurize.TABLES_FOLDER, {name: frame[::order] for name, frame in tables.items()})
        featurize.main()
        written.append([path.read_bytes() for path in sorted(featurize.FEATURES_FOLDER.iterdir())])
    assert written[0] == written[1]
    assert len(written[0]) == 2
    said = capsys.readouterr().out
    assert "120 tickets" in said
    assert "no agents: what depends on them is left unknown" in said


def test_tickets_alone_are_enough_and_no_tickets_are_not(project, capsys):
    write_tables(featurize.TABLES_FOLDER, {"tickets": ten_tickets()})
    featurize.main()
    assert "no usage" in capsys.readouterr().out
    assert len(pd.read_parquet(featurize.FEATURES_FOLDER / "tickets.parquet")) == 10
    assert pd.read_parquet(featurize.FEATURES_FOLDER / "accounts.parquet").empty
    write_tables(featurize.TABLES_FOLDER, {"tickets": ten_tickets()[:0]})
    with pytest.raises(ValueError, match="no tickets to split"):
        featurize.main()


@pytest.mark.parametrize(
    ("ticket_id", "day", "is_there"),
    [("t0", 5.9, False), ("t0", 6, True), ("t6", 7.9, False), ("t6", 8, True), ("t9", 500, False)],
)
def test_a_deleted_ticket_is_left_out_of_a_split_that_could_know_it(ticket_id, day, is_there):
    events = typed("ticket_events", pd.DataFrame([said(ticket_id, day, kind="deleted", who="system")]))
    frame = featurize.ticket_frame(completed({"tickets": ten_tickets(), "ticket_events": events}), SPLIT)
    assert (ticket_id in set(frame["ticket_id"])) == is_there
    assert len(frame) == 9 + is_there
