"""Routing measured: does a ticket's first queue turn out right, and does its agent fit?

Run on the artifacts of the pipeline, on tickets newer than everything the intent model learnt from. The
right queue is the truth where the company is simulated, else the queue in which agents left the ticket.
Compared with

- a rules table, as helpdesks have them: the product area that the customer chose, else the most telling word
  in the text, else the commonest queue; all three read off the tickets the intent model learnt from;
- what the desk did: the queue in which the ticket started.
"""

import math
import re
from collections import Counter, deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from features.tables import read_table
from pipelines.artifacts import FEATURES, read_frame
from pipelines.evaluate import TABLES_FOLDER, TRUTH_FOLDER
from pipelines.intent import OUT_OF_FOLD
from pipelines.params import load_params
from pipelines.results import Result, record_results
from policy.desk import Desk, load_desk
from policy.escalation import escalations
from policy.routing import AgentState, route
from policy.situation import AccountFacts, Situation

FEWEST_TICKETS_WITH_WORD = 30
LOAD_WINDOW = timedelta(hours=24)
"""Tickets given to an agent within this time count as open when the next is given out."""
_WORD = re.compile(r"[^\W\d_]{3,}")


@dataclass(frozen=True)
class RulesTable:
    """Queues by product area and by word, the most precise word first."""

    by_area: Mapping[str, str]
    by_word: Mapping[str, tuple[float, str]]
    otherwise: str

    def queue(self, area: Any, text: str) -> str:
        """Where a ticket goes by the table."""
        if isinstance(area, str) and area in self.by_area:
            return self.by_area[area]
        known = [self.by_word[word] for word in set(words_of(text)) if word in self.by_word]
        return max(known)[1] if known else self.otherwise


def words_of(text: str) -> list[str]:
    """The words of ``text`` in lower case."""
    return _WORD.findall(text.lower())


def learnt_rules(tickets: pd.DataFrame, queues: pd.Series) -> RulesTable:
    """The rules table of ``tickets`` (product_area, subject, body) whose right ``queues`` are known."""
    told = tickets[queues.notna()]
    right = queues[queues.notna()]
    by_area = {
        str(area): str(group.value_counts().idxmax()) for area, group in right.groupby(told["product_area"])
    }
    seen: dict[str, Counter[str]] = {}
    for text, queue in zip(texts_of(told), right, strict=True):
        for word in set(words_of(text)):
            seen.setdefault(word, Counter())[str(queue)] += 1
    by_word = {}
    for word, counts in seen.items():
        total, (queue, hits) = counts.total(), counts.most_common(1)[0]
        if total >= FEWEST_TICKETS_WITH_WORD:
            by_word[word] = (hits / total, queue)
    return RulesTable(by_area, by_word, str(right.value_counts().idxmax()))


def texts_of(tickets: pd.DataFrame) -> list[str]:
    """Subject and body of each ticket."""
    return [
        f"{s}\n\n{b}" for s, b in zip(tickets["subject"].fillna(""), tickets["body"].fillna(""), strict=True)
    ]


@dataclass
class _Loads:
    """Tickets given to each agent within ``LOAD_WINDOW``."""

    given: deque[tuple[pd.Timestamp, str]] = field(default_factory=deque)
    counts: Counter[str] = field(default_factory=Counter)

    def at(self, moment: pd.Timestamp) -> Counter[str]:
        while self.given and self.given[0][0] < moment - LOAD_WINDOW:
            self.counts[self.given.popleft()[1]] -= 1
        return self.counts

    def give(self, moment: pd.Timestamp, agent: str) -> None:
        self.given.append((moment, agent))
        self.counts[agent] += 1


