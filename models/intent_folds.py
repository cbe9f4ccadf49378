"""Out-of-fold evidence for the ranker: what the retriever says of tickets it has not learnt from."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from models.candidates import Evidence, Retriever
from models.encoded import EncodedTickets

NOVELTY_ROUNDS = 2
"""How many times a set of intents is kept from the retriever, to see what an unknown request looks like."""
HELD_OUT_SHARE = 0.2
COMMONEST_HELD_OUT = 0.2
"""An intent with a larger share of the tickets is never held out: without it the rest is another desk."""


@dataclass(frozen=True)
class FoldEvidence:
    """Evidence per training ticket and, after them, per ticket of an intent the retriever did not know.

    ``right``: is the candidate the ticket's intent, shape (rows, k). ``row``: the training ticket's position.
    ``unknown``: its intent was not learnt. ``stand_in``: a second look at a ticket, its intent held out.
    """

    evidence: Evidence
    right: np.ndarray
    row: np.ndarray
    fold: np.ndarray
    unknown: np.ndarray
    stand_in: np.ndarray


def assign_folds(groups: np.ndarray, labels: np.ndarray, folds: int, seed: int) -> np.ndarray:
    """Fold of each ticket: tickets of one group (a customer) stay together.

    Where that would leave a training part without a class, tickets are dealt out one by one per class.
    """
    codes = np.unique(groups.astype(str), return_inverse=True)[1]
    fold = np.random.default_rng(seed).permutation(codes.max() + 1)[codes] % folds
    classes = set(labels)
    if all(set(labels[fold != f]) == classes for f in range(folds)):
        return fold
    for label in classes:
        members = np.flatnonzero(labels == label)
        fold[members] = np.arange(len(members)) % folds
    return fold


def held_out_intents(labels: np.ndarray, seed: int) -> list[set[str]]:
    """Disjoint sets of intents to keep from the retriever, one a novelty round; none below 4 intents."""
    names, counts = np.unique(labels, return_counts=True)
    if len(names) < 4:
        return []
    eligible = np.random.default_rng(seed).permutation(names[counts <= COMMONEST_HELD_OUT * len(labels)])
    size = max(1, round(HELD_OUT_SHARE * len(names)))
    parts = [set(eligible[i * size : (i + 1) * size].tolist()) for i in range(NOVELTY_ROUNDS)]
    return [part for part in parts if part]


def out_of_fold_evidence(
    tickets: EncodedTickets,
    labels: np.ndarray,
    known: np.ndarray,
    fold: np.ndarray,
    held_out: Sequence[set[str]],
    k: int,
    seed: int,
) -> FoldEvidence:
    """Evidence for every ticket from a retriever fitted on the other folds.

    ``labels``: one per ticket; ``known``: whether it is an intent to learn (the others are unknown requests).
    """
    parts: list[tuple[Retriever, np.ndarray]] = []
    for f in np.unique(fold):
        others = np.flatnonzero((fold != f) & known)
        parts.append((_retriever(tickets, labels, others, seed), np.flatnonzero(fold == f)))
    for f, kept in enumerate(held_out):
        hidden = np.isin(labels, list(kept))
        here = fold == f % (fold.max() + 1)
        others = np.flatnonzero(~here & known & ~hidden)
        parts.append((_retriever(tickets, labels, others, seed), np.flatnonzero(here & hidden)))
    k = min(k, *(len(retriever.classes) for retriever, _ in parts))
    return _stacked(parts, tickets, labels, known, fold, k, first_stand_in=len(np.unique(fold)))


def _retriever(tickets: EncodedTickets, labels: np.ndarray, rows: np.ndarray, seed: int) -> Retriever:
    return Retriever.fit(tickets.counts[rows], tickets.circumstances_of(rows), labels[rows], seed)


def _stacked(
    parts: Sequence[tuple[Retriever, np.ndarray]],
    tickets: EncodedTickets,
    labels: np.ndarray,
    known: np.ndarray,
    fold: np.ndarray,
    k: int,
    first_stand_in: int,
) -> FoldEvidence:
    all_classes = np.unique(labels[known])
    candidates, values, right, stand_in = [], [], [], []
    names: tuple[str, ...] = ()
    for i, (retriever, rows) in enumerate(parts):
        evidence = retriever.evidence(tickets.counts[rows], tickets.circumstances_of(rows), k)
        proposed = np.array(retriever.classes)[evidence.candidates]
        names = evidence.names
        candidates.append(np.searchsorted(all_classes, proposed))
        values.append(evidence.values)
        right.append(proposed == labels[rows][:, None])
        stand_in.append(np.full(len(rows), i >= first_stand_in))
    row = np.concatenate([rows for _, rows in parts])
    return FoldEvidence(
        Evidence(np.concatenate(candidates), np.concatenate(values), names),
        np.concatenate(right),
        row,
        fold[row],
        np.concatenate(stand_in) | ~known[row],
        np.concatenate(stand_in),
    )
