"""Evidence for each (ticket, candidate intent) pair: what the ranker sees."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from models.encoded import EncodedTickets
from models.lifts import Lifts
from models.neighbours import ExampleBank, sketch
from models.proposer import Proposer
from models.sentence_space import Closeness, SentenceSpace, can_be_learnt, close_to_none

PAIR_EVIDENCE = (
    "logit",
    "share",
    "rank",
    "lead",
    "entropy",
    "centroid_cosine",
    "centroid_lead",
    "log_terms",
    "unknown_terms",
)
NEIGHBOUR_EVIDENCE = ("nearest_cosine", "nearest_lead", "votes")
"""Nearest examples by n-grams: only where there are no embeddings, beside which they add nothing."""
SENTENCE_EVIDENCE = (
    "pooled",
    "pooled_lead",
    "sentence_logit",
    "sentence_share",
    "sentence_lead",
    "sentence_entropy",
    "sentence_nearest_cosine",
    "sentence_nearest_lead",
    "sentence_votes",
)
"""Only where sentence embeddings are evidence; ``NaN`` for a text without one."""
RECENT_PRIOR = "log_recent_prior"
"""How common an intent is just now: only where it is known which tickets are the newest."""
FEWEST_RECENT = 200
"""It is counted over the newest tenth of the tickets, but at least over so many."""


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
    """Proposes ``k`` candidate intents for a ticket, with the evidence for each.

    Examples are compared by sentence embeddings, in ``space``, or by their n-grams, in ``bank``. Neither is
    there where embeddings were asked for and these tickets have too few: they are then unknown evidence.
    """

    proposer: Proposer
    bank: ExampleBank | None
    space: SentenceSpace | None
    lifts: Lifts
    log_recent_priors: np.ndarray | None

    @classmethod
    def fit(
        cls,
        tickets: EncodedTickets,
        labels: np.ndarray,
        seed: int,
        in_time: bool = True,
        by_sentences: bool | None = None,
        weight: np.ndarray | None = None,
    ) -> "Retriever":
        """Learn from encoded tickets, in order of time if ``in_time``, and their labels.

        ``by_sentences``: whether embeddings are evidence; retrievers whose evidence one ranker reads must
        agree. By default they are where enough of these tickets have one. ``weight``: of each ticket, for
        the model over embeddings. What is counted (neighbours, lifts, priors) counts tickets, and so does the
        proposer: its stochastic gradient overshoots on a heavy one.
        """
        proposer = Proposer.fit(tickets.counts, labels, seed)
        codes = np.searchsorted(np.array(proposer.classes), np.asarray(labels, dtype=str))
        if by_sentences is None:
            by_sentences = can_be_learnt(tickets.vectors, codes)
        space, bank = None, None
        if by_sentences:
            space = SentenceSpace.fit(tickets.vectors, codes, weight)
        else:
            bank = ExampleBank.of(sketch(proposer.weights(tickets.counts), proposer.terms), codes)
        lifts = Lifts.fit(tickets.circumstances, codes, len(proposer.classes))
        recent = codes[-max(FEWEST_RECENT, len(codes) // 10) :]
        return cls(
            proposer, bank, space, lifts, _log_shares(recent, len(proposer.classes)) if in_time else None
        )

    @property
    def classes(self) -> tuple[str, ...]:
        """The intents it can propose, in the order of their codes."""
        return self.proposer.classes

    def evidence(self, tickets: EncodedTickets, k: int) -> Evidence:
        """The ``k`` best candidates (fewer if fewer classes exist) of each encoded ticket."""
        weights = self.proposer.weights(tickets.counts)
        logits = self.proposer.logits(weights)
        k = min(k, logits.shape[1])
        odds = 1 / (1 + np.exp(-logits))
        shares = odds / np.maximum(odds.sum(axis=1, keepdims=True), 1e-9)
        closeness = self._closeness(tickets)
        pooled = shares if closeness is None else _pooled(shares, closeness.shares)
        order = logits if closeness is None else pooled
        candidates = np.argsort(-order, axis=1, kind="stable")[:, :k]
        cosines = self.proposer.similarities(weights)
        per_ticket = np.ones((1, k))

        def of_candidates(values: np.ndarray) -> np.ndarray:
            return np.take_along_axis(values, candidates, axis=1)

        columns = [
            of_candidates(logits),
            of_candidates(shares),
            np.broadcast_to(np.arange(k), candidates.shape),
            of_candidates(_lead(logits)),
            _entropy(shares)[:, None] * per_ticket,
            of_candidates(cosines),
            of_candidates(_lead(cosines)),
            np.log1p(np.diff(tickets.counts.indptr))[:, None] * per_ticket,
            self.proposer.terms.unknown_share(tickets.counts)[:, None] * per_ticket,
        ]
        names: tuple[str, ...] = PAIR_EVIDENCE
        if self.log_recent_priors is not None:
            names = (*names, RECENT_PRIOR)
            columns.append(self.log_recent_priors[candidates])
        if self.bank is not None:
            nearest, votes = self.bank.nearest_and_votes(sketch(weights, self.proposer.terms))
            names = (*names, *NEIGHBOUR_EVIDENCE)
            columns += [of_candidates(nearest), of_candidates(_lead(nearest)), of_candidates(votes)]
        if closeness is not None:
            names = (*names, *SENTENCE_EVIDENCE)
            columns += [
                of_candidates(pooled),
                of_candidates(_lead(pooled)),
                of_candidates(closeness.logits),
                of_candidates(closeness.shares),
                of_candidates(_lead(closeness.logits)),
                _entropy(closeness.shares)[:, None] * per_ticket,
                of_candidates(closeness.nearest),
                of_candidates(_lead(closeness.nearest)),
                of_candidates(closeness.votes),
            ]
        stacked = np.stack([np.asarray(c, dtype=float) for c in columns], axis=2)
        lifts = self.lifts.of(tickets.circumstances, candidates)
        names = (*names, *(f"{name}_lift" for name in self.lifts.names))
        return Evidence(candidates, np.concatenate([stacked, lifts], axis=2), names)

    def _closeness(self, tickets: EncodedTickets) -> Closeness | None:
        if self.bank is not None:
            return None
        if self.space is None:
            return close_to_none(len(tickets), len(self.classes))
        return self.space.closeness(tickets.vectors, len(self.classes))

    def save(self, folder: Path) -> dict[str, Any]:
        """Write arrays into ``folder``; the returned document belongs into the model's JSON."""
        self.proposer.save(folder / "proposer.npz")
        if self.bank is not None:
            self.bank.save(folder / "examples.npz")
        if self.space is not None:
            self.space.save(folder)
        priors = None if self.log_recent_priors is None else self.log_recent_priors.tolist()
        has_space = self.space is not None
        return {"lifts": self.lifts.to_json(), "has_space": has_space, "log_recent_priors": priors}

    @classmethod
    def load(cls, folder: Path, document: Mapping[str, Any]) -> "Retriever":
        """Read what ``save`` wrote."""
        has_space, priors = document["has_space"], document["log_recent_priors"]
        return cls(
            Proposer.load(folder / "proposer.npz"),
            None if has_space else ExampleBank.load(folder / "examples.npz"),
            SentenceSpace.load(folder) if has_space else None,
            Lifts.from_json(document["lifts"]),
            None if priors is None else np.array(priors),
        )


