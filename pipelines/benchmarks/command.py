"""``firstline benchmark intent``: run it, print it, and keep what it found."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import optuna

from pipelines.artifacts import rounded
from pipelines.benchmarks.ablation import ablation
from pipelines.benchmarks.intent import measure, time_alone
from pipelines.benchmarks.recall import Recalling
from pipelines.benchmarks.tables import (
    BenchmarkDataError,
    LabelledTexts,
    checked,
    few_examples,
    named_set,
    read_texts,
)
from pipelines.benchmarks.tracked import keep_run
from pipelines.params import load_params
from pipelines.results import Result, current_commit, record_results

RUNS_FILE = Path("docs/benchmark_runs.jsonl")
DRAWS = 5
"""Random choices of examples that a few-shot preset is averaged over (Casanueva et al. 2020 do likewise)."""
SHOTS = 10
Figures = Mapping[str, Any]


@dataclass(frozen=True)
class Claim:
    """One figure of a preset for ``docs/results.json``; ``of`` finds value and interval in the figures."""

    name: str
    reference: str
    target: float | None
    of: Callable[[Figures], tuple[float, float | None, float | None]]
    at_most: bool = False

    def result(self, found: Figures, command: str, data: str, note: str) -> Result:
        """The figure beside its target."""
        value, low, high = self.of(found)
        met = None
        if self.target is not None:
            met = value <= self.target if self.at_most else value >= self.target
        sign = "<=" if self.at_most else ">="
        bar = "" if self.target is None else f"{sign} {self.target:g}"
        unit = "ms" if "ms_per" in self.name else ""
        return Result(self.name, value, unit, self.reference, bar, met, command, data, note, low, high)


def _share(*path: str) -> Callable[[Figures], tuple[float, float | None, float | None]]:
    def find(found: Figures) -> tuple[float, float | None, float | None]:
        at: Any = found
        for key in path[:-1]:
            at = at[key]
        low, high = at.get(f"{path[-1]}_interval") or (None, None)
        return float(at[path[-1]]), low, high

    return find


CLAIMS: dict[str, tuple[Claim, ...]] = {
    "banking77": (
        Claim(
            "intent.banking77.accuracy",
            "BERT fine-tuned 0.9366, USE+ConveRT 0.9336 (Casanueva et al. 2020); n-grams alone 0.914",
            0.940,
            _share("test", "accuracy"),
        ),
        Claim(
            "intent.banking77.ece",
            "linear models 0.017 to 0.051; 15 bins of equal width",
            0.015,
            _share("test", "calibration_error"),
            at_most=True,
        ),
        Claim(
            "intent.banking77.coverage_at_99",
            "linear 0.75, a first ranker 0.80",
            0.82,
            _share("test", "at_99_precision", "share_decided"),
        ),
        Claim(
            "intent.ms_per_ticket_p50",
            "encoder, retriever and ranker of one ticket, one thread",
            10.0,
            _share("ms_per_ticket_p50"),
            at_most=True,
        ),
    ),
    "banking77_10shot": (
        Claim(
            "intent.banking77_10shot.accuracy",
            "USE+ConveRT 0.8519 (Casanueva et al. 2020)",
            0.85,
            _share("accuracy"),
        ),
    ),
    "clinc150": (
        Claim(
            "intent.clinc150.in_scope_accuracy",
            "BERT 0.962 to 0.967 (Larson et al. 2019)",
            0.965,
            _share("test", "accuracy"),
        ),
        Claim("intent.clinc150.oos_auroc", "n-grams 0.949", 0.970, _share("test", "out_of_scope", "auroc")),
        Claim(
            "intent.clinc150.oos_recall_at_95",
            "n-grams 0.77; threshold keeps 95 % of the in-scope validation texts",
            0.86,
            _share("test", "out_of_scope", "recall"),
        ),
    ),
    "banking77_oos": (
        Claim(
            "intent.banking77_oos.in_domain_auroc",
            "n-grams 0.838",
            0.87,
            _share("test", "out_of_scope", "auroc"),
        ),
    ),
}


def texts_of(
    train: Path,
    test: Path,
    validation: Path | None,
    out_of_scope: Path | None,
    per_intent: int | None,
    seed: int,
) -> LabelledTexts:
    """Anybody's CSV files, checked. Raises ``BenchmarkDataError``."""
    texts = LabelledTexts(
        f"{train.name} / {test.name}",
        read_texts(train),
        read_texts(test),
        read_texts(validation) if validation else None,
        read_texts(out_of_scope, needs_label=False) if out_of_scope else None,
    )
    return _fewer(checked(texts), per_intent, seed)


