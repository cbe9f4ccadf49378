"""Half a year in minutes: the real service, store, monitor, `dvc repro` and promotion, and a product release.

A company of another seed trains on its first six months. The next six are driven week by week: tickets over
HTTP, each as of its own moment; what its agents finally filed comes back as feedback; the month's exports
arrive; then `firstline tick`. In March new products come out and a fifth of the demand is about them.
"""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Protocol

import yaml

from features.schema import typed
from pipelines.drills.bad_releases import flipped_labels
from pipelines.drills.half_year_company import Company, Plan, found
from pipelines.drills.workspace import project_clone, run_in
from pipelines.params import DemoCompanyParams
from pipelines.promote import CHAMPION
from pipelines.results import Result
from pipelines.retrain import read_record
from pipelines.service_process import running_service
from serving.decision import Decision
from serving.settings import Settings
from serving.store import Store, open_store

COMMAND = "firstline drill --only half_year"
WEEK = timedelta(days=7)
PLAN = Plan(
    DemoCompanyParams(seed=91, accounts=700, months=12, tickets=14_400, end=date(2026, 7, 1)),
    base_months=6,
    released=(
        "webhook_not_firing",
        "crm_sync_broken",
        "calendar_sync_broken",
        "api_rate_limit",
        "mobile_app_crash",
        "workflow_builder_help",
        "dashboard_how_to",
    ),
    released_at=datetime(2026, 3, 1, tzinfo=UTC),
    never=("ai_summary_wrong",),
    every=2,
)
SETTINGS: dict[str, dict[str, Any]] = {
    "intent": {"trials": 2, "blocks": 3, "encoder": "none", "min_examples": 10},
    "sentiment": {"trials": 1},
    "priority": {"trials": 1},
    "churn": {"trials": 1},
    "split": {"calibration_share": 0.10, "evaluation_share": 0.06},
    "loop": {"promotion": "automatic", "cool_down_days": 21, "probation_days": 21},
}
"""Quick models, a small test set so that new labels are learnt from early, and a loop that acts by itself."""
TROUBLE_BEGINS = datetime(2026, 6, 4, tzinfo=UTC)
"""When somebody pushes out a release that was trained on flipped labels."""
SENT = (
    "ticket_id",
    "channel",
    "subject",
    "body",
    "account_id",
    "contact_id",
    "language",
    "requested_priority",
)
CONTEXT_TABLES = ("accounts", "contacts", "usage", "tickets", "ticket_events")


class Line(Protocol):
    """What the drill needs of a service: ``serving.client.FirstlineClient`` over HTTP, or the desk itself."""

    def triage(self, request: dict[str, Any]) -> Decision:
        """The decision about one ticket."""

    @property
    def feedback(self) -> Callable[..., str]:
        """Tell what a person thinks of a decision, as ``FirstlineClient.feedback`` does."""


