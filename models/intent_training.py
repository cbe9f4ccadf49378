"""Fitting the intent model block by block of time: what it claims of itself, it had said beforehand."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from models.boosting import Columns, train_booster
from models.calibration import Calibrator, fit_calibrator
from models.encoded import EncodedTickets, Sentences, common_languages, common_scripts
from models.encoders import NgramEncoder, TextEncoder
from models.intent import IntentModel
from models.intent_blocks import (
    BlockEvidence,
    Fall,
    Lessons,
    halves,
    learnable,
    newest,
    since_last_fall,
)
from models.linear import LinearScore, binary_score, choice_score
from models.ranking import (
    RISING,
    Novelty,
    Ranker,
    novelty_columns,
    novelty_evidence,
    pair_starts,
)
from models.terms import has_terms

ROUNDS = 40
RANKER_TICKETS = 2_000
"""The ranker learns from the newest blocks that hold this many tickets: older ones tell of an older desk."""
NOVELTY_ROUNDS = 60
OUT_OF_SCOPE_PRIOR = 0.1
"""Share of unknown requests assumed where held-out intents stand in for them."""
FALSE_ALARMS = 0.02
"""At most this share of tickets with a known intent is called out of scope."""
FEWEST_REVIEWED = 300
"""With this many double-reviewed tickets, probabilities are calibrated on them alone."""


class NothingToLearnError(ValueError):
    """There is too little to learn from; says what was found and how much is needed."""


@dataclass(frozen=True)
class IntentSettings:
    """How the model is fitted; ``ranker`` holds LightGBM parameters that differ from the defaults."""

    min_examples: int = 20
    candidates: int = 5
    seed: int = 0
    ranker: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class RankerData:
    """All that rankers learn from: computed once, used by every trial of the tuning and by the fit.

    ``judged``: all blocks but the first in time and those for which there was too little to learn.
    ``stand_ins`` and ``after_fall``: see ``models.intent_blocks.Lessons``.
    """

    lessons: Lessons
    judged: Sequence[BlockEvidence]
    stand_ins: Sequence[BlockEvidence]
    after_fall: BlockEvidence | None = None

    @property
    def for_ranker(self) -> Sequence[BlockEvidence]:
        """What the final ranker learns from: the newest tickets, or all where none is newer.

        Where a retriever fell, only what came after: before it the evidence is that of another desk.
        """
        if not self.lessons.in_time:
            return self.judged
        if self.after_fall is not None:
            return [self.after_fall]
        return newest(since_last_fall(self.judged), RANKER_TICKETS)

    @property
    def fall(self) -> Fall | None:
        """How a retriever fell in the newest block; ``None`` where none did."""
        if self.after_fall is None:
            return None
        before, after = (float(block.right[:, 0].mean()) for block in self.judged[-2:])
        return Fall(before, after, len(self.after_fall.rows))

    @property
    def columns(self) -> Columns:
        """The columns of a (ticket, candidate) pair."""
        return Columns(self.judged[-1].evidence.names, {})


@dataclass(frozen=True)
class CalibratedRanker:
    """A ranker with the calibrator of its top scores.

    ``blind``: the blocks it learnt from, each half scored by a ranker of the other half.
    """

    ranker: Ranker
    calibrator: Calibrator
    blind: Sequence[tuple[BlockEvidence, np.ndarray]]


@dataclass(frozen=True)
class Foretold:
    """What was said of the tickets before they were learnt from: one ``intent`` and ``probability`` each.

    ``linear``: the retriever's first candidate. ``proven``: positions of the tickets judged by a retriever, a
    ranker and a calibrator that all knew earlier tickets only. The others are those of the first block,
    judged by what came right after it, and of the second, judged by its retriever alone.
    ``out_of_scope``: the novelty score of a ticket, ``NaN`` where none was given.
    """

    intent: np.ndarray
    probability: np.ndarray
    linear: np.ndarray
    proven: np.ndarray
    out_of_scope: np.ndarray


def pairs(blocks: Sequence[BlockEvidence]) -> tuple[np.ndarray, np.ndarray]:
    """Evidence and target of every (ticket, candidate) pair of ``blocks``."""
    rows = np.concatenate([block.evidence.rows for block in blocks])
    return rows, np.concatenate([block.right.ravel() for block in blocks]).astype(float)


def train_ranker(
    blocks: Sequence[BlockEvidence],
    settings: IntentSettings,
    validation: Sequence[BlockEvidence] | None = None,
    callbacks: Sequence[Callable[..., None]] = (),
    weight: np.ndarray | None = None,
) -> Ranker:
    """A ranker of candidates, learnt from ``blocks``; ``callbacks`` see its loss on ``validation``.

    ``weight``: of every ticket that lessons are made of.

    The choice is learnt where there were most candidates: a young desk's first blocks may know fewer intents.
    """
    most = max(block.right.shape[1] for block in blocks)
    full = [block for block in blocks if block.right.shape[1] == most]
    values = np.concatenate([block.evidence.values for block in full])
    counts = None if weight is None else np.concatenate([weight[block.rows] for block in full])
    start = choice_score(values, np.concatenate([block.right for block in full]), counts)
    columns = Columns(blocks[-1].evidence.names, {})
    booster = train_booster(
        *pairs(blocks),
        columns,
        {"objective": "binary", **settings.ranker},
        ROUNDS,
        settings.seed,
        weight=None if weight is None else _of_pairs(weight, blocks),
        increasing=RISING,
        validation=None if validation is None else pairs(validation),
        callbacks=callbacks,
        start=_starts(start, blocks),
        validation_start=None if validation is None else _starts(start, validation),
    )
    return Ranker(columns, start, booster)


def _of_pairs(weight: np.ndarray, blocks: Sequence[BlockEvidence]) -> np.ndarray:
    return np.concatenate([np.repeat(weight[block.rows], block.right.shape[1]) for block in blocks])


def _starts(start: LinearScore, blocks: Sequence[BlockEvidence]) -> np.ndarray:
    return np.concatenate([pair_starts(start, block.evidence) for block in blocks])


def calibrated_ranker(
    learnt: Sequence[BlockEvidence],
    reviewed: np.ndarray,
    settings: IntentSettings,
    weight: np.ndarray | None = None,
) -> CalibratedRanker:
    """A ranker of ``learnt``, calibrated on what each half of them says of the other.

    ``reviewed``: one flag per ticket; with enough of them the others say nothing about probabilities.
    ``weight``: one per ticket; by default they are alike.
    """
    older, newer = halves(learnt)
    blind = [
        (block, train_ranker(others, settings, weight=weight)(block.evidence))
        for mine, others in ((older, newer), (newer, older))
        for block in mine
    ]
    score = np.concatenate([raw.max(axis=1) for _, raw in blind])
    right = np.concatenate([_top_right(block, raw) for block, raw in blind])
    chosen = np.concatenate([reviewed[block.rows] for block, _ in blind])
    if chosen.sum() < FEWEST_REVIEWED:
        chosen = np.ones(len(score), dtype=bool)
    weighs = None
    if weight is not None:
        weighs = weight[np.concatenate([block.rows for block, _ in blind])][chosen]
    calibrator = fit_calibrator(score[chosen], right[chosen], weighs)
    return CalibratedRanker(train_ranker(learnt, settings, weight=weight), calibrator, blind)


def ranker_data(
    tickets: EncodedTickets,
    labels: np.ndarray,
    blocks: Sequence[np.ndarray],
    settings: IntentSettings,
    in_time: bool = True,
    weight: np.ndarray | None = None,
) -> RankerData:
    """Evidence for labelled tickets; ``blocks`` hold their positions in order of time (see ``time_blocks``).

    Not ``in_time``: the blocks are ``folds``, and each is judged by what was learnt from all others.
    ``weight``: of each ticket, where one stands for others.

    Raises ``NothingToLearnError`` with fewer than two intents to learn, or where all are in one block.
    """
    known, _ = learnable(labels, settings.min_examples)
    names = np.unique(labels[known].astype(str)).tolist()
    if len(names) < 2:
        raise NothingToLearnError(
            f"the intent model needs two intents with {settings.min_examples} examples each among the older "
            f"tickets (the newest are kept to judge by); {len(labels):,} of those have a label, and enough "
            f"examples {', '.join(names) or 'no intent'}: label more tickets or lower intent.min_examples"
        )
    if not has_terms(tickets.counts):
        raise NothingToLearnError(
            f"the intent model reads text, and no word occurs in two of these {len(labels):,} tickets: "
            "deliver subjects or bodies to get it"
        )
    how = (in_time, settings.min_examples, settings.candidates, settings.seed)
    lessons = Lessons(tickets, labels, blocks, *how, weight)
    judged = lessons.judged_blocks()
    if not judged:
        raise NothingToLearnError(
            f"two intents with {settings.min_examples} examples each are needed before the newest of "
            f"{len(blocks)} blocks of time: label more tickets or lower intent.min_examples"
        )
    return RankerData(lessons, judged, lessons.stand_ins(), lessons.after_fall(judged))


def fit_intent(
    data: RankerData,
    reviewed: np.ndarray,
    settings: IntentSettings,
    encoder: TextEncoder | None = None,
    sentences: Sentences | None = None,
    lacking: str | None = None,
) -> tuple[IntentModel, Foretold]:
    """The model, learnt from all tickets, and what its predecessors would have said of each of them.

    ``reviewed``: whether two reviewers agree about a ticket, one flag each. ``lacking``: why there are no
    ``sentences`` although they were asked for.
    """
    lessons = data.lessons
    retriever = lessons.retriever_of(np.concatenate(lessons.blocks))
    if retriever is None:
        raise NothingToLearnError("no two intents to learn")
    final = calibrated_ranker(data.for_ranker, reviewed, settings, lessons.weight)
    novelty, novelty_cut, unknown = novelty_of(final, data.stand_ins, settings.seed)
    model = IntentModel(
        encoder=encoder or NgramEncoder(),
        sentences=sentences,
        lacking=lacking,
        retriever=retriever,
        k=settings.candidates,
        ranker=final.ranker,
        novelty=novelty,
        novelty_cut=novelty_cut,
        calibrator=final.calibrator,
        scripts=common_scripts(lessons.tickets.texts),
        languages=common_languages(lessons.tickets.languages),
        left_out=learnable(lessons.labels, settings.min_examples)[1],
        fall=data.fall,
    )
    foretold = _told_in_time(data, reviewed, settings) if lessons.in_time else _told_blindly(data, final)
    out_of_scope = np.full(len(lessons.labels), np.nan)
    if novelty is not None:
        out_of_scope[np.concatenate([block.rows for block, _ in final.blind])] = unknown
    return model, replace(foretold, out_of_scope=out_of_scope)


def _shares(block: BlockEvidence) -> np.ndarray:
    """The retriever's own scores, where no ranker had learnt yet."""
    return block.evidence.values[:, :, block.evidence.names.index("share")]


