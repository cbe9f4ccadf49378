"""Run one notebook from top to bottom as anybody would, and keep the executed copy with its plots.

The notebook runs in its own folder, so that relative paths mean the same here and in JupyterLab. Nothing is
written to the home folder: Jupyter's, IPython's and Matplotlib's own files go under ``state/``.
"""

import argparse
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from serving.settings import Settings

EXECUTED = "executed"


class NotebookError(ValueError):
    """A notebook could not be run to its end. Names the notebook, the cell and what it said."""


def execute_notebook(notebook: Path, parameters: Mapping[str, Any], home: Path) -> Path:
    """Execute ``notebook`` with ``parameters`` in place of its defaults; returns the executed copy's path.

    Raises ``NotebookError`` if it is absent, knows no such parameter, or a cell fails.
    """
    import papermill
    from papermill.exceptions import PapermillExecutionError

    if not notebook.is_file():
        known = ", ".join(sorted(p.name for p in notebook.parent.glob("*.ipynb"))) or "no notebooks"
        raise NotebookError(f"no notebook {notebook}: {notebook.parent}/ has {known}")
    defaults = papermill.inspect_notebook(notebook)
    if unknown := sorted(set(parameters) - set(defaults)):
        raise NotebookError(f"{notebook} has no parameter {unknown[0]}: it has {', '.join(defaults)}")
    target = notebook.parent / EXECUTED / notebook.name
    target.parent.mkdir(parents=True, exist_ok=True)
    home.mkdir(parents=True, exist_ok=True)
    try:
        with environment(kernel_variables(home.resolve(), Path.cwd())):
            papermill.execute_notebook(
                notebook,
                target,
                parameters=dict(parameters),
                cwd=notebook.parent,
                kernel_name="python3",
                progress_bar=True,
                extra_arguments=["--log-level=ERROR"],
            )
    except PapermillExecutionError as error:
        raise NotebookError(
            f"{notebook}, cell {error.cell_index + 1}: {error.ename}: {error.evalue} (see {target})"
        ) from error
    return target


@contextmanager
def environment(variables: Mapping[str, str]) -> Iterator[None]:
    """The process environment with ``variables`` set, as it was again afterwards: kernels inherit it."""
    before = dict(os.environ)
    os.environ.update(variables)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def kernel_variables(home: Path, project: Path) -> dict[str, str]:
    """Variables that keep Jupyter's own files in ``home`` and make the project's rooms importable."""
    paths = [str(project), os.environ.get("PYTHONPATH", "")]
    return {
        "IPYTHONDIR": str(home / "ipython"),
        "JUPYTER_CONFIG_DIR": str(home / "jupyter"),
        "JUPYTER_DATA_DIR": str(home / "jupyter"),
        "JUPYTER_RUNTIME_DIR": str(home / "jupyter" / "runtime"),
        "MPLCONFIGDIR": str(home / "matplotlib"),
        "PYDEVD_DISABLE_FILE_VALIDATION": "1",
        "PYTHONPATH": os.pathsep.join(path for path in paths if path),
    }


def parsed_parameters(settings: list[str]) -> dict[str, Any]:
    """``name=value`` settings, values read as YAML. Raises ``NotebookError`` for one without ``=``."""
    parameters = {}
    for setting in settings:
        name, equals, value = setting.partition("=")
        if not equals:
            raise NotebookError(f"{setting!r} is no parameter: write name=value")
        parameters[name.strip()] = yaml.safe_load(value)
    return parameters


def main() -> None:
    """``python -m pipelines.notebook NOTEBOOK [name=value ...]``."""
    parser = argparse.ArgumentParser(prog="python -m pipelines.notebook", description="Run one notebook.")
    parser.add_argument("notebook", type=Path)
    parser.add_argument("parameter", nargs="*", help="name=value, instead of the default in the notebook")
    arguments = parser.parse_args()
    try:
        target = execute_notebook(
            arguments.notebook, parsed_parameters(arguments.parameter), Settings().state / "notebooks"
        )
    except NotebookError as error:
        sys.exit(f"notebook: {error}")
    print(f"executed {arguments.notebook}; with its plots: {target}")


if __name__ == "__main__":
    main()
