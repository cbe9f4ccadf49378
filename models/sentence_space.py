"""Classes in the space of sentence embeddings: a linear model and nearest examples."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_limits

from models.neighbours import ExampleBank, exact

LOSS_WEIGHT = 10.0
"""Weight of each example's log loss against half the squared length of the coefficients."""
ITERATIONS = 60
SHRINKAGE = 0.3
"""Share of a round covariance mixed into the one within classes, which has many more entries than texts."""
FEWEST_VECTORS = 20
DIGITS = 6
"""Sums in double precision are rounded to this: a text alone gets what it gets among many, bit for bit."""
NOT_SEEN = np.nan


@dataclass(frozen=True)
class Closeness:
    """How close texts are to every class, each of shape (texts, classes); ``NaN`` where it cannot be told.

    ``logits`` and ``shares``: of a multinomial logistic regression. ``nearest``: cosine to the
    nearest example of the class. ``votes``: share among the nearest examples.
    """

    logits: np.ndarray
    shares: np.ndarray
    nearest: np.ndarray
    votes: np.ndarray


def can_be_learnt(vectors: np.ndarray, codes: np.ndarray) -> bool:
    """Whether enough texts, of two classes at least, have a vector that is not zero."""
    has = vectors.any(axis=1)
    return int(has.sum()) >= FEWEST_VECTORS and len(np.unique(codes[has])) >= 2


def close_to_none(texts: int, classes: int) -> Closeness:
    """What is known of texts where there was no space to learn."""
    nothing = np.full((texts, classes), NOT_SEEN)
    return Closeness(nothing, nothing, nothing, nothing)


@dataclass(frozen=True)
class SentenceSpace:
    """Cosines are taken where directions in which texts of one class differ count little.

    ``whitening``: (dimensions, dimensions), the inverse square root of the covariance within classes
    (Fisher's discriminant). ``seen``: codes of the classes that had examples with a vector, in the order of
    the columns of ``coefficients``, which is (dimensions, classes seen).
    """

    seen: np.ndarray
    coefficients: np.ndarray
    intercepts: np.ndarray
    mean: np.ndarray
    whitening: np.ndarray
    bank: ExampleBank

    @classmethod
    def fit(
        cls, vectors: np.ndarray, codes: np.ndarray, weight: np.ndarray | None = None
    ) -> "SentenceSpace | None":
        """Learn from those rows of ``vectors`` that are not zero; ``None`` where too few texts have any.

        ``weight``: of each text in the linear model.
        """
        if not can_be_learnt(vectors, codes):
            return None
        has = vectors.any(axis=1)
        vectors, (seen, codes) = vectors[has], np.unique(codes[has], return_inverse=True)
        with threadpool_limits(limits=1):  # how many cores there are must not change the model
            weights = np.ones(len(codes)) if weight is None else weight[has]
            coefficients, intercepts = _softmax_regression(vectors, codes, len(seen), weights)
            means = _class_means(vectors, codes, len(seen))
            mean, whitening = vectors.mean(axis=0), _whitening(vectors - means[codes])
            placed = _units((vectors - mean) @ whitening)
        bank = ExampleBank.of(placed, codes)
        return cls(
            seen.astype(np.int32),
            _at_rest(coefficients),
            _at_rest(intercepts),
            _at_rest(mean),
            _at_rest(whitening),
            bank,
        )

    def closeness(self, vectors: np.ndarray, classes: int) -> Closeness:
        """To each of ``classes`` classes; a row of zeros in ``vectors`` is close to none."""
        has = np.asarray(vectors.any(axis=1))
        known = vectors[has]
        logits = (known.astype(float) @ self.coefficients + self.intercepts).round(DIGITS)
        odds = np.exp(logits - logits.max(axis=1, keepdims=True))
        placed = exact(_units((known.astype(float) - self.mean) @ self.whitening))
        nearest, votes = self.bank.nearest_and_votes(placed)
        parts = (
            logits,
            odds / odds.sum(axis=1, keepdims=True),
            nearest,
            votes,
        )
        return Closeness(*(self._spread(part, has, classes) for part in parts))

    def _spread(self, values: np.ndarray, has: np.ndarray, classes: int) -> np.ndarray:
        spread = np.full((len(has), classes), NOT_SEEN)
        spread[np.ix_(has, self.seen)] = values
        return spread

    def save(self, folder: Path) -> None:
        """Write ``sentences.npz`` and ``sentence_examples.npz`` (plain arrays, loadable without pickle)."""
        arrays = {name: getattr(self, name).astype(np.float16) for name in _ARRAYS}
        np.savez(folder / "sentences.npz", allow_pickle=False, seen=self.seen, **arrays)
        self.bank.save(folder / "sentence_examples.npz")

    @classmethod
    def load(cls, folder: Path) -> "SentenceSpace":
        """Read what ``save`` wrote."""
        with np.load(folder / "sentences.npz", allow_pickle=False) as stored:
            arrays: Mapping[str, np.ndarray] = {name: stored[name].astype(np.float32) for name in _ARRAYS}
            return cls(stored["seen"], **arrays, bank=ExampleBank.load(folder / "sentence_examples.npz"))


