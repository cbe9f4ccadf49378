"""What serves, what waits to serve, what the monitor said last, and whether a retraining is under way."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console

from models.release import MANIFEST
from pipelines.promote import CHALLENGER, CHAMPION, LAST_GOOD
from pipelines.retrain import read_record
from serving.pointers import PointerMove
from serving.review_deadlines import overdue_reviews
from serving.settings import Settings
from serving.store import Store
from serving.trials import current_trial, standing

MONITOR_REPORT = Path("reports/monitor.json")
POINTERS = (CHAMPION, CHALLENGER, LAST_GOOD)


def status_record(settings: Settings, now: datetime) -> dict[str, Any]:
    """Which releases serve or wait (null where none), overdue reviews, the last retraining and report."""
    store = Store(settings.database_url)
    try:
        moves = {name: store.pointer_history(name) for name in POINTERS}
        retraining = read_record(store, settings.state)
        with store.reading() as connection:
            trial = current_trial(connection)
            tried = standing(connection, trial).line() if trial is not None else None
            overdue = [late.in_words() for late in overdue_reviews(connection, now)]
    finally:
        store.close()
    moved = {name: _standing(history[-1], now) if history else None for name, history in moves.items()}
    champion, challenger = moved[CHAMPION], moved[CHALLENGER]
    if champion and challenger and champion["release"] == challenger["release"]:
        moved[CHALLENGER] = None
    return moved | {
        "traffic": tried,
        "data": _learnt_from(settings, moves[CHAMPION], now),
        "reviews": overdue,
        "retraining": retraining.as_json() if retraining else None,
        "monitor": json.loads(MONITOR_REPORT.read_text("utf-8")) if MONITOR_REPORT.exists() else None,
    }


def _learnt_from(settings: Settings, moves: list[PointerMove], now: datetime) -> str | None:
    """Which data the champion learnt from, and how long ago it was made."""
    if not moves:
        return None
    manifest = settings.releases / moves[-1].release_id / MANIFEST
    if not manifest.is_file():
        return "unknown: the champion's files are gone"
    revision = json.loads(manifest.read_text(encoding="utf-8"))["data_revision"]
    made = datetime.fromtimestamp(manifest.stat().st_mtime, UTC)
    return f"the champion learnt from revision {revision} {max(0, (now - made).days)} days ago"


def _standing(move: PointerMove, now: datetime) -> dict[str, Any]:
    days = max(0, (now - move.at).days)
    return {"release": move.release_id, "days": days, "reason": move.reason, "by": move.by}


def status_lines(record: dict[str, Any]) -> list[str]:
    """``status_record`` in words."""
    lines = []
    for name in POINTERS:
        standing = record[name]
        said = "{release}, for {days} days ({reason}, by {by})".format(**standing) if standing else "none"
        lines.append(f"{name}: {said}")
    lines.append(f"traffic: {record['traffic'] or 'all to the champion'}")
    lines.append(f"data: {record['data'] or 'nothing serves'}")
    lines += [f"warning: {late}" for late in record["reviews"]]
    lines.append(f"retraining: {record['retraining']['line'] if record['retraining'] else 'none so far'}")
    monitor = record["monitor"]
    lines.append(f"monitor: {monitor['line'] if monitor else 'never run; `firstline monitor` does'}")
    return lines


def print_status(now: datetime, as_json: bool = False) -> None:
    """Print which releases serve, since when and why, the last retraining and the last verdict."""
    record = status_record(Settings(), now)
    if as_json:
        print(json.dumps(record, indent=2))
        return
    for line in status_lines(record):
        Console().print(line, markup=False)
