"""Does a text ask for something of legal weight? It is compared by meaning with examples that people wrote.

Kernel ridge regression (the mean of a Gaussian process) on sentence vectors: every example votes for what it
is, the closer in meaning the more (Rasmussen and Williams 2006, chapters 2 and 6). A text is read as a whole
and sentence by sentence, and scores the mean of the whole and of its strongest part: of a mixed ticket one
sentence may be the request. Scores become probabilities by Platt's scaling (1999) on examples of authors who
were left out, because a customer is another author: how probable it is among texts like the examples, about
half of which have legal weight.
"""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.linalg import cho_factor, cho_solve
from scipy.special import expit
from threadpoolctl import ThreadpoolController, threadpool_limits

from features.text import normalise
from models.meaning import IDENTITY, meaning_encoder
from models.sentences import EncoderIdentity, EncoderMissingError, SentenceSource

REGULATORY, ORDINARY = "regulatory", "ordinary"
RIDGE = 0.1
SHARPNESS = 2.0
"""How quickly the vote of an example falls: exp(-SHARPNESS) at a cosine of 0."""
FEWEST_WORDS = 3
"""A shorter sentence is no part to read by itself."""
MOST_PARTS = 12
MOST_SENTENCES = 1_000
"""Of the desk's ordinary tickets: what people write around a request is part of no request."""
QUOTED_WORDS = 12
_SENTENCE = re.compile(r"(?<=[.!?…;:])\s+|\n+")


class LegalReading(NamedTuple):
    """What examples say of one text. ``part``: its words that say it most. ``like``: the nearest example
    with legal weight, ``concern``: what that asks for."""

    probability: float
    part: str
    like: str
    concern: str


@dataclass(frozen=True)
class LegalWeightModel:
    """Examples with their votes. ``vectors``: float16, shape (examples, 512). ``votes``: float32.

    ``likes`` and ``concerns``: text and concern of the examples with legal weight, which come first.
    ``scale``, ``offset``: log odds = scale * score + offset.
    """

    vectors: np.ndarray
    votes: np.ndarray
    likes: tuple[str, ...]
    concerns: tuple[str, ...]
    scale: float
    offset: float
    source: SentenceSource

    @cached_property
    def _known(self) -> np.ndarray:
        return self.vectors.astype(np.float32)

    def read(self, text: str) -> LegalReading:
        """What the examples say of ``text``, and of which part most."""
        parts = list(parts_of(normalise(text)))
        with _threads().limit(limits=1):  # a second one costs as much again and may change the last digit
            cosines = self.source.encode(parts) @ self._known.T
            scores = _scores(cosines, self.votes)
        best = int(scores.argmax())
        nearest = int(cosines[best, : len(self.likes)].argmax())
        odds = self.scale * (scores[0] + scores[best]) / 2 + self.offset
        return LegalReading(
            float(expit(odds)), _quoted(parts[best]), self.likes[nearest], self.concerns[nearest]
        )

    def save(self, folder: Path) -> None:
        """Write ``model.json`` and ``votes.npz``."""
        folder.mkdir(parents=True, exist_ok=True)
        identity = getattr(self.source, "identity", IDENTITY)
        document = {
            "encoder": identity.to_json(),
            "scale": self.scale,
            "offset": self.offset,
            "likes": self.likes,
            "concerns": self.concerns,
        }
        (folder / "model.json").write_text(json.dumps(document, ensure_ascii=False), encoding="utf-8")
        np.savez(folder / "votes.npz", vectors=self.vectors, votes=self.votes)

    @classmethod
    def load(cls, folder: Path) -> "LegalWeightModel":
        """Read what ``save`` wrote; verify the files first (``models.release``).

        Raises ``EncoderMissingError`` where the encoder is not there that it learnt with.
        """
        document = json.loads((folder / "model.json").read_text(encoding="utf-8"))
        learnt_with, source = EncoderIdentity.from_json(document["encoder"]), meaning_encoder()
        if learnt_with != source.identity:
            raise EncoderMissingError(
                f"legal weight was learnt with the encoder {learnt_with.name} "
                f"({learnt_with.model_sha256[:12]}), installed is {source.identity.name} "
                f"({source.identity.model_sha256[:12]}): train again"
            )
        with np.load(folder / "votes.npz", allow_pickle=False) as arrays:
            vectors, votes = arrays["vectors"], arrays["votes"]
        likes, concerns = tuple(document["likes"]), tuple(document["concerns"])
        return cls(vectors, votes, likes, concerns, document["scale"], document["offset"], source)


class LearntLegalWeight(NamedTuple):
    """The model, and for each example its probability by a model that knew no example of its author."""

    model: LegalWeightModel
    out_of_author: np.ndarray


