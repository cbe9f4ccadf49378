"""A company nobody has tuned to, whose products come out in the middle of its history; its exports by month.

The simulated company knows all its products from the beginning. Here tickets about some intents are left out
of the exports until a day: before it nobody has heard of those products, after it a part of the demand is
about them.
"""

import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pandas as pd

from features.language import languages_of
from features.schema import Tables
from pipelines.demo_company import write_company
from pipelines.demo_company.clock import DAY, Month, as_datetime, months_before
from pipelines.ingest import ingest
from pipelines.params import DemoCompanyParams

MAPPING = Path("connectors/mappings/demo_company.yaml")
ANSWERED = ("intent", "priority")
"""Fields that agents finally set in their helpdesk, and so answer for."""


@dataclass(frozen=True)
class Plan:
    """Which company, how much of it was there before, and what comes out when."""

    company: DemoCompanyParams
    base_months: int
    released: tuple[str, ...]
    released_at: datetime
    never: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    """Languages (ISO 639-1) that nobody writes in before ``released_at``."""
    every: int = 1
    """One in so many tickets goes through the service; the others only stand in the exports."""

    @property
    def months(self) -> tuple[Month, ...]:
        """The whole history by month."""
        return months_before(self.company.end, self.company.months)

    @property
    def opens(self) -> datetime:
        """When the base is over and the service begins."""
        return as_datetime(self.months[self.base_months].start * DAY)

    @property
    def closes(self) -> datetime:
        """First moment after the history."""
        return as_datetime(self.months[-1].end * DAY)


@dataclass(frozen=True)
class Company:
    """The exports, the same as canonical tables, and what every ticket was really about, by ticket id."""

    plan: Plan
    exports: Path
    tables: Tables
    intents: dict[str, str]

    def words(self) -> pd.DataFrame:
        """What agents finally set: ticket_id, field, value, at, agent_id; in order of time."""
        events = self.tables["ticket_events"]
        by_agents = events[events["actor_kind"] == "agent"].sort_values("known_at", kind="stable")
        parts = []
        for field in ANSWERED:
            last = by_agents[by_agents["kind"] == f"{field}_set"].drop_duplicates("ticket_id", keep="last")
            parts.append(last[last["value"].notna()].assign(field=field))
        said = pd.concat(parts).rename(columns={"known_at": "at", "actor_id": "agent_id"})
        return said[["ticket_id", "field", "value", "at", "agent_id"]].sort_values(
            "at", kind="stable", ignore_index=True
        )

    def deliver(self, raw: Path, until: datetime) -> None:
        """Copy into ``raw`` what was exported by ``until``: whole months, and the lists without a month."""
        finished = {month.name for month in self.plan.months if as_datetime(month.end * DAY) <= until}
        every_month = {month.name for month in self.plan.months}
        for path in sorted(self.exports.glob("*/*")):
            month = path.stem[-7:]
            target = raw / path.relative_to(self.exports)
            if target.exists() or (month in every_month and month not in finished):
                continue
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target)


def found(plan: Plan, folder: Path, say: Callable[[str], None] = lambda line: None) -> Company:
    """Write the company of ``plan`` below ``folder``, without what is not out yet, and read it."""
    exports, truth = folder / "exports", folder / "truth"
    write_company(plan.company, exports, truth)
    lines = (truth / "demo_company.jsonl").read_text(encoding="utf-8").splitlines()
    intents = {row["ticket_id"]: row["intent"] for row in map(json.loads, lines)}
    tickets = list(exports.glob("zendesk/tickets-*.jsonl"))
    unheard = {ticket_id for path in tickets for ticket_id in _unheard(path, plan, intents)}
    for path in tickets:
        _keep(path, "id", unheard)
    for path in exports.glob("zendesk/ticket_events-*.jsonl"):
        _keep(path, "ticket_id", unheard)
    intake = ingest(exports, MAPPING, say)
    tables = {name: table.kept for name, table in intake.tables.items()}
    kept = set(tables["tickets"]["ticket_id"])
    return Company(plan, exports, tables, {i: intent for i, intent in intents.items() if i in kept})


def _unheard(path: Path, plan: Plan, intents: dict[str, str]) -> Iterator[str]:
    """Tickets of the file about products that were not out when it was written."""
    for line in path.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        intent = intents[str(row["id"])]
        early = datetime.fromisoformat(row["created_at"]) < plan.released_at
        if intent in plan.never or (early and (intent in plan.released or _is_foreign(row, plan.languages))):
            yield str(row["id"])


def _is_foreign(row: dict[str, Any], languages: tuple[str, ...]) -> bool:
    return bool(languages) and languages_of([row["description"] or ""])[0][0] in languages


def _keep(path: Path, key: str, unheard: set[str]) -> None:
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    path.write_text("".join(x for x in lines if str(json.loads(x)[key]) not in unheard), encoding="utf-8")
