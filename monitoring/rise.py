"""Have people begun to correct more than they did? A test that may be asked every day, for ever.

What a release's first answers were like is its own yardstick. Every later day is a bet that some share of the
answers has risen: corrections of a field at all, of decisions for one value, to one value, to a value nobody
used before, or in one band of confidence. The stakes add up to an e-detector of Shiryaev-Roberts form,
M = (M + 1) x likelihood ratio of the day (Shin, Ramdas and Rinaldo 2023): where no share rose, the expected
time until the average of all of them reaches N is at least N days, however many are watched and however often
one looks; only that shares of values are added as they turn up is an approximation. Who answers may be any
selection, as long as it stays the same: a desk that answers only what is wrong does so from the beginning.
Pure.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import beta

from monitoring.quality import OVERRIDABLE
from monitoring.rates import Rate

BANDS = (0.5, 0.8, 0.95)
"""Edges of the bands of the stated probability."""
_RISES = (0.02, 0.04, 0.08, 0.15, 0.3)
"""How much a share may have risen: one bet each, their stakes averaged."""
_MOST_SHARE = 0.98
_OVER = 100
"""How often an alarm's stake a stake may become."""


@dataclass(frozen=True)
class RiseLimits:
    """How long the yardstick is taken, what is tolerated, and how rare a false alarm has to be."""

    yardstick_answers: int = 1000
    """Answers that the yardstick takes, in whole days of the first ``yardstick_days``."""
    yardstick_days: int = 28
    fewest_answers: int = 100
    """A field with fewer answers in the yardstick is not watched."""
    memory_days: int = 60
    """A rise that began earlier is seen from here on."""
    sureness: float = 0.95
    """One-sided, of the yardstick's shares over all that is watched (Bonferroni, by weight)."""
    tolerated: float = 0.01
    """Rise of a share that is none."""
    days_between_false_alarms: float = 1000.0
    """At least, in expectation."""
    fewest_days: int = 3
    """Fewer prove nothing, whatever happened in them: the tickets of an outage are one event."""


@dataclass(frozen=True)
class Rise:
    """The share that rose most surely: which answers, since when, now and in the yardstick.

    ``strength``: the average stake by the limit; an alarm from 1 on.
    """

    what: str
    since: datetime
    now: Rate
    before: Rate
    strength: float

    @property
    def proven(self) -> bool:
        """Whether it is no accident."""
        return self.strength >= 1

    def record(self) -> dict[str, Any]:
        """As JSON values."""
        now, before = self.now.record(), self.before.record()
        return {"what": self.what, "since": self.since.isoformat(), "now": now, "before": before} | {
            "strength": self.strength
        }

    def __str__(self) -> str:
        return f"{self.what} in {self.now} answers since {self.since:%Y-%m-%d}, in {self.before} before"


def strongest_rise(
    decisions: pd.DataFrame, said: pd.DataFrame, limits: RiseLimits = RiseLimits()
) -> Rise | None:
    """What rose most surely in the answers to one release's ``decisions``, ``None`` while nobody can tell.

    ``decisions``: see ``monitoring.quality``; ``said``: their ``corrections``. Both as known at the moment of
    the question. An answer belongs to the day of its decision.
    """
    if said.empty:
        return None
    first = decisions["at"].min().floor("D")
    made = (decisions["at"] - first).dt.days
    decided = np.bincount(made).astype(float)
    late = max(0, len(decided) - limits.memory_days)
    known = decisions.set_index("decision_id").assign(day=made.to_numpy())
    about = known.loc[said["decision_id"], ["day", "probability"]]
    said = said.assign(day=about["day"].to_numpy(), probability=about["probability"].to_numpy())
    said = said[(said["day"] < limits.yardstick_days) | (said["day"] >= late)]
    fields = [_counted(field, said[said["field"] == field], decided, limits) for field in OVERRIDABLE]
    watched = [field for field in fields if field is not None]
    if not watched:
        return None
    number = len(watched)
    stakes = [_stakes(field, late, number, limits) for field in watched]
    strongest = int(np.argmax([stake.max() for stake in stakes]))
    field, part = watched[strongest], int(np.argmax(stakes[strongest]))
    since = _since(field, part, late, number, limits)
    return Rise(
        field.parts[part],
        first + timedelta(days=since),
        _rate(field, part, slice(since, None)),
        _rate(field, part, slice(0, field.yardstick)),
        sum(float(stake.sum()) for stake in stakes) / limits.days_between_false_alarms,
    )


@dataclass(frozen=True)
class _Counted:
    """One field by day: answers, and by part (row) those that are counted in it.

    ``trials``: answers, or those that as many decisions used to get, whichever is more: who stops confirming
    proves nothing.
    """

    parts: tuple[str, ...]
    yardstick: int
    answers: np.ndarray
    trials: np.ndarray
    hits: np.ndarray

    @property
    def weights(self) -> np.ndarray:
        """Of the average: half for all corrections, half for the others together."""
        rest = len(self.parts) - 1
        return np.array([0.5, *([0.5 / rest] * rest if rest else [])])


