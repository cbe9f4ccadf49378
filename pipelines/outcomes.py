"""Stage outcomes: learn from what became of tickets where they will end, and what will go wrong."""

import shutil
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from features.opening import known_in_time, opening_facts, outcome_labels
from features.schema import Tables
from features.tables import read_table
from models.metrics import accuracy, auc, expected_calibration_error, share_interval
from models.outcomes import BINARY, INPUTS, OutcomeModels
from models.release import write_absent
from pipelines.artifacts import MODELS, read_frame, write_frame, write_metrics
from pipelines.params import load_params
from pipelines.priority import read_priority_features
from pipelines.tracking import record_run
from policy.desk import Desk, load_desk
from policy.sla import due_times

FOLDER = MODELS / "outcomes"
TICKET_OUTCOMES = MODELS / "ticket_outcomes.parquet"
TABLES_FOLDER = Path("artifacts/tables")
MATURE_SHARE = 0.9


def ticket_outcomes(features: pd.DataFrame, tables: Tables, desk: Desk) -> pd.DataFrame:
    """``ticket_id``, opening facts and labels known in time, for each of ``features`` (with ``split``).

    A label of a ticket older than the evaluation was known before the first evaluation ticket was created.
    ``is_mature``: by then, nine in ten tickets of that age are over; of younger ones mostly the quick ends
    are known, whose rates are not those of all. Deleted tickets are not among ``features``.
    """
    events = tables["ticket_events"]
    known_at = tables["tickets"].set_index("ticket_id")["known_at"]
    tickets = features[["ticket_id", "created_at", "plan", "split"]].assign(
        known_at=features["ticket_id"].map(known_at)
    )
    is_new = tickets["split"] == "evaluation"
    start = tickets.loc[is_new, "created_at"].min()
    usual = settling_time(tickets[tickets["split"] == "train"], events)
    parts = []
    for mine, until in ((tickets[~is_new], start if is_new.any() else None), (tickets[is_new], None)):
        labels = outcome_labels(mine, events, until)
        if labels["sla_missed"].isna().all():
            labels["sla_missed"] = late_first_responses(mine, events, desk, until)
        mature = mine["created_at"] <= (until or mine["created_at"].max()) - usual
        parts.append(labels.assign(is_mature=mature))
    return tickets[["ticket_id"]].join(opening_facts(tickets, events)).join(pd.concat(parts))


def settling_time(train: pd.DataFrame, events: pd.DataFrame) -> pd.Timedelta:
    """Within which nine in ten of the older half of the training tickets were solved."""
    older = train[train["created_at"] <= train["created_at"].quantile(0.5)]
    took = _first(events[events["kind"] == "solved"], older) - older["created_at"]
    seconds = took.dt.total_seconds().quantile(MATURE_SHARE)
    return pd.Timedelta(seconds=0.0 if np.isnan(seconds) else float(seconds))


def _first(events: pd.DataFrame, tickets: pd.DataFrame) -> pd.Series:
    """When the first of ``events`` happened to each of ``tickets``."""
    first = events.groupby("ticket_id")["occurred_at"].min().reindex(tickets["ticket_id"])
    return first.set_axis(tickets.index)


def late_first_responses(
    tickets: pd.DataFrame, events: pd.DataFrame, desk: Desk, until: pd.Timestamp | None
) -> pd.Series:
    """Whether each first response came after the desk's promise, as known before ``until`` (1, 0, missing).

    Missing where nothing was promised, and where nobody answered and the promise is not over yet.
    """
    known = events if until is None else events[events["known_at"] < until]
    answers = known[
        (known["kind"] == "solved") | ((known["kind"] == "reply") & (known["actor_kind"] != "customer"))
    ]
    answered = _first(answers, tickets)
    plans = [None if pd.isna(plan) else str(plan) for plan in tickets["plan"].tolist()]
    moments = tickets["created_at"].dt.to_pydatetime()
    due = pd.Series(
        [due_times(desk, plan, at).first_response_due_at for plan, at in zip(plans, moments, strict=True)],
        index=tickets.index,
        dtype="datetime64[us, UTC]",
    )
    now = until if until is not None else events["known_at"].max()
    late = (answered > due) | (answered.isna() & (due < now))
    return known_in_time(late & due.notna(), answered.notna() & due.notna())


