"""Bring somebody's raw exports into ``data/``: added, never changed, with a record of what came when."""

import shutil
import subprocess
import sys
from collections.abc import Sequence
from filecmp import cmp
from io import StringIO
from pathlib import Path

import pandas as pd

from connectors.deliveries import FOLDER, matching_files, received_at_of, record_delivery, stamp
from connectors.mapping.file import load_mapping

MAPPINGS_FOLDER = Path("connectors/mappings")


class AdoptError(ValueError):
    """Raw files cannot be brought in. Names the file, what was found and the fix."""


def adopt(
    folder: Path,
    mapping: Path,
    name: str,
    extra: Sequence[Path] = (),
    data_folder: Path = Path("data"),
    params_file: Path = Path("params.yaml"),
    received_at: pd.Timestamp | None = None,
) -> list[str]:
    """Copy the files that ``mapping`` names from ``folder`` to ``data_folder/name`` and make it the source.

    ``extra`` files (for example a taxonomy that lies elsewhere) are added to the top of the raw folder first.
    A file that is there with other content is added beside the old one, as part of the new delivery; the same
    content again adds nothing. What was added is recorded with ``received_at`` (default: now). A mapping
    outside the project is copied into ``connectors/mappings/``. ``params_file`` keeps its comments.
    Returns what was done and what to run next, a line each. Raises ``AdoptError`` or ``MappingError`` before
    anything is written: unknown folder, no file that fits, or a mapping that is there with other content.
    """
    project = params_file.resolve().parent
    if not name or Path(name).name != name:
        raise AdoptError(f"--name {name!r} is not a folder name: use letters, digits and _")
    patterns = load_mapping(mapping).file_patterns()
    wanted = wanted_files(folder, patterns, extra)
    if not wanted:
        raise AdoptError(f"nothing in {folder} fits the mapping {mapping}: it reads {', '.join(patterns)}")
    kept_mapping = _kept_mapping(mapping, project)
    raw = data_folder / name
    added = _deliver(wanted, raw, received_at or pd.Timestamp.now("UTC"))
    if not kept_mapping.exists():
        kept_mapping.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(mapping, kept_mapping)
    _set_source(params_file, name, kept_mapping.relative_to(project).as_posix())
    missing = [pattern for pattern in patterns if not matching_files(raw, pattern)]
    return [
        f"files added to {raw}/: {len(added)}; there already: {len(wanted) - len(added)}",
        *(f"  {path}: came again with other content, kept beside" for path in added if FOLDER in path),
        *(f"no file for {pattern}: what it feeds will be missing" for pattern in missing),
        f"{params_file.name}: ingest.source is now {name}",
        _track(data_folder, project),
        "next: dvc repro",
    ]


def wanted_files(folder: Path, patterns: Sequence[str], extra: Sequence[Path]) -> dict[str, Path]:
    """Path inside the raw folder -> file to bring in. Raises ``AdoptError``."""
    if not folder.is_dir():
        raise AdoptError(f"{folder} is not a folder: give the folder that holds the raw exports")
    wanted = {
        path.relative_to(folder).as_posix(): path
        for pattern in patterns
        for path in matching_files(folder, pattern)
    }
    for path in extra:
        if not path.is_file():
            raise AdoptError(f"--extra {path} is not a file")
        if not any(Path(path.name).match(pattern) for pattern in patterns):
            raise AdoptError(
                f"--extra {path}: the mapping reads no {path.name}; it reads {', '.join(patterns)}"
            )
        wanted[path.name] = path
    return wanted


def _kept_mapping(mapping: Path, project: Path) -> Path:
    """Where the mapping lies in the project."""
    if mapping.resolve().is_relative_to(project):
        return mapping.resolve()
    kept = project / MAPPINGS_FOLDER / mapping.name
    if kept.exists() and not cmp(mapping, kept, shallow=False):
        raise AdoptError(
            f"{kept.relative_to(project)} is there already with other content than {mapping}: "
            f"edit that one and give it as --mapping, or rename {mapping.name}"
        )
    return kept


def _deliver(wanted: dict[str, Path], raw: Path, received_at: pd.Timestamp) -> list[str]:
    """Add the files that are new, or that differ from what came last under their name; returns their paths.

    Each appears complete or not at all. Files that an interrupted run left unrecorded are recorded now.
    """
    added = []
    for inside, path in wanted.items():
        before = matching_files(raw, inside)
        if before and cmp(path, before[-1], shallow=False):
            continue
        place = f"{FOLDER}/{stamp(received_at)}/{inside}" if before else inside
        copying = raw / FOLDER / "copying.partial"
        copying.parent.mkdir(parents=True, exist_ok=True)
        (raw / place).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, copying)
        copying.replace(raw / place)
        added.append(place)
    recorded = received_at_of(raw)
    lying = {path.relative_to(raw).as_posix() for inside in wanted for path in matching_files(raw, inside)}
    if new := sorted(lying - set(recorded)):
        record_delivery(raw, new, received_at)
    return added


def _set_source(params_file: Path, name: str, mapping: str) -> None:
    """Set ``ingest.source`` and ``ingest.mapping``; comments and layout stay."""
    from ruamel.yaml import YAML

    yaml = YAML()
    yaml.preserve_quotes = True
    yaml.width = 4096
    params = yaml.load(params_file.read_text(encoding="utf-8"))
    params["ingest"]["source"] = name
    params["ingest"]["mapping"] = mapping
    text = StringIO()
    yaml.dump(params, text)
    params_file.write_text(text.getvalue(), encoding="utf-8")


def _track(data_folder: Path, project: Path) -> str:
    if not (project / ".dvc").is_dir():
        return f"{data_folder.name}/ is not tracked: no DVC repository here (`dvc init`, `dvc add data`)"
    command = [sys.executable, "-m", "dvc", "add", str(data_folder)]
    done = subprocess.run(command, cwd=project, capture_output=True, text=True, check=False)
    if done.returncode:
        raise AdoptError(f"the files are copied, but `dvc add {data_folder}` failed: {done.stderr.strip()}")
    return f"{data_folder.name}.dvc holds the new hash of {data_folder.name}/: commit it"
