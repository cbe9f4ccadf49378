"""The proposer: a linear model over n-grams that scores every class of a text in one sparse product."""

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import scipy.sparse as sparse
from sklearn.linear_model import SGDClassifier
from sklearn.preprocessing import normalize

REGULARISATION = 3e-5
VISITS = 5e4


def inverse_document_frequency(counts: sparse.csr_matrix) -> np.ndarray:
    """Smoothed ln((1 + n) / (1 + df)) + 1 of each column, float32."""
    documents = np.bincount(counts.indices, minlength=counts.shape[1])
    return (np.log((1 + counts.shape[0]) / (1 + documents)) + 1).astype(np.float32)


def weighted(counts: sparse.csr_matrix, idf: np.ndarray) -> sparse.csr_matrix:
    """``counts`` times ``idf``, each row scaled to length one; a new matrix."""
    weights = sparse.csr_matrix(
        (counts.data * idf[counts.indices], counts.indices, counts.indptr), counts.shape
    )
    return normalize(weights, copy=False)


def _at_rest(values: np.ndarray) -> np.ndarray:
    """Rounded as they are saved, so that a loaded model predicts exactly what the fitted one did."""
    return np.ascontiguousarray(values.astype(np.float16).astype(np.float32))


@dataclass(frozen=True)
class Proposer:
    """One-against-rest logistic regression on TF-IDF weights, with the centroid of each class.

    ``classes`` in the order of the columns; ``coefficients`` and ``centroids`` are (2^18, classes) float32.
    """

    classes: tuple[str, ...]
    idf: np.ndarray
    coefficients: np.ndarray
    intercepts: np.ndarray
    centroids: np.ndarray

    @classmethod
    def fit(cls, counts: sparse.csr_matrix, labels: np.ndarray, seed: int) -> "Proposer":
        """Learn from encoded texts and their labels (at least two classes).

        About ``VISITS`` visits of a ticket, but between 5 and 40 epochs.
        """
        classes, codes = np.unique(labels.astype(str), return_inverse=True)
        if len(classes) < 2:
            raise ValueError(
                f"a text classifier needs two classes, found {list(classes)}: label more tickets"
            )
        idf = inverse_document_frequency(counts)
        weights = weighted(counts, idf)
        model = SGDClassifier(
            loss="log_loss",
            alpha=REGULARISATION,
            max_iter=min(max(math.ceil(VISITS / len(labels)), 5), 40),
            tol=None,
            random_state=seed,
            n_jobs=2,
        ).fit(weights, codes)
        coefficients, intercepts = model.coef_, model.intercept_
        if len(classes) == 2:
            coefficients, intercepts = (
                np.vstack([-coefficients, coefficients]),
                np.r_[-intercepts, intercepts],
            )
        members = sparse.csr_matrix((np.ones(len(codes), np.float32), (codes, np.arange(len(codes)))))
        centroids = np.asarray((members @ weights).todense(), dtype=np.float32)
        centroids /= np.maximum(np.linalg.norm(centroids, axis=1, keepdims=True), 1e-9)
        return cls(
            tuple(map(str, classes)),
            idf,
            _at_rest(coefficients.T),
            intercepts.astype(np.float32),
            _at_rest(centroids.T),
        )

    def weights(self, counts: sparse.csr_matrix) -> sparse.csr_matrix:
        """TF-IDF rows of length one (or zero, for a text without n-grams)."""
        return weighted(counts, self.idf)

    def logits(self, weights: sparse.csr_matrix) -> np.ndarray:
        """Log odds of each class, shape (texts, classes)."""
        return weights @ self.coefficients + self.intercepts

    def similarities(self, weights: sparse.csr_matrix) -> np.ndarray:
        """Cosine to each class's centroid, shape (texts, classes)."""
        return weights @ self.centroids

    def save(self, path: Path) -> None:
        """Write plain arrays (``.npz``, loadable without pickle)."""
        used = np.flatnonzero(self.coefficients.any(axis=1) | self.centroids.any(axis=1))
        np.savez(
            path,
            classes=np.array(self.classes),
            idf=self.idf,
            used=used.astype(np.int32),
            coefficients=self.coefficients[used].astype(np.float16),
            intercepts=self.intercepts,
            centroids=self.centroids[used].astype(np.float16),
        )

    @classmethod
    def load(cls, path: Path) -> "Proposer":
        """Read what ``save`` wrote."""
        with np.load(path, allow_pickle=False) as stored:
            shape = (len(stored["idf"]), len(stored["classes"]))
            coefficients, centroids = np.zeros(shape, np.float32), np.zeros(shape, np.float32)
            coefficients[stored["used"]], centroids[stored["used"]] = (
                stored["coefficients"],
                stored["centroids"],
            )
            return cls(
                tuple(stored["classes"].tolist()),
                stored["idf"],
                coefficients,
                stored["intercepts"],
                centroids,
            )
