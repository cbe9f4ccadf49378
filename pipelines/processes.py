"""Child processes under this very Python: `dvc` runs its stages with whatever `python` is first on PATH."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path


def own_python_first(environment: Mapping[str, str]) -> dict[str, str]:
    """``environment`` with the folder of the running interpreter first on PATH."""
    folder = str(Path(sys.executable).parent)
    return {**environment, "PATH": os.pathsep.join([folder, environment.get("PATH", "")])}


def run_python_module(
    *arguments: str, cwd: Path | None = None, environment: Mapping[str, str] | None = None
) -> int:
    """Run ``python -m`` with its output visible; returns the exit status."""
    given = os.environ if environment is None else environment
    command = [sys.executable, "-m", *arguments]
    return subprocess.run(command, cwd=cwd, env=own_python_first(given), check=False).returncode
