"""One line for the people on call: OK, WATCH or RETRAIN, why, since when, and what was done.

Pure. Drift alone is WATCH: inputs that moved are no harm by themselves. RETRAIN needs proof of harm (more
overrides, or more wrong automatic resolutions, than allowed, even if every decision that nobody answered was
right) or enough new labels. A window too small to say anything says so, and nothing else.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from monitoring.quality import Quality
from monitoring.rates import Rate

State = Literal["OK", "WATCH", "RETRAIN"]

DONE: dict[State, str] = {
    "OK": "nothing to do",
    "WATCH": "nothing changed, the champion keeps serving",
    "RETRAIN": "nothing changed yet: run `firstline feedback export`, then `dvc repro`",
}


@dataclass(frozen=True)
class Limits:
    """What is allowed, and how much evidence it takes to say that it was exceeded."""

    min_decisions: int = 300
    """Smaller windows are not judged: Evidently finds drift in 60 unchanged rows every time."""
    min_answered: int = 50
    allowed_override_share: float = 0.20
    promised_automation_precision: float = 0.95
    confidence: float = 0.95
    """One-sided, of all the rates of a window together (Bonferroni)."""
    labels_to_retrain: int = 2000
    """New labels from feedback, since the champion was promoted, that are worth a retraining."""


@dataclass(frozen=True)
class Verdict:
    """The state, its reason, when it began (``None``: just now, not yet dated) and what was done."""

    state: State
    reason: str
    since: datetime | None = None
    done: str = ""

    @property
    def line(self) -> str:
        """The verdict as one line of text."""
        since = f" since {self.since:%Y-%m-%d %H:%M} UTC" if self.since else ""
        return f"{self.state}{since}: {self.reason}. Done: {self.done or DONE[self.state]}."


def judge(
    quality: Quality,
    moved_columns: Sequence[str],
    new_labels: int = 0,
    notes: Sequence[str] = (),
    limits: Limits = Limits(),
) -> Verdict:
    """The verdict over one window.

    ``moved_columns`` names the columns that drifted, ``notes`` what could not be looked at, for example
    ``no reference``.
    """
    remarks = "".join(f"; {note}" for note in notes)
    if quality.decisions < limits.min_decisions:
        reason = f"{quality.decisions} decisions are too few to judge (at least {limits.min_decisions})"
        return Verdict("OK", reason + remarks)
    if harms := proven_harm(quality, limits):
        return Verdict("RETRAIN", "; ".join(harms) + remarks)
    if new_labels >= limits.labels_to_retrain:
        reason = f"{new_labels} new labels wait (at least {limits.labels_to_retrain} are worth a retraining)"
        return Verdict("RETRAIN", reason + remarks)
    if signs := _signs(quality, moved_columns, limits):
        return Verdict("WATCH", "; ".join(signs) + remarks)
    answered = f"{quality.answered} of {quality.decisions} decisions answered, no limit exceeded"
    return Verdict("OK", answered + remarks)


def proven_harm(quality: Quality, limits: Limits) -> list[str]:
    """Sentences about what was certainly worse than allowed, even if all silence were approval."""
    harms = []
    for field, rate in quality.overrides.items():
        if _exceeds(rate.all, limits.allowed_override_share, quality, limits):
            harms.append(f"{field} overridden in {rate.all} decisions")
    if _exceeds(quality.automated_wrong.all, 1 - limits.promised_automation_precision, quality, limits):
        promised = f"{limits.promised_automation_precision:.0%} right promised"
        harms.append(f"{quality.automated_wrong.all} automatic resolutions were wrong ({promised})")
    return harms


def _signs(quality: Quality, moved_columns: Sequence[str], limits: Limits) -> list[str]:
    signs = []
    if moved_columns:
        shown = ", ".join(moved_columns[:3]) + (", ..." if len(moved_columns) > 3 else "")
        verb = "column" if len(moved_columns) == 1 else "columns"
        signs.append(f"{len(moved_columns)} {verb} moved ({shown}), no harm proven")
    for field, rate in quality.overrides.items():
        if _exceeds(rate.answered, limits.allowed_override_share, quality, limits):
            signs.append(f"{field} overridden in {rate.answered} answered decisions")
    if quality.answered >= limits.min_answered and quality.calibration.overconfident:
        stated = quality.calibration.stated_probability
        signs.append(f"intents stated {stated:.0%} sure were right in {quality.calibration.right}")
    return signs


def _exceeds(rate: Rate, allowed: float, quality: Quality, limits: Limits) -> bool:
    tests = len(quality.overrides) + 1
    confidence = 1 - (1 - limits.confidence) / tests
    return quality.answered >= limits.min_answered and rate.lower(confidence) > allowed


def dated(verdict: Verdict, previous: Verdict | None, now: datetime) -> Verdict:
    """``verdict`` with ``since``: carried over while the state stays the same, else ``now``."""
    if previous is not None and previous.state == verdict.state and previous.since is not None:
        return replace(verdict, since=min(previous.since, now))
    return replace(verdict, since=now)
