"""Sentence embeddings: one text gives one vector, and other bytes never pass for the encoder."""

import hashlib
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from models import sentences as room
from models.encoded import Sentences, encode_tickets
from models.encoders import NgramEncoder
from models.sentences import (
    FOLDER_SETTING,
    PACKAGED_FILES,
    EncoderIdentity,
    EncoderMissingError,
    SentenceEncoder,
    encoder_like,
    installed_encoder,
)

TEXTS = [
    "My card has not arrived yet",
    "my card still hasn't come",
    "Reset my password, please",
    "",
    "!!! ...",
    "Wo ist mein Paket?",
    "パスワードを忘れました",
    "one " * 600,
    *(f"ticket number {i} asks about order {i * 37}" for i in range(60)),
]


@pytest.fixture(scope="module")
def encoder() -> SentenceEncoder:
    return installed_encoder()


def test_a_text_alone_and_among_many_gives_the_same_bits(encoder):
    together = encoder.encode(TEXTS)
    alone = np.vstack([encoder.encode([text]) for text in TEXTS])
    assert together.tobytes() == alone.tobytes()
    assert encoder.encode(TEXTS[::-1])[::-1].tobytes() == together.tobytes()


def test_vectors_are_units_and_a_text_without_a_word_has_none(encoder):
    lengths = np.linalg.norm(encoder.encode(TEXTS), axis=1)
    empty = np.array([not any(map(str.isalnum, text)) for text in TEXTS])
    assert (lengths[empty] == 0).all()
    assert lengths[~empty] == pytest.approx(1, abs=1e-3)
    assert encoder.encode([]).shape == (0, encoder.dimensions)


def test_texts_that_mean_the_same_are_nearer_than_texts_that_do_not(encoder):
    card, other_words, password = encoder.encode(TEXTS[:3])
    assert card @ other_words > card @ password + 0.3


def test_vectors_are_what_half_precision_stores(encoder):
    vectors = encoder.encode(TEXTS)
    assert (vectors.astype(np.float16).astype(np.float32) == vectors).all()


def packaged_copy(folder: Path) -> Path:
    for (package, file, _), name in zip(PACKAGED_FILES, ("model.onnx", "tokenizer.json"), strict=True):
        (folder / name).write_bytes(room._packaged_bytes(package, file))
    return folder


def test_any_folder_with_the_two_files_is_an_encoder(encoder, tmp_path, monkeypatch):
    monkeypatch.setenv(FOLDER_SETTING, str(packaged_copy(tmp_path)))
    found = installed_encoder()
    assert found.identity.model_sha256 == encoder.identity.model_sha256
    assert found.identity.name == tmp_path.name
    assert found.encode(TEXTS[:3]).tobytes() == encoder.encode(TEXTS[:3]).tobytes()


@pytest.mark.parametrize(
    ("hazard", "broken", "named"),
    [
        (
            "a missing file",
            lambda folder: (folder / "tokenizer.json").unlink(),
            "must hold model.onnx and tok",
        ),
        (
            "a damaged model",
            lambda folder: (folder / "model.onnx").write_bytes(b"no model"),
            "cannot be loaded",
        ),
        (
            "a damaged tokenizer",
            lambda folder: (folder / "tokenizer.json").write_text("{}"),
            "cannot be loaded",
        ),
    ],
)
def test_a_folder_that_is_no_encoder_is_refused_by_name(tmp_path, monkeypatch, hazard, broken, named):
    broken(packaged_copy(tmp_path))
    monkeypatch.setenv(FOLDER_SETTING, str(tmp_path))
    with pytest.raises(EncoderMissingError, match=named):
        installed_encoder()


@pytest.mark.parametrize(
    ("hazard", "files", "named"),
    [
        ("not installed", (("no-such-package", "model.onnx", ""), PACKAGED_FILES[1]), "no-such-package"),
        ("other bytes", ((*PACKAGED_FILES[0][:2], "0" * 64), PACKAGED_FILES[1]), "expected 0000"),
    ],
)
def test_packaged_files_that_are_absent_or_changed_are_never_loaded(monkeypatch, hazard, files, named):
    monkeypatch.delenv(FOLDER_SETTING, raising=False)
    monkeypatch.setattr(room, "PACKAGED_FILES", files)
    room._packaged.cache_clear()
    with pytest.raises(EncoderMissingError, match=named):
        installed_encoder()
    room._packaged.cache_clear()


def test_another_encoder_than_the_one_learnt_with_is_refused(encoder):
    assert encoder_like(encoder.identity).identity.model_sha256 == encoder.identity.model_sha256
    other = EncoderIdentity("other", hashlib.sha256(b"").hexdigest(), encoder.identity.tokenizer_sha256)
    with pytest.raises(EncoderMissingError, match="trained with the sentence encoder other"):
        encoder_like(other)


def test_a_text_surely_in_another_language_goes_without_a_vector(encoder):
    frame = pd.DataFrame(
        {
            "subject": "",
            "body": ["where is my card", "wo ist meine Karte", "kaart kwijt", "???"],
            "language": ["en", "de", "nl", "und"],
            "language_confidence": [1.0, 0.99, 0.6, 0.0],
        }
    )
    english = Sentences(encoder, encoder.identity, ("en",))
    has = encode_tickets(frame, NgramEncoder(), english).vectors.any(axis=1)
    assert has.tolist() == [True, False, True, False]
    every = encode_tickets(frame, NgramEncoder(), Sentences(encoder, encoder.identity)).vectors.any(axis=1)
    assert every.tolist() == [True, True, True, False]
