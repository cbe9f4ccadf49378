"""The intent model alone behind ``mlflow models serve``, to compare the service with.

The model is saved as code and plain files (https://mlflow.org/docs/latest/ml/model/models-from-code): nothing
is pickled.
"""

import logging
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import mlflow.pyfunc
import pandas as pd

from models.release import load_release
from pipelines.service_process import free_port

PATH = "/invocations"
_RELEASE = "release"
_CODE = """\
from mlflow.models import set_model

from pipelines.benchmarks.mlflow_intent import IntentAlone

set_model(IntentAlone())
"""


class IntentAlone(mlflow.pyfunc.PythonModel):
    """The intent model of a release, without context, policy or store."""

    def load_context(self, context: Any) -> None:
        """Load the release that was saved with the model."""
        self._intent = load_release(Path(context.artifacts[_RELEASE])).intent

    def predict(self, context: Any, model_input: pd.DataFrame, params: Any = None) -> list[dict[str, Any]]:
        """Intent and probability of each ticket (row). Raises ``ValueError`` without an intent model."""
        if self._intent is None:
            raise ValueError("the release has no intent model")
        said = self._intent.predict(as_tickets(model_input))
        return [{"intent": one.intent, "probability": float(one.probability)} for one in said]


def as_tickets(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows of a request as the intent model reads tickets: texts, missing ones empty."""
    texts = {name: rows[name].fillna("").astype("str") for name in ("subject", "body") if name in rows}
    return rows.assign(**texts)


def asked(ticket: Mapping[str, Any]) -> dict[str, Any]:
    """A body of ``POST /triage`` as one of MLflow's scoring server."""
    columns = ("subject", "body", "channel", "language", "product_area")
    return {"dataframe_records": [{name: ticket.get(name) for name in columns}]}


def save(release: Path, folder: Path) -> None:
    """Write the intent model of ``release`` to ``folder`` as an MLflow model, without its progress bars."""
    os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
    logging.getLogger("mlflow").setLevel(logging.ERROR)
    code = folder.with_suffix(".py")
    code.write_text(_CODE, encoding="utf-8")
    mlflow.pyfunc.save_model(
        str(folder),
        python_model=str(code),
        artifacts={_RELEASE: str(release)},
        pip_requirements=["firstline"],
    )


@contextmanager
def mlflow_serving(folder: Path, log: Path) -> Iterator[tuple[int, subprocess.Popen[bytes]]]:
    """``mlflow models serve`` of the model in ``folder``, one worker, in this environment; gives its port."""
    port = free_port()
    command = [sys.executable, "-m", "mlflow", "models", "serve", "--model-uri", str(folder),
               "--host", "127.0.0.1", "--port", str(port), "--env-manager", "local",
               "--workers", "1"]  # fmt: skip
    bin_folder = str(Path(sys.executable).parent)
    environment = {
        **os.environ,
        "PATH": os.pathsep.join([bin_folder, os.environ.get("PATH", "")]),
        "PYTHONPATH": os.pathsep.join(path for path in sys.path if path) or ".",
        "OMP_NUM_THREADS": "1",
        "MLFLOW_ALLOW_PICKLE_DESERIALIZATION": "false",
        "MLFLOW_DISABLE_TELEMETRY": "true",
    }
    with log.open("ab") as output:
        process = subprocess.Popen(
            command, env=environment, stdout=output, stderr=output, start_new_session=True
        )
    try:
        yield port, process
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait()
