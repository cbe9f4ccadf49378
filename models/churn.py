"""Which accounts will leave? LightGBM on account-month snapshots."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import lightgbm as lgb
import numpy as np
import pandas as pd

from features.account import ACCOUNT_CATEGORIES, ACCOUNT_FEATURES
from models.boosting import Columns, load_booster, save_booster, scores, train_booster
from models.calibration import Calibrator, fit_calibrator

ROUNDS = 120
FEWEST_LEAVERS = 10


@dataclass(frozen=True)
class ChurnModel:
    """Probability of leaving within the horizon it was trained for, 90 days by default."""

    columns: Columns
    booster: lgb.Booster
    calibrator: Calibrator = field(default_factory=Calibrator)

    @classmethod
    def fit(
        cls, features: pd.DataFrame, left: pd.Series, seed: int, settings: Mapping[str, Any] | None = None
    ) -> "ChurnModel":
        """Learn from snapshots (``ACCOUNT_FEATURES`` and ``ACCOUNT_CATEGORIES``) and whether each one left.

        Raises ``ValueError`` where ``too_few`` says so.
        """
        problem = too_few(left)
        if problem is not None:
            raise ValueError(problem)
        columns = Columns.of(features, ACCOUNT_FEATURES, ACCOUNT_CATEGORIES)
        parameters = {"objective": "binary", "num_leaves": 7, "learning_rate": 0.04, **(settings or {})}
        target = left.to_numpy(dtype=float)
        return cls(
            columns, train_booster(columns.matrix(features), target, columns, parameters, ROUNDS, seed)
        )

    def calibrated_on(self, features: pd.DataFrame, left: pd.Series) -> "ChurnModel":
        """The same ranking with probabilities that fit later snapshots; unchanged without any."""
        raw = scores(self.booster, self.columns.matrix(features))
        return ChurnModel(self.columns, self.booster, fit_calibrator(raw, left.to_numpy(dtype=bool)))

    def predict(self, features: pd.DataFrame) -> np.ndarray:
        """Probability of leaving, one per snapshot."""
        return self.calibrator(scores(self.booster, self.columns.matrix(features)))

    def save(self, folder: Path) -> None:
        """Write ``model.json`` and ``booster.txt``."""
        folder.mkdir(parents=True, exist_ok=True)
        document = {"columns": self.columns.to_json(), "calibrator": vars(self.calibrator)}
        (folder / "model.json").write_text(json.dumps(document), encoding="utf-8")
        save_booster(self.booster, folder / "booster.txt")

    @classmethod
    def load(cls, folder: Path) -> "ChurnModel":
        """Read what ``save`` wrote; verify the files first (``models.release``)."""
        document = json.loads((folder / "model.json").read_text(encoding="utf-8"))
        columns = Columns.from_json(document["columns"])
        return cls(
            columns, load_booster(folder / "booster.txt", columns), Calibrator(**document["calibrator"])
        )


def too_few(left: pd.Series) -> str | None:
    """Why nothing can be learnt from these labels; ``None`` if something can."""
    leavers = int(left.sum())
    if min(leavers, len(left) - leavers) < FEWEST_LEAVERS:
        return (
            f"{len(left)} labelled account months, {leavers} of them before leaving: "
            f"{FEWEST_LEAVERS} of each are needed"
        )
    return None
