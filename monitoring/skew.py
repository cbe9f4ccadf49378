"""Do the features that decided agree with the same features computed again, offline? (training-serving skew)

Each decision stored the row of features it was computed from. Here the same tickets go in one batch through
``features.ticket.ticket_features`` on the canonical tables, as of the moments of the decisions, and must give
the same row, bit for bit. What differs is named: a row of the context that arrived late, a table restated, or
a feature computed otherwise in serving than in training. Pure.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd

from features.ticket import TICKET_CATEGORIES, TICKET_FEATURES

Logged = Mapping[str, float | str | None]
"""One decision's features by name, as it stored them."""


@dataclass(frozen=True)
class FeatureSkew:
    """One feature that is not as it was logged: in how many decisions, and one of them."""

    feature: str
    decisions: int
    ticket_id: str
    logged: float | str | None
    recomputed: float | str | None

    def __str__(self) -> str:
        return f"{self.feature} (ticket {self.ticket_id}: {self.logged} decided, {self.recomputed} now)"


@dataclass(frozen=True)
class Skew:
    """``compared`` decisions of the window had stored inputs, ``not_kept`` had none."""

    compared: int = 0
    not_kept: int = 0
    agreeing: int = 0
    features: tuple[FeatureSkew, ...] = ()

    def record(self) -> dict[str, Any]:
        """As JSON values."""
        return {**asdict(self), "features": [asdict(one) for one in self.features]}

    def line(self) -> str | None:
        """What differs, in words; ``None`` where nothing does."""
        if not self.features:
            return None
        found = f"{self.compared - self.agreeing} of {self.compared} decisions"
        return f"{found} were made on other features than computed now: {self.features[0]}"


def skew(decided: pd.DataFrame, recomputed: pd.DataFrame, logged: Mapping[str, Logged]) -> Skew:
    """Compare ``recomputed`` (a row per row of ``decided``, in order) with what each decision ``logged``.

    ``decided`` has decision_id and ticket_id. Unknown equals unknown; a feature that was not logged at all
    (a release of other features) counts as different.
    """
    kept = decided["decision_id"].isin(list(logged)).to_numpy()
    rows, features = decided[kept], recomputed[kept]
    stored = [logged[decision_id] for decision_id in rows["decision_id"]]
    if not stored:
        return Skew(not_kept=len(decided))
    found, any_differs = [], np.zeros(len(rows), dtype=bool)
    for name in [*TICKET_FEATURES, *TICKET_CATEGORIES]:
        before = pd.Series([row.get(name, "not logged") for row in stored], dtype="object")
        now = features[name].astype("object").reset_index(drop=True)
        differs = ~((before == now) | (before.isna() & now.isna())).to_numpy(dtype=bool)
        any_differs |= differs
        if differs.any():
            first = int(differs.argmax())
            ticket_id = str(rows["ticket_id"].iloc[first])
            found.append(
                FeatureSkew(name, int(differs.sum()), ticket_id, _plain(before[first]), _plain(now[first]))
            )
    found.sort(key=lambda one: (-one.decisions, one.feature))
    return Skew(len(rows), int((~kept).sum()), int((~any_differs).sum()), tuple(found))


def _plain(value: Any) -> float | str | None:
    if value is None or value != value:
        return None
    return value if isinstance(value, str) else float(value)
