"""Copies of the project for tests that run it as a person would: own params, own data, own state."""

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[1]


def project_files() -> list[Path]:
    """Every file of the working tree that git tracks or would track, relative to the root."""
    command = ["git", "ls-files", "-co", "--exclude-standard", "-z"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, check=True).stdout.decode()
    return [Path(name) for name in listed.split("\0") if name and (ROOT / name).is_file()]


def copy_of_project(folder: Path, params: Mapping[str, Mapping[str, Any]]) -> Path:
    """The project in ``folder`` as a git checkout of its own, with changed params.yaml and no data yet."""
    for file in project_files():
        if file.name in ("data.dvc", "dvc.lock") or file.parts[0] == "tests":
            continue
        target = folder / file
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / file, target)
    written = yaml.safe_load((folder / "params.yaml").read_text("utf-8"))
    for section, changes in params.items():
        written[section].update(changes)
    (folder / "params.yaml").write_text(yaml.safe_dump(written), encoding="utf-8")
    git = ["git", "-c", "user.name=test", "-c", "user.email=test@example.invalid"]
    for command in (["init", "-q"], ["add", "-A"], ["commit", "-q", "-m", "a copy for a test"]):
        subprocess.run([*git, *command], cwd=folder, check=True)
    return folder


def environment_of(folder: Path) -> dict[str, str]:
    """The environment in which commands run inside a copy: nothing of the original is seen or written.

    Compiled modules are kept in the copy, as they are for anybody, whatever the caller's shell says.
    """
    left_out = ("FIRSTLINE_", "PYTHONDONTWRITEBYTECODE")
    return {name: value for name, value in os.environ.items() if not name.startswith(left_out)} | {
        "PYTHONPATH": str(folder),
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "NO_COLOR": "1",
    }


def run_module(folder: Path, *arguments: str, timeout_seconds: int = 600) -> subprocess.CompletedProcess[str]:
    """``python -m`` in a copy; raises ``AssertionError`` with the output where it fails."""
    return run_python(folder, "-m", *arguments, timeout_seconds=timeout_seconds)


def run_python(folder: Path, *arguments: str, timeout_seconds: int = 600) -> subprocess.CompletedProcess[str]:
    """``python`` in a copy; raises ``AssertionError`` with the output where it fails."""
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env=environment_of(folder),
        capture_output=True,
        text=True,
        check=False,
        timeout=timeout_seconds,
    )
    assert done.returncode == 0, f"python {' '.join(arguments)}\n{done.stdout}\n{done.stderr}"
    return done
