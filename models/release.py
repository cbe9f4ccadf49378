"""A release: models, calibration, thresholds, desk rules and evidence as one immutable, verified bundle."""

import hashlib
import json
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from models.boosting import Columns
from models.churn import ChurnModel
from models.intent import IntentModel
from models.legal_weight import LegalWeightModel
from models.outcomes import OutcomeModels
from models.priority import PriorityModel
from models.risk import ThresholdEvidence
from models.sentences import EncoderMissingError
from models.sentiment import SentimentModel

FORMAT = 1
MANIFEST = "manifest.json"
DESK = "desk.yaml"
GOLDEN = "golden.json"
MEMBERS = ("intent", "sentiment", "priority", "churn", "outcomes", "legal_weight")
ABSENT = "absent.json"
ID_CHARS = 12


class ReleaseError(ValueError):
    """A release cannot be trusted. Names the file, what was found, and the fix."""


@dataclass(frozen=True)
class Release:
    """A loaded release. A member that is ``None`` is in ``absent`` with its reason."""

    id: str
    intent: IntentModel | None
    sentiment: SentimentModel | None
    priority: PriorityModel | None
    churn: ChurnModel | None
    thresholds: dict[str, ThresholdEvidence]
    desk_path: Path
    manifest: dict[str, Any]
    absent: dict[str, str]
    outcomes: OutcomeModels | None = None
    legal_weight: LegalWeightModel | None = None

    @property
    def columns(self) -> dict[str, Columns]:
        """Input columns of each member that is there."""
        return {name: Columns.from_json(columns) for name, columns in self.manifest["columns"].items()}


def absent_reason(member: Path) -> str | None:
    """Why the model in this folder was left out; ``None`` if it is there."""
    note = member / ABSENT
    return str(json.loads(note.read_text(encoding="utf-8"))["reason"]) if note.exists() else None


def write_absent(member: Path, reason: str) -> None:
    """Leave only a note in the folder of a model: why there is none."""
    shutil.rmtree(member, ignore_errors=True)
    member.mkdir(parents=True)
    (member / ABSENT).write_text(json.dumps({"reason": reason}) + "\n", encoding="utf-8")


