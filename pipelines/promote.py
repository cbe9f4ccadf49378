"""Promotion: let a release serve if it passes every gate, and take it back with one command.

The store's pointer decides what serves; the MLflow registry's aliases follow it.
"""

import argparse
import getpass
import os
import shutil
import sys
import tempfile
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console

from models.release import ReleaseError, release_id, verify_release
from pipelines.artifacts import RELEASE, read_metrics
from pipelines.challenge import challenge_gates
from pipelines.gates import Gate, data_gate, gate_table, quality_gates, soundness_gates
from pipelines.tracking import mirror_pointers
from serving.settings import Settings
from serving.store import Store
from serving.trials import Mode, Trial, check_share, end_trial, set_trial

CHAMPION = "champion"
CHALLENGER = "challenger"
LAST_GOOD = "last_good"
_IMPATIENT = {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1", "MLFLOW_HTTP_REQUEST_TIMEOUT": "3"}


def promotion_gates(bundle: Path, validation: Mapping[str, Any], champion: Path | None = None) -> list[Gate]:
    """Every gate a release must pass; those after an unsound bundle are not looked at.

    ``champion``: the installed release that serves now, if one does; judged on the newest tickets that stage
    features left, which neither learnt from.
    """
    gates = soundness_gates(bundle)
    if not all(gate.passed for gate in gates):
        return gates
    manifest = verify_release(bundle)
    gates += [data_gate(validation), *quality_gates(manifest["metrics"])]
    if champion is not None:
        gates += challenge_gates(bundle, champion)
    return gates


def serving_copy(settings: Settings) -> Path | None:
    """The undamaged installed copy of the champion, ``None`` where there is none to compare with."""
    champion = pointers(settings.database_url).get(CHAMPION)
    if champion is None or not serves_whole(champion, settings):
        return None
    return settings.releases / champion


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
        with store.writing() as connection:
            end_trial(connection, by, f"{found} is the champion", at)
    finally:
        store.close()
    return found


def try_out(
    bundle: Path, settings: Settings, mode: Mode, share: float, by: str, reason: str, at: datetime
) -> str:
    """Install ``bundle`` as the challenger and try it on the share of accounts; returns its id.

    Raises ``ValueError`` for a share that is none, before anything is installed.
    """
    check_share(share)
    found = set_challenger(bundle, settings, by, reason, at)
    store = Store(settings.database_url)
    try:
        with store.writing() as connection:
            set_trial(connection, Trial(found, mode, share, by, reason, at))
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


def stop_trial(store_url: str, by: str, reason: str, at: datetime) -> Trial | None:
    """End the trial that holds; returns it, ``None`` where there is none."""
    store = Store(store_url)
    try:
        with store.writing() as connection:
            return end_trial(connection, by, reason, at)
    finally:
        store.close()


def pointers(store_url: str) -> dict[str, str]:
    """Where each pointer points; those that point nowhere are left out."""
    store = Store(store_url)
    try:
        found = {name: store.pointer(name) for name in (CHAMPION, CHALLENGER, LAST_GOOD)}
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


def mirror(settings: Settings) -> None:
    """Let the MLflow registry's aliases follow the store. The store has decided: a failure is only told.

    A tracking server that is away is not waited for: what serves does not depend on it.
    """
    for name, value in _IMPATIENT.items():
        os.environ.setdefault(name, value)
    try:
        mirror_pointers(pointers(settings.database_url), settings.state)
    except Exception as error:  # unreachable, full, of another version: whatever it is, the store has decided
        Console(stderr=True).print(f"the MLflow registry does not follow: {error}", markup=False)


def set_challenger(bundle: Path, settings: Settings, by: str, reason: str, at: datetime) -> str:
    """Install ``bundle`` and point ``challenger`` at it; returns its id."""
    found = install(bundle, settings.releases)
    store = Store(settings.database_url)
    try:
        if store.pointer(CHALLENGER) != found:
            store.set_pointer(CHALLENGER, found, by, reason, at)
    finally:
        store.close()
    mirror(settings)
    return found


def promote(
    dry_run: bool = False,
    bundle: Path = RELEASE,
    at: datetime | None = None,
    without_gates: str | None = None,
    by: str | None = None,
    trial: tuple[Mode, float] | None = None,
) -> int:
    """Judge the newest release and, unless ``dry_run``, let it serve; returns the exit status.

    ``trial``: only try it out beside the champion, on this share of accounts. A shadow has no effect and
    needs no more than to be sound.

    ``without_gates``: why it may serve although gates fail; the reason is kept with who gave it. An unsound
    bundle never serves. ``at``: the moment, for a replayed desk; default now.
    """
    settings, console = Settings(), Console()
    candidate = release_id(bundle)
    if not dry_run and serves_whole(candidate, settings):
        console.print(f"{candidate} is the champion already.")
        return 0
    champion = serving_copy(settings)
    if champion is not None and champion.name == candidate:
        champion = None
    gates = promotion_gates(bundle, read_metrics("validate"), champion)
    console.print(gate_table(gates, f"release {candidate}"))
    mode, share = trial or ("ended", 0.0)
    sound = 2 if mode == "shadow" else len(gates)
    failed = [gate.name for gate in gates[:sound] if not gate.passed]
    reason = "sound" if mode == "shadow" else "all gates passed"
    if failed and without_gates:
        reason = f"{without_gates} (without gates; failed: {', '.join(failed)})"
    elif failed:
        console.print(f"{candidate} is not promoted: a gate failed. The champion stays.")
        return 1
    if dry_run:
        console.print(f"{candidate} would be promoted (dry run).")
        return 0
    now = at or datetime.now(UTC)
    if trial is not None:
        try_out(bundle, settings, mode, share, by or user(), reason, now)
        console.print(f"{candidate} is tried out ({mode}) on {share:.0%} of accounts.")
        return 0
    promote_release(bundle, settings.database_url, settings.releases, by or user(), reason, now)
    mirror(settings)
    console.print(f"{candidate} is the champion.")
    return 0


def rollback(at: datetime | None = None, by: str | None = None, reason: str = "rolled back") -> int:
    """Take back the newest step: end the trial of a challenger, else let the last good release serve again.

    Returns the exit status.
    """
    settings, now = Settings(), at or datetime.now(UTC)
    tried = stop_trial(settings.database_url, by or user(), reason, now)
    if tried is not None:
        Console().print(f"{tried.release_id} is no longer tried out ({tried.mode}); the champion stays.")
        return 0
    back = roll_back_release(settings.database_url, settings.releases, by or user(), reason, now)
    mirror(settings)
    Console().print(f"{back} is the champion again.")
    return 0


def user() -> str:
    """Who is logged in, for the ledger."""
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
