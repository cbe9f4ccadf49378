"""The proposer: a linear model over weighted terms that scores every class of a text in one product."""

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import scipy.sparse as sparse
from sklearn.linear_model import SGDClassifier

from models.terms import Terms

REGULARISATION = 3e-5
VISITS = 5e4


def _at_rest(values: np.ndarray) -> np.ndarray:
    """Rounded as they are saved, so that a loaded model predicts exactly what the fitted one did."""
    return np.ascontiguousarray(values.astype(np.float16), dtype=np.float32)


@dataclass(frozen=True)
class Proposer:
    """One-against-rest logistic regression, with the centroid of each class.

    ``classes`` in the order of the columns; ``coefficients`` and ``centroids`` are (terms, classes) float32.
    """

    classes: tuple[str, ...]
    terms: Terms
    coefficients: np.ndarray
    intercepts: np.ndarray
    centroids: np.ndarray

    @classmethod
    def fit(cls, counts: sparse.csr_matrix, labels: np.ndarray, seed: int) -> "Proposer":
        """Learn from encoded texts and their labels; raises ``ValueError`` below two classes.

        About ``VISITS`` visits of a ticket, but between 5 and 40 epochs.
        """
        classes, codes = np.unique(labels.astype(str), return_inverse=True)
        if len(classes) < 2:
            raise ValueError(
                f"a text classifier needs two classes, found {list(classes)}: label more tickets"
            )
        terms = Terms.fit(counts)
        weights = terms.weights(counts)
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
        sums = (members @ weights).toarray()
        lengths = np.sqrt(np.einsum("ij,ij->i", sums, sums))
        return cls(
            tuple(map(str, classes)),
            terms,
            _at_rest(coefficients.T),
            intercepts.astype(np.float32),
            _at_rest(sums.T / np.maximum(lengths, 1e-9)),
        )

    def weights(self, counts: sparse.csr_matrix) -> sparse.csr_matrix:
        """Weighted terms of encoded texts."""
        return self.terms.weights(counts)

    def logits(self, weights: sparse.csr_matrix) -> np.ndarray:
        """Log odds of each class, shape (texts, classes)."""
        return weights @ self.coefficients + self.intercepts

    def similarities(self, weights: sparse.csr_matrix) -> np.ndarray:
        """Cosine to each class's centroid, shape (texts, classes)."""
        return weights @ self.centroids

    def save(self, path: Path) -> None:
        """Write plain arrays (``.npz``, loadable without pickle)."""
        arrays = {
            "classes": np.array(self.classes),
            "coefficients": self.coefficients.astype(np.float16),
            "intercepts": self.intercepts,
            "centroids": self.centroids.astype(np.float16),
        }
        np.savez(path, allow_pickle=False, **arrays, **self.terms.to_arrays())

    @classmethod
    def load(cls, path: Path) -> "Proposer":
        """Read what ``save`` wrote."""
        with np.load(path, allow_pickle=False) as stored:
            arrays = {name: stored[name] for name in stored.files}
        return cls(
            tuple(arrays["classes"].tolist()),
            Terms.from_arrays(arrays),
            arrays["coefficients"].astype(np.float32),
            arrays["intercepts"],
            arrays["centroids"].astype(np.float32),
        )
