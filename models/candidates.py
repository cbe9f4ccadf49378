"""Evidence for each (ticket, candidate intent) pair: what the ranker sees."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse as sparse

from models.lifts import Lifts
from models.neighbours import ExampleBank, sketch
from models.proposer import Proposer

PAIR_EVIDENCE = (
    "logit",
    "share",
    "rank",
    "lead",
    "entropy",
    "centroid_cosine",
    "centroid_lead",
    "nearest_cosine",
    "nearest_lead",
    "votes",
    "log_prior",
    "log_recent_prior",
    "log_terms",
    "unknown_terms",
)


FEWEST_RECENT = 200
"""What is common just now is counted over the newest tenth of the tickets, but at least over so many."""


@dataclass(frozen=True)
class Evidence:
    """Candidates of each ticket, best first, and their evidence.

    ``candidates``: class codes, shape (tickets, k). ``values``: shape (tickets, k, names).
    """

    candidates: np.ndarray
    values: np.ndarray
    names: tuple[str, ...]

    @property
    def rows(self) -> np.ndarray:
        """One row per pair, shape (tickets * k, names)."""
        return self.values.reshape(-1, len(self.names))


@dataclass(frozen=True)
class Retriever:
    """Proposes ``k`` candidate intents for a ticket, with the evidence for each."""

    proposer: Proposer
    bank: ExampleBank
    lifts: Lifts
    log_priors: np.ndarray
    log_recent_priors: np.ndarray

    @classmethod
    def fit(
        cls, counts: sparse.csr_matrix, values: Mapping[str, np.ndarray], labels: np.ndarray, seed: int
    ) -> "Retriever":
        """Learn from encoded texts in order of time, circumstances and labels."""
        proposer = Proposer.fit(counts, labels, seed)
        codes = np.searchsorted(np.array(proposer.classes), np.asarray(labels, dtype=str))
        bank = ExampleBank.of(sketch(proposer.weights(counts), proposer.terms), codes)
        lifts = Lifts.fit(values, codes, len(proposer.classes))
        recent = codes[-max(FEWEST_RECENT, len(codes) // 10) :]
        priors = _log_shares(codes, len(proposer.classes)), _log_shares(recent, len(proposer.classes))
        return cls(proposer, bank, lifts, *priors)

    @property
    def classes(self) -> tuple[str, ...]:
        """The intents it can propose, in the order of their codes."""
        return self.proposer.classes

    def evidence(self, counts: sparse.csr_matrix, values: Mapping[str, np.ndarray], k: int) -> Evidence:
        """The ``k`` best candidates (fewer if fewer classes exist) of each encoded text."""
        weights = self.proposer.weights(counts)
        logits = self.proposer.logits(weights)
        k = min(k, logits.shape[1])
        candidates = np.argsort(-logits, axis=1, kind="stable")[:, :k]
        nearest, votes = self.bank.nearest_and_votes(sketch(weights, self.proposer.terms))
        cosines = self.proposer.similarities(weights)
        odds = 1 / (1 + np.exp(-logits))
        shares = odds / np.maximum(odds.sum(axis=1, keepdims=True), 1e-9)
        entropy = -(shares * np.log(np.maximum(shares, 1e-12))).sum(axis=1)
        per_ticket = np.ones((1, k))
        columns = [
            np.take_along_axis(logits, candidates, axis=1),
            np.take_along_axis(shares, candidates, axis=1),
            np.broadcast_to(np.arange(k), candidates.shape),
            np.take_along_axis(_lead(logits), candidates, axis=1),
            entropy[:, None] * per_ticket,
            np.take_along_axis(cosines, candidates, axis=1),
            np.take_along_axis(_lead(cosines), candidates, axis=1),
            np.take_along_axis(nearest, candidates, axis=1),
            np.take_along_axis(_lead(nearest), candidates, axis=1),
            np.take_along_axis(votes, candidates, axis=1),
            self.log_priors[candidates],
            self.log_recent_priors[candidates],
            np.log1p(np.diff(counts.indptr))[:, None] * per_ticket,
            self.proposer.terms.unknown_share(counts)[:, None] * per_ticket,
        ]
        stacked = np.stack([np.asarray(c, dtype=float) for c in columns], axis=2)
        names = (*PAIR_EVIDENCE, *(f"{name}_lift" for name in self.lifts.names))
        return Evidence(
            candidates, np.concatenate([stacked, self.lifts.of(values, candidates)], axis=2), names
        )

    def save(self, folder: Path) -> dict[str, Any]:
        """Write arrays into ``folder``; the returned document belongs into the model's JSON."""
        self.proposer.save(folder / "proposer.npz")
        self.bank.save(folder / "examples.npz")
        priors = {
            "log_priors": self.log_priors.tolist(),
            "log_recent_priors": self.log_recent_priors.tolist(),
        }
        return {"lifts": self.lifts.to_json(), **priors}

    @classmethod
    def load(cls, folder: Path, document: Mapping[str, Any]) -> "Retriever":
        """Read what ``save`` wrote."""
        return cls(
            Proposer.load(folder / "proposer.npz"),
            ExampleBank.load(folder / "examples.npz"),
            Lifts.from_json(document["lifts"]),
            np.array(document["log_priors"]),
            np.array(document["log_recent_priors"]),
        )


def _log_shares(codes: np.ndarray, classes: int) -> np.ndarray:
    """ln of each class's share, one half case added to each."""
    counts = np.bincount(codes, minlength=classes) + 0.5
    return np.log(counts / counts.sum()).round(6)


def _lead(scores: np.ndarray) -> np.ndarray:
    """By how much each class is ahead of the best other class (negative where it is behind)."""
    top_two = -np.partition(-scores, 1, axis=1)[:, :2]
    return scores - np.where(scores >= top_two[:, :1], top_two[:, 1:], top_two[:, :1])
