"""Have the inputs or the predictions moved? Evidently's picture, our test of whether it is more than chance.

A column counts as moved only where the change is large (a distance) and no accident (a p-value corrected for
the number of columns). Small windows are not compared at all: Evidently alone finds drift in 60 unchanged
rows every time.
"""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pandas as pd
from scipy.stats import chi2_contingency, ks_2samp

MISSING = "(missing)"
OTHER = "(other)"
_MOST_CATEGORIES = 60
_FEWEST_EXPECTED = 5.0
"""Rarer categories are tested together, so that the chi-squared approximation holds (Cochran 1954)."""


@dataclass(frozen=True)
class DriftLimits:
    """How large, how sure and on how many rows a change must be to count."""

    min_rows: int = 300
    min_distance: float = 0.1
    """Jensen-Shannon distance (0 same, 1 disjoint), or difference of the shares of missing values."""
    error_rate: float = 0.01
    """Probability of any false alarm over all columns of one comparison (Bonferroni)."""
    most_rows: int = 5_000
    """Larger sides are sampled, evenly over time."""


@dataclass(frozen=True)
class ColumnDrift:
    """One column: how far it moved, whether that may be chance, and how much of it was missing."""

    column: str
    distance: float
    p_value: float
    missing_reference: float
    missing_window: float
    moved: bool


@dataclass(frozen=True)
class Drift:
    """One comparison: the columns, farthest first, and the rows on both sides."""

    window_rows: int
    reference_rows: int
    columns: tuple[ColumnDrift, ...]

    @property
    def moved(self) -> list[str]:
        """Names of the columns that moved, farthest first."""
        return [c.column for c in self.columns if c.moved]

    def record(self) -> dict[str, Any]:
        """The comparison as JSON values."""
        return {**asdict(self), "columns": [asdict(c) for c in self.columns]}


def compare(
    reference: pd.DataFrame,
    window: pd.DataFrame,
    numbers: Sequence[str],
    categories: Sequence[str],
    html: Path | None = None,
    limits: DriftLimits = DriftLimits(),
) -> Drift:
    """Compare two frames column by column; write Evidently's report to ``html``.

    Raises ``ValueError`` where a side has fewer than ``limits.min_rows`` rows.
    """
    for side, frame in (("reference", reference), ("window", window)):
        if len(frame) < limits.min_rows:
            raise ValueError(f"{side} has {len(frame)} rows: drift needs at least {limits.min_rows}")
    then, now = _few_categories(
        _comparable(thinned(reference, limits.most_rows), numbers, categories),
        _comparable(thinned(window, limits.most_rows), numbers, categories),
        categories,
    )
    distances = _distances(then, now, numbers, categories, limits, html)
    tests = 2 * len(numbers) + len(categories)
    columns = []
    for name in [*numbers, *categories]:
        is_category = name in categories
        lost_then, lost_now = _missing(then[name], is_category), _missing(now[name], is_category)
        distance = max(distances.get(name, 0.0), abs(lost_now - lost_then))
        p_value = min(1.0, tests * _p_value(then[name], now[name], is_category))
        moved = distance >= limits.min_distance and p_value < limits.error_rate
        columns.append(ColumnDrift(name, distance, p_value, lost_then, lost_now, moved))
    columns.sort(key=lambda c: (not c.moved, -c.distance, c.column))
    return Drift(len(window), len(reference), tuple(columns))


