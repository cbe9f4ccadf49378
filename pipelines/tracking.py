"""MLflow: one run per stage, with parameters, metrics, trials and files, written when the stage is done."""

import logging
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import optuna
    from mlflow import MlflowClient
    from mlflow.entities import Run

EXPERIMENT = "firstline"
REGISTERED_MODEL = "firstline-release"
_QUIET = {
    "MLFLOW_ALLOW_PICKLE_DESERIALIZATION": "false",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "DO_NOT_TRACK": "1",
}


class TrackingError(ValueError):
    """MLflow could not record a run; the message says where, why, and what to do."""


def state_folder() -> Path:
    """``FIRSTLINE_STATE``, or ``state/``."""
    return Path(os.environ.get("FIRSTLINE_STATE", "state"))


def client(state: Path) -> "MlflowClient":
    """A client of the tracking store in ``state``; ``MLFLOW_TRACKING_URI`` names another one."""
    for name, value in _QUIET.items():
        os.environ.setdefault(name, value)
    state.mkdir(parents=True, exist_ok=True)
    import mlflow

    logging.getLogger("mlflow").setLevel(logging.WARNING)

    uri = os.environ.get("MLFLOW_TRACKING_URI", f"sqlite:///{state.absolute() / 'mlflow.db'}")
    return mlflow.MlflowClient(tracking_uri=uri)


def flattened(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested mappings as one, keys joined by dots."""
    flat: dict[str, Any] = {}
    for key, value in values.items():
        name = f"{prefix}{key}"
        flat |= flattened(value, f"{name}.") if isinstance(value, Mapping) else {name: value}
    return flat


def numbers(metrics: Mapping[str, Any]) -> dict[str, float]:
    """The numeric entries of nested ``metrics``, by dotted name."""
    return {k: float(v) for k, v in flattened(metrics).items() if isinstance(v, int | float)}


def record_run(
    stage: str,
    params: Mapping[str, Any],
    metrics: Mapping[str, Any],
    files: Sequence[Path] = (),
    study: "optuna.Study | None" = None,
    state: Path | None = None,
) -> str:
    """Record one finished run of ``stage``; returns its id, which belongs into no hashed output.

    ``params`` and ``metrics`` may be nested; each Optuna trial is a run nested in it. Raises
    ``TrackingError``.
    """
    state = state or state_folder()
    tracker = client(state)
    from mlflow.entities import Metric, Param
    from mlflow.exceptions import MlflowException
    from mlflow.utils.time import get_current_time_millis

    try:
        run = tracker.create_run(_experiment(tracker, state), run_name=stage, tags={"stage": stage})
        run_id: str = run.info.run_id
        now = get_current_time_millis()
        entries = [Metric(_key(k), v, now, 0) for k, v in numbers(metrics).items()]
        chosen = {f"best.{k}": v for k, v in study.best_params.items()} if study else {}
        written = [Param(_key(k), str(v)[:6000]) for k, v in {**flattened(params), **chosen}.items()]
        for start in range(0, max(len(entries), len(written)), 100):
            tracker.log_batch(run_id, entries[start : start + 100], written[start : start + 100])
        for trial in study.trials if study else []:
            _record_trial(tracker, run, trial)
        for file in files:
            tracker.log_artifact(run_id, str(file))
        tracker.set_terminated(run_id)
    except (MlflowException, OSError) as error:
        raise TrackingError(
            f"MLflow could not record the run of {stage} in {state}/: {error}; "
            f"check that the folder can be written, or move {state / 'mlflow.db'} away"
        ) from error
    return run_id


def _record_trial(tracker: "MlflowClient", run: "Run", trial: "optuna.trial.FrozenTrial") -> None:
    """One trial as a run nested in ``run``: its settings, its loss by round, and whether it was pruned."""
    from mlflow.entities import Metric, Param
    from mlflow.utils.time import get_current_time_millis

    tags = {"mlflow.parentRunId": run.info.run_id, "trial": trial.state.name.lower()}
    name = f"{run.info.run_name} trial {trial.number}"
    nested = tracker.create_run(run.info.experiment_id, run_name=name, tags=tags).info.run_id
    now = get_current_time_millis()
    losses = [Metric("loss_by_round", v, now, r) for r, v in sorted(trial.intermediate_values.items())]
    if trial.state.name == "COMPLETE" and trial.value is not None:
        losses.append(Metric("loss", trial.value, now, 0))
    tracker.log_batch(nested, losses, [Param(key, str(value)) for key, value in trial.params.items()])
    tracker.set_terminated(nested, "KILLED" if trial.state.name == "PRUNED" else "FINISHED")


def _experiment(tracker: "MlflowClient", state: Path) -> str:
    found = tracker.get_experiment_by_name(EXPERIMENT)
    if found is not None:
        return str(found.experiment_id)
    return str(tracker.create_experiment(EXPERIMENT, (state / "mlartifacts").absolute().as_uri()))


def _key(name: str) -> str:
    """``name`` with what MLflow refuses in a key replaced."""
    return "".join(c if c.isalnum() or c in "_-. /" else "_" for c in name)[:250]


def register_release(run_id: str, release_id: str, data_revision: str, state: Path | None = None) -> str:
    """The registry version of a release, made once per id, under the alias ``candidate``."""
    from mlflow.exceptions import MlflowException

    tracker = client(state or state_folder())
    try:
        tracker.get_registered_model(REGISTERED_MODEL)
    except MlflowException:
        tracker.create_registered_model(REGISTERED_MODEL)
    version = version_of(tracker, release_id)
    if version is None:
        tags = {"release_id": release_id, "data_revision": data_revision}
        source = f"{tracker.get_run(run_id).info.artifact_uri}/manifest.json"
        version = tracker.create_model_version(REGISTERED_MODEL, source, run_id, tags=tags).version
    tracker.set_registered_model_alias(REGISTERED_MODEL, "candidate", version)
    return str(version)


def version_of(tracker: "MlflowClient", release_id: str) -> str | None:
    """The registry version that carries this release id."""
    found = tracker.search_model_versions(f"name='{REGISTERED_MODEL}' and tag.release_id='{release_id}'")
    return str(found[0].version) if found else None


def mirror_pointers(pointers: Mapping[str, str], state: Path | None = None) -> None:
    """Point the registry's aliases (champion, last_good, ...) at the releases the store points at."""
    tracker = client(state or state_folder())
    for alias, release_id in pointers.items():
        version = version_of(tracker, release_id)
        if version is None:
            raise TrackingError(
                f"release {release_id} is not in the MLflow registry: run `dvc repro -f release`"
            )
        tracker.set_registered_model_alias(REGISTERED_MODEL, alias.replace("_", "-"), version)
