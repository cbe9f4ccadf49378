"""Proposals to raise or lower the threshold from which an intent is resolved automatically. Pure.

A proposal, never a change: a person decides. Evidence is what became of tickets that were answered by the
desk's own reply, sent by itself or by an agent who changed nothing: confirmed, well rated, come back,
corrected (``monitoring.outcomes.success``). Bounds are exact (Clopper-Pearson), one-sided at 95 %
over all intents together (Bonferroni). Lowering goes down in fixed steps and stops at the first that is not
proven (fixed-sequence testing), so that trying many proves nothing by luck; at most by ``MOST_LOWERED``.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import pandas as pd

from monitoring.rates import Rate

STEP = 0.01
MOST_LOWERED = 0.05
"""How far below the threshold in force a proposal may go at once: beyond, little was ever tried."""
FEWEST_CASES = 20


@dataclass(frozen=True)
class Proposal:
    """``threshold``: what is proposed, ``None`` to stop automating the intent. ``evidence`` is of the cases
    at or above it (of those automated now, where it is to stop)."""

    intent: str
    now: float
    threshold: float | None
    evidence: Rate
    reason: str

    def record(self) -> dict[str, Any]:
        """As JSON values."""
        return {**asdict(self), "evidence": self.evidence.record()}


def proposals(
    cases: pd.DataFrame, thresholds: Mapping[str, float], promised: float, confidence: float = 0.95
) -> list[Proposal]:
    """One proposal for each intent of ``thresholds`` (in force) for which there is evidence for a change.

    ``cases``: intent, probability, good (0 or 1), one row a ticket of known outcome. ``promised``: the share
    of automatic resolutions that must hold.
    """
    level = 1 - (1 - confidence) / max(1, len(thresholds))
    found = (
        _proposal(intent, now, cases[cases["intent"] == intent], promised, level)
        for intent, now in sorted(thresholds.items())
    )
    return [one for one in found if one is not None]


def _proposal(intent: str, now: float, cases: pd.DataFrame, promised: float, level: float) -> Proposal | None:
    automated = _from(cases, now)
    if automated.trials >= FEWEST_CASES and automated.upper(level) < promised:
        wanted = (now + STEP * step for step in range(1, round((1 - now) / STEP) + 1))
        better = next((t for t in wanted if _from(cases, t).lower(level) >= promised), None)
        what = "raise it" if better is not None else "stop automating it"
        reason = f"only {automated} held, {promised:.0%} promised: {what}"
        return Proposal(
            intent, now, _rounded(better), automated if better is None else _from(cases, better), reason
        )
    if automated.trials and automated.lower(level) < promised:
        return None
    lowest = None
    for step in range(1, round(MOST_LOWERED / STEP) + 1):
        threshold = now - STEP * step
        band = _from(cases, threshold)
        if threshold < 0 or band.trials < FEWEST_CASES or band.lower(level) < promised:
            break
        if band.trials > _from(cases, threshold + STEP).trials:
            lowest = threshold
    if lowest is None:
        return None
    evidence = _from(cases, lowest)
    return Proposal(
        intent, now, _rounded(lowest), evidence, f"{evidence} held from there on: it may be lowered"
    )


def _from(cases: pd.DataFrame, threshold: float) -> Rate:
    good = cases.loc[cases["probability"] >= threshold - 1e-9, "good"]
    return Rate(int(good.sum()), len(good))


def _rounded(threshold: float | None) -> float | None:
    return None if threshold is None else round(threshold, 4)
