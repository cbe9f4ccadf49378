"""The demo in a clone of its own: how long it takes, twice, and how well its models do against the truth."""

import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pipelines.drills.workspace import project_clone, run_in
from pipelines.results import Result

COMMAND = "firstline drill --only demo"
COMPANY = "demo company, seed 1"


def measure() -> list[Result]:
    """Seconds of the demo, of the demo again and of a no-op `dvc repro`; model figures by the truth."""
    with project_clone() as project:
        first = _seconds(project, "firstline", "demo")
        again = _seconds(project, "firstline", "demo")
        noop = _seconds(project, "dvc", "repro")
        judged = json.loads((project / "artifacts/metrics/evaluate.json").read_text("utf-8"))
    return [
        _duration("pipeline.demo_seconds", first, 720, "installation not included"),
        _duration("pipeline.second_demo_seconds", again, 60, ""),
        _duration("pipeline.noop_seconds", noop, 10, ""),
        *model_figures(judged),
    ]


def model_figures(judged: Mapping[str, Any]) -> list[Result]:
    """What stage evaluate found on the newest fifth of the tickets, judged by the simulator's truth."""
    intent, automation = judged["intent"]["truth"], judged["intent"]["automation"]["truth"]
    priority, sentiment, churn = judged["priority"]["truth"], judged["sentiment"]["truth"], judged["churn"]
    beside = f"linear {intent['linear_accuracy']:.3f}, majority {intent['majority_accuracy']:.3f}"
    priority_beside = f"desk rules {priority['rules_macro_f1']:.3f}, claim {priority['claimed_macro_f1']:.3f}"
    sentiment_beside = f"majority {sentiment['majority_macro_f1']:.3f}"
    return [
        _figure("intent.demo.accuracy", intent["accuracy"], beside),
        _figure("intent.demo.ece", intent["expected_calibration_error"], "0 is perfect"),
        _figure("risk.demo_automated_share", automation["share"], "by the confidence gate alone"),
        _figure("risk.demo_true_precision", automation["precision"], "promised 0.95", least=0.95),
        _figure("priority.demo.macro_f1", priority["macro_f1"], priority_beside),
        _figure("sentiment.demo.macro_f1", sentiment["macro_f1"], sentiment_beside),
        _figure(
            "churn.demo.auc",
            churn["auc"],
            f"logistic regression {churn['logistic_auc']:.3f}, recency {churn['recency_auc']:.3f}",
            low=churn["auc_low"],
            high=churn["auc_high"],
        ),
        *_sentiment_by_language(judged["sentiment"]["languages"]),
        *_outcomes(judged["outcomes"]),
    ]


def _sentiment_by_language(languages: Mapping[str, Any]) -> list[Result]:
    """Macro F1 of the state, and AUC of being frustrated, of each language with enough tickets."""
    found = []
    for language, part in languages.items():
        beside = f"majority {part['majority_macro_f1']:.3f}, {part['tickets']:,} tickets in `{language}`"
        found.append(_figure(f"sentiment.demo.{language}.macro_f1", part["macro_f1"], beside))
        if part["frustrated_auc"] is not None:
            name = f"sentiment.demo.{language}.frustrated_auc"
            found.append(_figure(name, part["frustrated_auc"], "0.5 is chance"))
    return found


def _outcomes(outcomes: Mapping[str, Any]) -> list[Result]:
    """Where tickets ended, which were reassigned and which were answered late; what was not learnt is out."""
    found = []
    if "queue" in outcomes:
        queue = outcomes["queue"]
        beside = f"the queue it was filed into {queue['opening_queue_accuracy']:.3f}, "
        beside += f"majority {queue['majority_accuracy']:.3f}"
        bounds = queue["accuracy_low"], queue["accuracy_high"]
        found.append(_figure("outcomes.demo.final_queue_accuracy", queue["accuracy"], beside, None, *bounds))
    for name in ("reassigned", "sla_missed"):
        if name in outcomes and outcomes[name]["auc"] is not None:
            beside = f"0.5 is chance; it happens to {outcomes[name]['happened_share']:.3f}"
            found.append(_figure(f"outcomes.demo.{name}_auc", outcomes[name]["auc"], beside))
    return found


def _seconds(project: Path, *arguments: str) -> float:
    started = time.perf_counter()
    run_in(project, *arguments)
    return time.perf_counter() - started


def _duration(name: str, seconds: float, most: float, note: str) -> Result:
    reference, target = "two cores of a shared machine", f"<= {most:g}"
    value = round(seconds, 1)
    return Result(name, value, "s", reference, target, seconds <= most, COMMAND, COMPANY, note)


def _figure(
    name: str,
    value: float,
    reference: str,
    least: float | None = None,
    low: float | None = None,
    high: float | None = None,
) -> Result:
    target, met = ("", None) if least is None else (f">= {least:g}", value >= least)
    note = "newest 20 % of the tickets"
    return Result(name, value, "", reference, target, met, COMMAND, COMPANY, note, low, high)
