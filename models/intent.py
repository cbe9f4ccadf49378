"""What is a ticket about? Retrieve candidate intents, rank them, say how sure; know the unknown."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import lightgbm as lgb
import numpy as np
import pandas as pd

from models.boosting import Columns, load_booster, save_booster, scores
from models.calibration import Calibrator
from models.candidates import Evidence, Retriever
from models.encoded import EncodedTickets, Sentences, encode_tickets, readable
from models.encoders import TextEncoder, encoder_named

RISING = (
    "logit",
    "share",
    "lead",
    "centroid_cosine",
    "centroid_lead",
    "nearest_cosine",
    "nearest_lead",
    "votes",
    "pooled",
    "pooled_lead",
    "sentence_logit",
    "sentence_share",
    "sentence_lead",
    "sentence_centroid_cosine",
    "sentence_centroid_lead",
    "sentence_nearest_cosine",
    "sentence_nearest_lead",
    "sentence_votes",
)
"""More of this evidence never makes a candidate less likely."""
NOVELTY_EVIDENCE = (
    "logit",
    "centroid_cosine",
    "nearest_cosine",
    "entropy",
    "log_terms",
    "unknown_terms",
    "pooled",
    "sentence_logit",
    "sentence_share",
    "sentence_entropy",
    "sentence_centroid_cosine",
    "sentence_nearest_cosine",
    "sentence_votes",
)
"""As far as the retriever gives it."""
ALTERNATIVES = 3


class IntentPrediction(NamedTuple):
    """``probability``: calibrated, of ``intent`` being right; ``intent`` is ``None`` for an unreadable text.

    ``alternatives``: up to three other intents with their probabilities, best first.
    """

    intent: str | None
    probability: float
    out_of_scope: bool
    out_of_scope_probability: float
    alternatives: tuple[tuple[str, float], ...]


@dataclass(frozen=True)
class IntentModel:
    """Retriever, LightGBM ranker of (ticket, candidate) pairs, novelty booster and calibrator.

    ``sentences`` is ``None`` for a model of n-grams alone; ``lacking`` says why where it was not meant to be.
    """

    encoder: TextEncoder
    sentences: Sentences | None
    lacking: str | None
    retriever: Retriever
    k: int
    pair_columns: Columns
    ranker: lgb.Booster
    novelty: lgb.Booster | None
    novelty_cut: float
    calibrator: Calibrator
    scripts: tuple[str, ...]
    left_out: Mapping[str, int]

    @property
    def classes(self) -> tuple[str, ...]:
        """The intents it knows, sorted."""
        return self.retriever.classes

    def predict(self, tickets: pd.DataFrame) -> list[IntentPrediction]:
        """One prediction per ticket (subject, body and, where known, the columns of ``models.lifts``)."""
        return (
            self.predict_encoded(encode_tickets(tickets, self.encoder, self.sentences))
            if len(tickets)
            else []
        )

    def predict_encoded(self, tickets: EncodedTickets) -> list[IntentPrediction]:
        """As ``predict``, for tickets that are encoded already."""
        if not len(tickets):
            return []
        evidence = self.retriever.evidence(tickets, self.k)
        raw = pair_scores(self.ranker, self.pair_columns, evidence)
        order = np.argsort(-raw, axis=1, kind="stable")[:, : ALTERNATIVES + 1]
        names = np.array(self.classes, dtype=object)[np.take_along_axis(evidence.candidates, order, axis=1)]
        probabilities = self.calibrator(np.take_along_axis(raw, order, axis=1))
        unknown = np.zeros(len(tickets))
        if self.novelty is not None:
            unknown = scores(self.novelty, novelty_evidence(evidence, raw))
        can_read = [readable(text, self.scripts) for text in tickets.texts]
        return [
            _prediction(*row)
            for row in zip(
                names, probabilities, unknown.tolist(), unknown >= self.novelty_cut, can_read, strict=True
            )
        ]

    def save(self, folder: Path) -> None:
        """Write ``model.json``, ``proposer.npz``, ``examples.npz``, ``ranker.txt`` and ``novelty.txt``."""
        folder.mkdir(parents=True, exist_ok=True)
        document = {
            "encoder": self.encoder.name,
            "sentences": self.sentences.to_json() if self.sentences else None,
            "k": self.k,
            "pairs": self.pair_columns.to_json(),
            "has_novelty": self.novelty is not None,
            "novelty_cut": self.novelty_cut,
            "calibrator": vars(self.calibrator),
            "scripts": list(self.scripts),
            "left_out": dict(self.left_out),
            "lacking": self.lacking,
            "retriever": self.retriever.save(folder),
        }
        (folder / "model.json").write_text(json.dumps(document), encoding="utf-8")
        save_booster(self.ranker, folder / "ranker.txt")
        if self.novelty is not None:
            save_booster(self.novelty, folder / "novelty.txt")

    @classmethod
    def load(cls, folder: Path) -> "IntentModel":
        """Read what ``save`` wrote; verify the files first (``models.release``)."""
        document = json.loads((folder / "model.json").read_text(encoding="utf-8"))
        pairs = Columns.from_json(document["pairs"])
        novelty = folder / "novelty.txt"
        return cls(
            encoder=encoder_named(document["encoder"]),
            sentences=Sentences.from_json(document["sentences"]) if document["sentences"] else None,
            lacking=document["lacking"],
            retriever=Retriever.load(folder, document["retriever"]),
            k=document["k"],
            pair_columns=pairs,
            ranker=load_booster(folder / "ranker.txt", pairs),
            novelty=load_booster(novelty, novelty_columns(pairs.names)) if document["has_novelty"] else None,
            novelty_cut=document["novelty_cut"],
            calibrator=Calibrator(**document["calibrator"]),
            scripts=tuple(document["scripts"]),
            left_out=document["left_out"],
        )


def _prediction(
    names: np.ndarray, probabilities: np.ndarray, unknown: float, out_of_scope: bool, can_read: bool
) -> IntentPrediction:
    if not can_read:
        return IntentPrediction(None, 0.0, True, 1.0, ())
    alternatives = tuple(zip(names[1:].tolist(), probabilities[1:].tolist(), strict=True))
    return IntentPrediction(str(names[0]), float(probabilities[0]), bool(out_of_scope), unknown, alternatives)


def pair_scores(ranker: lgb.Booster, columns: Columns, evidence: Evidence) -> np.ndarray:
    """Score of each candidate, shape (tickets, k). Raises ``ValueError`` if the columns differ."""
    if evidence.names != columns.names:
        raise ValueError(f"the ranker was trained on {columns.names}, the evidence is {evidence.names}")
    return scores(ranker, evidence.rows).reshape(evidence.candidates.shape)


def novelty_columns(pair_names: Sequence[str]) -> Columns:
    """Columns of ``novelty_evidence`` for a retriever that gives ``pair_names``."""
    return Columns(("best", "second", *(name for name in NOVELTY_EVIDENCE if name in pair_names)), {})


def novelty_evidence(evidence: Evidence, raw: np.ndarray) -> np.ndarray:
    """What tells an unknown request: the two best scores, and the most of each kind of evidence.

    Shape (tickets, ``novelty_columns``).
    """
    ranked = -np.sort(-raw, axis=1)
    names = novelty_columns(evidence.names).numbers[2:]
    most = [np.fmax.reduce(evidence.values[:, :, evidence.names.index(name)], axis=1) for name in names]
    return np.column_stack([ranked[:, 0], ranked[:, 1], *most])
