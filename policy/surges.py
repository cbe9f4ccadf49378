"""The same issue across customers: when so many accounts report one topic that it is an incident.

Each topic is compared with its own past. Expected accounts follow a gamma-Poisson rate over the last
``baseline_days``, spread over the hours of the week as all reports are; a new report asks over several
windows how probable so many accounts were (negative binomial upper tail; scan statistics, Naus 1965,
Kulldorff 2001). The level is what yields ``false_alarms_per_month`` if every report asks every window, so it
needs no tuning to the size of a desk. Accounts are counted, not tickets: one loud customer is no outage.
Everything is as of the report: nothing later is looked at.

A report that names a product area is asked of that part of its topic first, then of the whole topic; it
belongs to one incident at most, the wider one where that is open.
"""

import math
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Literal

HOUR = 3600.0
DAY = 24 * HOUR
_WEEK_HOURS = 168
_SMOOTHING = 5.0
"""Reports added to every hour of the week, so that a quiet Sunday is not thought impossible."""


@dataclass(frozen=True)
class SurgeRules:
    """What counts as a surge."""

    false_alarms_per_month: float = 0.2
    least_accounts: int = 4
    windows_hours: tuple[float, ...] = (1.0, 3.0, 8.0, 24.0)
    baseline_days: float = 56.0
    least_history_days: float = 14.0
    """Nothing is an incident before so much history of the desk is known."""
    steadiness: float = 8.0
    """Most that a rate is trusted to stay the same: shape of the gamma distribution of rates."""
    closes_after_hours: float = 12.0
    """An incident ends when nobody new reported it for so long."""


@dataclass(frozen=True)
class Report:
    """One ticket about one topic. ``at``: seconds since 1970 (UTC)."""

    at: float
    topic: str
    account: str
    ticket_id: str
    area: str | None = None
    """The product area that the customer chose."""

    @property
    def part(self) -> str | None:
        """The part of the topic that it is about, ``None`` where it is not told."""
        return None if self.area is None else part_of(self.topic, self.area)


def part_of(topic: str, area: str) -> str:
    """The topic of reports about ``topic`` in one product area."""
    return f"{topic} × {area}"


@dataclass
class Incident:
    """One incident as far as it is known: a draft that a person confirms."""

    topic: str
    opened_at: float
    evidence: str
    ticket_ids: list[str]
    accounts: set[str]
    last_at: float
    closed_at: float | None = None


@dataclass(frozen=True)
class Change:
    """What a report did: opened an incident (tell people, once) or was attached to an open one."""

    kind: Literal["opened", "attached"]
    incident: Incident


@dataclass
class _Topic:
    recent: deque[Report] = field(default_factory=deque)
    """The reports of the last day."""
    usual: deque[float] = field(default_factory=deque)
    """When an account first reported it that day, older than a day, outside incidents."""
    incident: Incident | None = None


