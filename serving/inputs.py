"""What a decision was computed from, as the store keeps it: enough to compute it again without the context.

Kept are the row of features that the models read (the ticket's text among them), the text's sentence
embedding, everything that policy knew (``policy.situation.Situation``), who could take the ticket, which
release decided, and on which kind of processor. Not kept, because they follow from these and the release:
what the models said. The account's churn risk, computed once a day from months of usage, is kept as it was.
JSON, compressed; floats are written so that they come back exactly.
"""

import base64
import json
import platform
import zlib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from pydantic import TypeAdapter

from features.declare import Column
from policy.situation import Situation
from serving.decide import Judged

_SITUATION, _JUDGED = TypeAdapter(Situation), TypeAdapter(Judged)
_INSTRUCTIONS = ("avx2", "avx512f", "avx512_vnni", "avx_vnni", "amx_int8", "asimddp", "i8mm", "sve")
"""Processor flags on which int8 and float kernels of onnxruntime, OpenBLAS and LightGBM depend."""
_LEVEL = 1
"""zlib's quickest: a decision waits for it."""


class Inputs(NamedTuple):
    """What one decision was computed from."""

    features: dict[str, Column]
    situation: Situation
    judged: Judged
    vector: np.ndarray | None = None
    """Sentence embedding (half precision); ``None`` without an encoder, or from before they were kept."""
    processor: str | None = None
    """As ``processor_kind`` said where it was decided; ``None`` from before that was kept."""
    reduced: bool = False
    """Whether something of a person or account that was forgotten was taken out."""

    @property
    def vectors(self) -> np.ndarray | None:
        """``vector`` as models take it: shape (1, dimensions)."""
        return None if self.vector is None else self.vector.reshape(1, -1)


@cache
def processor_kind() -> str:
    """Architecture, and the widest vector instructions, by which numeric libraries choose how they add up."""
    try:
        told = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        told = ""
    flags = {
        flag for line in told.splitlines() if line.startswith(("flags", "Features")) for flag in line.split()
    }
    return "-".join([platform.machine(), *(flag for flag in _INSTRUCTIONS if flag in flags)])


def packed(
    features: Mapping[str, Column], situation: Situation, judged: Judged, vector: np.ndarray | None = None
) -> bytes:
    """The inputs as the store keeps them."""
    content: dict[str, Any] = {
        "features": {name: _told(column) for name, column in features.items()},
        "situation": _SITUATION.dump_python(situation, mode="json"),
        "judged": _JUDGED.dump_python(judged, mode="json"),
        "processor": processor_kind(),
    }
    if vector is not None:
        content["vector"] = base64.b64encode(vector.astype("<f2").tobytes()).decode()
    return zlib.compress(json.dumps(content, separators=(",", ":"), ensure_ascii=False).encode(), _LEVEL)


def unpacked(stored: bytes) -> Inputs:
    """The inputs that ``packed`` made ``stored`` of."""
    content = json.loads(zlib.decompress(stored))
    return Inputs(
        {name: _column(*told) for name, told in content["features"].items()},
        _SITUATION.validate_python(content["situation"]),
        _JUDGED.validate_python(content["judged"]),
        _vector(content),
        content.get("processor"),
        content.get("reduced", False),
    )


def unpacked_features(stored: bytes) -> tuple[dict[str, float | str | None], np.ndarray | None]:
    """Only the features of what ``packed`` made, as plain values, and the embedding: quick, for thousands."""
    content = json.loads(zlib.decompress(stored))
    return {name: value for name, (_, value) in content["features"].items()}, _vector(content)


def _vector(content: Mapping[str, Any]) -> np.ndarray | None:
    return None if "vector" not in content else np.frombuffer(base64.b64decode(content["vector"]), "<f2")


def _told(column: Column) -> tuple[str, Any]:
    if isinstance(column, np.ndarray):
        return column.dtype.str, column.item(0)
    return "text", column[0].as_py()


def _column(kind: str, value: Any) -> Column:
    if kind == "text":
        return pa.array([value], pa.large_string())
    return np.array([value], dtype=kind)