def judged(models: OutcomeModels, tickets: pd.DataFrame, train: pd.DataFrame, seed: int) -> dict[str, Any]:
    """The models on other tickets than they learnt from, each beside what needs no model."""
    said = models.predict(tickets)
    report: dict[str, Any] = {"tickets": len(tickets)}
    told = tickets["final_queue"].notna().to_numpy()
    if models.queue is not None and told.any():
        final = tickets["final_queue"][told]
        queue = np.array([p.queue for p in said], dtype=object)[told]
        right = (queue == final.to_numpy(dtype=object)).astype(float)
        sure = np.array([p.queue_probability for p in said], dtype=float)[told]
        commonest = str(train["final_queue"].value_counts().idxmax())
        low, high = share_interval(right, seed)
        report["queue"] = {
            "tickets": int(told.sum()),
            "accuracy": float(right.mean()),
            "accuracy_low": low,
            "accuracy_high": high,
            "expected_calibration_error": expected_calibration_error(sure, right),
            "opening_queue_accuracy": accuracy(final, tickets["opening_queue"][told]),
            "majority_accuracy": accuracy(final, [commonest] * len(final)),
        }
    for name, model in models.binary.items():
        known = tickets[tickets[name].notna()]
        happened = known[name].to_numpy(dtype=float)
        if len(known):
            risk = model.predict(known)
            report[name] = {
                "tickets": len(known),
                "happened_share": float(happened.mean()),
                "auc": auc(happened, risk),
                "expected_calibration_error": expected_calibration_error(risk, happened),
            }
    return report


def read_outcome_frame() -> pd.DataFrame:
    """Features, opening facts and outcomes of all tickets, as this and the earlier stages left them."""
    outcomes = read_frame(TICKET_OUTCOMES, "outcomes")
    return read_priority_features().merge(outcomes, on="ticket_id", how="left", validate="one_to_one")


def train_outcomes(frame: pd.DataFrame, seed: int) -> tuple[OutcomeModels, dict[str, Any]]:
    """Models from all tickets before the evaluation but the mature calibration ones, which calibrate."""
    old = frame[frame["split"] != "evaluation"]
    holds_back = (old["split"] == "calibration") & old["is_mature"]
    train, later = old[~holds_back], old[holds_back]
    models = OutcomeModels.fit(train, later, seed)
    return models, {
        "labels": {name: int(train[name].notna().sum()) for name in ("final_queue", *BINARY)},
        "absent": dict(models.absent),
        "calibration": judged(models, later, train, seed),
        "left_out_columns": sorted(set(INPUTS) - used_columns(models)),
    }


def used_columns(models: OutcomeModels) -> set[str]:
    """Columns that any of ``models`` reads."""
    columns = [model.columns for model in models.binary.values()]
    columns += [models.queue.columns] if models.queue is not None else []
    return {name for each in columns for name in each.names}


def headline(metrics: Mapping[str, Any]) -> str:
    """What was learnt and what was left out, in one line."""
    found = metrics["calibration"]
    parts = [f"queue accuracy {found['queue']['accuracy']:.3f}"] if "queue" in found else []
    parts += [f"{name} AUC {found[name]['auc']:.3f}" for name in BINARY if found.get(name, {}).get("auc")]
    return ", ".join(parts + [f"no {name}: {reason}" for name, reason in metrics["absent"].items()])


def main() -> None:
    """Train on the features and events of tickets; write the models, or why there are none."""
    params, started = load_params(), time.perf_counter()
    tables = {name: read_table(TABLES_FOLDER, name) for name in ("tickets", "ticket_events")}
    desk = load_desk(params.release.desk)
    write_frame(TICKET_OUTCOMES, ticket_outcomes(read_priority_features(), tables, desk))
    models, metrics = train_outcomes(read_outcome_frame(), params.seed)
    if models.queue is None and not models.binary:
        write_absent(FOLDER, "; ".join(f"{name}: {reason}" for name, reason in models.absent.items()))
    else:
        shutil.rmtree(FOLDER, ignore_errors=True)
        models.save(FOLDER)
    written = write_metrics("outcomes", metrics)
    files = sorted(FOLDER.glob("*.json"))
    record_run("outcomes", {"seed": params.seed}, written, files)
    print(f"outcomes: {headline(written)}; {time.perf_counter() - started:.0f} s", flush=True)


if __name__ == "__main__":
    main()