def thinned(frame: pd.DataFrame, most_rows: int) -> pd.DataFrame:
    """At most ``most_rows`` rows of ``frame``, evenly spaced in its order."""
    step = -(-len(frame) // most_rows) if len(frame) else 1
    return frame.iloc[::step]


def vocabulary(texts: Iterable[str], min_texts: int = 2) -> frozenset[str]:
    """Words that occur in at least ``min_texts`` of the texts."""
    counts: dict[str, int] = {}
    for text in texts:
        for word in set(_words(text)):
            counts[word] = counts.get(word, 0) + 1
    return frozenset(word for word, count in counts.items() if count >= min_texts)


def unknown_word_share(texts: Sequence[str], known: frozenset[str]) -> list[float]:
    """Share of each text's words that are not ``known``; ``nan`` for a text without words."""
    shares = []
    for text in texts:
        words = _words(text)
        shares.append(sum(w not in known for w in words) / len(words) if words else float("nan"))
    return shares


def _words(text: str) -> list[str]:
    cleaned = "".join(c if c.isalpha() else " " for c in text.casefold())
    return cleaned.split()


def _comparable(frame: pd.DataFrame, numbers: Sequence[str], categories: Sequence[str]) -> pd.DataFrame:
    columns: dict[str, pd.Series] = {n: pd.to_numeric(frame[n]).astype("float64") for n in numbers}
    columns |= {c: frame[c].astype("object").where(frame[c].notna(), MISSING).astype(str) for c in categories}
    return pd.DataFrame(columns).reset_index(drop=True)


def _few_categories(
    then: pd.DataFrame, now: pd.DataFrame, categories: Sequence[str]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Both frames with the rarest categories of each column taken together."""
    for name in categories:
        common = pd.concat([then[name], now[name]]).value_counts().index[:_MOST_CATEGORIES]
        then, now = (f.assign(**{name: f[name].where(f[name].isin(common), OTHER)}) for f in (then, now))
    return then, now


def _missing(values: pd.Series, is_category: bool) -> float:
    return float((values == MISSING).mean() if is_category else values.isna().mean())


def _p_value(then: pd.Series, now: pd.Series, is_category: bool) -> float:
    """Smallest p-value that the column is unchanged: its values, and for numbers how many are missing."""
    if is_category:
        return _same_shares(then, now)
    missing = _same_shares(then.isna(), now.isna())
    values = [side.dropna().to_numpy() for side in (then, now)]
    if min(map(len, values)) == 0:
        return missing
    return min(missing, float(ks_2samp(*values, method="asymp").pvalue))


def _same_shares(then: pd.Series, now: pd.Series) -> float:
    counts = pd.DataFrame({"then": then.value_counts(), "now": now.value_counts()}).fillna(0.0)
    expected = counts.sum(axis=1) * min(len(then), len(now)) / (len(then) + len(now))
    rare = expected < _FEWEST_EXPECTED
    pooled = pd.concat([counts[~rare], counts[rare].sum().to_frame().T])
    pooled = pooled[pooled.sum(axis=1) > 0]
    return float(chi2_contingency(pooled.to_numpy()).pvalue) if len(pooled) > 1 else 1.0


def _distances(
    then: pd.DataFrame,
    now: pd.DataFrame,
    numbers: Sequence[str],
    categories: Sequence[str],
    limits: DriftLimits,
    html: Path | None,
) -> dict[str, float]:
    """Jensen-Shannon distance by column, from Evidently, without constant or (almost) empty columns."""
    from evidently import DataDefinition, Dataset, Report
    from evidently.presets import DataDriftPreset

    enough = limits.min_rows // 10
    varied = [n for n in [*numbers, *categories] if pd.concat([then[n], now[n]]).nunique() > 1]
    columns = [n for n in varied if min(then[n].count(), now[n].count()) >= enough]
    if not columns:
        return {}
    definition = DataDefinition(
        numerical_columns=[n for n in columns if n in numbers],
        categorical_columns=[n for n in columns if n in categories],
    )
    report = Report(
        [
            DataDriftPreset(
                num_method="jensenshannon", cat_method="jensenshannon", threshold=limits.min_distance
            )
        ]
    )
    run = report.run(
        Dataset.from_pandas(now[columns], data_definition=definition),
        Dataset.from_pandas(then[columns], data_definition=definition),
    )
    if html is not None:
        html.parent.mkdir(parents=True, exist_ok=True)
        run.save_html(str(html))
    metrics = [m for m in run.dict()["metrics"] if "column" in m["config"]]
    return {m["config"]["column"]: float(m["value"]) for m in metrics}