def routed(desk: Desk, tickets: pd.DataFrame, said: pd.DataFrame, agents: pd.DataFrame) -> pd.DataFrame:
    """``queue`` and ``agent`` that policy gives ``tickets`` (oldest first), by what the model ``said``.

    Loads are those of these assignments; who has served whom before is left out.
    """
    loads, chosen = _Loads(), []
    team = [tuple(row) for row in agents[["agent_id", "team", "skills", "languages"]].itertuples(index=False)]
    for row, model in zip(tickets.to_dict("records"), said.to_dict("records"), strict=True):
        asked = _situation(row, model)
        counts = loads.at(row["created_at"])
        states = [
            AgentState(agent_id, unit, tuple(skills), tuple(languages), counts[agent_id], False)
            for agent_id, unit, skills, languages in team
        ]
        call = route(desk, asked, escalations(desk, asked), states)
        if call.agent is not None:
            loads.give(row["created_at"], call.agent)
        chosen.append((call.queue, call.agent))
    return pd.DataFrame(chosen, columns=["queue", "agent"], index=tickets.index)


def _situation(row: Mapping[Any, Any], said: Mapping[Any, Any]) -> Situation:
    def told(value: Any) -> Any:
        return None if pd.isna(value) else value

    created, account = row["created_at"].to_pydatetime(), told(row["account_id"])
    return Situation(
        ticket_id=str(row["ticket_id"]),
        created_at=created,
        as_of=created,
        channel=str(row["channel"]),
        subject=told(row["subject"]) or "",
        body=told(row["body"]) or "",
        language=told(row["language"]) or "und",
        language_confidence=1.0,
        intent=told(said["intent"]),
        intent_probability=float(said["probability"]),
        out_of_scope=bool(said["out_of_scope"]),
        sentiment="asking",
        frustration=0.0,
        frustration_signals=(),
        priority_level="normal",
        priority_score=0.5,
        account=AccountFacts(str(account)) if account else None,
    )


def first_queues(events: pd.DataFrame) -> pd.DataFrame:
    """By ticket: the queue it started in, the first agent, and how often it changed queue afterwards."""
    ordered = events.sort_values("known_at", kind="stable")
    queues = ordered[ordered["kind"] == "queue_set"].groupby("ticket_id")["value"]
    agents = ordered[ordered["kind"] == "assigned"].groupby("ticket_id")["value"]
    moves = queues.agg(lambda values: int((values != values.shift()).sum()) - 1)
    return pd.DataFrame({"queue": queues.first(), "handoffs": moves}).join(agents.first().rename("agent"))


def compared(
    right: pd.Series, ours: pd.DataFrame, rules: Sequence[str], history: pd.DataFrame, agents: pd.DataFrame
) -> dict[str, Any]:
    """First-assignment accuracy of all three, gain over rules (95 %, paired), handoffs, agents that fit.

    ``right`` and ``ours`` share their index with ``history`` (queue, handoffs, agent, language, intent). A
    wrong first queue is taken to cost as many handoffs as it cost the desk on average.
    """
    hit, by_rules = (
        (ours["queue"] == right).to_numpy(),
        (pd.Series(rules, index=right.index) == right).to_numpy(),
    )
    desk = (history["queue"] == right).to_numpy()
    gain = hit.astype(float) - by_rules
    margin = 1.96 * float(gain.std(ddof=1)) / math.sqrt(len(gain))
    per_wrong = float(history.loc[~desk, "handoffs"].mean()) if (~desk).any() else 0.0
    before = float(history["handoffs"].sum())
    return {
        "tickets": len(right),
        "firstline_accuracy": float(hit.mean()),
        "rules_accuracy": float(by_rules.mean()),
        "desk_accuracy": float(desk.mean()),
        "gain_over_rules": float(gain.mean()),
        "gain_low": float(gain.mean()) - margin,
        "gain_high": float(gain.mean()) + margin,
        "desk_handoffs_per_100": 100 * before / len(right),
        "firstline_handoffs_per_100": 100 * per_wrong * float((~hit).mean()),
        "firstline_agents": _fitting(ours["agent"], history, agents),
        "desk_agents": _fitting(history["agent"], history, agents),
    }


def _fitting(chosen: pd.Series, history: pd.DataFrame, agents: pd.DataFrame) -> dict[str, float]:
    """Share of first agents who speak the customer's language, and who know the intent."""
    known = agents.set_index("agent_id")
    given = chosen.notna() & chosen.isin(known.index)
    languages, skills = (chosen[given].map(known[column]) for column in ("languages", "skills"))
    speaks = [wanted in have for wanted, have in zip(history.loc[given, "language"], languages, strict=True)]
    knows = [wanted in have for wanted, have in zip(history.loc[given, "intent"], skills, strict=True)]
    return {"speaks_language": float(np.mean(speaks)), "knows_subject": float(np.mean(knows))}


