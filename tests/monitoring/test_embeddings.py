"""Texts that mean something else are noticed; texts that no encoder read are no change."""

import numpy as np
import pytest

from monitoring.drift import Drift, DriftLimits
from monitoring.embeddings import distances_to, read_embeddings, with_embeddings

LIMITS = DriftLimits(min_rows=100)


def test_embeddings_are_as_far_as_their_direction_says_and_a_damaged_file_is_as_none(tmp_path):
    vectors = np.array([[2, 0], [0, 1], [-1, 0], [0, 0]], dtype=np.float32)
    assert distances_to(np.array([1.0, 0]), vectors).tolist()[:3] == [0, 1, 2]
    assert np.isnan(distances_to(np.array([1.0, 0]), vectors)[3])
    path = tmp_path / "tickets.npz"
    assert read_embeddings(path, 10) is None
    path.write_bytes(b"half a file")
    assert read_embeddings(path, 10) is None
    np.savez(path, vectors=vectors)
    assert read_embeddings(path, 2).tolist() == [[2, 0], [-1, 0]]


def vectors(rows: int, seed: int, toward: int) -> np.ndarray:
    made = np.random.default_rng(seed).normal(0, 1, (rows, 16))
    made[:, toward] += 5
    return (made / np.linalg.norm(made, axis=1)[:, None]).astype(np.float16)


@pytest.mark.parametrize(
    ("now", "moved"),
    [
        (vectors(300, 2, toward=0), [False]),
        (vectors(300, 2, toward=9), [True]),
        (np.vstack([vectors(300, 2, toward=0), np.zeros((200, 16))]), [False]),
        (vectors(90, 2, toward=9), []),
        (vectors(300, 2, toward=9)[:, :8], []),
        (np.zeros((0, 16)), []),
    ],
    ids=["the same", "about something else", "many not encoded", "too few", "of another encoder", "none"],
)
def test_only_encoded_texts_are_compared(tmp_path, now, moved):
    np.savez(tmp_path / "tickets.npz", vectors=vectors(500, 1, toward=0))
    found = with_embeddings(Drift(9, 9, ()), tmp_path / "tickets.npz", now, tmp_path / "e.html", LIMITS)
    assert [column.moved for column in found.columns] == moved
    assert (tmp_path / "e.html").exists() == bool(moved)
