"""A ticket of weight n is learnt from as n equal tickets are, wherever weights are used."""

import numpy as np
import pytest

from models.calibration import fit_calibrator
from models.linear import choice_score
from models.sentence_space import SentenceSpace

WEIGHT = np.random.default_rng(4).integers(1, 5, 120)


@pytest.fixture
def chance() -> np.random.Generator:
    return np.random.default_rng(5)


def repeated(*arrays: np.ndarray) -> list[np.ndarray]:
    return [np.repeat(array, WEIGHT, axis=0) for array in arrays]


def test_the_calibrator(chance: np.random.Generator):
    said = chance.uniform(0.05, 0.95, 120)
    right = chance.random(120) < said
    one, many = fit_calibrator(said, right, WEIGHT), fit_calibrator(*repeated(said, right))
    assert (one.slope, one.intercept) == pytest.approx((many.slope, many.intercept), abs=1e-4)


def test_the_choice_among_candidates(chance: np.random.Generator):
    values, right = chance.normal(size=(120, 3, 2)), np.eye(3, dtype=bool)[chance.integers(0, 3, 120)]
    values[:, :, 0] += right
    one, many = choice_score(values, right, WEIGHT), choice_score(*repeated(values, right))
    assert one.weights / one.scales == pytest.approx(many.weights / many.scales, abs=0.02)


def test_the_linear_model_over_embeddings(chance: np.random.Generator):
    vectors = chance.normal(size=(120, 4)).astype(np.float32)
    codes = (vectors[:, 0] + chance.normal(size=120) > 0).astype(int)
    one, many = SentenceSpace.fit(vectors, codes, WEIGHT), SentenceSpace.fit(*repeated(vectors, codes))
    assert one is not None
    assert many is not None
    assert one.coefficients == pytest.approx(many.coefficients, abs=2e-3)
