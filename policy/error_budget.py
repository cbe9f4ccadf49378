"""Does the promise still hold? A sequential test that stays valid however often one looks.

For the promise "at most a share ``a`` goes wrong" and outcomes ``x_1, x_2, ...`` (1: wrong), bet against it::

    E_n = mean over q > a of the product of (q / a) ** x_i * ((1 - q) / (1 - a)) ** (1 - x_i)

While the promise holds, ``E`` is a nonnegative supermartingale that starts at one, so it ever reaches
``1 / RISK`` with a probability of at most ``RISK`` (Ville 1939), whenever and however often somebody looks
and whatever made them stop. Betting against a mean is due to Waudby-Smith and Ramdas (Estimating means of
bounded random variables by betting, JRSS B 86, 2024); the factors are likelihood ratios as in Wald (1945), a
mean over several ``q`` spares the choice of one.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

RISK = 0.025
"""Probability at most that an intent which keeps one promise is ever demoted for it; two promises, 5 %."""
_BETS = 6
"""Alternatives between ``allowed`` and one, evenly spread."""


@dataclass(frozen=True)
class Budget:
    """One promise about one intent: what was seen and the strongest evidence against it so far."""

    promise: str
    allowed: float
    seen: int
    wrong: int
    evidence: float
    """The largest value that ``E`` ever reached; one without outcomes."""

    @property
    def exhausted(self) -> bool:
        """Whether the promise is refuted."""
        return self.evidence >= 1 / RISK

    def in_words(self) -> str:
        """What was seen, as one phrase."""
        return (
            f"{self.promise}: {self.wrong} of {self.seen} wrong where at most {self.allowed:.0%} may be "
            f"(evidence {self.evidence:.3g} against, {1 / RISK:.0f} needed)"
        )


def budget(promise: str, allowed: float, wrong: Iterable[bool]) -> Budget:
    """The budget after outcomes ``wrong`` in the order in which they became known.

    Raises ``ValueError`` for an ``allowed`` share that nothing or everything could break.
    """
    if not 0 < allowed < 1:
        raise ValueError(f"a promise allows a share between 0 and 1, not {allowed}")
    outcomes = list(wrong)
    return Budget(promise, allowed, len(outcomes), sum(outcomes), max(evidence_against(allowed, outcomes)))


def evidence_against(allowed: float, wrong: Sequence[bool]) -> list[float]:
    """``E_0 = 1, E_1, ...`` after each outcome."""
    chances = [allowed + (1 - allowed) * bet / (_BETS + 1) for bet in range(1, _BETS + 1)]
    ups = [math.log(chance / allowed) for chance in chances]
    downs = [math.log((1 - chance) / (1 - allowed)) for chance in chances]
    logs, evidence = [0.0] * _BETS, [1.0]
    for outcome in wrong:
        steps = ups if outcome else downs
        logs = [log + step for log, step in zip(logs, steps, strict=True)]
        evidence.append(sum(math.exp(min(log, 700.0)) for log in logs) / _BETS)
    return evidence
