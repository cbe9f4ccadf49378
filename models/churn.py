"""Which accounts will leave? Boosted trees and a logistic regression on account-month snapshots."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from features.account import ACCOUNT_CATEGORIES, ACCOUNT_FEATURES
from models.boosting import Columns, load_booster, save_booster
from models.calibration import Calibrator, fit_calibrator
from models.tabular import TabularModel

FEWEST_LEAVERS = 10


@dataclass(frozen=True)
class ChurnModel:
    """Probability of leaving within the horizon it was trained for, 90 days by default."""

    model: TabularModel
    calibrator: Calibrator = field(default_factory=Calibrator)

    @classmethod
    def fit(
        cls,
        features: pd.DataFrame,
        left: pd.Series,
        seed: int,
        settings: Mapping[str, Any] | None = None,
        numbers: Sequence[str] = ACCOUNT_FEATURES,
        categories: Sequence[str] = ACCOUNT_CATEGORIES,
    ) -> "ChurnModel":
        """Learn from snapshots (columns ``numbers`` and ``categories``) and whether each one left.

        Raises ``ValueError`` where ``too_few`` says so.
        """
        problem = too_few(left)
        if problem is not None:
            raise ValueError(problem)
        columns = Columns.of(features, numbers, categories)
        return cls(TabularModel.fit(features, left.to_numpy(dtype=float), columns, seed, settings))

    @property
    def columns(self) -> Columns:
        """What it reads of a snapshot."""
        return self.model.columns

    def calibrated_on(self, features: pd.DataFrame, left: pd.Series) -> "ChurnModel":
        """The same ranking with probabilities that fit later snapshots; unchanged without any."""
        return self.calibrated_by(self.model.predict(features), left)

    def calibrated_by(self, raw: np.ndarray, left: pd.Series) -> "ChurnModel":
        """The same ranking, calibrated by ``raw`` probabilities of cases it has not learnt from."""
        return replace(self, calibrator=fit_calibrator(raw, left.to_numpy(dtype=bool)))

    def predict(self, features: pd.DataFrame) -> np.ndarray:
        """Probability of leaving, one per snapshot."""
        return self.calibrator(self.model.predict(features))

    def save(self, folder: Path) -> None:
        """Write ``model.json`` and ``booster.txt``."""
        folder.mkdir(parents=True, exist_ok=True)
        document = {**self.model.to_json(), "calibrator": vars(self.calibrator)}
        (folder / "model.json").write_text(json.dumps(document), encoding="utf-8")
        save_booster(self.model.booster, folder / "booster.txt")

    @classmethod
    def load(cls, folder: Path) -> "ChurnModel":
        """Read what ``save`` wrote; verify the files first (``models.release``)."""
        document = json.loads((folder / "model.json").read_text(encoding="utf-8"))
        booster = load_booster(folder / "booster.txt", Columns.from_json(document["columns"]))
        return cls(TabularModel.from_json(document, booster), Calibrator(**document["calibrator"]))


def too_few(left: pd.Series) -> str | None:
    """Why nothing can be learnt from these labels; ``None`` if something can."""
    leavers = int(left.sum())
    if min(leavers, len(left) - leavers) < FEWEST_LEAVERS:
        return (
            f"{len(left)} labelled account months, {leavers} of them before leaving: "
            f"{FEWEST_LEAVERS} of each are needed"
        )
    return None
