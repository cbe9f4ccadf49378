"""Splits by time: what trains comes before what calibrates, and that before what evaluates."""

import math
from dataclasses import dataclass
from typing import Literal

import pandas as pd

Split = Literal["train", "calibration", "evaluation"]
SPLITS: tuple[Split, ...] = ("train", "calibration", "evaluation")


@dataclass(frozen=True)
class Cuts:
    """Where calibration and evaluation begin. Rows at the same moment are always on the same side."""

    calibration_from: pd.Timestamp
    evaluation_from: pd.Timestamp

    def split_of(self, times: pd.Series) -> pd.Series:
        """The split of each row, by its time."""
        split = pd.Series("train", index=times.index, dtype="str")
        split = split.mask(times >= self.calibration_from, "calibration")
        return split.mask(times >= self.evaluation_from, "evaluation")

    def labels_until(self, split: Split) -> pd.Timestamp | None:
        """A label counts for a split only if it was known before this; ``None``: whenever it was known."""
        until = {"train": self.calibration_from, "calibration": self.evaluation_from}
        return until.get(split)


def ticket_cuts(
    created_at: pd.Series,
    calibration_share: float,
    evaluation_share: float,
    most_evaluation_tickets: int | None = None,
) -> Cuts:
    """Cuts that leave the newest ``evaluation_share`` of tickets to evaluate, those before to calibrate.

    ``most_evaluation_tickets``: fewer are left to evaluate where the share would be more.
    Raises ``ValueError`` without any ticket.
    """
    times = created_at.sort_values(ignore_index=True)
    if times.empty:
        raise ValueError("no tickets to split by time: check what ingest read and put into quarantine")

    if most_evaluation_tickets is not None:
        evaluation_share = min(evaluation_share, most_evaluation_tickets / len(times))

    def from_share(share: float) -> pd.Timestamp:
        return times[min(len(times) - 1, math.floor(len(times) * (1 - share)))]

    return Cuts(from_share(calibration_share + evaluation_share), from_share(evaluation_share))


def snapshot_cuts(
    labelled_at: pd.Series, horizon_days: int, calibration_share: float, evaluation_share: float
) -> Cuts | None:
    """Cuts for account snapshots whose label takes ``horizon_days`` to be known.

    ``labelled_at``: ``as_of`` of the snapshots that have a label. The newest share of these moments
    evaluates; the newest share of those whose label was known by then calibrates. The snapshots of the last
    horizon before a cut have no label in time. ``None`` without any labelled snapshot.
    """
    moments = labelled_at.drop_duplicates().sort_values(ignore_index=True)
    if moments.empty:
        return None
    evaluation_from = moments.iloc[-max(1, round(len(moments) * evaluation_share))]
    in_time = moments[moments + pd.Timedelta(days=horizon_days) <= evaluation_from]
    n_calibration = max(1, round(len(moments) * calibration_share))
    return Cuts(in_time.iloc[-n_calibration:].min() if len(in_time) else evaluation_from, evaluation_from)
