"""Who takes a ticket: a queue by intent or escalation, an agent by shift, language, skill, history, load."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from policy.calendars import Pause, add_working_time
from policy.desk_schema import WEEKDAYS, AgentHours, Calendar, Desk
from policy.escalation import EscalationCall
from policy.situation import Situation
from policy.wording import sure

_DAY, _INSTANT = timedelta(days=1), timedelta(microseconds=1)


@dataclass(frozen=True)
class AgentState:
    """An agent who could take a ticket now. ``skills`` are intents or product areas."""

    agent_id: str
    team: str
    skills: tuple[str, ...]
    languages: tuple[str, ...]
    open_tickets: int
    served_contact: bool
    """Whether the agent has answered this person before."""


@dataclass(frozen=True)
class RouteCall:
    """Queue and agent, and why in words. No agent: the queue decides."""

    queue: str
    agent: str | None
    reason: str


def route(
    desk: Desk, situation: Situation, escalations: Sequence[EscalationCall], agents: Sequence[AgentState]
) -> RouteCall:
    """Where the ticket goes.

    A regulatory, crisis or technical escalation decides the queue, in this order. An account escalation does
    not: the relationship manager is told, but the team that can solve the problem keeps it. Of the agents
    with room who are there now (or, with nobody there, first), the one with the most points takes it.
    """
    queue, because = _queue(desk, situation, escalations)
    team = [a for a in agents if a.team == queue and a.open_tickets < desk.routing.max_open_tickets]
    if not team:
        return RouteCall(queue, None, f"{because}; nobody there has room, so the queue decides")
    there = {agent.agent_id: there_from(desk, agent, situation.as_of) for agent in team}
    soonest = min(there.values())
    soon = [agent for agent in team if there[agent.agent_id] == soonest]
    best = max(soon, key=lambda agent: (_points(desk, situation, agent), agent.agent_id))
    merits = _merits(desk, situation, best)
    if soonest > situation.as_of:
        merits += f", and is there first, from {soonest:%Y-%m-%d %H:%M} UTC"
    return RouteCall(queue, best.agent_id, f"{because}; {best.agent_id} {merits}")


def there_from(desk: Desk, agent: AgentState, now: datetime) -> datetime:
    """When the agent is there: ``now`` for somebody on shift, else the start of their next one (UTC)."""
    hours = desk.agents.get(agent.agent_id, AgentHours())
    queue = desk.queues.get(agent.team)
    name = hours.calendar or (queue.calendar if queue else None)
    if name is None and not hours.away:
        return now
    day: tuple[tuple[int, int], ...] = ((0, 24 * 60),)
    always = dict.fromkeys(WEEKDAYS, day)
    calendar = desk.calendars[name] if name else Calendar(time_zone="UTC", hours=always)
    zone = ZoneInfo(calendar.time_zone)
    away = [Pause(_midnight(days.first, zone), _midnight(days.last + _DAY, zone)) for days in hours.away]
    return add_working_time(calendar, now, _INSTANT, away) - _INSTANT


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(), tzinfo=zone)


def _queue(desk: Desk, situation: Situation, escalations: Sequence[EscalationCall]) -> tuple[str, str]:
    for kind in ("regulatory", "crisis", "technical"):
        for call in escalations:
            if call.kind == kind:
                return call.queue, f"{call.queue}: {kind} escalation, {call.reason}"
    if situation.intent is None:
        return desk.default_queue, f"{desk.default_queue}: no intent is known"
    if situation.intent not in desk.intents:
        return desk.default_queue, f"{desk.default_queue}: this desk does not list '{situation.intent}'"
    if situation.out_of_scope:
        return desk.default_queue, f"{desk.default_queue}: the request is outside of what this desk knows"
    queue = desk.intents[situation.intent].queue
    return queue, f"{queue}: handles '{situation.intent}' ({sure(situation.intent_probability)})"


def _skilled(desk: Desk, situation: Situation, agent: AgentState) -> bool:
    wanted = {situation.intent, desk.intent_policy(situation.intent).product_area}
    return not wanted.isdisjoint(agent.skills)


def _points(desk: Desk, situation: Situation, agent: AgentState) -> float:
    weights = desk.routing
    return (
        weights.language_points * (situation.language in agent.languages)
        + weights.skill_points * _skilled(desk, situation, agent)
        + weights.history_points * agent.served_contact
        - weights.points_per_open_ticket * agent.open_tickets
    )


def _speaks(language: str, agent: AgentState) -> str:
    if not agent.languages:
        return "has no languages on record"
    return f"{'speaks' if language in agent.languages else 'does not speak'} {language}"


def _merits(desk: Desk, situation: Situation, agent: AgentState) -> str:
    merits = [_speaks(situation.language, agent)]
    if _skilled(desk, situation, agent):
        merits.append("knows the subject")
    if agent.served_contact:
        merits.append("has helped this person before")
    return f"{', '.join(merits)} and has {agent.open_tickets} open tickets"
