"""The conditions a release meets by itself: sound files, sound data, no model worse than its simple baseline.

How it does against the release that serves is judged by ``pipelines.challenge``.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from rich.table import Table

from models.golden import check_in_child
from models.release import ReleaseError, verify_release


class Gate(NamedTuple):
    """One condition of promotion: what was found, what is required, whether it holds."""

    name: str
    passed: bool
    found: str
    required: str


def soundness_gates(bundle: Path) -> list[Gate]:
    """Is the bundle what its manifest says, and does it answer as when it was made?"""
    gates: list[Gate] = []
    checks = (
        ("files", verify_release, "every SHA-256 as in the manifest"),
        ("golden rows", check_in_child, "reproduced"),
    )
    for name, check, required in checks:
        try:
            check(bundle)
        except ReleaseError as error:
            return [*gates, Gate(name, False, str(error), required)]
        gates.append(Gate(name, True, required, required))
    return gates


def data_gate(validation: Mapping[str, Any]) -> Gate:
    """Did the data meet every critical expectation?"""
    failed = sum(table["failed_critical"] for table in validation.values())
    return Gate("data", failed == 0, f"{failed} critical expectations failed", "0 failed")


def quality_gates(metrics: Mapping[str, Any]) -> list[Gate]:
    """No model is worse than its simple baseline beyond what chance explains."""
    gates: list[Gate] = []
    intent, priority, churn = (metrics.get(name, {}) for name in ("intent", "priority", "churn"))
    source = next((name for name in ("reviewed", "agents") if name in intent and enough(intent[name])), None)
    if source is not None:
        gain = intent[source]["gain_over_linear"]
        interval = f"{gain['mean']:+.3f} ({gain['low']:+.3f} to {gain['high']:+.3f}) by {source}"
        gates.append(Gate("intent against linear model", gain["high"] >= 0, interval, "not proven worse"))
        both = f"{intent[source]['accuracy']:.3f} against {intent[source]['majority_accuracy']:.3f}"
        better = intent[source]["accuracy"] > intent[source]["majority_accuracy"]
        gates.append(Gate("intent against majority", better, both, "higher accuracy"))
    if enough(priority.get("agents", {})):
        found = priority["agents"]
        best = max(found["claimed_macro_f1"], found["majority_macro_f1"])
        both = f"macro F1 {found['macro_f1']:.3f} against {best:.3f}"
        gates.append(Gate("priority against claim and majority", found["macro_f1"] > best, both, "higher"))
    if churn.get("auc_high") is not None:
        interval = f"AUC {churn['auc']:.3f} ({churn['auc_low']:.3f} to {churn['auc_high']:.3f})"
        gates.append(
            Gate("churn against chance", churn["auc_high"] >= 0.5, interval, "not proven worse than 0.5")
        )
    return gates


def enough(report: Mapping[str, Any], tickets: int = 100) -> bool:
    """Whether a report rests on enough tickets to judge by."""
    return bool(report.get("tickets", 0) >= tickets)


def gate_table(gates: list[Gate], title: str) -> Table:
    """The gates as a table for people."""
    table = Table(title=title, title_justify="left")
    for column in ("gate", "", "found", "required"):
        table.add_column(column, overflow="fold")
    for gate in gates:
        mark = "[green]passed[/green]" if gate.passed else "[red]failed[/red]"
        table.add_row(gate.name, mark, gate.found, gate.required)
    return table