@dataclass
class Replay:
    """A desk driven through its history: what was decided, what was seen, what was done."""

    company: Company
    line: Line
    store: Store
    state: Path
    raw: Path
    tick: Callable[[datetime], None]
    decided: dict[str, Decision] = field(default_factory=dict)
    timeline: list[str] = field(default_factory=list)
    verdicts: list[tuple[datetime, str]] = field(default_factory=list)
    champions: list[tuple[datetime, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._words = self.company.words()
        self._retraining = ""

    def run(self, start: datetime, end: datetime) -> None:
        """Drive from ``start`` to ``end``, a week at a time."""
        while start < end:
            self.week(start, min(start + WEEK, end))
            start += WEEK

    def week(self, start: datetime, end: datetime) -> None:
        """One week: context, tickets, what agents said, exports that are due, and the clock."""
        tables = self.company.tables
        for name in CONTEXT_TABLES:
            rows = tables[name]
            self.store.append(name, typed(name, rows[(rows["known_at"] >= start) & (rows["known_at"] < end)]))
        tickets = tables["tickets"]
        new = tickets[(tickets["created_at"] >= start) & (tickets["created_at"] < end)]
        for row in new.sort_values("created_at").iloc[:: self.company.plan.every].to_dict("records"):
            self.decided[str(row["ticket_id"])] = self.line.triage(as_request(row))
        self._answer(end)
        self.company.deliver(self.raw, end)
        self.tick(end)
        self._observe(end)

    def _answer(self, until: datetime) -> None:
        """Agents' final words that are known by now, each once."""
        due = self._words["at"] < until
        for word in self._words[due].to_dict("records"):
            decision = self.decided.get(word["ticket_id"])
            if decision is None:
                continue
            field = word["field"]
            was = decision.intent.name if field == "intent" else decision.priority.level
            said: dict[str, Any] = {"verdict": "approve"}
            if was != word["value"]:
                said = {"verdict": "override", "value": word["value"], "reason": "as finally filed"}
            self.line.feedback(
                decision_id=decision.decision_id,
                agent_id=word["agent_id"],
                field=field,
                as_of=word["at"].to_pydatetime(),
                key=f"{word['ticket_id']}:{field}",
                **said,
            )
        self._words = self._words[~due]

    def _observe(self, at: datetime) -> None:
        """Note what the clock changed: verdict, retraining, champion."""
        last = json.loads(self.store.mark("monitor.verdict") or '{"state": "none", "reason": "no monitor"}')
        if not self.verdicts or self.verdicts[-1][1] != last["state"]:
            self.note(at, f"verdict {last['state']}: {last['reason']}")
        self.verdicts.append((at, last["state"]))
        record = read_record(self.store, self.state)
        if record is not None and record.line != self._retraining:
            self._retraining = record.line
            self.note(at, f"retraining {record.line}")
        self.watch_champion(at)

    def watch_champion(self, at: datetime) -> None:
        """Note a new champion."""
        champion = self.store.pointer(CHAMPION) or "none"
        if not self.champions or self.champions[-1][1] != champion:
            self.champions.append((at, champion))
            reason = self.store.pointer_history(CHAMPION)[-1].reason
            self.note(at, f"champion {champion}: {reason[:150]}")

    def note(self, at: datetime, what: str) -> None:
        """Add a line to the timeline and print it."""
        self.timeline.append(f"{at:%Y-%m-%d} {what}")
        print(f"   {self.timeline[-1]}", flush=True)

    def accuracy(self, start: datetime, end: datetime) -> tuple[float, int]:
        """Share of decisions from ``start`` to ``end`` that named the true intent, and how many they were."""
        right = [
            decision.intent.name == self.company.intents[ticket_id]
            for ticket_id, decision in self.decided.items()
            if start <= decision.at < end
        ]
        return (sum(right) / len(right) if right else float("nan")), len(right)


def as_request(ticket: dict[Any, Any]) -> dict[str, Any]:
    """The body of `POST /triage` for a canonical ticket, as of the moment it was written."""
    moment = ticket["created_at"].isoformat()
    told = {name: ticket[name] for name in SENT if isinstance(ticket[name], str)}
    return told | {"created_at": moment, "as_of": moment}


def prepare(project: Path, company: Company, settings: dict[str, dict[str, Any]]) -> Path:
    """Parameters and the first exports in the clone ``project``; returns its raw folder."""
    path = project / "params.yaml"
    params = yaml.safe_load(path.read_text(encoding="utf-8"))
    for section, changes in settings.items():
        params[section].update(changes)
    path.write_text(yaml.safe_dump(params), encoding="utf-8")
    raw = project / "data" / params["ingest"]["source"]
    company.deliver(raw, company.plan.opens)
    return raw


def measure() -> list[Result]:
    """The half-year in a clone of the project. Raises ``RuntimeError`` where a command fails."""
    started = time.monotonic()
    with project_clone() as project, TemporaryDirectory(prefix="firstline-half-year-") as folder:
        company = found(PLAN, Path(folder))
        raw, opens = prepare(project, company, SETTINGS), PLAN.opens.isoformat()
        run_in(project, "dvc", "add", "--quiet", "data")
        run_in(project, "dvc", "repro", "--quiet")
        run_in(project, "firstline", "promote", "--as-of", opens)
        run_in(project, "firstline", "backfill")
        settings = Settings(
            state=project / "state", desk=project / "policy" / "desk.yaml", pointer_check_seconds=0.2
        )
        log = project / "state" / "drill.log"
        store = open_store(settings)
        try:
            with running_service(settings, log) as service:

                def tick(at: datetime) -> None:
                    run_in(project, "firstline", "tick", "--as-of", at.isoformat())
                    time.sleep(3 * settings.pointer_check_seconds)

                replay = Replay(company, service.client, store, settings.state, raw, tick)
                replay.watch_champion(PLAN.opens)
                replay.run(PLAN.opens, TROUBLE_BEGINS)
                stopped, rolled_back = _trouble(project, replay)
        finally:
            store.close()
    return figures(replay, stopped, rolled_back, time.monotonic() - started)


def _trouble(project: Path, replay: Replay) -> tuple[bool, bool]:
    """A challenger with flipped labels: the gates stop it; pushed out all the same, it is taken back."""
    at, good = TROUBLE_BEGINS, replay.store.pointer(CHAMPION)
    flipped_labels(project)
    try:
        run_in(project, "firstline", "promote", "--as-of", at.isoformat())
    except RuntimeError:
        replay.note(at, "a challenger trained on flipped labels was stopped by the gates")
    stopped = replay.store.pointer(CHAMPION) == good
    why = "a drill: somebody is sure that it is better"
    run_in(project, "firstline", "promote", "--as-of", at.isoformat(), "--without-gates", why)
    replay.watch_champion(at)
    time.sleep(1)
    replay.run(at, min(at + 3 * WEEK, PLAN.closes))
    return stopped, replay.store.pointer(CHAMPION) == good


def figures(replay: Replay, stopped: bool, rolled_back: bool, seconds: float) -> list[Result]:
    """What the half-year showed, by the simulator's truth."""
    plan = replay.company.plan
    alarms = [at for at, verdict in replay.verdicts if verdict == "RETRAIN"]
    false = sum(at <= plan.released_at for at in alarms)
    found_at = next((at for at in alarms if at > plan.released_at), TROUBLE_BEGINS)
    cured_at = max((at for at, _ in replay.champions if at < TROUBLE_BEGINS), default=plan.opens)
    before, n_before = replay.accuracy(plan.opens, plan.released_at)
    during, n_during = replay.accuracy(plan.released_at, max(cured_at, found_at))
    after, n_after = replay.accuracy(cured_at, TROUBLE_BEGINS)
    cured = cured_at > plan.released_at
    gap = 100 * (before - (after if cured else during))
    story = (
        f"intent accuracy by the truth: {before:.3f} before ({n_before}), {during:.3f} while the new "
        f"products were unknown ({n_during}), {after:.3f} after the last promotion on {cured_at:%Y-%m-%d} "
        f"({n_after}); "
        f"one in {plan.every} tickets of a company of seed {plan.company.seed} went through the service; "
        f"{seconds / 60:.0f} minutes in all on a shared machine"
    )
    days = (found_at - plan.released_at).total_seconds() / 86_400
    return [
        _result("loop.recovered_gap_points", gap, "points", "<= 2", cured and gap <= 2, story),
        _result("loop.half_year.detection_days", days, "days", "", None, "looked at once a week"),
        _result("loop.half_year.alarms_before_the_shift", false, "weeks", "0", false == 0, ""),
        _result("loop.half_year.flipped_challenger_stopped", float(stopped), "", "1", stopped, ""),
        _result("loop.half_year.bad_release_rolled_back", float(rolled_back), "", "1", rolled_back, ""),
    ]


def _result(name: str, value: float, unit: str, target: str, met: bool | None, note: str) -> Result:
    data = f"demo company, seed {PLAN.company.seed}, {PLAN.company.tickets:,} tickets"
    return Result(name, round(value, 2), unit, "simulator's truth", target, met, COMMAND, data, note)
