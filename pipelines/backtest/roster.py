"""Who works when, on what: read off what agents did, or assumed and said so."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd

from policy.calendars import Pause, working_spans
from policy.desk import Desk
from policy.desk_schema import AgentHours, Calendar

FEWEST_ACTS = 20
"""Acts from which on the hours of one agent are read off; with fewer, those of everybody are taken."""
LEAST_HOUR_SHARE, LEAST_DAY_SHARE = 0.02, 0.05
"""An hour of the day (a weekday) belongs to a shift if this share of somebody's acts fall into it."""
OFFICE_HOURS, OFFICE_DAYS = range(8, 17), range(5)
ASSUMED = "assumed"
_HOUR = timedelta(hours=1)


@dataclass(frozen=True)
class Agent:
    """One person: spans of presence as hours since the start of the replay (starts, ends), and abilities."""

    agent_id: str
    team: str
    skills: tuple[str, ...]
    languages: tuple[str, ...]
    starts: np.ndarray
    ends: np.ndarray

    @property
    def staffed_hours(self) -> float:
        """Hours of presence."""
        return float((self.ends - self.starts).sum())


@dataclass(frozen=True)
class Window:
    """The replayed time. ``tail_hours`` after ``end`` let open tickets be finished."""

    start: datetime
    end: datetime
    tail_hours: float

    @property
    def hours(self) -> float:
        """Length without the tail."""
        return (self.end - self.start) / _HOUR

    def moment(self, hours: float) -> datetime:
        """The moment ``hours`` after the start."""
        return self.start + timedelta(hours=hours)


def roster(
    desk: Desk, agents: pd.DataFrame, events: pd.DataFrame, homes: pd.Series, window: Window
) -> list[Agent]:
    """Everybody who publicly answered or solved anything in ``events``.

    Team: of the table ``agents``, else the queue in which most tickets of the agent ended (``homes``: queue
    by ticket id). Hours: of ``desk`` where it gives any, else read off the agent's acts. Nobody is taken to
    be there before their first act, if that lies in the replayed time.
    """
    acts = events[
        events["kind"].isin(["reply", "solved"])
        & (events["actor_kind"] == "agent")
        & events["actor_id"].notna()
    ]
    known = agents.drop_duplicates("agent_id", keep="last").set_index("agent_id")
    everybody = _pattern(acts["occurred_at"])
    found = []
    for agent_id, own in acts.groupby("actor_id", sort=True):
        told = known.loc[agent_id] if agent_id in known.index else None
        ended = homes.reindex(own["ticket_id"].unique()).dropna()
        team = told["team"] if told is not None and isinstance(told["team"], str) else None
        if team is None:
            team = str(ended.value_counts().index[0]) if len(ended) else desk.default_queue
        pattern = _pattern(own["occurred_at"]) if len(own) >= FEWEST_ACTS else everybody
        since = max(window.start, own["occurred_at"].min().to_pydatetime())
        spans = _declared(desk, str(agent_id), team, since, window)
        if spans is None:
            spans = _weekly(pattern, since, window)
        found.append(_agent(str(agent_id), team, told, spans, window))
    return [agent for agent in found if len(agent.starts)]


def assumed_agents(desk: Desk, team: str, number: int, window: Window) -> list[Agent]:
    """``number`` people for a team that nobody is recorded in: the queue's hours, else office hours (UTC)."""
    spans = _declared(desk, ASSUMED, team, window.start, window)
    if spans is None:
        pattern = np.zeros((7, 24), dtype=bool)
        pattern[: len(OFFICE_DAYS), OFFICE_HOURS.start : OFFICE_HOURS.stop] = True
        spans = _weekly(pattern, window.start, window)
    return [_agent(f"{ASSUMED} {team} {n + 1}", team, None, spans, window) for n in range(number)]


def _agent(
    agent_id: str,
    team: str,
    told: Any,
    spans: Sequence[tuple[datetime, datetime]],
    window: Window,
) -> Agent:
    def words(name: str) -> tuple[str, ...]:
        value = told[name] if told is not None else None
        return tuple(str(word) for word in value) if isinstance(value, list | tuple | np.ndarray) else ()

    edges = np.array(
        [((a - window.start) / _HOUR, (b - window.start) / _HOUR) for a, b in spans], dtype=float
    ).reshape(-1, 2)
    return Agent(agent_id, team, words("skills"), words("languages"), edges[:, 0], edges[:, 1])


def _pattern(moments: pd.Series) -> np.ndarray:
    """Weekday x hour of the day (UTC): whether that hour belongs to a shift."""
    hours = np.bincount(moments.dt.hour.to_numpy(dtype=int), minlength=24)
    days = np.bincount(moments.dt.weekday.to_numpy(dtype=int), minlength=7)
    total = max(1, len(moments))
    worked = hours / total >= LEAST_HOUR_SHARE
    present = days / total >= LEAST_DAY_SHARE
    return np.outer(present, worked)


def _weekly(pattern: np.ndarray, since: datetime, window: Window) -> list[tuple[datetime, datetime]]:
    """Spans of presence in the replayed time by a weekly ``pattern`` (weekday x hour, UTC)."""
    first = window.start.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    until = window.moment(window.hours + window.tail_hours)
    days = int((until - first).days) + 2
    week = pattern[(first.weekday() + np.arange(days)) % 7].ravel().astype(int)
    change = np.diff(np.concatenate([[0], week, [0]]))
    spans = zip(np.flatnonzero(change == 1).tolist(), np.flatnonzero(change == -1).tolist(), strict=True)
    moments = [(first + a * _HOUR, first + b * _HOUR) for a, b in spans]
    return [(max(a, since), min(b, until)) for a, b in moments if b > since and a < until]


def _declared(
    desk: Desk, agent_id: str, team: str, since: datetime, window: Window
) -> list[tuple[datetime, datetime]] | None:
    """Presence as ``desk.yaml`` gives it for the agent or the team; ``None`` where it says nothing."""
    own = desk.agents.get(agent_id, AgentHours())
    queue = desk.queues.get(team)
    name = own.calendar or (queue.calendar if queue else None)
    if name is None:
        return None
    calendar: Calendar = desk.calendars[name]
    away = [
        Pause(
            datetime(days.first.year, days.first.month, days.first.day, tzinfo=UTC),
            datetime(days.last.year, days.last.month, days.last.day, tzinfo=UTC) + timedelta(days=1),
        )
        for days in own.away
    ]
    until = window.moment(window.hours + window.tail_hours)
    return list(working_spans(calendar, since, until, away))


def teams(agents: Sequence[Agent]) -> dict[str, list[Agent]]:
    """The agents by team."""
    found: dict[str, list[Agent]] = {}
    for agent in agents:
        found.setdefault(agent.team, []).append(agent)
    return found