def _top_right(block: BlockEvidence, raw: np.ndarray) -> np.ndarray:
    return block.right[np.arange(len(raw)), raw.argmax(axis=1)]


Told = tuple[BlockEvidence, np.ndarray, np.ndarray]
"""A block, the scores of its candidates, and the probabilities they came with."""


def _told_in_time(data: RankerData, reviewed: np.ndarray, settings: IntentSettings) -> Foretold:
    untuned = replace(settings, ranker={})  # what was tuned on later tickets must not speak of earlier ones
    lessons = data.lessons
    first = np.setdiff1d(
        np.concatenate(lessons.blocks), np.concatenate([block.rows for block in data.judged])
    )
    after = lessons.retriever_of(data.judged[0].rows)
    told: list[Told] = []
    if after is not None and len(first):
        block = lessons.seen_by(after, first)
        told.append((block, _shares(block), _shares(block)))
    told.append((data.judged[0], _shares(data.judged[0]), _shares(data.judged[0])))
    for count, block in enumerate(data.judged[1:], start=1):
        earlier = newest(data.judged[:count], RANKER_TICKETS)
        before = calibrated_ranker(earlier, reviewed, untuned, lessons.weight)
        raw = before.ranker(block.evidence)
        told.append((block, raw, before.calibrator(raw)))
    return _foretold(len(lessons.labels), told, [block.rows for block in data.judged[1:]])


