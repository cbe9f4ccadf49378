"""Fill the store's context from the canonical tables on disk, so that the first ticket already has a history.

Run ``python -m serving.backfill``. Repeating it is cheap: the store remembers which tables it was filled
from, and rows it has are left alone.
"""

import hashlib
import json
import sys
from collections.abc import Callable
from pathlib import Path

import pandas as pd

from connectors.identity.decisions import RULES_FILE, Rules
from features.schema import TABLES
from features.tables import read_table
from serving.context import USAGE_WINDOW
from serving.people import PHONE_REGION, learn_decision
from serving.settings import Settings
from serving.store import Store, open_store

BATCH_ROWS = 50_000
_MARK = "backfilled_from"

Progress = Callable[[str, int, int], None]
"""Called with the table, the rows done and the rows there are."""


def backfill(store: Store, folder: Path, progress: Progress) -> dict[str, int]:
    """Append every canonical table in ``folder`` to the context; returns the number of new rows by table.

    Usage is cut to the last 120 days before its newest day. Empty where the store was filled from exactly
    these files before. Raises ``FileNotFoundError`` where the folder is absent.
    """
    if not folder.is_dir():
        raise FileNotFoundError(f"no canonical tables in {folder}/: run `dvc repro ingest` first")
    files = fingerprint(folder)
    if store.mark(_MARK) == files:
        return {}
    _learn_rules(store, folder / RULES_FILE)
    added = {
        name: _append(store, name, _kept_online(name, read_table(folder, name)), progress) for name in TABLES
    }
    store.set_mark(_MARK, files)
    return added


def _learn_rules(store: Store, path: Path) -> None:
    """Take over how ingest wrote handles and what people had decided about who is who."""
    if not path.exists():
        return
    rules = Rules.model_validate_json(path.read_text(encoding="utf-8"))
    store.set_mark(PHONE_REGION, rules.phone_region)
    with store.writing() as connection:
        for decision in rules.decisions:
            learn_decision(connection, decision)


def fingerprint(folder: Path) -> str:
    """SHA-256 over the canonical tables in ``folder``: their names and bytes."""
    combined = hashlib.sha256()
    for path in sorted(folder.glob("*.parquet")):
        combined.update(path.name.encode())
        with path.open("rb") as file:
            combined.update(hashlib.file_digest(file, "sha256").digest())
    return combined.hexdigest()


def _kept_online(name: str, frame: pd.DataFrame) -> pd.DataFrame:
    if name != "usage" or frame.empty:
        return frame
    return frame[frame["day"] >= frame["day"].max() - USAGE_WINDOW]


def _append(store: Store, name: str, frame: pd.DataFrame, progress: Progress) -> int:
    added = 0
    for start in range(0, len(frame), BATCH_ROWS):
        added += store.append(name, frame.iloc[start : start + BATCH_ROWS])
        progress(name, min(start + BATCH_ROWS, len(frame)), len(frame))
    return added


def main(as_json: bool = False) -> None:
    """Fill the store named by the environment from ``artifacts/tables``; prints the new rows."""
    settings = Settings()
    store = open_store(settings)

    def show(name: str, done: int, rows: int) -> None:
        if not as_json and (done == rows or sys.stdout.isatty()):
            print(f"\r{name:<14} {done:>9,} of {rows:>9,}", end="" if done < rows else "\n", flush=True)

    added = backfill(store, Path("artifacts/tables"), show)
    if as_json:
        print(json.dumps({"new_rows": dict.fromkeys(TABLES, 0) | added}))
    else:
        print(f"{sum(added.values()):,} new rows" if added else "nothing new: the store is up to date")
    store.close()


if __name__ == "__main__":
    main()
