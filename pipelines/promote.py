"""Promotion: let a release serve if it passes every gate, and take it back with one command.

The store's pointer decides what serves; the MLflow registry's aliases follow it.
"""

import argparse
import getpass
import json
import shutil
import sys
import tempfile
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from rich.console import Console
from rich.table import Table

from models.golden import check_in_child
from models.release import ReleaseError, release_id, verify_release
from pipelines.artifacts import RELEASE, read_metrics
from pipelines.tracking import mirror_pointers
from serving.pointers import PointerMove
from serving.settings import Settings
from serving.store import Store

CHAMPION = "champion"
LAST_GOOD = "last_good"
MONITOR_REPORT = Path("reports/monitor.json")


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


def promotion_gates(bundle: Path, validation: Mapping[str, Any]) -> list[Gate]:
    """Every gate a release must pass; those after an unsound bundle are not looked at."""
    gates = soundness_gates(bundle)
    if not all(gate.passed for gate in gates):
        return gates
    manifest = verify_release(bundle)
    return [*gates, data_gate(validation), *quality_gates(manifest["metrics"])]


def install(bundle: Path, releases: Path) -> str:
    """Copy ``bundle`` to ``releases/<id>``, whole or not at all; returns the id. One already there stays."""
    verify_release(bundle)
    found = release_id(bundle)
    target = releases / found
    if target.exists():
        verify_release(target)
        return found
    releases.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=releases, prefix=".arriving-") as arriving:
        copy = Path(arriving) / found
        shutil.copytree(bundle, copy)
        verify_release(copy)
        for path in copy.rglob("*"):
            if path.is_file():
                path.chmod(0o444)
        copy.rename(target)
    return found


def promote_release(bundle: Path, store_url: str, releases: Path, by: str, reason: str, at: datetime) -> str:
    """Install ``bundle`` and point ``champion`` at it, ``last_good`` at the one before; returns its id."""
    found = install(bundle, releases)
    store = Store(store_url)
    try:
        before = store.pointer(CHAMPION)
        if before == found:
            return found
        if before is not None:
            store.set_pointer(LAST_GOOD, before, by, f"champion until {found}", at)
        store.set_pointer(CHAMPION, found, by, reason, at)
    finally:
        store.close()
    return found


def roll_back_release(store_url: str, releases: Path, by: str, reason: str, at: datetime) -> str:
    """Point ``champion`` at ``last_good`` again; returns its id. ``ReleaseError`` if it cannot serve."""
    store = Store(store_url)
    try:
        champion, last_good = store.pointer(CHAMPION), store.pointer(LAST_GOOD)
        if last_good is None or last_good == champion:
            raise ReleaseError(f"nothing to roll back to: champion is {champion}, last_good is {last_good}")
        verify_release(releases / last_good)
        store.set_pointer(CHAMPION, last_good, by, reason, at)
    finally:
        store.close()
    return last_good


def pointers(store_url: str) -> dict[str, str]:
    """Where each pointer points; those that point nowhere are left out."""
    store = Store(store_url)
    try:
        found = {name: store.pointer(name) for name in (CHAMPION, LAST_GOOD)}
    finally:
        store.close()
    return {name: release for name, release in found.items() if release is not None}


def serves_whole(release: str, settings: Settings) -> bool:
    """Whether ``release`` is the champion and its installed copy is undamaged."""
    if pointers(settings.database_url).get(CHAMPION) != release:
        return False
    try:
        verify_release(settings.releases / release)
    except ReleaseError:
        return False
    return True


def gate_table(gates: list[Gate], title: str) -> Table:
    """The gates as a table for people."""
    table = Table(title=title, title_justify="left")
    for column in ("gate", "", "found", "required"):
        table.add_column(column, overflow="fold")
    for gate in gates:
        mark = "[green]passed[/green]" if gate.passed else "[red]failed[/red]"
        table.add_row(gate.name, mark, gate.found, gate.required)
    return table


def promote(dry_run: bool = False, bundle: Path = RELEASE) -> int:
    """Judge the newest release and, unless ``dry_run``, let it serve; returns the exit status."""
    settings, console = Settings(), Console()
    candidate = release_id(bundle)
    if not dry_run and serves_whole(candidate, settings):
        console.print(f"{candidate} is the champion already.")
        return 0
    gates = promotion_gates(bundle, read_metrics("validate"))
    console.print(gate_table(gates, f"release {candidate}"))
    if not all(gate.passed for gate in gates):
        console.print(f"{candidate} is not promoted: a gate failed. The champion stays.")
        return 1
    if dry_run:
        console.print(f"{candidate} would be promoted (dry run).")
        return 0
    now = datetime.now(UTC)
    promote_release(bundle, settings.database_url, settings.releases, _user(), "all gates passed", now)
    mirror_pointers(pointers(settings.database_url), settings.state)
    console.print(f"{candidate} is the champion.")
    return 0


def rollback() -> int:
    """Let the last good release serve again; returns the exit status."""
    settings, now = Settings(), datetime.now(UTC)
    back = roll_back_release(settings.database_url, settings.releases, _user(), "rolled back", now)
    mirror_pointers(pointers(settings.database_url), settings.state)
    Console().print(f"{back} is the champion again.")
    return 0


def status_record(settings: Settings, now: datetime) -> dict[str, Any]:
    """Which releases serve (null where none) and the monitor's last report, as JSON values."""
    store = Store(settings.database_url)
    try:
        moves = {name: store.pointer_history(name) for name in (CHAMPION, LAST_GOOD)}
    finally:
        store.close()
    return {name: _standing(history[-1], now) if history else None for name, history in moves.items()} | {
        "monitor": json.loads(MONITOR_REPORT.read_text("utf-8")) if MONITOR_REPORT.exists() else None
    }


def _standing(move: PointerMove, now: datetime) -> dict[str, Any]:
    days = (now - move.at).days
    return {"release": move.release_id, "days": days, "reason": move.reason, "by": move.by}


def print_status(as_json: bool = False) -> None:
    """Print which releases serve, since when and why, and the monitor's last verdict."""
    record, console = status_record(Settings(), datetime.now(UTC)), Console()
    if as_json:
        print(json.dumps(record, indent=2))
        return
    for name in (CHAMPION, LAST_GOOD):
        standing = record[name]
        said = "{release}, for {days} days ({reason}, by {by})".format(**standing) if standing else "none"
        console.print(f"{name}: {said}", markup=False)
    monitor = record["monitor"]
    console.print(
        f"monitor: {monitor['line'] if monitor else 'never run; `firstline monitor` does'}", markup=False
    )


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"


def main() -> None:
    """``python -m pipelines.promote [--dry-run]``."""
    parser = argparse.ArgumentParser(prog="python -m pipelines.promote", description=promote.__doc__)
    parser.add_argument("--dry-run", action="store_true", help="print the gate table and stop")
    try:
        sys.exit(promote(dry_run=parser.parse_args().dry_run))
    except (ValueError, FileNotFoundError) as error:
        sys.exit(f"promote: {error}")


if __name__ == "__main__":
    main()
