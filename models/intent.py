"""What is a ticket about? Retrieve candidate intents, rank them, say how sure; know the unknown."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from features.rows import Rows
from models.boosting import Columns, load_booster, save_booster
from models.calibration import Calibrator
from models.candidates import Retriever
from models.encoded import EncodedTickets, Sentences, encode_tickets, readable
from models.encoders import TextEncoder, encoder_named
from models.intent_blocks import Fall
from models.linear import LinearScore
from models.ranking import Novelty, Ranker, novelty_columns

ALTERNATIVES = 3


class IntentPrediction(NamedTuple):
    """``probability``: calibrated, of ``intent`` being right; ``intent`` is ``None`` for an unreadable text.

    ``alternatives``: up to three other intents with their probabilities, best first. ``unread``: why nothing
    is said of a text, empty where something is.
    """

    intent: str | None
    probability: float
    out_of_scope: bool
    out_of_scope_probability: float
    alternatives: tuple[tuple[str, float], ...]
    unread: str = ""


@dataclass(frozen=True)
class IntentModel:
    """Retriever, LightGBM ranker of (ticket, candidate) pairs, novelty score and calibrator.

    ``sentences`` is ``None`` for a model of n-grams alone; ``lacking`` says why where it was not meant to be.
    ``scripts`` and ``languages`` (ISO 639-1) are those it learnt; a text in any other goes to people.
    ``fall``: how labels were replaced just before it was trained, where they were.
    """

    encoder: TextEncoder
    sentences: Sentences | None
    lacking: str | None
    retriever: Retriever
    k: int
    ranker: Ranker
    novelty: Novelty | None
    novelty_cut: float
    calibrator: Calibrator
    scripts: tuple[str, ...]
    languages: tuple[str, ...]
    left_out: Mapping[str, int]
    fall: Fall | None = None

    @property
    def classes(self) -> tuple[str, ...]:
        """The intents it knows, sorted."""
        return self.retriever.classes

    def predict(self, tickets: pd.DataFrame | Rows) -> list[IntentPrediction]:
        """One prediction per ticket (subject, body and, where known, the columns of ``models.lifts``)."""
        return self.predict_encoded(self.encoded(tickets)) if len(tickets) else []

    def encoded(self, tickets: pd.DataFrame | Rows, vectors: np.ndarray | None = None) -> EncodedTickets:
        """``tickets`` as the model reads them.

        ``vectors``: the sentence embeddings that were kept of them, shape (rows, dimensions), float.
        """
        if vectors is None:
            return encode_tickets(tickets, self.encoder, self.sentences)
        return replace(encode_tickets(tickets, self.encoder), vectors=vectors.astype(np.float32))

    def predict_encoded(self, tickets: EncodedTickets) -> list[IntentPrediction]:
        """As ``predict``, for tickets that are encoded already."""
        if not len(tickets):
            return []
        evidence = self.retriever.evidence(tickets, self.k)
        raw = self.ranker(evidence)
        order = np.argsort(-raw, axis=1, kind="stable")[:, : ALTERNATIVES + 1]
        names = np.array(self.classes, dtype=object)[np.take_along_axis(evidence.candidates, order, axis=1)]
        probabilities = self.calibrator(np.take_along_axis(raw, order, axis=1))
        unknown = np.zeros(len(tickets))
        if self.novelty is not None:
            unknown = self.novelty(evidence, raw, self.ranker.start)
        unread = [
            self._why_unread(text, language)
            for text, language in zip(tickets.texts, tickets.languages, strict=True)
        ]
        out_of_scope = unknown >= self.novelty_cut
        return [
            _prediction(*row)
            for row in zip(names, probabilities, unknown.tolist(), out_of_scope, unread, strict=True)
        ]

    def _why_unread(self, text: str, language: str) -> str:
        if not readable(text, self.scripts):
            return "no words in a script that the intent model learnt"
        if language and self.languages and language not in self.languages:
            return f"language {language}, which the intent model never learnt"
        return ""

    def save(self, folder: Path) -> None:
        """Write ``model.json``, ``proposer.npz``, ``examples.npz``, ``ranker.txt`` and ``novelty.txt``."""
        folder.mkdir(parents=True, exist_ok=True)
        document = {
            "encoder": self.encoder.name,
            "sentences": self.sentences.to_json() if self.sentences else None,
            "k": self.k,
            "pairs": self.ranker.columns.to_json(),
            "ranker_start": self.ranker.start.to_json(),
            "novelty_start": self.novelty.start.to_json() if self.novelty else None,
            "novelty_cut": self.novelty_cut,
            "calibrator": vars(self.calibrator),
            "scripts": list(self.scripts),
            "languages": list(self.languages),
            "left_out": dict(self.left_out),
            "lacking": self.lacking,
            "fall": self.fall,
            "retriever": self.retriever.save(folder),
        }
        (folder / "model.json").write_text(json.dumps(document), encoding="utf-8")
        save_booster(self.ranker.booster, folder / "ranker.txt")
        if self.novelty is not None:
            save_booster(self.novelty.booster, folder / "novelty.txt")

    @classmethod
    def load(cls, folder: Path) -> "IntentModel":
        """Read what ``save`` wrote; verify the files first (``models.release``)."""
        document = json.loads((folder / "model.json").read_text(encoding="utf-8"))
        pairs = Columns.from_json(document["pairs"])
        ranker = Ranker(
            pairs,
            LinearScore.from_json(document["ranker_start"]),
            load_booster(folder / "ranker.txt", pairs),
        )
        novelty = None
        if document["novelty_start"] is not None:
            start = LinearScore.from_json(document["novelty_start"])
            novelty = Novelty(start, load_booster(folder / "novelty.txt", novelty_columns(pairs.names)))
        return cls(
            encoder=encoder_named(document["encoder"]),
            sentences=Sentences.from_json(document["sentences"]) if document["sentences"] else None,
            lacking=document["lacking"],
            retriever=Retriever.load(folder, document["retriever"]),
            k=document["k"],
            ranker=ranker,
            novelty=novelty,
            novelty_cut=document["novelty_cut"],
            calibrator=Calibrator(**document["calibrator"]),
            scripts=tuple(document["scripts"]),
            languages=tuple(document["languages"]),
            left_out=document["left_out"],
            fall=Fall(*document["fall"]) if document.get("fall") else None,
        )


def _prediction(
    names: np.ndarray, probabilities: np.ndarray, unknown: float, out_of_scope: bool, unread: str
) -> IntentPrediction:
    if unread:
        return IntentPrediction(None, 0.0, True, 1.0, (), unread)
    alternatives = tuple(zip(names[1:].tolist(), probabilities[1:].tolist(), strict=True))
    return IntentPrediction(str(names[0]), float(probabilities[0]), bool(out_of_scope), unknown, alternatives)
