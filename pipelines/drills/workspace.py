"""A copy of the project to drill in, so that a drill never touches the caller's data, models or state."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pipelines.processes import run_python_module


@contextmanager
def project_clone() -> Iterator[Path]:
    """A clone of the committed project in a temporary folder, removed at the end.

    Raises ``RuntimeError`` where the project is not a git checkout.
    """
    folder = Path(tempfile.mkdtemp(prefix="firstline-drill-"))
    try:
        done = subprocess.run(
            ["git", "clone", "--quiet", ".", str(folder / "project")],
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(f"a drill needs a git checkout to clone: {done.stderr.strip()}")
        yield folder / "project"
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def run_in(project: Path, *arguments: str) -> None:
    """``python -m`` inside the clone, its output visible. Raises ``RuntimeError`` where it fails."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("FIRSTLINE_")}
    environment["PYTHONPATH"] = str(project)
    if run_python_module(*arguments, cwd=project, environment=environment):
        raise RuntimeError(
            f"`python -m {' '.join(arguments)}` failed in the drill's clone; see its output above"
        )
