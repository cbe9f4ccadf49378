"""Shares of counted cases, never without how many cases there were."""

from dataclasses import dataclass

from scipy.stats import beta


@dataclass(frozen=True)
class Rate:
    """``hits`` of ``trials``, with exact (Clopper-Pearson) confidence bounds.

    Without trials nothing is known: ``share`` is ``None`` and the bounds are 0 and 1.
    """

    hits: int
    trials: int

    def __post_init__(self) -> None:
        if not 0 <= self.hits <= self.trials:
            raise ValueError(f"a rate needs 0 <= hits <= trials, found {self.hits} of {self.trials}")

    @property
    def share(self) -> float | None:
        """Observed share, ``None`` without trials."""
        return self.hits / self.trials if self.trials else None

    def lower(self, confidence: float = 0.95) -> float:
        """One-sided lower confidence bound of the share."""
        return float(beta.ppf(1 - confidence, self.hits, self.trials - self.hits + 1)) if self.hits else 0.0

    def upper(self, confidence: float = 0.95) -> float:
        """One-sided upper confidence bound of the share."""
        misses = self.trials - self.hits
        return float(beta.ppf(confidence, self.hits + 1, misses)) if misses else 1.0

    def record(self) -> dict[str, float | int | None]:
        """The rate as plain numbers, bounds one-sided at 95 %."""
        return {
            "hits": self.hits,
            "trials": self.trials,
            "share": self.share,
            "low": self.lower(),
            "high": self.upper(),
        }

    def __str__(self) -> str:
        return f"{self.hits} of {self.trials}"