def run_files(texts: LabelledTexts, seed: int) -> dict[str, Any]:
    """Figures of anybody's texts; the run is logged where the project's ``docs/`` is."""
    studies: list[optuna.Study] = []
    found = measure(texts, load_params(), seed, keep=studies.append)
    log_run(found, *studies)
    return rounded(found)


def run_timing(preset: str, seed: int) -> dict[str, Any]:
    """Time of one ticket after another with the model of a public set's training texts, recorded.

    No test text is scored. Only what an idle machine says is worth recording.
    """
    found = time_alone(named_set(preset), load_params(), seed)
    (claim,) = (claim for claim in CLAIMS["banking77"] if claim.name == "intent.ms_per_ticket_p50")
    command = f"firstline benchmark intent --preset {preset} --time --seed {seed}"
    told = f"{found['processor_ms_per_ticket_p50']:.1f} ms of processor time; training texts, one at a time"
    record_results([claim.result(found, command, found["set"], told)])
    keep_run(found)
    return rounded(found)


def _fewer(texts: LabelledTexts, per_intent: int | None, seed: int) -> LabelledTexts:
    if per_intent is None:
        return texts
    if per_intent < 2:
        raise BenchmarkDataError(f"--examples-per-intent {per_intent} is too few: give 2 or more")
    return LabelledTexts(
        f"{texts.name}, {per_intent} examples per label",
        few_examples(texts.train, per_intent, seed),
        texts.test,
        texts.validation,
        texts.out_of_scope,
    )


def run_preset(name: str, seed: int) -> dict[str, Any]:
    """Figures of a public set, logged, and recorded in ``docs/results.json``."""
    found, results = preset_results(name, seed)
    record_results(results)
    return rounded(found)


def preset_results(name: str, seed: int) -> tuple[Figures, list[Result]]:
    """Figures of a public set, logged, and those of them that the project claims."""
    texts, params, recalling = named_set(name), load_params(), Recalling()
    studies: list[optuna.Study] = []
    if name == "banking77_10shot":
        draws = [
            measure(_fewer(texts, SHOTS, seed + draw), params, seed + draw, recalling)
            for draw in range(DRAWS)
        ]
        found = mean_of(draws)
    else:
        found = measure(texts, params, seed, keep=studies.append)
    found = {"preset": name, **found}
    log_run(found, *studies)
    command = f"firstline benchmark intent --preset {name} --seed {seed}"
    return found, [claim.result(found, command, texts.name, note(found)) for claim in CLAIMS[name]]


def run_ablation(texts: LabelledTexts, seed: int) -> dict[str, Any]:
    """What each part adds, out of fold on the training texts; no test text is read."""
    entries = ablation(texts, load_params(), seed, Recalling())
    told = {"set": texts.name, "seed": seed}
    keep_run({**told, "benchmark": "ablation", **{entry["left_out"]: entry for entry in entries}})
    return rounded({**told, "ablation": entries})


def run_named_ablation(preset: str, seed: int) -> dict[str, Any]:
    """``run_ablation`` of a public set; of a few-shot preset, with its first draw of examples."""
    texts = named_set(preset)
    return run_ablation(_fewer(texts, SHOTS, seed) if preset == "banking77_10shot" else texts, seed)


def ablation_report(found: Figures) -> str:
    """A line per part left out."""
    lines = [f"{found['set']}: out of fold on the training texts, each part left out in turn"]
    for entry in found["ablation"]:
        (low, high), (least, most) = entry["part_adds_interval"], entry["part_saves_log_loss_interval"]
        novelty = "-" if entry["novelty_auroc"] is None else f"{entry['novelty_auroc']:.4f}"
        lines.append(
            f"{entry['left_out']:16} accuracy {entry['accuracy']:.4f} (it adds {low:+.4f} to {high:+.4f}), "
            f"log loss {entry['log_loss']:.4f} (it saves {least:+.4f} to {most:+.4f}), "
            f"calibration error {entry['calibration_error']:.4f}, decided at 99 % "
            f"{entry['coverage_at_99']:.4f}, novelty AUROC {novelty}"
        )
    return "\n".join(lines)


