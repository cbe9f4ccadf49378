"""What happens by the clock in the store: deadlines, incidents, reviews, error budgets, pending actions.

Run it as often as you like and from several replicas: what happened once does not happen again.
"""

from datetime import UTC, datetime
from typing import NamedTuple

from policy.desk import Desk, DeskError, load_desk
from serving.budgets import demote_where_exhausted
from serving.checkpoints import append_checkpoint, private_key
from serving.helpdesks import load_helpdesks
from serving.incidents import Watched, watch_incidents
from serving.logs import logger
from serving.open_tickets import deadline_calls, escalate, open_tickets, queue_moment
from serving.outbox import Executor, dry_run
from serving.releases import POINTERS
from serving.review_deadlines import (
    Demotion,
    Overdue,
    demote_where_overdue,
    lift_where_done,
    overdue_reviews,
)
from serving.review_draws import draw_due_weeks
from serving.senders import write_back
from serving.settings import Settings
from serving.store import Store, open_store
from serving.trials import stop_if_refuted

BATCH = 100
BY = "firstline tick"


class Ticked(NamedTuple):
    """What one tick did."""

    deadlines: int
    incidents: Watched
    demotions: tuple[Demotion, ...]
    actions: int
    drawn: int = 0
    lifted: tuple[str, ...] = ()
    overdue: tuple[Overdue, ...] = ()
    stopped: str | None = None
    """Why a challenger is tried out no longer."""

    def lines(self) -> list[str]:
        """As sentences."""
        late = [f"warning: {one.in_words()}" for one in self.overdue]
        late += [f"the challenger is no longer tried out: {self.stopped}"] if self.stopped else []
        if not (self.deadlines or any(self.incidents) or any(self[2:6])):
            return [*late, "no promise is about to be broken, no error budget is spent, no action is pending"]
        demoted = [f"{d.intent} is no longer automated: {d.because}" for d in self.demotions]
        lifted = [f"{intent} may be automated again: its reviews are done" for intent in self.lifted]
        drawn = [f"{self.drawn} decisions of last week drawn for review"] if self.drawn else []
        done = f"{self.deadlines} promises about to be broken escalated; {self.actions} actions carried out"
        told = self.incidents
        surges = f"incidents: {told.opened} opened, {told.closed} closed, {told.attached} tickets attached"
        return [*demoted, *lifted, *late, *drawn, *([surges] if any(told) else []), done]


def tick(store: Store, desk: Desk, execute: Executor, at: datetime) -> Ticked:
    """Everything that is due at ``at``, once."""
    deadlines = escalate_all_deadlines(store, desk, at)
    with store.writing() as connection:
        surges = watch_incidents(connection, desk, at)
        spent = demote_where_exhausted(connection, desk, at)
    with store.writing() as connection:
        drawn = draw_due_weeks(connection, desk, at)
        late, overdue = demote_where_overdue(connection, desk, at), overdue_reviews(connection, at)
        lifted = lift_where_done(connection, at)
        stopped = stop_if_refuted(connection, BY, at)
    demoted, actions = (*spent, *late), carry_out_pending(store, execute, at)
    return Ticked(deadlines, surges, demoted, actions, drawn, tuple(lifted), tuple(overdue), stopped)


def escalate_all_deadlines(store: Store, desk: Desk, at: datetime) -> int:
    """Escalate every promise of an open ticket that is about to be broken; returns how many were new.

    One transaction a ticket: what is escalated is so even if the next ticket cannot be.
    """
    with store.reading() as connection:
        tickets = open_tickets(connection, at)
    total = 0
    for ticket in tickets:
        if calls := deadline_calls(desk, ticket, at):
            with store.writing() as connection:
                total += escalate(connection, ticket, calls, at)
    return total


def carry_out_pending(store: Store, execute: Executor, at: datetime) -> int:
    """Carry out everything that is pending, oldest first; returns how many actions that were."""
    total = 0
    while carried_out := store.carry_out(execute, at, BATCH):
        total += carried_out
    return total


def desk_in_force(store: Store, settings: Settings) -> Desk:
    """The rules of the release that serves, without loading its models; without one, the settings' own.

    Raises ``DeskError`` where the settings' own rules are needed and broken.
    """
    for name in POINTERS:
        release_id = store.pointer(name)
        if release_id is None:
            continue
        try:
            return load_desk(settings.releases / release_id / "desk.yaml")
        except DeskError as error:
            logger().error("desk not loaded", pointer=name, release=release_id, why=str(error))
    return load_desk(settings.desk)


def main() -> None:
    """Do what is due in this installation's store and say what that was."""
    settings = Settings()
    helpdesks = load_helpdesks(settings.helpdesks)
    store = open_store(settings)
    executor = write_back(store, helpdesks) if helpdesks else dry_run
    try:
        with store.reading() as connection:
            at = queue_moment(connection, datetime.now(UTC))
        done = tick(store, desk_in_force(store, settings), executor, at)
        _sign(store, settings)
    finally:
        store.close()
    print("\n".join(done.lines()))


def _sign(store: Store, settings: Settings) -> None:
    key = private_key()
    if key is not None:
        with store.reading() as connection:
            append_checkpoint(connection, settings.checkpoints, key, datetime.now(UTC))