def _log_shares(codes: np.ndarray, classes: int) -> np.ndarray:
    """ln of each class's share, one half case added to each."""
    counts = np.bincount(codes, minlength=classes) + 0.5
    return np.log(counts / counts.sum()).round(6)


def _entropy(shares: np.ndarray) -> np.ndarray:
    """Of each row, in nats; ``NaN`` where the row is unknown."""
    unknown = np.isnan(shares).all(axis=1)
    entropy = -np.nansum(shares * np.log(np.maximum(shares, 1e-12)), axis=1)
    return np.where(unknown, np.nan, entropy)


def _pooled(shares: np.ndarray, sentence_shares: np.ndarray) -> np.ndarray:
    """Mean of what n-grams and what embeddings say; n-grams alone where a text or a class has no vector."""
    known = np.isfinite(sentence_shares)
    return np.where(known, (shares + np.where(known, sentence_shares, 0)) / 2, shares)


def _lead(scores: np.ndarray) -> np.ndarray:
    """By how much each class is ahead of the best other class (negative where it is behind)."""
    known = np.where(np.isnan(scores), -np.inf, scores)
    top_two = -np.partition(-known, 1, axis=1)[:, :2]
    rival = np.where(scores >= top_two[:, :1], top_two[:, 1:], top_two[:, :1])
    return scores - np.where(np.isfinite(rival), rival, np.nan)
