"""How soon must a ticket be answered? Learnt from what agents finally set, monotone where it must be."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

import lightgbm as lgb
import numpy as np
import pandas as pd

from features.rows import Rows
from features.schema import LEVELS
from features.ticket import TICKET_FEATURES
from models.boosting import (
    Columns,
    contributions,
    load_booster,
    save_booster,
    scores,
    train_booster,
)
from models.metrics import macro_f1
from models.priority_reasons import reasons

REPEATS = ("same_intent_contact_30d", "same_intent_account_30d", "hours_since_same_intent")
CATEGORIES = ("channel", "plan", "segment", "status", "product_area", "intent")
NUMBERS = (*TICKET_FEATURES, *REPEATS, "frustration", "requested_level")
INCREASING = (
    "contract_value_cents",
    "lifetime_value_cents",
    "similar_text_repeats_30d",
    "same_intent_contact_30d",
    "same_intent_account_30d",
    "frustration",
    "failed_logins_24h",
    "contact_errors_24h",
    "account_open_tickets",
    "requested_level",
)
"""More value at risk never lowers priority: money, repetition, trouble, waiting issues, claimed urgency."""
DECREASING = ("renewal_in_days",)
"""A renewal that comes closer never lowers it."""
ROUNDS = 150
EVEN_CUTS = (1 / 6, 3 / 6, 5 / 6)


class PriorityPrediction(NamedTuple):
    """``score``: 0 (low) to 1 (urgent). ``probabilities``: by level. ``reasons``: what raised it."""

    level: str
    score: float
    probabilities: dict[str, float]
    reasons: tuple[str, ...]


def prepared(features: pd.DataFrame | Rows) -> Rows:
    """``features`` with ``requested_level`` (0 to 3) and a past renewal read as due today."""
    rows, levels = Rows.of(features), {level: float(i) for i, level in enumerate(LEVELS)}
    claimed = [levels.get(level, np.nan) for level in rows.values("requested_priority")]
    until_renewal = np.maximum(rows.numbers("renewal_in_days"), 0)
    return rows.with_columns({"requested_level": claimed, "renewal_in_days": until_renewal})


@dataclass(frozen=True)
class PriorityModel:
    """One booster per step up the levels, P(at least normal), P(at least high), P(urgent), and three cuts.

    Ordinal by cumulative probabilities (Frank & Hall 2001). A step that training never saw taken, or always,
    is a constant. ``cuts``: the scores from which on a ticket is normal, high, urgent.
    """

    columns: Columns
    steps: tuple[lgb.Booster | float, ...]
    cuts: tuple[float, ...] = EVEN_CUTS

    @classmethod
    def fit(
        cls, features: pd.DataFrame, levels: pd.Series, seed: int, settings: Mapping[str, Any] | None = None
    ) -> "PriorityModel":
        """Learn ``levels`` from ``features``: ticket features, repeats, ``intent`` and ``frustration``."""
        frame = prepared(features)
        columns = Columns.of(frame, NUMBERS, CATEGORIES)
        matrix, codes = columns.matrix(frame), level_codes(levels)
        steps = tuple(
            _step(matrix, codes >= step, columns, seed, settings or {}) for step in range(1, len(LEVELS))
        )
        return cls(columns, steps)

    def with_cuts_from(self, features: pd.DataFrame, levels: pd.Series) -> "PriorityModel":
        """Cuts that give the best macro F1 on later tickets; unchanged without any."""
        if not len(levels):
            return self
        return replace(self, cuts=best_cuts(self.score(features), level_codes(levels)))

    def cumulative(self, features: pd.DataFrame | Rows) -> np.ndarray:
        """P(at least normal), P(at least high), P(urgent): shape (rows, 3), never rising."""
        return self._cumulative(self.columns.matrix(prepared(features)))

    def _cumulative(self, matrix: np.ndarray) -> np.ndarray:
        columns = [
            np.full(len(matrix), step) if isinstance(step, float) else scores(step, matrix)
            for step in self.steps
        ]
        return np.minimum.accumulate(np.column_stack(columns), axis=1)

    def score(self, features: pd.DataFrame) -> np.ndarray:
        """Expected level, scaled to 0 (low) to 1 (urgent)."""
        return self.cumulative(features).mean(axis=1)

    def levels(self, features: pd.DataFrame) -> np.ndarray:
        """Name of the level of each row."""
        return self._levels(self.score(features))

    def _levels(self, score: np.ndarray) -> np.ndarray:
        return np.array(LEVELS, dtype=object)[np.searchsorted(self.cuts, score, side="right")]

    def predict(self, features: pd.DataFrame | Rows) -> list[PriorityPrediction]:
        """One prediction a row, with reasons (TreeSHAP: milliseconds a row; ``levels`` is for many)."""
        matrix = self.columns.matrix(prepared(features))
        cumulative = self._cumulative(matrix)
        score = cumulative.mean(axis=1)
        shares = -np.diff(np.column_stack([np.ones(len(matrix)), cumulative, np.zeros(len(matrix))]), axis=1)
        raised = self._raised(matrix)
        rows = zip(self._levels(score), score, shares, raised, matrix, strict=True)
        return [
            PriorityPrediction(
                str(level),
                float(value),
                dict(zip(LEVELS, share.tolist(), strict=True)),
                reasons(dict(zip(self.columns.names, up.tolist(), strict=True)), self.columns.told(row)),
            )
            for level, value, share, up, row in rows
        ]

    def contributions(self, features: pd.DataFrame | Rows) -> list[dict[str, float]]:
        """What each column adds to the log odds of the steps up the levels (TreeSHAP), one dict a row."""
        raised = self._raised(self.columns.matrix(prepared(features)))
        return [dict(zip(self.columns.names, row.tolist(), strict=True)) for row in raised]

    def _raised(self, matrix: np.ndarray) -> np.ndarray:
        boosters = [step for step in self.steps if not isinstance(step, float)]
        return sum((contributions(step, matrix) for step in boosters), np.zeros(matrix.shape))

    def save(self, folder: Path) -> None:
        """Write ``model.json`` and ``step_<n>.txt``."""
        folder.mkdir(parents=True, exist_ok=True)
        constants = [step if isinstance(step, float) else None for step in self.steps]
        document = {"columns": self.columns.to_json(), "constants": constants, "cuts": list(self.cuts)}
        (folder / "model.json").write_text(json.dumps(document), encoding="utf-8")
        for i, step in enumerate(self.steps, start=1):
            if not isinstance(step, float):
                save_booster(step, folder / f"step_{i}.txt")

    @classmethod
    def load(cls, folder: Path) -> "PriorityModel":
        """Read what ``save`` wrote; verify the files first (``models.release``)."""
        document = json.loads((folder / "model.json").read_text(encoding="utf-8"))
        columns = Columns.from_json(document["columns"])
        steps = tuple(
            load_booster(folder / f"step_{i}.txt", columns) if constant is None else float(constant)
            for i, constant in enumerate(document["constants"], start=1)
        )
        return cls(columns, steps, tuple(document["cuts"]))


def level_codes(levels: pd.Series) -> np.ndarray:
    """0 (low) to 3 (urgent). Raises ``ValueError`` naming a level that does not exist."""
    unknown = sorted(set(levels) - set(LEVELS))
    if unknown:
        raise ValueError(
            f"priority levels {unknown} are unknown; known are {list(LEVELS)}: map them at ingest"
        )
    return levels.map({level: i for i, level in enumerate(LEVELS)}).to_numpy(dtype=int)


def _step(
    matrix: np.ndarray, taken: np.ndarray, columns: Columns, seed: int, settings: Mapping[str, Any]
) -> lgb.Booster | float:
    if taken.all() or not taken.any():
        return float(taken.mean())
    parameters = {"objective": "binary", **settings}
    return train_booster(
        matrix,
        taken.astype(float),
        columns,
        parameters,
        ROUNDS,
        seed,
        increasing=INCREASING,
        decreasing=DECREASING,
    )


def best_cuts(score: np.ndarray, codes: np.ndarray, passes: int = 2) -> tuple[float, ...]:
    """Increasing cuts with the best macro F1, one after the other, over the quantiles of ``score``."""
    grid = np.unique(np.quantile(score, np.linspace(0.01, 0.99, 50)))
    cuts = list(EVEN_CUTS)

    def value(candidate: list[float]) -> float:
        return macro_f1(codes, np.searchsorted(candidate, score, side="right"))

    for _ in range(passes):
        for i in range(len(cuts)):
            below, above = ([0.0, *cuts][i], [*cuts, 1.0][i + 1])
            choices = [cuts[i], *grid[(grid >= below) & (grid <= above)]]
            cuts[i] = max(choices, key=lambda cut: value([*cuts[:i], cut, *cuts[i + 1 :]]))
    return tuple(float(cut) for cut in cuts)
