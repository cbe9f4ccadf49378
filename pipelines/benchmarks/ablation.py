"""What each part of the intent model adds, judged out of fold on the training texts alone."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from models.calibration import log_odds
from models.candidates import Evidence
from models.encoded import EncodedTickets, encode_tickets
from models.encoders import NgramEncoder
from models.intent_blocks import BlockEvidence, folds
from models.intent_training import (
    IntentSettings,
    RankerData,
    calibrated_ranker,
    novelty_of,
    ranker_data,
)
from models.linear import choice_shares
from models.metrics import (
    auc,
    coverage_at_precision,
    expected_calibration_error,
    paired_difference_interval,
)
from pipelines.benchmarks.intent import (
    FEWEST_EXAMPLES,
    PRECISION,
    Remembering,
    as_tickets,
    forgetful,
)
from pipelines.benchmarks.tables import LABEL, LabelledTexts
from pipelines.intent import sentences_for
from pipelines.params import Params

FEWEST_IN_LANGUAGE = 100
PARTS: dict[str, Callable[[str], bool]] = {
    "neighbours": lambda name: name.removeprefix("sentence_").startswith(("nearest", "votes")),
    "centroids": lambda name: "centroid" in name,
    "metadata": lambda name: name.endswith("_lift"),
    "n-gram evidence": lambda name: (
        not name.startswith(("sentence_", "pooled")) and not name.endswith("_lift")
    ),
}
"""Evidence of a part, by the names of its columns. Embeddings are taken out of the retriever instead."""


def ablation(
    texts: LabelledTexts, params: Params, seed: int, remembering: Remembering = forgetful
) -> list[dict[str, Any]]:
    """One entry per part left out: figures without it, and the paired interval of what it added.

    Only ``texts.train`` is read. ``novelty_auroc``: requests of intents that neither the retriever nor the
    novelty score has met, against known ones.
    """
    settings = IntentSettings(FEWEST_EXAMPLES, params.intent.candidates, seed)
    sentences, _ = sentences_for(params.intent)
    asked = sentences and replace(sentences, source=remembering(sentences))
    encoded = encode_tickets(as_tickets(texts.train), NgramEncoder(), asked)
    labels = texts.train[LABEL].to_numpy(dtype=object)
    blocks = folds(labels, seed)

    def evidence(tickets: EncodedTickets) -> RankerData:
        return ranker_data(tickets, labels, blocks, settings, in_time=False)

    bare = None if sentences is None else evidence(without_vectors(encoded))
    return parts_left_out(evidence(encoded), {} if bare is None else {"embeddings": bare}, PARTS, settings)


def without_vectors(encoded: EncodedTickets) -> EncodedTickets:
    """The same tickets as n-grams alone."""
    return replace(encoded, vectors=np.zeros((len(encoded), 0), np.float32))


def parts_left_out(
    data: RankerData,
    otherwise: Mapping[str, RankerData],
    parts: Mapping[str, Callable[[str], bool]],
    settings: IntentSettings,
) -> list[dict[str, Any]]:
    """One entry per part left out of ``data``, the whole first.

    ``otherwise``: evidence gathered anew without a part, by its name. ``parts``: see ``PARTS``. What the
    ranker learns from is judged, each half by a ranker of the other half.
    """
    whole = _judged(data, settings)
    entries = [{"left_out": "nothing", **_figures(whole, whole, data, settings)}]
    others = dict(otherwise) | {part: _without(data, belongs) for part, belongs in parts.items()}
    for part, less in others.items():
        entries.append({"left_out": part, **_figures(_judged(less, settings), whole, less, settings)})
    entries.append({"left_out": "trees", **_figures(_linear(data, settings), whole, None, settings)})
    first = np.concatenate([block.right[:, 0] for block in data.for_ranker])
    shares = np.concatenate([block.evidence.values[:, 0, 1] for block in data.for_ranker])
    entries.append({"left_out": "ranker", **_figures((first, shares), whole, None, settings)})
    languages = data.lessons.tickets.languages[np.concatenate([block.rows for block in data.for_ranker])]
    for entry in entries:
        entry["by_language"] = _by_language(entry.pop("right"), whole[0], languages, settings.seed)
    return entries


def _by_language(
    right: np.ndarray, whole: np.ndarray, languages: np.ndarray, seed: int
) -> dict[str, dict[str, Any]]:
    """For each language with enough texts: how many, the share right, and what the part added there."""
    names, counts = np.unique(languages.astype(str), return_counts=True)
    found = {}
    for name, count in zip(names.tolist(), counts.tolist(), strict=True):
        its = languages == name
        if name and count >= FEWEST_IN_LANGUAGE:
            added = paired_difference_interval(whole[its], right[its], seed)
            found[name] = {
                "texts": count,
                "accuracy": float(right[its].mean()),
                "part_adds_interval": added,
            }
    return found


Judged = tuple[np.ndarray, np.ndarray]
"""Whether each text was got right, and the probability claimed, in the order of the folds."""


def _judged(data: RankerData, settings: IntentSettings) -> Judged:
    ranker = calibrated_ranker(data.for_ranker, np.zeros(len(data.lessons.labels), dtype=bool), settings)
    right = [block.right[np.arange(len(raw)), raw.argmax(axis=1)] for block, raw in ranker.blind]
    said = [ranker.calibrator(raw.max(axis=1)) for _, raw in ranker.blind]
    return np.concatenate(right), np.concatenate(said)


def _linear(data: RankerData, settings: IntentSettings) -> Judged:
    ranker = calibrated_ranker(data.for_ranker, np.zeros(len(data.lessons.labels), dtype=bool), settings)
    judged = data.for_ranker
    shares = [choice_shares(ranker.ranker.start(block.evidence.values)) for block in judged]
    right = [b.right[np.arange(len(s)), s.argmax(axis=1)] for b, s in zip(judged, shares, strict=True)]
    return np.concatenate(right), np.concatenate([share.max(axis=1) for share in shares])


def _without(data: RankerData, belongs: Callable[[str], bool]) -> RankerData:
    return replace(
        data,
        judged=[_block_without(block, belongs) for block in data.judged],
        stand_ins=[_block_without(block, belongs) for block in data.stand_ins],
        after_fall=data.after_fall and _block_without(data.after_fall, belongs),
    )


def _block_without(block: BlockEvidence, belongs: Callable[[str], bool]) -> BlockEvidence:
    kept = [place for place, name in enumerate(block.evidence.names) if not belongs(name)]
    names = tuple(block.evidence.names[place] for place in kept)
    found = Evidence(block.evidence.candidates, block.evidence.values[:, :, kept], names)
    return replace(block, evidence=found)


def _figures(
    judged: Judged, whole: Judged, data: RankerData | None, settings: IntentSettings
) -> dict[str, Any]:
    right, probability = judged
    surprise, least = _surprise(judged), _surprise(whole)
    return {
        "right": right,
        "accuracy": float(right.mean()),
        "part_adds_interval": paired_difference_interval(whole[0], right, settings.seed),
        "log_loss": float(surprise.mean()),
        "part_saves_log_loss_interval": mean_interval(surprise - least),
        "calibration_error": expected_calibration_error(np.clip(probability, 0, 1), right),
        "coverage_at_99": coverage_at_precision(probability, right, PRECISION),
        "novelty_auroc": None if data is None else _novelty_auroc(data, settings),
    }


def _surprise(judged: Judged) -> np.ndarray:
    """Log loss of each text: of the probability claimed for having been right, or wrong."""
    right, probability = judged
    return np.logaddexp(0, np.where(right, -1, 1) * log_odds(probability))


def mean_interval(values: np.ndarray) -> tuple[float, float]:
    """95 % interval of a mean (normal approximation)."""
    margin = 1.96 * float(values.std()) / np.sqrt(len(values))
    return float(values.mean() - margin), float(values.mean() + margin)


def _novelty_auroc(data: RankerData, settings: IntentSettings) -> float | None:
    """Mean over the rounds of held-out intents, each judged by a score that learnt from the other rounds."""
    ranker = calibrated_ranker(data.for_ranker, np.zeros(len(data.lessons.labels), dtype=bool), settings)
    found = []
    for turn, shown in enumerate(data.stand_ins):
        others: Sequence[BlockEvidence] = [b for place, b in enumerate(data.stand_ins) if place != turn]
        novelty = novelty_of(ranker, others, settings.seed)[0]
        if novelty is not None:
            said = novelty(shown.evidence, ranker.ranker(shown.evidence), ranker.ranker.start)
            found.append(auc(shown.unknown, said))
    known = [value for value in found if value is not None]
    return float(np.mean(known)) if known else None