def _counted(field: str, mine: pd.DataFrame, decided: np.ndarray, limits: RiseLimits) -> _Counted | None:
    day = mine["day"].to_numpy()
    answers = np.bincount(day, minlength=len(decided)).astype(float)
    so_far = answers[: limits.yardstick_days].cumsum()
    yardstick = min(int((so_far < limits.yardstick_answers).sum()) + 1, limits.yardstick_days)
    if answers[:yardstick].sum() < limits.fewest_answers or len(decided) <= yardstick:
        return None
    wont = answers[:yardstick].sum() / max(1.0, decided[:yardstick].sum())
    wrong = mine["changed"].to_numpy(dtype=bool)
    names, rows = [f"{field} corrected"], [np.bincount(day[wrong], minlength=len(decided))]

    def count(labels: np.ndarray, name: str) -> None:
        """A part for every label of the corrected answers; ``name`` has a place for it."""
        codes, values = pd.factorize(labels, sort=True)
        known = codes >= 0
        width = len(decided)
        table = np.bincount(codes[known] * width + day[wrong][known], minlength=len(values) * width)
        names.extend(name.format(value) for value in values)
        rows.extend(table.reshape(len(values), width))

    decided_values, told = (mine[name].to_numpy(dtype=object) for name in ("decided", "value"))
    known = set(decided_values[day < yardstick]) | set(told[day < yardstick])
    new = np.array([None if value in known or pd.isna(value) else "" for value in told[wrong]], dtype=object)
    count(new, f"{field} corrected to what nobody used before{{}}")
    count(decided_values[wrong], f"{field} {{!r}} corrected")
    count(told[wrong], f"{field} corrected to {{!r}}")
    if field == "intent":
        band = np.searchsorted(BANDS, mine["probability"].fillna(0.0).to_numpy()[wrong], side="right")
        edges = (0.0, *BANDS, 1.0)
        bands = np.array([f"{edges[b]:.0%} to {edges[b + 1]:.0%}" for b in band], dtype=object)
        count(bands, f"{field} stated {{}} sure corrected")
    trials = np.maximum(answers, wont * decided)
    return _Counted(tuple(names), yardstick, answers, trials, np.array(rows, dtype=float))


def _log_ratios(field: _Counted, late: int, number: int, limits: RiseLimits) -> np.ndarray:
    """Log likelihood ratios by part, bet and day from the end of the yardstick, at the earliest ``late``.

    ``number`` of fields. None alone is a proof: a smaller ratio is still a bet.
    """
    hits = field.hits[:, : field.yardstick].sum(axis=1)
    answers = field.answers[: field.yardstick].sum()
    sureness = 1 - (1 - limits.sureness) * field.weights / number
    upper = beta.ppf(sureness, hits + 1, np.maximum(answers - hits, 0.5))
    allowed = np.minimum(upper + limits.tolerated, _MOST_SHARE)[:, None, None]
    bets = np.minimum(allowed + np.array(_RISES)[None, :, None], (1 + allowed) / 2)
    start = max(field.yardstick, late)
    now = field.hits[:, None, start:]
    misses = field.trials[None, None, start:] - now
    ratios = now * np.log(bets / allowed) + misses * np.log((1 - bets) / (1 - allowed))
    proof = np.log(limits.days_between_false_alarms / field.weights)[:, None, None]
    most: np.ndarray = np.minimum(ratios, proof / limits.fewest_days)
    return most


def _stakes(field: _Counted, late: int, number: int, limits: RiseLimits) -> np.ndarray:
    """By part, its weighted stake today; none grows far beyond an alarm, so that what ended is forgotten."""
    ratios = _log_ratios(field, late, number, limits)
    most = np.log(_OVER * limits.days_between_false_alarms / field.weights)[:, None]
    stake = np.full(ratios.shape[:2], -np.inf)
    for day in range(ratios.shape[2]):
        stake = np.minimum(np.logaddexp(stake, 0.0) + ratios[:, :, day], most)
    found: np.ndarray = field.weights * np.exp(stake).mean(axis=1)
    return found


def _since(field: _Counted, part: int, late: int, number: int, limits: RiseLimits) -> int:
    """The day from which on the share has most likely risen."""
    ratios = _log_ratios(field, late, number, limits)[part]
    totals = ratios[:, ::-1].cumsum(axis=1)[:, ::-1]
    place = int(np.unravel_index(np.argmax(totals), totals.shape)[1])
    return max(field.yardstick, late) + place


def _rate(field: _Counted, part: int, days: slice) -> Rate:
    return Rate(int(field.hits[part, days].sum()), int(field.answers[days].sum()))
