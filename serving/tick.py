"""What happens by the clock in the store: pending actions are carried out. Run it as often as you like."""

from datetime import UTC, datetime

from serving.outbox import Executor, dry_run
from serving.settings import Settings
from serving.store import Store, open_store

BATCH = 100


def carry_out_pending(store: Store, execute: Executor, at: datetime) -> int:
    """Carry out everything that is pending, oldest first; returns how many actions that were."""
    total = 0
    while carried_out := store.carry_out(execute, at, BATCH):
        total += carried_out
    return total


def main() -> None:
    """Carry out the actions of this installation's store and say how many there were."""
    store = open_store(Settings())
    try:
        count = carry_out_pending(store, dry_run, datetime.now(UTC))
    finally:
        store.close()
    print(
        f"{count} actions carried out (dry run: no vendor is connected)" if count else "no action is pending"
    )