class SurgeWatch:
    """Reads reports in the order in which they came in and keeps the incidents."""

    def __init__(self, rules: SurgeRules | None = None) -> None:
        self.rules = rules or SurgeRules()
        self.incidents: list[Incident] = []
        self._topics: dict[str, _Topic] = {}
        self._open: list[_Topic] = []
        self._by_hour = [0] * _WEEK_HOURS
        self._month: deque[tuple[float, int]] = deque()
        """When each report of 30 days came in, and of how many topics it was asked."""
        self._asked = 0
        self._first_at: float | None = None
        self._last_at = -math.inf

    def read(self, report: Report) -> Change | None:
        """What ``report`` changes, if anything.

        Raises ``ValueError`` if it is older than one read before.
        """
        if report.at < self._last_at:
            raise ValueError(
                f"ticket {report.ticket_id} came in before the last one read: sort reports by time"
            )
        self._last_at = report.at
        self._first_at = report.at if self._first_at is None else self._first_at
        self.close_quiet(report.at)
        whole = self._topics.setdefault(report.topic, _Topic())
        change, asked = None, 0
        if report.part is not None and whole.incident is None:
            change, asked = self._heard(report.part, report), 1
        if change is None:
            change, asked = self._heard(report.topic, report), asked + 1
        self._by_hour[_hour_of_week(report.at)] += 1
        self._month.append((report.at, asked))
        self._asked += asked
        while self._month[0][0] < report.at - 30 * DAY:
            self._asked -= self._month.popleft()[1]
        return change

    def _heard(self, name: str, report: Report) -> Change | None:
        topic = self._topics.setdefault(name, _Topic())
        self._age(topic, report.at)
        topic.recent.append(report)
        if topic.incident is not None:
            return self._attached(topic.incident, report)
        return self._opened(topic, name, report)

    def close_quiet(self, at: float) -> list[Incident]:
        """Close and return the incidents that nobody new has reported for long enough."""
        closed = []
        for topic in list(self._open):
            incident = topic.incident
            assert incident is not None
            if at - incident.last_at >= self.rules.closes_after_hours * HOUR:
                self._open.remove(topic)
                incident.closed_at = incident.last_at + self.rules.closes_after_hours * HOUR
                topic.incident = None
                topic.recent.clear()
                closed.append(incident)
        return closed

    def _attached(self, incident: Incident, report: Report) -> Change:
        if report.account not in incident.accounts:
            incident.last_at = report.at
        incident.accounts.add(report.account)
        incident.ticket_ids.append(report.ticket_id)
        return Change("attached", incident)

    def _opened(self, topic: _Topic, name: str, report: Report) -> Change | None:
        assert self._first_at is not None
        if report.at - self._first_at < self.rules.least_history_days * DAY:
            return None
        level = self.rules.false_alarms_per_month / max(self._asked * len(self.rules.windows_hours), 1)
        for hours in self.rules.windows_hours:
            inside = [r for r in topic.recent if r.at > report.at - hours * HOUR]
            accounts = {r.account for r in inside}
            if len(accounts) < self.rules.least_accounts:
                continue
            shape, expected = self._expected(topic, report.at, hours)
            chance = upper_tail(len(accounts), shape, expected)
            if chance < level:
                evidence = (
                    f"{len(accounts)} accounts within {hours:g} h, {expected:.2f} expected "
                    f"(chance {chance:.1e}, level {level:.1e})"
                )
                ids = [r.ticket_id for r in inside]
                topic.incident = Incident(name, report.at, evidence, ids, accounts, report.at)
                self.incidents.append(topic.incident)
                self._open.append(topic)
                return Change("opened", topic.incident)
        return None

    def _expected(self, topic: _Topic, at: float, hours: float) -> tuple[float, float]:
        """(shape, mean) of the accounts that the last ``hours`` would usually bring."""
        assert self._first_at is not None
        days = min(at - DAY - self._first_at, self.rules.baseline_days * DAY) / DAY
        prior_shape = 0.5
        usual_topic = len(self._month) / 30 / max(len(self._topics), 1)
        rate = (len(topic.usual) + prior_shape) / (days + prior_shape / max(usual_topic, 1e-6))
        share = self._share_of_week(at, hours)
        return min(len(topic.usual) + prior_shape, self.rules.steadiness), rate * 7 * share

    def _share_of_week(self, at: float, hours: float) -> float:
        """The part of a week's reports that falls into the ``hours`` before ``at``, from the past."""
        total = sum(self._by_hour) + _SMOOTHING * _WEEK_HOURS
        begun, share = at - hours * HOUR, 0.0
        while begun < at:
            until = min((math.floor(begun / HOUR) + 1) * HOUR, at)
            share += (self._by_hour[_hour_of_week(begun)] + _SMOOTHING) / total * (until - begun) / HOUR
            begun = until
        return share

    def _age(self, topic: _Topic, at: float) -> None:
        while topic.recent and topic.recent[0].at <= at - DAY:
            old = topic.recent.popleft()
            again = any(r.account == old.account for r in topic.recent)
            if not again and (topic.incident is None or old.ticket_id not in topic.incident.ticket_ids):
                topic.usual.append(old.at)
        while topic.usual and topic.usual[0] < at - (self.rules.baseline_days + 1) * DAY:
            topic.usual.popleft()


def upper_tail(at_least: int, shape: float, mean: float) -> float:
    """P(X >= ``at_least``) of a negative binomial with this mean and gamma shape."""
    if mean <= 0:
        return 0.0 if at_least > 0 else 1.0
    success = shape / (shape + mean)
    term = math.exp(shape * math.log(success))
    below = 0.0
    for n in range(at_least):
        below += term
        term *= (shape + n) / (n + 1) * (1 - success)
    if below < 1 - 1e-9:
        return 1 - below
    tail, n = 0.0, at_least
    while term > tail * 1e-12 and term > 0:
        tail += term
        term *= (shape + n) / (n + 1) * (1 - success)
        n += 1
    return tail


def _hour_of_week(at: float) -> int:
    """0 for the hour after midnight (UTC) between Wednesday and Thursday, when the count of seconds began."""
    return int(at // HOUR) % _WEEK_HOURS


def watch(reports: Iterable[Report], rules: SurgeRules | None = None) -> Sequence[Incident]:
    """The incidents in ``reports``, which come in the order of time."""
    surges = SurgeWatch(rules)
    for report in reports:
        surges.read(report)
    return surges.incidents
