"""Remembered embeddings: a stale or damaged memory must never pass for what the encoder says."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from pipelines.embeddings import RememberedSentences


@dataclass
class Counting:
    """Says the length of a text, and remembers what it was asked."""

    asked: list[str] = field(default_factory=list)
    factor: float = 1.0

    def encode(self, texts: Sequence[str]) -> np.ndarray:
        self.asked += texts
        return np.array([[self.factor * len(text) / 1024, 0.5] for text in texts], np.float32).reshape(-1, 2)


def test_a_text_is_encoded_once_and_said_alike_ever_after(tmp_path):
    source, path = Counting(), tmp_path / "new" / "tickets.npz"
    first = RememberedSentences(source, path, "a").encode(["one", "three", "one"])
    assert sorted(source.asked) == ["one", "three"]
    again = RememberedSentences(source, path, "a").encode(["three", "seven", "one"])
    assert sorted(source.asked) == ["one", "seven", "three"]
    assert again[[2, 0]].tobytes() == first[:2].tobytes()
    assert RememberedSentences(source, path, "a").encode([]).shape == (0, 2)


def test_a_deleted_text_is_forgotten(tmp_path):
    source, path = Counting(), tmp_path / "tickets.npz"
    RememberedSentences(source, path, "a").encode(["kept", "deleted"])
    RememberedSentences(source, path, "a").encode(["kept"])
    with np.load(path) as stored:
        assert len(stored["digests"]) == 1
    RememberedSentences(source, path, "a").encode(["deleted"])
    assert source.asked.count("deleted") == 2


def test_vectors_of_another_encoder_or_a_damaged_file_are_not_taken(tmp_path):
    path = tmp_path / "tickets.npz"
    RememberedSentences(Counting(), path, "a").encode(["one"])
    other = Counting(factor=2)
    assert RememberedSentences(other, path, "b").encode(["one"])[0, 0] == 2 * 3 / 1024
    path.write_bytes(path.read_bytes()[:40])
    again = Counting(factor=2)
    assert RememberedSentences(again, path, "b").encode(["one"])[0, 0] == 2 * 3 / 1024
    assert again.asked == ["one"]
    assert [file.name for file in tmp_path.iterdir()] == ["tickets.npz"]
