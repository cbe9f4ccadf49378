"""What was delivered when: one JSON file a delivery under ``deliveries/`` of a raw folder, never changed.

A raw folder holds files as they came. A file that comes again under its old name with other content is kept
beside, as ``deliveries/<received_at>/<path>``, and is read as if it lay at its path.
"""

import hashlib
import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from connectors.readers import ReadError

FOLDER = "deliveries"
_BLOCK_BYTES = 1 << 20


@dataclass(frozen=True)
class Delivery:
    """One delivery: when it was received (UTC), and the SHA-256 of each file by path in the folder."""

    received_at: pd.Timestamp
    files: dict[str, str]


def record_delivery(folder: Path, files: Sequence[str], received_at: pd.Timestamp) -> Path:
    """Write down that ``files`` (paths inside ``folder``) were received at ``received_at``.

    The file appears complete or not at all. Raises ``FileExistsError`` for a second delivery at one moment.
    """
    contents = [
        {"path": name, "bytes": (folder / name).stat().st_size, "sha256": sha256(folder / name)}
        for name in sorted(files)
    ]
    path = folder / FOLDER / f"{stamp(received_at)}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.exists():
        raise FileExistsError(f"{path} is there already: one delivery a moment")
    partial = path.with_suffix(".partial")
    told: dict[str, Any] = {"received_at": received_at.isoformat(), "files": contents}
    with partial.open("w", encoding="utf-8") as stream:
        stream.write(json.dumps(told, indent=2, ensure_ascii=False) + "\n")
        stream.flush()
        os.fsync(stream.fileno())
    partial.replace(path)
    return path


def read_deliveries(folder: Path) -> list[Delivery]:
    """Every delivery into ``folder``, the oldest first. Raises ``ReadError`` for one that is damaged."""
    found = []
    for path in sorted((folder / FOLDER).glob("*.json")):
        try:
            told = json.loads(path.read_text(encoding="utf-8"))
            received_at = pd.Timestamp(told["received_at"]).tz_convert("UTC").as_unit("us")
            files = {one["path"]: one["sha256"] for one in told["files"]}
        except (ValueError, TypeError, LookupError) as error:
            raise ReadError(f"{path} is not a delivery record ({error}); restore it from data.dvc") from error
        found.append(Delivery(received_at, files))
    return sorted(found, key=lambda delivery: delivery.received_at)


def received_at_of(folder: Path) -> dict[str, pd.Timestamp]:
    """Path inside ``folder`` -> when it was first delivered."""
    received: dict[str, pd.Timestamp] = {}
    for delivery in read_deliveries(folder):
        for name in delivery.files:
            received.setdefault(name, delivery.received_at)
    return received


def stamp(moment: pd.Timestamp) -> str:
    """A moment as a file name that sorts by time, for example ``2026-01-31T09-30-00.000000Z``."""
    return moment.tz_convert("UTC").strftime("%Y-%m-%dT%H-%M-%S.%fZ")


def matching_files(folder: Path, pattern: str) -> list[Path]:
    """Files of ``folder`` that ``pattern`` names: those at its top by path, then those delivered again."""
    top = (path for path in folder.glob(pattern) if folder / FOLDER not in path.parents)
    again = [path for root in _roots(folder) for path in sorted(root.glob(pattern))]
    return [path for path in [*sorted(top), *again] if path.is_file()]


def raw_files(folder: Path) -> list[Path]:
    """Every file that was delivered, by path; delivery records are none."""
    records = set((folder / FOLDER).glob("*.json")) | set((folder / FOLDER).glob("*.partial"))
    return sorted(path for path in folder.rglob("*") if path.is_file() and path not in records)


def _roots(folder: Path) -> Iterator[Path]:
    return (path for path in sorted((folder / FOLDER).glob("*")) if path.is_dir())


def sha256(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal; reads it in blocks."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while block := stream.read(_BLOCK_BYTES):
            digest.update(block)
    return digest.hexdigest()
