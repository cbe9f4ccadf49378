"""Evidence as time brings it: each block of tickets seen by a retriever that knew only the earlier ones.

Random folds would teach the ranker how far to trust a retriever that knows the future. Desks change: labels
are renamed, products released; on later tickets such a ranker can be worse than its retriever alone. Only
where nobody knows when the tickets came, folds take the place of blocks.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
import pandas as pd

from models.candidates import Evidence, Retriever
from models.encoded import EncodedTickets
from models.sentence_space import can_be_learnt
from models.terms import has_terms

HELD_OUT_ROUNDS = 3
"""How many times a set of intents is kept from a retriever, to see what an unknown request looks like."""
HELD_OUT_SHARE = 0.2
FOLDS, FOLDS_OF_FEW, FEW_TICKETS = 5, 10, 20_000
"""The less a fold is missed, the better the evidence tells of the retriever that knows all; it costs time."""
FALLEN, FEWEST_AFTER_A_FALL = 0.05, 100
"""A retriever has fallen where its first candidate is surely right so much less often than one block before.
From so many tickets on, half of a block is evidence by itself."""
COMMONEST_HELD_OUT, COMMONER_THAN_EVEN = 0.2, 1.5
"""An intent with a larger share than the first, and than so many times an even share, is never held out:
without it the rest is another desk."""


@dataclass(frozen=True)
class BlockEvidence:
    """Evidence for the tickets at ``rows``; ``proposed`` names the candidates, ``right`` marks the true one.

    All of shape (tickets, k), k being the number of candidates this retriever could propose.
    ``unknown``: tickets whose intent it had not learnt, shape (tickets,).
    """

    rows: np.ndarray
    evidence: Evidence
    proposed: np.ndarray
    right: np.ndarray
    unknown: np.ndarray

    def part(self, tickets: slice) -> "BlockEvidence":
        """Some of its tickets."""
        evidence = Evidence(
            self.evidence.candidates[tickets], self.evidence.values[tickets], self.evidence.names
        )
        return BlockEvidence(
            self.rows[tickets], evidence, self.proposed[tickets], self.right[tickets], self.unknown[tickets]
        )


class Fall(NamedTuple):
    """The share of first candidates that were right one block ``before`` labels were replaced, and ``after``.

    ``tickets``: those that came late enough to learn ranking from.
    """

    before: float
    after: float
    tickets: int


def has_fallen(before: BlockEvidence, after: BlockEvidence) -> bool:
    """Whether first candidates are surely right less often by ``FALLEN`` (97.5 %, normal approximation).

    So it is where labels were replaced: the retriever that judged ``after`` knew the old ones only.
    """
    shares = [float(block.right[:, 0].mean()) for block in (before, after)]
    spread = [p * (1 - p) / len(b.rows) for p, b in zip(shares, (before, after), strict=True)]
    return shares[0] - shares[1] - 1.96 * float(np.sqrt(sum(spread))) > FALLEN


def since_last_fall(blocks: Sequence[BlockEvidence]) -> Sequence[BlockEvidence]:
    """The blocks after the last one in which a retriever fell; all of them where that is the newest."""
    falls = [i for i in range(1, len(blocks) - 1) if has_fallen(blocks[i - 1], blocks[i])]
    return blocks[falls[-1] + 1 :] if falls else blocks


def newest(blocks: Sequence[BlockEvidence], tickets: int) -> Sequence[BlockEvidence]:
    """The fewest newest blocks that hold at least ``tickets`` tickets; all of them if none do."""
    held = 0
    for count, block in enumerate(reversed(blocks), start=1):
        held += len(block.rows)
        if held >= tickets:
            return blocks[-count:]
    return blocks


def halves(blocks: Sequence[BlockEvidence]) -> tuple[list[BlockEvidence], list[BlockEvidence]]:
    """The older and the newer half of the tickets of ``blocks``."""
    left = sum(len(block.rows) for block in blocks) // 2
    older, newer = [], []
    for block in blocks:
        cut = min(left, len(block.rows))
        left -= cut
        older += [block.part(slice(cut))] if cut else []
        newer += [block.part(slice(cut, None))] if cut < len(block.rows) else []
    return older, newer


def time_blocks(earlier: int, later: int, blocks: int) -> list[np.ndarray]:
    """Positions of ``earlier`` tickets in ``blocks`` consecutive parts, and of ``later`` ones as one more."""
    parts = np.array_split(np.arange(earlier), blocks)
    return [part for part in (*parts, np.arange(earlier, earlier + later)) if len(part)]


def folds(labels: np.ndarray, seed: int) -> list[np.ndarray]:
    """Positions of the tickets in random folds that share every intent evenly."""
    count = FOLDS if len(labels) > FEW_TICKETS else FOLDS_OF_FEW
    shuffled = np.random.default_rng(seed).permutation(len(labels))
    dealt = shuffled[np.argsort(labels[shuffled].astype(str), kind="stable")]
    return [np.sort(dealt[place::count]) for place in range(min(count, len(labels)))]


def learnable(labels: np.ndarray, min_examples: int) -> tuple[np.ndarray, dict[str, int]]:
    """Which labelled tickets can be learnt from; and the labels that are too rare, with their counts."""
    counts = pd.Series(labels, dtype="str").value_counts()
    rare = counts[counts < min_examples].sort_index()
    known = ~np.isin(labels.astype(str), rare.index.to_numpy(dtype=str))
    return known, {str(label): int(count) for label, count in rare.items()}


@dataclass(frozen=True)
class Lessons:
    """Labelled tickets and how they are learnt from.

    ``blocks``: positions of the tickets, in order of time if ``in_time``, else random folds.
    ``candidates``: how many intents a retriever proposes for a ticket. ``weight``: of each ticket, if any
    counts for more than itself.
    """

    tickets: EncodedTickets
    labels: np.ndarray
    blocks: Sequence[np.ndarray]
    in_time: bool
    min_examples: int
    candidates: int
    seed: int
    weight: np.ndarray | None = None

    def retriever_of(self, rows: np.ndarray) -> Retriever | None:
        """Fitted on what can be learnt from of ``rows``; ``None`` below two intents or without text."""
        known, _ = learnable(self.labels[rows], self.min_examples)
        rows = rows[known]
        learnt = self.tickets.take(rows)
        if len(np.unique(self.labels[rows])) < 2 or not has_terms(learnt.counts):
            return None
        weight = None if self.weight is None else self.weight[rows]
        return Retriever.fit(learnt, self.labels[rows], self.seed, self.in_time, self.by_sentences, weight)

    @cached_property
    def by_sentences(self) -> bool:
        """Whether embeddings are evidence: the same for every block, because one ranker reads all."""
        rows = np.concatenate(self.blocks)
        rows = rows[learnable(self.labels[rows], self.min_examples)[0]]
        return can_be_learnt(self.tickets.vectors[rows], self.labels[rows].astype(str))

    def seen_by(self, retriever: Retriever, rows: np.ndarray) -> BlockEvidence:
        """What ``retriever`` makes of the tickets at ``rows``."""
        evidence = retriever.evidence(self.tickets.take(rows), self.candidates)
        proposed = np.array(retriever.classes, dtype=object)[evidence.candidates]
        labels = self.labels[rows]
        unknown = ~np.isin(labels.astype(str), np.array(retriever.classes))
        return BlockEvidence(rows, evidence, proposed, proposed == labels[:, None], unknown)

    def judged_blocks(self) -> list[BlockEvidence]:
        """Evidence for every block by a retriever of all blocks before it or, if not in time, of all others.

        A block for which there is too little to learn is left out; the first has nothing before it.
        """
        judged = []
        for place in range(int(self.in_time), len(self.blocks)):
            others = [*self.blocks[:place], *([] if self.in_time else self.blocks[place + 1 :])]
            retriever = self.retriever_of(np.concatenate(others) if others else np.zeros(0, int))
            if retriever is not None:
                judged.append(self.seen_by(retriever, self.blocks[place]))
        return judged

    def after_fall(self, judged: Sequence[BlockEvidence]) -> BlockEvidence | None:
        """The later half of the newest block, by a retriever that knew the earlier, if one has fallen there.

        Evidence of a retriever that had never met the new labels tells nothing of the one that will serve,
        which has. Where these came so late that it still had not met ``FALLEN`` of them, half of that half
        is looked at, and so on. ``None`` where nothing fell or a half is too small to learn from.
        """
        if not self.in_time or len(judged) < 2 or not has_fallen(*judged[-2:]):
            return None
        rows, found = np.concatenate(self.blocks), None
        later = len(self.blocks[-1]) // 2
        while later >= FEWEST_AFTER_A_FALL:
            retriever = self.retriever_of(rows[:-later])
            if retriever is None:
                break
            found = self.seen_by(retriever, rows[-later:])
            if found.unknown.mean() <= FALLEN:
                break
            later //= 2
        return found

    def stand_ins(self) -> list[BlockEvidence]:
        """What unknown requests look like beside known ones, to retrievers that were kept from some intents.

        Known and unknown ones are seen by the same retriever, so that nothing but being unknown tells them
        apart. In time, those are the tickets of the last block; else a fold a round, and all of the kept
        intents.
        """
        earlier = self.blocks[:-1] if self.in_time else self.blocks
        if not earlier:
            return []
        before = self.labels[np.concatenate(earlier)]
        known, _ = learnable(before, self.min_examples)
        found = []
        for turn, hidden in enumerate(held_out_intents(before[known], self.seed)):
            kept_from = np.isin(self.labels.astype(str), list(hidden))
            if self.in_time:
                past, shown = np.concatenate(earlier), self.blocks[-1]
            else:
                fold = turn % len(self.blocks)
                shown = np.union1d(self.blocks[fold], np.flatnonzero(kept_from))
                past = np.concatenate([block for i, block in enumerate(self.blocks) if i != fold])
            retriever = self.retriever_of(past[~kept_from[past]])
            if retriever is not None and kept_from[shown].any():
                found.append(self.seen_by(retriever, shown))
        return found


def held_out_intents(labels: np.ndarray, seed: int) -> list[set[str]]:
    """Disjoint sets of intents to keep from a retriever, one a round; none below four intents."""
    names, counts = np.unique(labels.astype(str), return_counts=True)
    if len(names) < 4:
        return []
    commonest = max(COMMONEST_HELD_OUT, COMMONER_THAN_EVEN / len(names))
    eligible = np.random.default_rng(seed).permutation(names[counts <= commonest * len(labels)])
    size = max(1, round(HELD_OUT_SHARE * len(names)))
    parts = [set(eligible[i * size : (i + 1) * size].tolist()) for i in range(HELD_OUT_ROUNDS)]
    return [part for part in parts if part]