def mean_of(draws: Sequence[Figures]) -> dict[str, Any]:
    """Mean accuracy over draws of the training examples, with the range of two standard errors."""
    accuracies = np.array([draw["test"]["accuracy"] for draw in draws])
    error = float(accuracies.std(ddof=1) / np.sqrt(len(accuracies)))
    mean = float(accuracies.mean())
    return {
        "accuracy": mean,
        "accuracy_interval": (mean - 2 * error, mean + 2 * error),
        "accuracies": accuracies.tolist(),
        "draws": list(draws),
    }


def note(found: Figures) -> str:
    """What a reader of one figure must know beside it."""
    if "draws" in found:
        each = ", ".join(f"{value:.4f}" for value in found["accuracies"])
        return f"{len(found['draws'])} draws: {each}; interval: two standard errors over draws"
    test, without = found["test"], found["test_without_them"]
    sure, perfect = test["at_99_precision"], test["calibration_error_if_perfect_90"]
    parts = [
        f"encoder {found['encoder']['name']}",
        f"thresholds chosen on {found['thresholds_chosen_on']}",
        f"without the {found['test_texts_also_in_train']} test texts that are also in train: accuracy "
        f"{without['accuracy']:.4f}",
        f"n-gram linear model {test['ngrams_linear_accuracy']:.4f}, paired gain "
        f"{test['gain_over_ngrams_interval'][0]:+.4f} to {test['gain_over_ngrams_interval'][1]:+.4f}",
        f"realised precision at the 99 % threshold {sure['realised_precision']}",
        f"a perfectly calibrated model of this size shows an error of {perfect[0]:.4f} to {perfect[1]:.4f}",
    ]
    return "; ".join(parts) + "."


def log_run(found: Figures, study: optuna.Study | None = None) -> None:
    """Append one line to the log of runs, so that nobody can ask a test file again unseen; track the run."""
    keep_run(found, study)
    if not RUNS_FILE.parent.is_dir():
        return
    kept = {key: value for key, value in found.items() if key != "draws"}
    for part in ("test", "test_without_them"):
        if part in kept:
            kept[part] = {k: v for k, v in kept[part].items() if k != "precision_coverage"}
    entry = {"date": datetime.now(UTC).isoformat(timespec="seconds"), "commit": current_commit(), **kept}
    with RUNS_FILE.open("a", encoding="utf-8") as file:
        file.write(json.dumps(rounded(entry), ensure_ascii=False) + "\n")


def report(found: Figures) -> str:
    """The figures in words, one a line."""
    if "draws" in found:
        return f"accuracy {found['accuracy']:.4f} over {len(found['draws'])} draws; {note(found)}"
    test = found["test"]
    sure, perfect = test["at_99_precision"], test["calibration_error_if_perfect_90"]
    lines = [
        f"{found['set']}: {found['train_texts']} training texts, {found['labels']} labels, "
        f"{found['test_texts']} test texts, encoder {found['encoder']['name']}",
        f"accuracy            {test['accuracy']:.4f} (n-gram linear {test['ngrams_linear_accuracy']:.4f}), "
        f"macro-F1 {test['macro_f1']:.4f}",
        f"calibration error   {test['calibration_error']:.4f} (perfect: "
        f"{perfect[0]:.4f} to {perfect[1]:.4f})",
        f"at 99 % precision   {sure['share_decided']:.4f} decided, realised precision "
        f"{sure['realised_precision']}, threshold from {found['thresholds_chosen_on']}",
    ]
    if "out_of_scope" in test:
        unknown = test["out_of_scope"]
        lines.append(
            f"out of scope        AUROC {unknown['auroc']:.4f}, recall {unknown['recall']:.4f} with "
            f"{unknown['in_scope_kept']:.4f} of the texts in scope kept"
        )
    if found["test_texts_also_in_train"]:
        lines.append(
            f"{found['test_texts_also_in_train']} test texts are also in train; without them accuracy "
            f"{found['test_without_them'].get('accuracy', float('nan')):.4f}"
        )
    lines.append(
        f"training {found['training_seconds']:.0f} s; one ticket {found['ms_per_ticket_p50']:.1f} ms (p50), "
        f"{found['processor_ms_per_ticket_p50']:.1f} ms of processor time"
    )
    if found["encoder"]["lacking"]:
        lines.append(f"n-grams only: {found['encoder']['lacking']}")
    return "\n".join(lines)
