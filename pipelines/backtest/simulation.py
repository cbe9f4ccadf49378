"""One replay: SimPy runs the desk's people through the recorded arrivals under one policy and one seed.

Every ticket has the same luck under every policy (common random numbers), so that policies differ by nothing
but what they decide.
"""

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import Any

import simpy

from pipelines.backtest.arms import MOST_VISITS, Arm, Life, Luck
from pipelines.backtest.roster import Agent
from pipelines.backtest.waiting import Line, RunningLine, StandingLine, Worth, worth_over_time
from pipelines.backtest.world import Case, World
from policy.routing import AgentState, route

AUTOMATIC_HOURS = 1 / 60
_NOTHING = 1e-9
Events = Generator[simpy.Event, Any, None]


@dataclass
class _Visit:
    """A ticket that waits for somebody. ``since``: when the customer's last words came."""

    place: int
    since: float
    queue: str


class _Shifts:
    """The spans of presence of one person, one after the other."""

    def __init__(self, agent: Agent) -> None:
        self._spans = iter(zip(agent.starts.tolist(), agent.ends.tolist(), strict=True))
        self.start = self.end = -1.0

    def step(self) -> bool:
        """Go on to the next span; whether there is one."""
        span = next(self._spans, None)
        if span is not None:
            self.start, self.end = span
        return span is not None


