"""Optuna over LightGBM's parameters: seeded, one trial at a time, so that the same data tunes alike."""

from collections.abc import Callable, Mapping
from typing import Any

import optuna

from models.boosting import DEFAULT_SETTINGS

REPORT_EVERY_ROUNDS = 20


def tune(
    objective: Callable[[optuna.Trial], float],
    trials: int,
    seed: int,
    first: Mapping[str, Any] = DEFAULT_SETTINGS,
) -> optuna.Study:
    """Minimise ``objective``; the ``first`` trial is the default settings, so none does worse."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(
        sampler=optuna.samplers.TPESampler(seed=seed),
        pruner=optuna.pruners.MedianPruner(n_startup_trials=2, n_warmup_steps=REPORT_EVERY_ROUNDS),
    )
    study.enqueue_trial(dict(first))
    study.optimize(objective, n_trials=trials, n_jobs=1)
    return study


def boosting_settings(trial: optuna.Trial) -> dict[str, Any]:
    """LightGBM parameters of one trial."""
    return {
        "learning_rate": trial.suggest_float("learning_rate", 0.03, 0.2, log=True),
        "num_leaves": trial.suggest_int("num_leaves", 5, 63, log=True),
        "min_data_in_leaf": trial.suggest_int("min_data_in_leaf", 10, 200, log=True),
        "feature_fraction": trial.suggest_float("feature_fraction", 0.5, 1.0),
        "lambda_l2": trial.suggest_float("lambda_l2", 0.1, 50.0, log=True),
    }


def stop_if_hopeless(trial: optuna.Trial) -> Callable[[Any], None]:
    """A LightGBM callback that reports the validation loss and lets the pruner end the trial."""

    def report(state: Any) -> None:
        if state.iteration % REPORT_EVERY_ROUNDS == 0 and state.iteration:
            trial.report(state.evaluation_result_list[0][2], state.iteration)
            if trial.should_prune():
                raise optuna.TrialPruned

    return report


def tuning_metrics(study: optuna.Study) -> dict[str, Any]:
    """Trials run and pruned, loss of the defaults and of the best settings."""
    pruned = sum(t.state == optuna.trial.TrialState.PRUNED for t in study.trials)
    return {
        "trials": len(study.trials),
        "pruned": pruned,
        "default_loss": study.trials[0].value,
        "best_loss": study.best_value,
    }
