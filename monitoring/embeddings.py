"""Do the texts still mean what they meant? How far sentence embeddings are from where the learned texts lie.

Only texts that were encoded are compared: an encoder leaves out languages that it does not know, and what
share those are, the language mix tells.
"""

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
import pandas as pd

from monitoring.drift import Drift, DriftLimits, compare

COLUMN = "embedding_distance"


def with_embeddings(
    found: Drift, path: Path, vectors: Iterable[np.ndarray], html: Path, limits: DriftLimits
) -> Drift:
    """``found`` with the column ``embedding_distance``, where both sides have enough embeddings.

    ``path``: those of the last ``dvc repro``. ``vectors``: what decisions of the window were made of. The
    error rate is shared with the columns compared before.
    """
    then, now = read_embeddings(path, limits.most_rows), np.array(list(vectors), dtype=np.float32)
    if then is None or now.ndim != 2 or then.shape[1] != now.shape[1]:
        return found
    center = then.mean(axis=0)
    reference, window = (pd.DataFrame({COLUMN: distances_to(center, side)}).dropna() for side in (then, now))
    if min(len(reference), len(window)) < limits.min_rows:
        return found
    shared = replace(limits, error_rate=limits.error_rate / (len(found.columns) + 1))
    added = compare(reference, window, [COLUMN], [], html, shared)
    columns = sorted((*found.columns, *added.columns), key=lambda c: (not c.moved, -c.distance, c.column))
    return replace(found, columns=tuple(columns))


def read_embeddings(path: Path, most_rows: int) -> np.ndarray | None:
    """Embeddings of tickets of the last ``dvc repro``, without their texts; ``None`` where none are kept."""
    try:
        with np.load(path, allow_pickle=False) as stored:
            vectors = stored["vectors"]
    except (OSError, ValueError, KeyError, EOFError, BadZipFile):
        return None
    step = -(-len(vectors) // most_rows) if len(vectors) else 1
    some = vectors[::step].astype(np.float32)
    return some if len(some) and some.any() else None


def distances_to(center: np.ndarray, vectors: np.ndarray) -> np.ndarray:
    """Cosine distance (0 same direction, 2 opposite) of each row to ``center``; null for a row of zeros."""
    lengths = np.linalg.norm(vectors, axis=1) * np.linalg.norm(center)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(lengths > 0, 1 - vectors @ center / lengths, np.nan)