class Replay:
    """One run of the desk. ``lives`` are filled by ``run``."""

    def __init__(self, world: World, arm: Arm, luck: Luck) -> None:
        self.lives = [Life() for _ in world.cases]
        self._world, self._arm, self._luck = world, arm, luck
        self._env = simpy.Environment()
        running = arm.discipline == "firstline"
        self._lines: dict[str, Line[_Visit]] = {
            team: RunningLine() if running else StandingLine() for team in world.team_agents
        }
        self._idle: dict[str, dict[str, tuple[Agent, simpy.Event]]] = {t: {} for t in world.team_agents}
        self._open: dict[str, int] = {}

    def run(self) -> list[Life]:
        """Everything that happens until the tail of the replayed time is over."""
        self._env.process(self._arrivals())
        for agents in self._world.team_agents.values():
            for agent in agents:
                self._env.process(self._at_work(agent))
        self._env.run(until=self._world.window.hours + self._world.window.tail_hours)
        return self.lives

    def _arrivals(self) -> Events:
        for place, case in enumerate(self._world.cases):
            if case.created_hours > self._env.now:
                yield self._env.timeout(case.created_hours - self._env.now)
            self._arrive(place, case)

    def _arrive(self, place: int, case: Case) -> None:
        life, now = self.lives[place], self._env.now
        held_out = bool(self._luck.held_out[place] < self._arm.hold_out_share)
        life.chosen = self._arm.action(case, held_out)
        queue = case.ruling.queue if self._arm.discipline == "firstline" else case.first_queue
        life.queues.append(queue)
        if life.chosen != "auto_resolve":
            self._wait(_Visit(place, now, queue))
            return
        life.automated = True
        answered = now + AUTOMATIC_HOURS
        life.turns += [(answered, "reply", "model"), (answered, "solved", "model")]
        if self._luck.back[place] < self._automatic_back_rate(place, case):
            self._env.process(self._comes_back(place, answered, queue))

    def _automatic_back_rate(self, place: int, case: Case) -> float:
        params = self._world.params
        understood = case.understood
        if understood is None:
            understood = bool(self._luck.misread[place] < case.ruling.situation.intent_probability)
        self.lives[place].misread = not understood
        if not understood:
            return params.wrong_answer_back_share
        return min(1.0, params.automatic_back_ratio * self._world.rates.back_rate(case.issue))

    def _wait(self, visit: _Visit) -> None:
        """Give the ticket to somebody who is free, or let it wait."""
        case, life = self._world.cases[visit.place], self.lives[visit.place]
        idle = self._idle[visit.queue]
        if idle:
            agent_id = self._taker(visit, case, life, [agent for agent, _ in idle.values()])
            idle.pop(agent_id)[1].succeed(visit)
            return
        level = -case.claimed_level if self._arm.discipline == "reported_priority" else 0
        worth = self._worth(visit, case, life) if self._arm.discipline == "firstline" else None
        self._lines[visit.queue].put(visit, (level, visit.since), worth)

    def _worth(self, visit: _Visit, case: Case, life: Life) -> Worth:
        if not life.turns:
            return self._world.worths[visit.place]
        due, window = case.ruling.due.resolution_due_at, self._world.window
        paused = window.moment(life.paused_hours) - window.start
        return worth_over_time(
            case.ruling.rank,
            case.ruling.situation.created_at,
            None if due is None else due + paused,
            life.paused_hours,
            self._env.now,
            window.start,
        )

    def _taker(self, visit: _Visit, case: Case, life: Life, free: Sequence[Agent]) -> str:
        """Who of several free people: the one who knows the ticket, whom policy picks, or the longest
        free.
        """
        if len(free) == 1:
            return free[0].agent_id
        if any(agent.agent_id == life.agent for agent in free):
            return str(life.agent)
        if self._arm.discipline == "firstline" and visit.queue == case.ruling.queue:
            states = [
                AgentState(
                    agent.agent_id,
                    visit.queue,
                    agent.skills,
                    agent.languages,
                    self._open.get(agent.agent_id, 0),
                    agent.agent_id in case.served_by,
                )
                for agent in free
            ]
            call = route(self._world.desk, case.ruling.situation, case.ruling.escalations, states)
            if call.agent is not None:
                return call.agent
        return free[0].agent_id

    def _at_work(self, agent: Agent) -> Events:
        """A person's days: take who is next, work, go home; unfinished work goes on the next day."""
        env, shifts = self._env, _Shifts(agent)
        while (yield from self._comes_in(shifts)):
            visit = yield from self._next_visit(agent, shifts.end)
            if visit is None:
                continue
            hours, case, life = self._hours(visit), self._world.cases[visit.place], self.lives[visit.place]
            right = visit.queue == case.right_queue
            if right and case.early_answer and not life.visits and not life.back:
                early = hours * self._world.first_answer_share
                yield from self._works(early, shifts)
                life.turns.append((env.now, "reply", "agent"))
                hours -= early
            yield from self._works(hours, shifts)
            self._done(visit, agent)

    def _comes_in(self, shifts: "_Shifts") -> Generator[simpy.Event, Any, bool]:
        """Wait until the person is there; whether they ever are again."""
        while self._env.now >= shifts.end:
            if not shifts.step():
                return False
            if self._env.now < shifts.start:
                yield self._env.timeout(shifts.start - self._env.now)
        return True

    def _works(self, hours: float, shifts: "_Shifts") -> Events:
        """``hours`` of work, with the time between shifts in between."""
        while hours > _NOTHING:
            step = min(hours, max(0.0, shifts.end - self._env.now))
            yield self._env.timeout(step)
            hours -= step
            if hours > _NOTHING and not (yield from self._comes_in(shifts)):
                return

    def _next_visit(self, agent: Agent, end: float) -> Generator[simpy.Event, Any, _Visit | None]:
        """Who is next; ``None`` if nobody came until the end of the shift."""
        line = self._lines[agent.team]
        if len(line):
            return line.take(self._env.now)
        came, idle = self._env.event(), self._idle[agent.team]
        idle[agent.agent_id] = (agent, came)
        yield came | self._env.timeout(end - self._env.now)
        idle.pop(agent.agent_id, None)
        return came.value if came.triggered else None

    def _hours(self, visit: _Visit) -> float:
        """Hands-on hours of this visit; they are counted as spent."""
        case, life = self._world.cases[visit.place], self.lives[visit.place]
        params = self._world.params
        if visit.queue != case.right_queue:
            hours = params.handoff_hours
        else:
            hours = case.effort * self._world.hours_per_effort[visit.queue]
            hours *= float(self._luck.work[visit.place, min(life.visits, MOST_VISITS)])
            if not life.back:
                hours /= case.questions + 1
            if life.chosen == "assist" and not life.visits:
                hours *= 1 - params.draft_saving_share
        life.hands_on_hours += hours
        return hours

    def _done(self, visit: _Visit, agent: Agent) -> None:
        """What follows when somebody has finished with the ticket for now."""
        case, life, now = self._world.cases[visit.place], self.lives[visit.place], self._env.now
        if visit.queue != case.right_queue:
            life.queues.append(case.right_queue)
            self._wait(_Visit(visit.place, visit.since, case.right_queue))
            return
        if life.agent is None:
            self._open[agent.agent_id] = self._open.get(agent.agent_id, 0) + 1
        life.agent = life.agent or agent.agent_id
        life.visits += 1
        life.turns.append((now, "reply", "agent"))
        if not life.back and life.visits <= case.questions:
            self._env.process(self._customer_answers(visit))
            return
        life.turns.append((now, "solved", "agent"))
        self._open[life.agent] = self._open.get(life.agent, 1) - 1
        rate = self._world.rates.back_rate(case.issue)
        if not life.back and self._luck.back[visit.place] < rate:
            self._env.process(self._comes_back(visit.place, now, case.right_queue))

    def _customer_answers(self, visit: _Visit) -> Events:
        life = self.lives[visit.place]
        delay = float(self._luck.delay_hours[visit.place, life.visits])
        yield self._env.timeout(delay)
        life.paused_hours += delay
        life.turns.append((self._env.now, "reply", "customer"))
        self._wait(_Visit(visit.place, self._env.now, visit.queue))

    def _comes_back(self, place: int, solved_hours: float, queue: str) -> Events:
        life = self.lives[place]
        at = solved_hours + float(self._luck.delay_hours[place, MOST_VISITS])
        yield self._env.timeout(at - self._env.now)
        life.back = True
        life.paused_hours += at - solved_hours
        life.turns.append((at, "reopened", "customer"))
        self._wait(_Visit(place, at, queue))
