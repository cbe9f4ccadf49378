"""Bring somebody's raw exports into ``data/``: added, never changed, and tracked by DVC."""

import shutil
import subprocess
import sys
from collections.abc import Sequence
from filecmp import cmp
from io import StringIO
from pathlib import Path

from connectors.intake import matching_files
from connectors.mapping import load_mapping

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
) -> list[str]:
    """Copy the files that ``mapping`` names from ``folder`` to ``data_folder/name`` and make it the source.

    ``extra`` files (for example a taxonomy that lies elsewhere) are added to the top of the raw folder first.
    A mapping outside the project is copied into ``connectors/mappings/``. ``params_file`` keeps its comments.
    Returns what was done and what to run next, a line each. Raises ``AdoptError`` or ``MappingError`` before
    anything is written: unknown folder, no file that fits, or a file that is there with other content.
    """
    project = params_file.resolve().parent
    if not folder.is_dir():
        raise AdoptError(f"{folder} is not a folder: give the folder that holds the raw exports")
    if not name or Path(name).name != name:
        raise AdoptError(f"--name {name!r} is not a folder name: use letters, digits and _")
    patterns = load_mapping(mapping).file_patterns()
    copies = _wanted_files(folder, patterns, extra)
    if not copies:
        raise AdoptError(f"nothing in {folder} fits the mapping {mapping}: it reads {', '.join(patterns)}")
    targets = {data_folder / name / inside: path for inside, path in copies.items()}
    kept_mapping = project / MAPPINGS_FOLDER / mapping.name
    if not mapping.resolve().is_relative_to(project):
        targets[kept_mapping] = mapping
    else:
        kept_mapping = mapping.resolve()
    _refuse_changes(targets)
    added = [target for target in targets if not target.exists()]
    for target in added:
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(targets[target], target)
    _set_source(params_file, name, kept_mapping.relative_to(project).as_posix())
    missing = [pattern for pattern in patterns if not matching_files(data_folder / name, pattern)]
    return [
        f"files added to {data_folder / name}/: {len(added)}; there already: {len(targets) - len(added)}",
        *(f"no file for {pattern}: what it feeds will be missing" for pattern in missing),
        f"{params_file.name}: ingest.source is now {name}",
        _track(data_folder, project),
        "next: dvc repro",
    ]


def _wanted_files(folder: Path, patterns: Sequence[str], extra: Sequence[Path]) -> dict[str, Path]:
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


def _refuse_changes(targets: dict[Path, Path]) -> None:
    changed = [
        target for target, path in targets.items() if target.exists() and not cmp(path, target, shallow=False)
    ]
    if changed:
        raise AdoptError(
            f"{changed[0]} is there already with other content ({len(changed)} such files): "
            "data/ is append-only. Deliver new rows as new files, or choose another --name"
        )


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
