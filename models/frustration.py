"""Signals of frustration that need no training: how somebody writes, and what happened to them before."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from features.rows import Rows
from models.boosting import numeric
from models.priority_reasons import counted, ordinal

SIGNAL_COLUMNS = (
    "caps_share",
    "exclamation_marks",
    "text_chars",
    "same_intent_contact_30d",
    "similar_text_repeats_30d",
    "failed_logins_24h",
    "contact_errors_24h",
    "account_csat_last",
)


class Steps(NamedTuple):
    """Strength of one signal: the strength of the last of ``at`` that its value reaches."""

    at: tuple[float, ...]
    strength: tuple[float, ...]
    words: Callable[[float], str]


STEPS: dict[str, Steps] = {
    "capitals": Steps((0.5, 0.8), (0.25, 0.35), lambda share: f"written in capitals ({share:.0%})"),
    "exclamations": Steps((2, 4), (0.1, 0.2), lambda marks: counted(marks, "exclamation mark")),
    "repeats": Steps(
        (1, 2, 3), (0.1, 0.25, 0.45), lambda n: f"{ordinal(int(n) + 1)} report of the same issue"
    ),
    "failed_logins": Steps((3, 5), (0.25, 0.5), lambda n: f"{counted(n, 'failed log-in')} in 24 hours"),
    "errors": Steps((5, 20), (0.1, 0.2), lambda n: f"{counted(n, 'error')} in 24 hours"),
    "dissatisfaction": Steps((3, 4), (0.1, 0.15), lambda gap: f"last rating was {5 - gap:.0f} of 5"),
}
"""Capitals with three earlier reports, or five failed log-ins, make at least one half: that is not calm."""
FEWEST_CHARS_FOR_CAPITALS = 15


def signal_values(tickets: pd.DataFrame | Rows) -> dict[str, np.ndarray]:
    """One value per ticket and signal of ``STEPS``, 0 where it is unknown. Needs ``SIGNAL_COLUMNS``."""
    values = np.nan_to_num(numeric(tickets, SIGNAL_COLUMNS))
    column = dict(zip(SIGNAL_COLUMNS, values.T, strict=True))
    rating = column["account_csat_last"]
    return {
        "capitals": np.where(column["text_chars"] >= FEWEST_CHARS_FOR_CAPITALS, column["caps_share"], 0.0),
        "exclamations": column["exclamation_marks"],
        "repeats": np.maximum(column["same_intent_contact_30d"], column["similar_text_repeats_30d"]),
        "failed_logins": column["failed_logins_24h"],
        "errors": column["contact_errors_24h"],
        "dissatisfaction": np.where(rating > 0, 5 - rating, 0.0),
    }


def strengths(values: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Strength of each signal, 0 to 1; never falls when its value rises."""
    return {
        name: np.array([0.0, *steps.strength])[np.searchsorted(steps.at, values[name], side="right")]
        for name, steps in STEPS.items()
    }


def either(*probabilities: np.ndarray) -> np.ndarray:
    """Probability that at least one of independent causes is at work (noisy or)."""
    calm = np.ones(())
    for probability in probabilities:
        calm = calm * (1 - probability)
    return 1 - calm


def signals_in_words(values: dict[str, np.ndarray], row: int) -> tuple[str, ...]:
    """The signals of one ticket that count, strongest first."""
    strength = strengths({name: value[row : row + 1] for name, value in values.items()})
    present: Sequence[str] = [name for name in STEPS if strength[name][0] > 0]
    present = sorted(present, key=lambda name: -strength[name][0])
    return tuple(STEPS[name].words(float(values[name][row])) for name in present)