def run() -> dict[str, Any]:
    """Measure routing on the artifacts of this project's pipeline."""
    params = load_params()
    desk = load_desk(params.release.desk)
    tickets = read_frame(FEATURES / "tickets.parquet", "features")
    said = tickets[["ticket_id"]].merge(
        read_frame(OUT_OF_FOLD, "intent"), on="ticket_id", validate="one_to_one"
    )
    said.index = tickets.index
    right, intents = _right(tickets, TRUTH_FOLDER / f"{params.ingest.source}.jsonl")
    agents = read_table(TABLES_FOLDER, "agents").drop_duplicates("agent_id", keep="last")
    history = tickets[["ticket_id", "language"]].join(
        first_queues(read_table(TABLES_FOLDER, "ticket_events")), on="ticket_id"
    )
    history["intent"] = intents
    rules = learnt_rules(
        tickets[tickets["split"] == "train"], tickets["queue_label"][tickets["split"] == "train"]
    )
    new = tickets["split"].eq("evaluation") & right.notna() & history["queue"].notna()
    chosen = tickets[new].sort_values("created_at", kind="stable").index
    judged = tickets.loc[chosen]
    by_rules = [
        rules.queue(area, text) for area, text in zip(judged["product_area"], texts_of(judged), strict=True)
    ]
    ours = routed(desk, judged, said.loc[chosen], agents)
    return compared(right[chosen], ours, by_rules, history.loc[chosen], agents)


def _right(tickets: pd.DataFrame, truth_file: Path) -> tuple[pd.Series, pd.Series]:
    """The right queue and intent of each ticket."""
    if not truth_file.exists():
        return tickets["queue_label"], tickets["intent_label"]
    truth = pd.read_json(truth_file, lines=True, dtype={"ticket_id": "str"}, convert_dates=False)
    known = truth.set_index("ticket_id")
    return tickets["ticket_id"].map(known["queue"]), tickets["ticket_id"].map(known["intent"])


def report(found: Mapping[str, Any]) -> str:
    """The figures in words."""
    f, ours, theirs = found, found["firstline_agents"], found["desk_agents"]
    return (
        f"first queue right on {f['tickets']} tickets newer than the model: "
        f"Firstline {f['firstline_accuracy']:.1%}, rules table {f['rules_accuracy']:.1%}, "
        f"the desk so far {f['desk_accuracy']:.1%}\n"
        f"gain over the rules table: {100 * f['gain_over_rules']:.1f} points "
        f"({100 * f['gain_low']:.1f} to {100 * f['gain_high']:.1f})\n"
        f"handoffs per 100 tickets: {f['firstline_handoffs_per_100']:.1f} instead of "
        f"{f['desk_handoffs_per_100']:.1f}\n"
        f"first agent speaks the language: {ours['speaks_language']:.1%} "
        f"(desk {theirs['speaks_language']:.1%}); "
        f"knows the subject: {ours['knows_subject']:.1%} (desk {theirs['knows_subject']:.1%})"
    )


def record(found: Mapping[str, Any]) -> None:
    """Put the gain over the rules table into ``docs/results.json``."""
    points = 100 * found["gain_over_rules"]
    avoided = found["desk_handoffs_per_100"] - found["firstline_handoffs_per_100"]
    rules, desk = found["rules_accuracy"], found["desk_accuracy"]
    record_results(
        [
            Result(
                name="routing.demo.gain_over_rules_points",
                value=round(points, 2),
                unit="points of first-assignment accuracy",
                reference=f"rules table {rules:.3f}, the desk itself {desk:.3f}",
                target=">= 5",
                met=points >= 5,
                command="firstline benchmark routing --record",
                data=f"demo company, {found['tickets']} evaluation tickets, truth queues",
                low=round(100 * found["gain_low"], 2),
                high=round(100 * found["gain_high"], 2),
                note=f"{avoided:.1f} handoffs avoided per 100 tickets.",
            )
        ]
    )
