"""What became of a resolved ticket: confirmed, verified by usage, come back or silent.

A path (what the desk does about an intent) has proven itself by the tickets whose outcome is known: those
that the customer confirmed or in which the product shows that it worked, against those that came back.
Customers who say nothing are in neither count; they are often content and often gone.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

Resolution = Literal["open", "recontacted", "confirmed", "usage_verified", "silent"]
SUCCESSES: frozenset[Resolution] = frozenset({"confirmed", "usage_verified"})
RECONTACT_WINDOW = timedelta(days=14)
"""A ticket reopened, or the same issue reported by the same person, within this time was not resolved."""


@dataclass(frozen=True)
class Aftermath:
    """What is known of one ticket after it was first solved; ``None``: that has not happened."""

    solved_at: datetime | None
    confirmed_at: datetime | None = None
    """The customer said that it worked."""
    recontacted_at: datetime | None = None
    """It was reopened, or the same person reported the same issue again."""
    usage_seen_at: datetime | None = None
    """The person used without errors what the action's ``proven_by`` names."""


def resolution_of(aftermath: Aftermath) -> Resolution:
    """The outcome so far. Coming back within ``RECONTACT_WINDOW`` outweighs everything said before."""
    solved_at = aftermath.solved_at
    if solved_at is None:
        return "open"
    back = aftermath.recontacted_at
    if back is not None and solved_at <= back <= solved_at + RECONTACT_WINDOW:
        return "recontacted"
    if aftermath.confirmed_at is not None and aftermath.confirmed_at >= solved_at:
        return "confirmed"
    if aftermath.usage_seen_at is not None and aftermath.usage_seen_at >= solved_at:
        return "usage_verified"
    return "silent"


def first_word(aftermath: Aftermath) -> tuple[datetime, bool] | None:
    """When it first became known whether a solved ticket was resolved, and whether it was; ``None``: not yet.

    Unlike ``resolution_of`` this is never revised, as a sequential test needs it.
    """
    solved_at = aftermath.solved_at
    if solved_at is None:
        return None
    said = (
        (aftermath.confirmed_at, True),
        (aftermath.usage_seen_at, True),
        (aftermath.recontacted_at, False),
    )
    known = [(at, good) for at, good in said if at is not None and at >= solved_at]
    known = [word for word in known if word[1] or word[0] <= solved_at + RECONTACT_WINDOW]
    return min(known, default=None)


@dataclass(frozen=True)
class PathRecord:
    """How often one path led to each outcome."""

    confirmed: int = 0
    usage_verified: int = 0
    recontacted: int = 0
    silent: int = 0

    @property
    def successes(self) -> int:
        """Tickets that are known to be resolved."""
        return self.confirmed + self.usage_verified

    @property
    def judged(self) -> int:
        """Tickets of which it is known whether they were."""
        return self.successes + self.recontacted

    def in_words(self) -> str:
        """The counts as one phrase."""
        return (
            f"{self.confirmed} confirmed, {self.usage_verified} verified by usage, "
            f"{self.recontacted} came back, {self.silent} silent (not counted)"
        )


def path_record(aftermaths: Iterable[Aftermath]) -> PathRecord:
    """The record of the tickets whose ``aftermaths`` these are; open ones are left out."""
    counts: dict[Resolution, int] = {}
    for aftermath in aftermaths:
        outcome = resolution_of(aftermath)
        counts[outcome] = counts.get(outcome, 0) + 1
    counts.pop("open", None)
    return PathRecord(**counts)
