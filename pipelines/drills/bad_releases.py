"""Releases that must never serve, made on purpose in a drill's clone."""

from pathlib import Path

import pandas as pd

from pipelines.drills.workspace import run_in


def flipped_labels(project: Path) -> None:
    """Leave a release in ``project`` whose intent model learnt every label as another one.

    Its other models, its metrics and the tickets that judge it stay as they were: only asking it tells.
    """
    path = project / "artifacts" / "features" / "tickets.parquet"
    right = path.read_bytes()
    try:
        flipped(pd.read_parquet(path)).to_parquet(path, index=False)
        run_in(project, "pipelines.intent")
    finally:
        path.write_bytes(right)
    run_in(project, "pipelines.release")


def flipped(tickets: pd.DataFrame) -> pd.DataFrame:
    """``tickets`` with each intent replaced by the next one in alphabetical order."""
    names = sorted(set(tickets["intent_label"].dropna()) | set(tickets["intent_reviewed"].dropna()))
    other = dict(zip(names, [*names[1:], *names[:1]], strict=True))
    columns = ("intent_label", "intent_reviewed")
    return tickets.assign(**{name: tickets[name].map(other).astype("str") for name in columns})
