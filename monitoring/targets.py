"""Have the targets moved? What tickets turned out to be, against what the release learned, as labels arrive.

Labels come late, and from those tickets that somebody looked at: this explains a verdict and never makes one.
"""

from pathlib import Path

import pandas as pd

from features.labels import final_labels
from monitoring.drift import Drift, DriftLimits, compare, thinned

TARGETS = {"final_intent": "intent", "final_priority": "priority", "final_queue": "queue"}
"""The compared columns, and the fields of a decision that they are the truth of."""


def read_target_reference(features_folder: Path, most_rows: int) -> pd.DataFrame | None:
    """Final labels of tickets the release learned from (the newer half), columns ``TARGETS``."""
    path = features_folder / "tickets.parquet"
    if not path.exists():
        return None
    tickets = pd.read_parquet(path, filters=[("split", "in", ["train", "calibration"])])
    labels = {name: f"{field}_label" for name, field in TARGETS.items()}
    told = pd.DataFrame(
        {name: tickets.get(label) for name, label in labels.items()},
        index=tickets.index,
    )
    return thinned(told[told["final_intent"].notna()].iloc[len(tickets) // 2 :], most_rows)


def final_targets(decisions: pd.DataFrame, later: pd.DataFrame, labels: pd.DataFrame) -> pd.DataFrame:
    """What agents made of ``decisions``, a row a ticket whose intent is settled, columns ``TARGETS``.

    ``later``: canonical events after the decision. ``labels``: those of feedback (``feedback_labels``).
    """
    events = pd.concat([later, labels], ignore_index=True).sort_values("known_at", kind="stable")
    tickets = decisions["ticket_id"].drop_duplicates()
    told = pd.DataFrame(
        {
            name: tickets.map(final_labels(events, f"{field}_set")).to_numpy()
            for name, field in TARGETS.items()
        }
    )
    return told[told["final_intent"].notna()]


def compare_targets(
    reference: pd.DataFrame | None, found: pd.DataFrame, html: Path, limits: DriftLimits
) -> Drift | None:
    """Compare both sides, with Evidently's report in ``html``; ``None`` below ``limits.min_rows`` labels."""
    if reference is None or min(len(reference), len(found)) < limits.min_rows:
        return None
    return compare(reference, found, (), list(TARGETS), html, limits)