_ARRAYS = ("coefficients", "intercepts", "mean", "whitening")


def _at_rest(values: np.ndarray) -> np.ndarray:
    """Rounded as they are saved, so that a loaded model predicts exactly what the fitted one did."""
    return np.ascontiguousarray(values.astype(np.float16), dtype=np.float32)


def _units(vectors: np.ndarray) -> np.ndarray:
    lengths = np.sqrt(np.einsum("ij,ij->i", vectors, vectors))
    return vectors / np.maximum(lengths, 1e-9)[:, None]


def _class_means(vectors: np.ndarray, codes: np.ndarray, classes: int) -> np.ndarray:
    order = np.argsort(codes, kind="stable")
    counts = np.bincount(codes, minlength=classes)
    return np.add.reduceat(vectors[order], np.r_[0, np.cumsum(counts)[:-1]]) / counts[:, None]


def _whitening(differences: np.ndarray) -> np.ndarray:
    """Inverse square root of the shrunk covariance of ``differences``, scaled to keep lengths about one."""
    covariance = differences.T @ differences / len(differences)
    level = max(float(np.trace(covariance)) / len(covariance), 1e-12)
    shrunk = (1 - SHRINKAGE) * covariance / level + SHRINKAGE * np.eye(len(covariance))
    values, directions = np.linalg.eigh(shrunk)
    return ((directions / np.sqrt(values)) @ directions.T).astype(np.float32)


def _softmax_regression(
    vectors: np.ndarray, codes: np.ndarray, classes: int, weight: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Coefficients (dimensions, classes) and intercepts of a multinomial logistic regression (L-BFGS)."""
    from scipy.optimize import minimize

    inputs = np.hstack([vectors, np.ones((len(vectors), 1), np.float32)])
    places = (np.arange(len(codes)), codes)
    shape = (inputs.shape[1], classes)

    def loss(flat: np.ndarray) -> tuple[float, np.ndarray]:
        weights = flat.reshape(shape)
        logits = inputs @ weights.astype(np.float32)
        logits -= logits.max(axis=1, keepdims=True)
        shares = np.exp(logits)
        totals = shares.sum(axis=1, keepdims=True)
        each = np.log(totals[:, 0].astype(float)) * weight
        surprise = each.sum() - (logits[places] * weight).sum(dtype=float)
        shares /= totals
        shares[places] -= 1
        shares *= weight[:, None].astype(np.float32)
        penalised = np.vstack([weights[:-1], np.zeros(classes)])
        slope = LOSS_WEIGHT * (inputs.T @ shares) + penalised
        return LOSS_WEIGHT * surprise + 0.5 * float((penalised**2).sum()), slope.ravel().astype(float)

    found = minimize(
        loss, np.zeros(shape).ravel(), jac=True, method="L-BFGS-B", options={"maxiter": ITERATIONS}
    )
    weights = found.x.reshape(shape)
    return weights[:-1], weights[-1]