def learn_legal_weight(
    examples: pd.DataFrame,
    ordinary: Sequence[str] = (),
    stock: Sequence[str] = (),
    source: SentenceSource | None = None,
) -> LearntLegalWeight:
    """Learn from ``examples``: a row a text, columns text, label, concern and author.

    ``ordinary``: texts of the desk's own, hardly any with legal weight: they and their sentences vote, and
    are not judged; one whose nearest example is a request is left out. ``stock``: sentences that many of the
    desk's tickets hold, whatever they are near to. Raises ``ValueError`` where there are not two authors who
    each have both labels.
    """
    source = source or meaning_encoder()
    asks = (examples["label"] == REGULATORY).to_numpy()
    order = np.argsort(~asks, kind="stable")
    told = examples.iloc[order]
    asks, authors = asks[order], told["author"].to_numpy(dtype=str)
    parts = [list(parts_of(normalise(text))) for text in told["text"]]
    starts = np.cumsum([0, *map(len, parts)])
    read = source.encode([part for of_text in parts for part in of_text])
    known, own = read[starts[:-1]], source.encode(_told_in(ordinary))
    own = own[~asks[(own @ known.T).argmax(axis=1)]]
    own = np.concatenate([own, source.encode(list(map(normalise, stock)))]) if len(stock) else own
    vectors = np.concatenate([known, own])
    targets = np.where(np.r_[asks, np.zeros(len(own), bool)], 1.0, -1.0).astype(np.float32)
    with threadpool_limits(limits=1):  # how many cores there are must not change the model
        close = _closeness(vectors @ vectors.T)
        scores = np.empty(len(told))
        for author in np.unique(authors):
            others = np.r_[authors != author, np.ones(len(own), bool)]
            votes = _votes(close[np.ix_(others, others)], targets[others])
            for place in np.flatnonzero(authors == author):
                of_parts = _scores(read[starts[place] : starts[place + 1]] @ vectors[others].T, votes)
                scores[place] = (of_parts[0] + of_parts.max()) / 2
        votes = _votes(close, targets)
        scale, offset = _platt(scores, asks, authors)
    requests = told[asks]
    likes, concerns = tuple(requests["text"]), tuple(requests["concern"])
    model = LegalWeightModel(vectors.astype(np.float16), votes, likes, concerns, scale, offset, source)
    said = np.empty(len(told))
    said[order] = expit(scale * scores + offset)
    return LearntLegalWeight(model, said)


@cache
def _threads() -> ThreadpoolController:
    """Of the libraries that numpy computes with; to find them takes longer than to read a text."""
    return ThreadpoolController()


def _closeness(cosines: np.ndarray) -> np.ndarray:
    """The Gaussian kernel of unit vectors, from their cosines; 1 where they are the same."""
    return np.exp(SHARPNESS * (cosines - 1))


def _votes(close: np.ndarray, targets: np.ndarray) -> np.ndarray:
    ridged = close + RIDGE * np.eye(len(close), dtype=np.float32)
    return cho_solve(cho_factor(ridged, lower=True, overwrite_a=True), targets).astype(np.float32)


def _scores(cosines: np.ndarray, votes: np.ndarray) -> np.ndarray:
    """What the examples vote, cosines (texts, examples) -> (texts,)."""
    return _closeness(cosines).astype(float) @ votes.astype(float)


def _platt(scores: np.ndarray, asks: np.ndarray, authors: np.ndarray) -> tuple[float, float]:
    from sklearn.linear_model import LogisticRegression

    both = [a for a in np.unique(authors) if 0 < asks[authors == a].mean() < 1]
    if len(both) < 2:
        raise ValueError(
            f"examples of legal weight: {len(both)} authors (files) have both labels, at least 2 must: "
            "what one author taught is judged on another's"
        )
    fitted = LogisticRegression().fit(scores[:, None], asks)
    return float(fitted.coef_[0, 0]), float(fitted.intercept_[0])


def parts_of(text: str) -> Iterator[str]:
    """``text`` itself, then its first ``MOST_PARTS`` sentences of at least ``FEWEST_WORDS`` words."""
    yield text
    sentences = (sentence.strip() for sentence in _SENTENCE.split(text))
    told = (one for one in sentences if one != text and len(one.split()) >= FEWEST_WORDS)
    yield from islice(told, MOST_PARTS)


def _told_in(texts: Sequence[str]) -> list[str]:
    """Texts as they are, then up to ``MOST_SENTENCES`` of the different sentences in them, evenly chosen."""
    parts = [list(parts_of(normalise(text))) for text in texts]
    sentences = list(dict.fromkeys(part for of_text in parts for part in of_text[1:]))
    chosen = sentences[:: len(sentences) // MOST_SENTENCES + 1]
    return [*(of_text[0] for of_text in parts), *chosen]


def _quoted(text: str) -> str:
    words = text.split()
    return " ".join(words[:QUOTED_WORDS]) + (" …" if len(words) > QUOTED_WORDS else "")
