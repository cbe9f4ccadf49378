"""What a decision was computed from, as the store keeps it: enough to compute it again without the context.

Kept are the row of features that the models read (the ticket's text among them), everything that policy knew
(``policy.situation.Situation``), who could take the ticket, and which release decided. Not kept, because they
follow from these and the release: what the models said. The account's churn risk, computed once a day from
months of usage, is kept as it was. JSON, compressed; floats are written so that they come back exactly.
"""

import json
import zlib
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from pydantic import TypeAdapter

from features.declare import Column
from policy.situation import Situation
from serving.decide import Judged

_SITUATION, _JUDGED = TypeAdapter(Situation), TypeAdapter(Judged)
_LEVEL = 1
"""zlib's quickest: a decision waits for it."""


class Inputs(NamedTuple):
    """What one decision was computed from."""

    features: dict[str, Column]
    situation: Situation
    judged: Judged


def packed(features: Mapping[str, Column], situation: Situation, judged: Judged) -> bytes:
    """The inputs as the store keeps them."""
    content = {
        "features": {name: _told(column) for name, column in features.items()},
        "situation": _SITUATION.dump_python(situation, mode="json"),
        "judged": _JUDGED.dump_python(judged, mode="json"),
    }
    return zlib.compress(json.dumps(content, separators=(",", ":"), ensure_ascii=False).encode(), _LEVEL)


def unpacked(stored: bytes) -> Inputs:
    """The inputs that ``packed`` made ``stored`` of."""
    content = json.loads(zlib.decompress(stored))
    return Inputs(
        {name: _column(*told) for name, told in content["features"].items()},
        _SITUATION.validate_python(content["situation"]),
        _JUDGED.validate_python(content["judged"]),
    )


def _told(column: Column) -> tuple[str, Any]:
    if isinstance(column, np.ndarray):
        return column.dtype.str, column.item(0)
    return "text", column[0].as_py()


def _column(kind: str, value: Any) -> Column:
    if kind == "text":
        return pa.array([value], pa.large_string())
    return np.array([value], dtype=kind)
