"""Benchmark runs in MLflow, beside those of the stages: figures, and every trial of the tuning."""

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pipelines.tracking import record_run, state_folder

if TYPE_CHECKING:
    import optuna


def keep_run(found: Mapping[str, Any], study: "optuna.Study | None" = None) -> str | None:
    """Record one run of a benchmark where the project has a tracking store; returns its id.

    Nothing is made where there is none: ``dvc repro`` makes it. Raises ``TrackingError``.
    """
    if not (state_folder() / "mlflow.db").exists() and "MLFLOW_TRACKING_URI" not in os.environ:
        return None
    name = f"benchmark {found.get('benchmark', 'intent')}"
    asked = {key: found[key] for key in ("set", "preset", "seed", "thresholds_chosen_on") if key in found}
    return record_run(name, asked, found, (), study)