def sha256(path: Path) -> str:
    """Hex digest of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_release(
    folder: Path,
    members: Mapping[str, Path],
    desk: Path,
    thresholds: Mapping[str, ThresholdEvidence],
    metrics: Mapping[str, Any],
    data_revision: str,
    golden: Mapping[str, Any],
    beside_desk: Mapping[str, Path] | None = None,
) -> str:
    """Copy everything into ``folder`` (replacing it), with a manifest of SHA-256 hashes; returns its id.

    ``members``: the saved folder of each of ``MEMBERS``. ``golden``: see ``models.golden``. ``beside_desk``:
    files that the desk's rules are read with, by name. The same content gives the same id: the first 12 hex
    digits of the manifest's SHA-256.
    """
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    absent = {}
    for name in MEMBERS:
        reason = absent_reason(members[name]) if name in members else "not trained"
        if reason is None:
            shutil.copytree(members[name], folder / name)
        else:
            absent[name] = reason
    for name, path in {DESK: desk, **(beside_desk or {})}.items():
        shutil.copyfile(path, folder / name)
    (folder / GOLDEN).write_text(json.dumps(golden, sort_keys=True, indent=1) + "\n", encoding="utf-8")
    files = {
        str(path.relative_to(folder)): sha256(path) for path in sorted(folder.rglob("*")) if path.is_file()
    }
    manifest = {
        "format": FORMAT,
        "files": files,
        "absent": absent,
        "columns": _columns(folder),
        "encoders": _encoders(folder),
        "thresholds": {intent: evidence.to_json() for intent, evidence in sorted(thresholds.items())},
        "metrics": dict(metrics),
        "data_revision": data_revision,
    }
    (folder / MANIFEST).write_text(json.dumps(manifest, sort_keys=True, indent=1) + "\n", encoding="utf-8")
    return release_id(folder)


def _columns(folder: Path) -> dict[str, Any]:
    stored = {"intent": "pairs", "priority": "columns", "churn": "columns"}
    found = {}
    for name, key in stored.items():
        path = folder / name / "model.json"
        if path.exists():
            found[name] = json.loads(path.read_text(encoding="utf-8"))[key]
    return found


def _encoders(folder: Path) -> dict[str, Any]:
    """The sentence encoder that the intent model needs, by hash, or why it goes without."""
    path = folder / "intent" / "model.json"
    if not path.exists():
        return {}
    document = json.loads(path.read_text(encoding="utf-8"))
    return {"intent": {"sentences": document["sentences"], "lacking": document["lacking"]}}


def release_id(folder: Path) -> str:
    """Id of the release in ``folder``. Raises ``ReleaseError`` where there is none."""
    path = folder / MANIFEST
    if not path.is_file():
        raise ReleaseError(f"{path} not found: {folder}/ holds no release; make one with `dvc repro release`")
    return sha256(path)[:ID_CHARS]


def verify_release(folder: Path) -> dict[str, Any]:
    """The manifest of ``folder``, after every file was found to be exactly what it says.

    A folder named like an id must hold that release. Only golden rows may be missing: they hold what
    customers wrote, somebody may have been forgotten since, and nothing is served from them; promotion asks
    for them. Raises ``ReleaseError`` naming the first file that is missing, changed, or not in the manifest.
    """
    found = release_id(folder)
    if re.fullmatch(rf"[0-9a-f]{{{ID_CHARS}}}", folder.name) and folder.name != found:
        raise _damaged(folder / MANIFEST, f"it belongs to release {found}")
    try:
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        files, known_format = dict(manifest["files"]), manifest["format"] == FORMAT
    except (ValueError, KeyError, TypeError) as error:
        raise _damaged(folder / MANIFEST, f"it cannot be read ({error})") from error
    if not known_format:
        raise ReleaseError(
            f"{folder / MANIFEST} has format {manifest['format']!r}, this version reads {FORMAT}"
        )
    for path in sorted(folder.rglob("*")):
        name = str(path.relative_to(folder))
        if path.is_symlink() or (path.is_file() and name not in files and name != MANIFEST):
            raise _damaged(path, "the manifest does not list it")
    for name, expected in files.items():
        path = folder / name
        if not path.is_file():
            if name == GOLDEN:
                continue
            raise _damaged(path, "it is missing")
        if sha256(path) != expected:
            raise _damaged(path, f"its SHA-256 is {sha256(path)}, the manifest says {expected}")
    return manifest


def _damaged(path: Path, found: str) -> ReleaseError:
    return ReleaseError(
        f"{path}: {found}; restore the release from a copy, or make it again with `dvc repro release`"
    )


def load_release(folder: Path) -> Release:
    """Verify, then load, the release in ``folder``. Raises ``ReleaseError``.

    Where the encoder is missing that the intent model or the one of legal weight learnt with, it is absent.
    No byte of a model is read before all hashes are right: a damaged LightGBM file can abort the process.
    """
    manifest = verify_release(folder)
    absent = dict(manifest["absent"])
    try:
        intent = None if "intent" in absent else IntentModel.load(folder / "intent")
    except EncoderMissingError as error:  # its probabilities and thresholds hold with that encoder only
        intent, absent["intent"] = None, str(error)
    except (KeyError, TypeError, ValueError, OSError) as error:
        raise _of_another_version(folder, error) from error
    legal_weight = None
    try:
        if (folder / "legal_weight").is_dir():
            legal_weight = LegalWeightModel.load(folder / "legal_weight")
    except EncoderMissingError as error:
        absent["legal_weight"] = str(error)
    except (KeyError, TypeError, ValueError, OSError) as error:
        raise _of_another_version(folder, error) from error
    try:
        return Release(
            id=release_id(folder),
            intent=intent,
            sentiment=None if "sentiment" in absent else SentimentModel.load(folder / "sentiment"),
            priority=None if "priority" in absent else PriorityModel.load(folder / "priority"),
            churn=None if "churn" in absent else ChurnModel.load(folder / "churn"),
            thresholds={name: ThresholdEvidence.from_json(e) for name, e in manifest["thresholds"].items()},
            desk_path=folder / DESK,
            manifest=manifest,
            absent=absent,
            outcomes=OutcomeModels.load(folder / "outcomes") if (folder / "outcomes").is_dir() else None,
            legal_weight=legal_weight,
        )
    except (KeyError, TypeError, ValueError, OSError) as error:
        raise _of_another_version(folder, error) from error


def _of_another_version(folder: Path, error: Exception) -> ReleaseError:
    return ReleaseError(f"{folder}: made by another version of this program ({error}); make it again")
