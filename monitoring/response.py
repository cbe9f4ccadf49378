"""What the verdict leads to: nothing, a retraining, or going back to the release before. Pure."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, NamedTuple

from monitoring.verdict import Verdict

Step = Literal["nothing", "retrain", "roll back"]
RETRY_AFTER = timedelta(days=1)
"""How soon a retraining that failed, and proved nothing, is tried again."""


@dataclass(frozen=True)
class Standing:
    """How things stand: since when the champion serves, and the last retraining.

    ``failed``: it came to no end. ``waiting``: a challenger passed every gate and waits for a person.
    """

    champion_since: datetime | None
    retraining: bool = False
    retrained_at: datetime | None = None
    failed: bool = False
    waiting: str | None = None


class Response(NamedTuple):
    """The step, and why in words."""

    step: Step
    reason: str


def response_to(
    verdict: Verdict, standing: Standing, now: datetime, cool_down: timedelta, probation: timedelta
) -> Response:
    """What to do about ``verdict`` at ``now``.

    A release proven worse than its predecessor is rolled back while it is on probation. Otherwise RETRAIN
    leads to a retraining, unless one runs, its result waits for a person, or the last was too recent.
    """
    if verdict.state != "RETRAIN":
        return Response("nothing", "")
    since = standing.champion_since
    if verdict.worse_than is not None and since is not None and now - since <= probation:
        return Response("roll back", f"on probation since {since:%Y-%m-%d}: {verdict.reason}")
    if standing.retraining:
        return Response("nothing", "a retraining is under way")
    if standing.waiting is not None:
        return Response("nothing", f"challenger {standing.waiting} waits for `firstline promote`")
    if standing.retrained_at is not None:
        wait = min(RETRY_AFTER, cool_down) if standing.failed else cool_down
        again = standing.retrained_at + wait
        if now < again:
            before = f"last tried {standing.retrained_at:%Y-%m-%d %H:%M}"
            return Response("nothing", f"{before}, again from {again:%Y-%m-%d %H:%M} at the earliest")
    return Response("retrain", verdict.reason)
