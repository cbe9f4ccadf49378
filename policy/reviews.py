"""Which decisions of a week leadership looks at, and what the looks prove.

Every intent and action is a stratum. Of each a fixed number is drawn, all where there are fewer, every set of
that size with the same chance (simple random sampling without replacement, Cochran, Sampling Techniques,
1977, ch. 5), so the probability of being looked at is known exactly and is kept with each case. Pure
functions: the same ``seed`` gives the same draw, whatever the order of the decisions.
"""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from scipy.special import betaincinv

WEEK = timedelta(days=7)
CONFIDENCE = 0.95
"""Two-sided, of the intervals."""


@dataclass(frozen=True)
class Candidate:
    """One decision of the week. ``intent`` is ``None`` where none was claimed."""

    decision_id: str
    intent: str | None
    action: str


@dataclass(frozen=True)
class Case(Candidate):
    """A decision that was drawn: one of ``sampled`` out of its stratum's ``population``."""

    sampled: int
    population: int

    @property
    def probability(self) -> float:
        """Probability with which it was drawn."""
        return self.sampled / self.population


@dataclass(frozen=True)
class Looked:
    """What a look at one drawn decision found, and the probability with which it was drawn."""

    wrong: bool
    probability: float


@dataclass(frozen=True)
class Precision:
    """Share of right decisions: ``cases`` were looked at and stand for ``decisions`` (Horvitz-Thompson)."""

    share: float
    low: float
    high: float
    cases: int
    decisions: float


def week_of(at: datetime) -> datetime:
    """The Monday, 00:00 UTC, that the week of ``at`` begins with."""
    day = at.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return day - timedelta(days=day.weekday())


def week_name(begins: datetime) -> str:
    """The ISO 8601 name of the week that begins at ``begins``, for example ``2026-W27``."""
    year, week, _ = begins.isocalendar()
    return f"{year}-W{week:02d}"


def draw(candidates: Iterable[Candidate], cases: Mapping[str, int], seed: str) -> list[Case]:
    """The decisions to look at: of each intent and action as many as ``cases`` says by action.

    What is drawn of one stratum depends on ``seed`` and its own decisions only. Each decision's place in line
    is the SHA-256 of the seed and its id, so no order is likelier than another as long as nobody knows the
    seed before the decisions are made.
    """
    strata: dict[tuple[str, str], list[Candidate]] = defaultdict(list)
    for candidate in candidates:
        strata[candidate.intent or "", candidate.action].append(candidate)
    drawn = []
    for (_, action), members in sorted(strata.items()):
        sampled = min(cases.get(action, 0), len(members))
        in_line = sorted(members, key=lambda member: _place(seed, member.decision_id))
        drawn += [
            Case(one.decision_id, one.intent, one.action, sampled, len(members)) for one in in_line[:sampled]
        ]
    return drawn


def _place(seed: str, decision_id: str) -> bytes:
    return hashlib.sha256(f"{seed}\n{decision_id}".encode()).digest()


def precision(looks: Iterable[Looked]) -> Precision | None:
    """How many of all decisions were right, by the ``looks`` at whole strata; ``None`` without any.

    Each look counts as often as decisions stand behind it (Horvitz and Thompson 1952). The interval is
    Clopper and Pearson's on the effective number of cases (Kish 1965; Korn and Graubard 1998), which keeps
    its level where nothing wrong was found. It speaks of what the desk does, not of these weeks' decisions
    alone, so it does not shrink to nothing where all were looked at.
    """
    found = list(looks)
    if not found:
        return None
    weights = [1 / look.probability for look in found]
    total = sum(weights)
    right = sum(weight for weight, look in zip(weights, found, strict=True) if not look.wrong) / total
    effective = total**2 / sum(weight**2 for weight in weights)
    successes, tail = min(right, 1.0) * effective, (1 - CONFIDENCE) / 2
    failures = max(effective - successes, 0.0)
    any_right, any_wrong = any(not look.wrong for look in found), any(look.wrong for look in found)
    low = float(betaincinv(successes, failures + 1, tail)) if any_right else 0.0
    high = float(betaincinv(successes + 1, failures, 1 - tail)) if any_wrong else 1.0
    return Precision(right, low, high, len(found), total)
