"""A copy of the project to drill in, so that a drill never touches the caller's data, models or state."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from pipelines.demo_company import morning_queue
from pipelines.params import load_params
from pipelines.processes import run_python_module
from serving.settings import Settings


class DemoDesk(NamedTuple):
    """A promoted release with a filled store, and the morning's tickets as bodies of ``POST /triage``."""

    settings: Settings
    requests: Sequence[Mapping[str, Any]]
    seed: int


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


@contextmanager
def demo_desk() -> Iterator[DemoDesk]:
    """The demo company from raw data to a release that may serve, in a clone; removed at the end.

    Raises ``RuntimeError`` where a step fails.
    """
    with project_clone() as project:
        run_in(project, "pipelines.demo_company")
        for step in (("dvc", "repro"), ("firstline", "promote"), ("firstline", "backfill")):
            run_in(project, *step)
        params = load_params(project / "params.yaml")
        queue = morning_queue(params.demo_company, seed=params.demo_company.seed)
        desk = project / "policy" / "desk.yaml"
        settings = Settings(state=project / "state", desk=desk, development=True)
        yield DemoDesk(settings, queue.requests, params.seed)