def _told_blindly(data: RankerData, ranker: CalibratedRanker) -> Foretold:
    """Each half of the folds by the ranker of the other; only the calibrator's two numbers knew both."""
    told = [(block, raw, ranker.calibrator(raw)) for block, raw in ranker.blind]
    return _foretold(len(data.lessons.labels), told, [block.rows for block, _, _ in told])


def _foretold(tickets: int, told: Sequence[Told], proven: Sequence[np.ndarray]) -> Foretold:
    intent, linear = np.full(tickets, None, object), np.full(tickets, None, object)
    probability = np.zeros(tickets)
    for block, raw, calibrated in told:
        best = np.arange(len(raw)), raw.argmax(axis=1)
        intent[block.rows], probability[block.rows] = block.proposed[best], calibrated[best]
        linear[block.rows] = block.proposed[:, 0]
    rows = np.sort(np.concatenate(proven)) if proven else np.zeros(0, int)
    return Foretold(intent, probability, linear, rows, np.full(tickets, np.nan))


def novelty_of(
    ranker: CalibratedRanker, shown: Sequence[BlockEvidence], seed: int
) -> tuple[Novelty | None, float, np.ndarray]:
    """What tells unknown requests, the score from which on it says so, and the scores of ``ranker.blind``.

    ``shown``: known and unknown requests side by side (``stand_ins``).
    """
    seen = [(block, ranker.ranker(block.evidence)) for block in shown]
    unknown = np.concatenate([block.unknown for block, _ in seen]) if seen else np.ones(0, bool)
    if unknown.all() or not unknown.any():
        return None, 1.0, np.zeros(0)
    choice = ranker.ranker.start
    matrix = np.concatenate([novelty_evidence(block.evidence, raw, choice) for block, raw in seen])
    odds = OUT_OF_SCOPE_PRIOR / (1 - OUT_OF_SCOPE_PRIOR)
    weight = np.where(unknown, odds * (~unknown).sum() / unknown.sum(), 1.0)
    target = unknown.astype(float)
    start = binary_score(matrix, target, weight)
    columns = novelty_columns(shown[0].evidence.names)
    shape = {"objective": "binary", "num_leaves": 7}
    booster = train_booster(
        matrix, target, columns, shape, NOVELTY_ROUNDS, seed, weight=weight, start=start(matrix)
    )
    novelty = Novelty(start, booster)
    said = np.concatenate([novelty(block.evidence, raw, choice) for block, raw in ranker.blind])
    known = ~np.concatenate([block.unknown for block, _ in ranker.blind])
    return novelty, float(np.quantile(said[known], 1 - FALSE_ALARMS)), said
