"""One line for the people on call: OK, WATCH or RETRAIN, why, since when, and what was done.

Pure. Drift alone is WATCH: inputs that moved are no harm by themselves. RETRAIN needs proof of harm (more
overrides, or more wrong automatic resolutions, than allowed, even if every decision that nobody answered was
right; or corrections that provably rose above what the release's own first answers were like) or enough new
labels. What is allowed follows from what the release itself was measured to get wrong.
A window too small to say anything says so, and nothing else. A verdict worsens at once and calms down only
after it has been better for a while (hysteresis), unless another release serves now.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal

from monitoring.quality import Quality
from monitoring.rates import Rate
from monitoring.rise import Rise

State = Literal["OK", "WATCH", "RETRAIN"]
Cause = Literal["none", "drift", "doubt", "labels", "harm"]
"""Why a state is what it is: nothing; inputs moved; answers look worse, but nothing is proven; labels wait;
harm is proven. Only the last is worth waking somebody for."""

DONE: dict[State, str] = {
    "OK": "nothing to do",
    "WATCH": "nothing changed, the champion keeps serving",
    "RETRAIN": "nothing changed yet: run `firstline retrain`",
}
AUTOMATED = "automated"
"""Name of the share of automatic resolutions that were wrong, among the expected errors."""
_ORDER: dict[State, int] = {"OK": 0, "WATCH": 2, "RETRAIN": 4}


@dataclass(frozen=True)
class Limits:
    """What is allowed, and how much evidence it takes to say that it was exceeded."""

    min_decisions: int = 300
    """Smaller windows are not judged: Evidently finds drift in 60 unchanged rows every time."""
    min_answered: int = 50
    allowed_override_share: float = 0.20
    tolerated_loss: float = 0.05
    """Overrides beyond what the release got wrong when it was evaluated, where that is known and more."""
    promised_automation_precision: float = 0.95
    confidence: float = 0.95
    """One-sided, of all the rates of a window together (Bonferroni)."""
    labels_to_retrain: int = 2000
    """Tickets with new labels from feedback, since the champion was promoted, that are worth a retraining."""
    labels_share_to_retrain: float = 0.1
    """Of as many tickets as the champion learnt from; where that is known and less, fewer are worth it."""
    fewest_labels_to_retrain: int = 200
    mostly_answered: float = 0.5
    """From this share of answers on, whoever answers cannot have picked only what is wrong."""
    calm_days: int = 7
    """How long a verdict has to be better before it is believed."""

    def allowed(self, expected_error: float | None) -> float:
        """Share of overrides allowed for a field whose share of errors at evaluation was this."""
        if expected_error is None:
            return self.allowed_override_share
        return max(self.allowed_override_share, expected_error + self.tolerated_loss)

    def worth_retraining(self, learnt: int | None) -> int:
        """How many tickets with new labels are, for a champion that learnt from so many."""
        if learnt is None:
            return self.labels_to_retrain
        share = round(self.labels_share_to_retrain * learnt)
        return min(self.labels_to_retrain, max(self.fewest_labels_to_retrain, share))

    def allowed_automated(self, expected_error: float | None) -> float:
        """Share of automatic resolutions that may be called wrong; agents themselves err in their labels."""
        promised = 1 - self.promised_automation_precision
        return promised if expected_error is None else max(promised, expected_error + self.tolerated_loss)


@dataclass(frozen=True)
class Verdict:
    """The state, its reason, when it began (``None``: just now, not yet dated) and what was done.

    ``judged``: whether the window was large enough. ``worse_than``: the release before this one, where that
    was proven better. ``calm_since``: since when it would be a better state. ``release``: whose it is.
    ``cause``: what the reason says, as data.
    """

    state: State
    reason: str
    since: datetime | None = None
    done: str = ""
    judged: bool = True
    worse_than: str | None = None
    calm_since: datetime | None = None
    release: str | None = None
    cause: Cause = "none"

    @property
    def severity(self) -> int:
        """A rank: by state, and RETRAIN for harm is worse than for labels that wait."""
        return _ORDER[self.state] + (self.state == "RETRAIN" and self.cause == "harm")

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
    expected_errors: Mapping[str, float] | None = None,
    rise: Rise | None = None,
    learnt: int | None = None,
) -> Verdict:
    """The verdict over one window.

    ``moved_columns`` names the columns that drifted, ``notes`` what could not be looked at, for example
    ``no reference``. ``expected_errors``: by field, the share the release got wrong when it was evaluated
    (``AUTOMATED``: of what it would have resolved by itself). ``rise``: what rose most surely in the answers
    to this release, over all of its time. ``learnt``: tickets that the release learnt from.
    """
    remarks = "".join(f"; {note}" for note in notes)
    if quality.decisions < limits.min_decisions:
        reason = f"{quality.decisions} decisions are too few to judge (at least {limits.min_decisions})"
        return Verdict("OK", reason + remarks, judged=False)
    expected = expected_errors or {}
    harms = proven_harm(quality, limits, expected)
    if rise is not None and rise.proven:
        harms.append(str(rise))
    if harms:
        return Verdict("RETRAIN", "; ".join(harms) + remarks, cause="harm")
    if new_labels >= (enough := limits.worth_retraining(learnt)):
        reason = f"{new_labels} tickets with new labels wait (at least {enough} are worth a retraining)"
        return Verdict("RETRAIN", reason + remarks, cause="labels")
    doubts = _doubts(quality, limits, expected)
    if signs := [*_moved(moved_columns), *doubts]:
        return Verdict("WATCH", "; ".join(signs) + remarks, cause="doubt" if doubts else "drift")
    answered = f"{quality.answered} of {quality.decisions} decisions answered, no limit exceeded"
    return Verdict("OK", answered + remarks)


def proven_harm(
    quality: Quality, limits: Limits, expected_errors: Mapping[str, float] | None = None
) -> list[str]:
    """Sentences about what was certainly worse than allowed.

    Even if all silence were approval; where most decisions are answered, silence is only late: not counted.
    """
    harms = []
    for field, rate in quality.overrides.items():
        allowed = limits.allowed((expected_errors or {}).get(field))
        mostly_answered = quality.answered >= limits.mostly_answered * quality.decisions
        found = rate.answered if mostly_answered else rate.all
        if _exceeds(found, allowed, quality, limits):
            of = "answered decisions" if mostly_answered else "decisions"
            harms.append(f"{field} overridden in {found} {of} ({allowed:.0%} allowed)")
    allowed = limits.allowed_automated((expected_errors or {}).get(AUTOMATED))
    if _exceeds(quality.automated_wrong.all, allowed, quality, limits):
        promised = f"{limits.promised_automation_precision:.0%} right promised"
        if allowed > 1 - limits.promised_automation_precision:
            promised += f", {allowed:.0%} wrong allowed by the labels it was evaluated on"
        harms.append(f"{quality.automated_wrong.all} automatic resolutions were wrong ({promised})")
    return harms


def _moved(columns: Sequence[str]) -> list[str]:
    if not columns:
        return []
    shown = ", ".join(columns[:3]) + (", ..." if len(columns) > 3 else "")
    verb = "column" if len(columns) == 1 else "columns"
    return [f"{len(columns)} {verb} moved ({shown}), no harm proven"]


def _doubts(quality: Quality, limits: Limits, expected: Mapping[str, float]) -> list[str]:
    """Sentences about what looks worse among the answers, and is not proven."""
    signs = []
    for field, rate in quality.overrides.items():
        if _exceeds(rate.answered, limits.allowed(expected.get(field)), quality, limits):
            signs.append(f"{field} overridden in {rate.answered} answered decisions")
    if quality.answered >= limits.min_answered and quality.calibration.overconfident:
        stated = quality.calibration.stated_probability
        signs.append(f"intents stated {stated:.0%} sure were right in {quality.calibration.right}")
    return signs


def _exceeds(rate: Rate, allowed: float, quality: Quality, limits: Limits) -> bool:
    tests = len(quality.overrides) + 1
    confidence = 1 - (1 - limits.confidence) / tests
    return quality.answered >= limits.min_answered and rate.lower(confidence) > allowed


def settled(found: Verdict, previous: Verdict | None, now: datetime, limits: Limits = Limits()) -> Verdict:
    """``found`` with ``since`` and what was done, after hysteresis.

    Against the last verdict on the same release: a worse state counts at once, a better one only after
    ``calm_days``, and a window too small to judge changes nothing. Another release starts afresh. Where
    labels wait, harm that is no longer proven is still believed for as long.
    """
    if previous is None or previous.since is None or previous.release != found.release:
        return replace(found, since=now)
    if not found.judged and previous.judged:
        was = previous.reason.partition("; now ")[0]
        return replace(previous, reason=f"{was}; now {found.reason}")
    if found.judged and found.severity < previous.severity:
        calm_since = min(previous.calm_since or now, now)
        if now - calm_since < timedelta(days=limits.calm_days):
            until = calm_since + timedelta(days=limits.calm_days)
            state = f"{found.state} for {found.cause}" if found.state == previous.state else found.state
            calmer = f"{state} since {calm_since:%Y-%m-%d}, believed from {until:%Y-%m-%d}"
            was = previous.reason.partition(" (calmer: ")[0]
            return replace(previous, reason=f"{was} (calmer: {calmer})", calm_since=calm_since)
        return replace(found, since=now)
    if previous.severity == found.severity:
        return replace(found, since=min(previous.since, now), done=previous.done)
    return replace(found, since=now)
