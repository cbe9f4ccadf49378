"""Anybody's table with a yes-or-no column: which columns are numbers, which categories, and what yes is."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from pipelines.benchmarks.tables import BenchmarkDataError
from pipelines.churn import Inputs

YES = ("1", "1.0", "yes", "y", "true", "t", "churn", "churned", "left", "exited", "cancelled", "gone")
MOST_DISTINCT_SHARE = 0.5
"""A column of words that differ in more than half of the rows names the cases: it teaches nothing."""
FEWEST_TO_JUDGE = 50


@dataclass(frozen=True)
class Cases:
    """A row a case: the columns of ``inputs`` (float64 or str, missing is missing) and ``label`` (0/1)."""

    frame: pd.DataFrame
    label: str
    inputs: Inputs
    left_out: tuple[str, ...]


def read_cases(path: Path, label: str) -> pd.DataFrame:
    """A CSV file (UTF-8) as text, blank cells missing. Raises ``BenchmarkDataError``."""
    try:
        frame = pd.read_csv(path, dtype="str", keep_default_na=False, encoding="utf-8-sig")
    except FileNotFoundError:
        raise BenchmarkDataError(f"{path} not found: give the path of a CSV file") from None
    except (OSError, UnicodeDecodeError, pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        raise BenchmarkDataError(f"{path} cannot be read as CSV in UTF-8: {error}") from error
    if label not in frame:
        raise BenchmarkDataError(
            f"{path} lacks the column {label!r}; found {list(frame.columns)}: give one of them as --label"
        )
    frame = frame.apply(lambda column: column.str.strip())
    frame = frame.mask(frame == "")
    blank = frame[label].isna()
    if blank.any():
        raise BenchmarkDataError(
            f"{path}: {int(blank.sum())} rows have an empty {label!r}, the first is data row "
            f"{int(blank.to_numpy().argmax()) + 1}: fill it in or leave the row out"
        )
    return frame


def positive_value(values: Sequence[str], asked: str | None = None) -> str:
    """Which of two label values means yes. Raises ``BenchmarkDataError`` where that cannot be told."""
    distinct = sorted(set(values))
    if asked is not None:
        if asked not in distinct:
            raise BenchmarkDataError(f"no row has the label {asked!r}; found {distinct[:10]}")
        return asked
    known = [value for value in distinct if value.lower() in YES]
    if len(distinct) != 2 or len(known) != 1:
        raise BenchmarkDataError(
            f"the label has the values {distinct[:10]}: two are needed, --positive VALUE says which is yes"
        )
    return known[0]


def inputs_of(train: pd.DataFrame, label: str, ignored: Sequence[str] = ()) -> tuple[Inputs, tuple[str, ...]]:
    """Numbers and categories among the columns of ``train``, and those left out because they name the cases.

    Raises ``BenchmarkDataError`` where an ignored column does not exist or nothing is left.
    """
    strange = sorted(set(ignored) - set(train))
    if strange:
        raise BenchmarkDataError(
            f"--ignore names columns that are not there: {strange}; {list(train.columns)}"
        )
    numbers, categories, left_out = [], [], []
    for name in train.columns.drop([label, *ignored], errors="ignore"):
        known = train[name].dropna()
        if np.isfinite(pd.to_numeric(known, errors="coerce")).all() and len(known):
            numbers.append(name)
        elif len(train) >= FEWEST_TO_JUDGE and known.nunique() > MOST_DISTINCT_SHARE * len(train):
            left_out.append(name)
        else:
            categories.append(name)
    if not numbers and not categories:
        raise BenchmarkDataError(f"no column is left to learn from beside {label!r}; left out: {left_out}")
    return Inputs(tuple(numbers), tuple(categories)), (*left_out, *ignored)


def cases_of(frame: pd.DataFrame, label: str, inputs: Inputs, positive: str, name: str) -> pd.DataFrame:
    """``frame`` with ``inputs`` typed and the label as 0/1; words where numbers belong become unknown.

    Raises ``BenchmarkDataError`` naming the columns that ``frame`` (called ``name``) lacks.
    """
    lacking = [column for column in (*inputs.numbers, *inputs.categories) if column not in frame]
    if lacking:
        raise BenchmarkDataError(f"the {name} file lacks the columns {lacking} that the training file has")
    numbers = {c: pd.to_numeric(frame[c], errors="coerce").astype("float64") for c in inputs.numbers}
    words = {c: frame[c].astype("str") for c in inputs.categories}
    return pd.DataFrame({**numbers, **words, label: (frame[label] == positive).astype("int8")})
