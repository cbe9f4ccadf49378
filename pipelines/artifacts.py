"""Where the stages leave their results, and how: numbers rounded, tables by name, the same bytes again."""

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

FEATURES = Path("artifacts/features")
MODELS = Path("artifacts/models")
METRICS = Path("artifacts/metrics")
PLOTS = Path("artifacts/plots")
RELEASE = Path("artifacts/release")
DIGITS = 6


def read_frame(path: Path, stage: str) -> pd.DataFrame:
    """A Parquet table that ``stage`` wrote. Raises ``FileNotFoundError`` saying how to make it."""
    if not path.exists():
        raise FileNotFoundError(f"{path} not found: run `dvc repro {stage}` first")
    return pd.read_parquet(path)


def write_frame(path: Path, frame: pd.DataFrame) -> None:
    """Write a Parquet table, byte for byte the same for the same rows."""
    path.parent.mkdir(parents=True, exist_ok=True)
    frame.to_parquet(path, index=False, compression="zstd")


def rounded(value: Any) -> Any:
    """``value`` with every float rounded to six digits; what is not finite becomes ``None``."""
    if isinstance(value, Mapping):
        return {str(key): rounded(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [rounded(entry) for entry in value]
    if isinstance(value, float):
        return round(float(value), DIGITS) if math.isfinite(value) else None
    return value


def write_metrics(stage: str, metrics: Mapping[str, Any]) -> dict[str, Any]:
    """Write the metrics of a stage as JSON, in the order given; returns them as written."""
    METRICS.mkdir(parents=True, exist_ok=True)
    written: dict[str, Any] = rounded(metrics)
    (METRICS / f"{stage}.json").write_text(json.dumps(written, indent=2) + "\n", encoding="utf-8")
    return written


def read_metrics(stage: str) -> dict[str, Any]:
    """The metrics a stage wrote. Raises ``FileNotFoundError`` saying how to make them."""
    path = METRICS / f"{stage}.json"
    if not path.exists():
        raise FileNotFoundError(f"{path} not found: run `dvc repro {stage}` first")
    metrics: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return metrics


def write_plot(name: str, frame: pd.DataFrame) -> None:
    """Write the points of a plot as CSV for ``dvc plots``."""
    PLOTS.mkdir(parents=True, exist_ok=True)
    frame.round(DIGITS).to_csv(PLOTS / f"{name}.csv", index=False)
