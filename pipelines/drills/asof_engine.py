"""The as-of engine against pandas' rolling windows: the same windowed sums, in one run, equal values."""

import time

import numpy as np
import pandas as pd

from features.arrays import DAY
from features.asof import EventLog
from pipelines.results import Result

FACTS = 1_000_000
QUESTIONS = 100_000
ACCOUNTS = 2_000
WINDOW_DAYS = 28
PERIOD_DAYS = 540


def measure() -> list[Result]:
    """Seconds of pandas divided by seconds of the engine, for 28-day sums over a million facts."""
    rng = np.random.default_rng(1)
    codes = rng.integers(0, ACCOUNTS, FACTS)
    known_at = np.sort(rng.choice(PERIOD_DAYS * DAY, FACTS, replace=False))
    amounts = rng.integers(0, 100, FACTS)
    asked = rng.integers(0, ACCOUNTS, QUESTIONS)
    as_of = rng.integers(0, PERIOD_DAYS * DAY, QUESTIONS)

    started = time.perf_counter()
    log = EventLog(codes, known_at, values={"amount": amounts})
    ours = log.at(asked, as_of).sum("amount", WINDOW_DAYS * DAY)
    ours_seconds = time.perf_counter() - started

    started = time.perf_counter()
    theirs = _by_pandas(codes, known_at, amounts, asked, as_of)
    theirs_seconds = time.perf_counter() - started
    if not np.array_equal(ours, theirs):
        raise RuntimeError("the as-of engine and pandas disagree on a windowed sum: run tests/features")

    return [
        Result(
            name="features.asof.ratio_vs_pandas",
            value=theirs_seconds / ours_seconds,
            unit="times faster",
            reference="pandas groupby.rolling over time, equal values, same run",
            target="",
            met=None,
            command="firstline drill --only asof",
            data=f"{FACTS} random facts, {QUESTIONS} questions, {WINDOW_DAYS}-day sums",
            note=f"{ours_seconds:.2f} s against {theirs_seconds:.2f} s.",
        )
    ]


def _by_pandas(
    codes: np.ndarray, known_at: np.ndarray, amounts: np.ndarray, asked: np.ndarray, as_of: np.ndarray
) -> np.ndarray:
    """The same sums by ``groupby.rolling(closed="left")`` over facts and questions together."""
    facts = pd.DataFrame({"key": codes, "at": known_at, "amount": amounts, "question": -1})
    questions = pd.DataFrame({"key": asked, "at": as_of, "amount": 0, "question": np.arange(QUESTIONS)})
    both = pd.concat([questions, facts], ignore_index=True)
    both["at"] = pd.to_datetime(both["at"], unit="us")
    both = both.sort_values(["key", "at"], kind="stable").reset_index(drop=True)
    window = both.set_index("at").groupby("key")["amount"].rolling(f"{WINDOW_DAYS}D", closed="left").sum()
    both["sum"] = np.nan_to_num(window.to_numpy())
    answered = both[both["question"] >= 0].sort_values("question", kind="stable")
    return answered["sum"].to_numpy()
