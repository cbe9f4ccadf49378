"""Stage features: canonical tables -> one row per ticket and one row per account and month, split by time.

Labels are only those known in time: a label of a training ticket counts if it was known before the first
calibration ticket was created, one of calibration if before the first evaluation ticket.
"""

import time
from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from features.account import account_features, churn_label, monthly_snapshots
from features.labels import confirmed, deleted, final_labels, label_weights, reviewed_labels
from features.schema import Tables
from features.split import SPLITS, Cuts, snapshot_cuts
from features.tables import read_tables
from features.ticket import ticket_features
from pipelines.params import ChurnParams, SplitParams, load_params

TABLES_FOLDER = Path("artifacts/tables")
FEATURES_FOLDER = Path("artifacts/features")
CHURN_LABEL = "churned_90d"
"""Name of the label, whatever ``churn.horizon_days`` says: its default."""


def ticket_labels(tickets: pd.DataFrame, events: pd.DataFrame, cuts: Cuts) -> pd.DataFrame:
    """Labels of each ticket that were known in time for its split, under the index of ``tickets``.

    ``intent_label``, ``priority_label`` (final, by agents), ``queue_label`` (final, by agents or the desk's
    own triggers), ``intent_reviewed``, ``sentiment_reviewed`` (two reviewers agree) and
    ``intent_confirmed`` (the customer confirmed the resolution); ``label_weight`` is 1 but for feedback.
    """
    split = cuts.split_of(tickets["created_at"])
    parts = []
    for name in SPLITS:
        until = cuts.labels_until(name)
        labels = pd.DataFrame(
            {
                "intent_label": final_labels(events, "intent_set", until),
                "intent_reviewed": reviewed_labels(events, "intent_set", until),
                "intent_confirmed": confirmed(events, until),
                "priority_label": final_labels(events, "priority_set", until),
                "queue_label": final_labels(events, "queue_set", until, ("agent", "system")),
                "sentiment_reviewed": reviewed_labels(events, "sentiment_set", until),
                "label_weight": label_weights(events, until),
            }
        )
        mine = tickets.loc[split == name, "ticket_id"]
        parts.append(labels.reindex(mine).set_index(mine.index))
    labels = pd.concat(parts).reindex(tickets.index)
    words = labels.columns.drop(["intent_confirmed", "label_weight"])
    return labels.astype(dict.fromkeys(words, "str")).assign(
        intent_confirmed=labels["intent_confirmed"].eq(True).astype(bool),
        label_weight=labels["label_weight"].astype("float64").fillna(1.0),
    )


def not_deleted(tickets: pd.DataFrame, events: pd.DataFrame, cuts: Cuts) -> pd.DataFrame:
    """``tickets`` without those whose deletion was known in time for their split, as a label would be."""
    split = cuts.split_of(tickets["created_at"])
    gone = pd.Series(False, index=tickets.index)
    for name in SPLITS:
        gone |= (split == name) & tickets["ticket_id"].isin(deleted(events, cuts.labels_until(name)))
    return tickets[~gone].reset_index(drop=True)


def ticket_frame(tables: Tables, params: SplitParams) -> pd.DataFrame:
    """One row per ticket in order of creation: identity, text, split, labels known in time, features.

    Deleted tickets are left out; what was known of them before they were deleted stays history.
    """
    tickets = tables["tickets"].sort_values(["created_at", "ticket_id"], ignore_index=True)
    cuts = params.cuts(tickets["created_at"])
    tickets = not_deleted(tickets, tables["ticket_events"], cuts)
    said = tickets[["ticket_id", "created_at", "account_id", "contact_id", "subject", "body"]]
    labels = ticket_labels(tickets, tables["ticket_events"], cuts)
    features = ticket_features(tickets, tables)
    return pd.concat([said, cuts.split_of(tickets["created_at"]).rename("split"), labels, features], axis=1)


def recorded_from(tables: Tables) -> pd.Timestamp:
    """From when accounts are worth learning from: usage (without any: tickets) was already recorded.

    Before that an export holds only the accounts that stayed until then, and nothing of what they did.
    """
    activity = tables["tickets"] if tables["usage"].empty else tables["usage"]
    return pd.Series([tables["accounts"]["known_at"].min(), activity["known_at"].min()]).max()


def account_frame(tables: Tables, split: SplitParams, churn: ChurnParams) -> pd.DataFrame:
    """One row per account and month: ``account_id``, ``as_of``, ``split``, the churn label, features.

    The label is missing where it was not known in time: where its horizon was not over, and in the last
    horizon before the next split begins.
    """
    accounts = tables["accounts"]
    snapshots = monthly_snapshots(accounts, recorded_from(tables), accounts["known_at"].max())
    label = churn_label(snapshots, accounts, churn.horizon_days)
    cuts = snapshot_cuts(
        snapshots["as_of"][label.notna()], churn.horizon_days, split.calibration_share, split.evaluation_share
    )
    part = pd.Series("train", index=snapshots.index, dtype="str")
    if cuts is not None:
        part = cuts.split_of(snapshots["as_of"])
        known_at = snapshots["as_of"] + pd.Timedelta(days=churn.horizon_days)
        for name in SPLITS:
            in_time_until = cuts.labels_until(name)
            if in_time_until is not None:
                label = label.mask((part == name) & (known_at > in_time_until))
    features = account_features(snapshots, tables)
    return pd.concat([snapshots, part.rename("split"), label.rename(CHURN_LABEL), features], axis=1)


def write_features(folder: Path, frames: Mapping[str, pd.DataFrame]) -> None:
    """Write each frame as Parquet, byte for byte the same for the same rows."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, frame in frames.items():
        frame.to_parquet(folder / f"{name}.parquet", index=False, compression="zstd")


def summary(tickets: pd.DataFrame, accounts: pd.DataFrame, seconds: float) -> str:
    """What was made, in one line."""
    parts = ", ".join(f"{(tickets['split'] == name).sum():,} {name}" for name in SPLITS)
    labelled = accounts[CHURN_LABEL].notna().sum()
    return (
        f"features: {len(tickets):,} tickets ({parts}), {len(accounts):,} account months "
        f"({labelled:,} with a churn label known in time), {seconds:.1f} s"
    )


def main() -> None:
    """Compute all features of ``artifacts/tables`` into ``artifacts/features``."""
    params, started = load_params(), time.perf_counter()
    tables = read_tables(TABLES_FOLDER)
    sizes = ", ".join(f"{len(frame):,} {name}" for name, frame in tables.items())
    print(f"features: reading {sizes}", flush=True)
    for name in [name for name, frame in tables.items() if frame.empty]:
        print(f"features: no {name}: what depends on them is left unknown", flush=True)
    tickets = ticket_frame(tables, params.split)
    accounts = account_frame(tables, params.split, params.churn)
    write_features(FEATURES_FOLDER, {"tickets": tickets, "accounts": accounts})
    print(summary(tickets, accounts, time.perf_counter() - started), flush=True)


if __name__ == "__main__":
    main()
