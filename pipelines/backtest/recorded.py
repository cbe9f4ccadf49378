"""From what the earlier stages left behind to the world of a replay: files at the edge, no model trained."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import pandas as pd

from features.schema import LEVELS, Tables
from features.tables import read_table
from models.churn import ChurnModel
from models.priority import PriorityModel
from models.release import absent_reason
from models.risk import ThresholdEvidence
from pipelines.artifacts import FEATURES, MODELS, read_frame
from pipelines.backtest.history import first_answer_share, lives, relative_effort, waits_for_customers
from pipelines.backtest.outcomes import OutcomeRates, outcome_rates
from pipelines.backtest.proofs import path_proofs
from pipelines.backtest.roster import Window, roster
from pipelines.backtest.rulings import Ruling, churn_risks, ruled, situations, surges_at
from pipelines.backtest.world import Case, World, hours_per_effort, staffed, worths_of
from pipelines.intent import OUT_OF_FOLD, best_labels, read_thresholds
from pipelines.params import BacktestParams
from pipelines.priority import read_priority_features
from policy.desk import Desk

TABLES_FOLDER = Path("artifacts/tables")
TAIL_HOURS = 21 * 24.0
"""Open tickets are worked on so long after the last one came."""
_HOUR = timedelta(hours=1)


class NothingToReplay(ValueError):
    """The history has no tickets newer than what the models learnt from."""


@dataclass(frozen=True)
class History:
    """The pipeline's files as a replay needs them.

    ``tickets``: all of them in order of creation, with features, ``split``, ``intent``, ``probability`` and
    ``out_of_scope`` as predicted out of fold, ``label`` (filed intent) and, for evaluation tickets,
    ``priority_level``, ``priority_score``, ``churn_risk``. ``absent``: missing models and why.
    """

    tickets: pd.DataFrame
    tables: Tables
    thresholds: Mapping[str, ThresholdEvidence]
    absent: Mapping[str, str]


def read_history() -> History:
    """Read the artifacts. Raises ``FileNotFoundError`` saying which stage makes what is missing."""
    tickets = read_priority_features()
    said = read_frame(OUT_OF_FOLD, "intent")[["ticket_id", "probability", "out_of_scope"]]
    tickets = tickets.merge(said, on="ticket_id", how="left", validate="one_to_one")
    tickets = tickets.sort_values(["created_at", "ticket_id"], ignore_index=True)
    tickets["label"] = best_labels(tickets)
    names = ("ticket_events", "agents", "usage")
    tables = {name: read_table(TABLES_FOLDER, name) for name in names}
    members = ("intent", "priority", "churn")
    absent = {name: reason for name in members if (reason := absent_reason(MODELS / name))}
    new = tickets["split"] == "evaluation"
    tickets = tickets.assign(priority_score=np.nan, priority_level=None, churn_risk=np.nan)
    tickets["priority_level"] = tickets["priority_level"].astype("object")
    if new.any() and "priority" not in absent:
        model = PriorityModel.load(MODELS / "priority")
        tickets.loc[new, "priority_score"] = model.score(tickets[new])
        tickets.loc[new, "priority_level"] = model.levels(tickets[new])
    if new.any() and "churn" not in absent:
        snapshots = read_frame(FEATURES / "accounts.parquet", "features")
        recent = snapshots[snapshots["as_of"] >= tickets.loc[new, "created_at"].min() - pd.Timedelta(days=40)]
        risk = ChurnModel.load(MODELS / "churn").predict(recent)
        tickets.loc[new, "churn_risk"] = churn_risks(tickets[new], recent, risk)
    thresholds = read_thresholds() if "intent" not in absent else {}
    return History(tickets, tables, thresholds, absent)


@dataclass(frozen=True)
class Judgements:
    """Rulings on the replayed tickets under one desk, with the desk and thresholds they come from."""

    desk: Desk
    thresholds: Mapping[str, ThresholdEvidence]
    rulings: list[Ruling]


def replayed(history: History, params: BacktestParams) -> pd.DataFrame:
    """The newest evaluation tickets, oldest first. Raises ``NothingToReplay`` without any."""
    new = history.tickets[history.tickets["split"] == "evaluation"].tail(params.most_tickets)
    if new.empty:
        raise NothingToReplay(
            "no ticket is newer than what the models learnt from: a replay of what they learnt would flatter "
            "them; raise split.evaluation_share or bring more history"
        )
    return new


def judge(
    desk: Desk,
    history: History,
    params: BacktestParams,
    thresholds: Mapping[str, ThresholdEvidence] | None = None,
) -> Judgements:
    """What policy says of every replayed ticket as of its creation."""
    thresholds = history.thresholds if thresholds is None else thresholds
    new = replayed(history, params)
    months = pd.date_range(new["created_at"].min(), new["created_at"].max(), freq="MS", normalize=True)
    moments = [new["created_at"].min(), *months[months > new["created_at"].min()]]
    who = history.tickets[["ticket_id", "contact_id", "account_id", "created_at"]]
    proofs = path_proofs(desk, who, history.tables["ticket_events"], history.tables["usage"], moments)
    surges = surges_at(history.tickets, new.index.to_numpy())
    told = situations(new, surges, thresholds, proofs)
    return Judgements(desk, thresholds, [ruled(desk, situation) for situation in told])


def world_of(history: History, judged: Judgements, params: BacktestParams) -> World:
    """The world in which ``judged`` tickets are replayed."""
    desk, new = judged.desk, replayed(history, params)
    events = history.tables["ticket_events"]
    start = new["created_at"].iloc[0]
    window = Window(start.to_pydatetime(), (new["created_at"].iloc[-1] + _HOUR).to_pydatetime(), TAIL_HOURS)
    ever = lives(events)
    older = history.tickets[history.tickets["created_at"] < start]
    older = older[["ticket_id", "created_at"]].assign(intent=older["label"])
    known = lives(events[events["known_at"] < start])
    rates = outcome_rates(older, known, params)
    effort = relative_effort(older, known)
    cases = _cases(desk, new, judged.rulings, ever, effort, older.join(known, on="ticket_id"), window)
    helpers, warm = _helpers(history, new), 24 * params.warm_up_days
    cases = [
        replace(
            case,
            served_by=helpers.get(case.ticket_id, frozenset()),
            counted=case.created_hours >= warm or window.hours <= 2 * warm,
        )
        for case in cases
    ]
    recent = events[events["known_at"] >= start - pd.Timedelta(days=180)]
    people = roster(desk, history.tables["agents"], recent, ever["final_queue"], window)
    team_agents, notes = staffed(desk, cases, people, window, params)
    return World(
        desk=desk,
        window=window,
        cases=cases,
        worths=worths_of(cases, window),
        team_agents=team_agents,
        hours_per_effort=hours_per_effort(cases, team_agents, rates, window, params),
        rates=rates,
        customer_delays=waits_for_customers(events[events["known_at"] < start]),
        first_answer_share=first_answer_share(known) or params.first_answer_share,
        params=params,
        notes=(*notes, *_missing(history, new, ever, people, rates)),
    )


def _cases(
    desk: Desk,
    new: pd.DataFrame,
    rulings: list[Ruling],
    ever: pd.DataFrame,
    effort: pd.Series,
    older: pd.DataFrame,
    window: Window,
) -> list[Case]:
    joined = new.join(ever, on="ticket_id")
    asked_back = older["questions"].fillna(0.0)  # without events, as far as is known, none
    usual = asked_back.groupby(older["intent"]).mean()
    otherwise = float(asked_back.mean()) if len(older) else 0.0
    least = 100 * desk.escalation.valuable_contract_value
    cases = []
    for row, ruling in zip(joined.to_dict("records"), rulings, strict=True):
        label, guess = _word(row["label"]), ruling.situation.intent
        issue, hours = label or guess, (row["created_at"] - pd.Timestamp(window.start)) / _HOUR
        first, last = _word(row["first_queue"]), _word(row["final_queue"])
        value = row["contract_value_cents"]
        questions = row["questions"]
        if pd.isna(row["solved_at"]):
            mean = float(usual.get(issue, otherwise)) if issue else otherwise
            questions = int(mean) + (_chance(row["ticket_id"]) < mean - int(mean))
        claimed = _word(row["requested_priority"])
        cases.append(
            Case(
                ticket_id=str(row["ticket_id"]),
                created_hours=float(hours),
                month=f"{row['created_at']:%Y-%m}",
                issue=issue,
                understood=None if label is None or guess is None else label == guess,
                first_queue=first or ruling.queue,
                right_queue=last or ruling.queue,
                claimed_level=LEVELS.index(claimed) if claimed in LEVELS else LEVELS.index("normal"),
                questions=int(questions),
                early_answer=bool(pd.isna(row["solved_at"]) or row["answers"] > row["questions"] + 1),
                effort=float(effort.get(issue, 1.0)) if issue else 1.0,
                valuable=None if pd.isna(value) else bool(value >= least),
                served_by=frozenset(),
                ruling=ruling,
            )
        )
    return cases


def _helpers(history: History, new: pd.DataFrame) -> dict[str, frozenset[str]]:
    """By ticket, the agents who had answered the same person before it came, as known then."""
    events = history.tables["ticket_events"]
    answers = events[(events["kind"] == "reply") & (events["actor_kind"] == "agent")]
    answers = answers[["ticket_id", "known_at", "actor_id"]].dropna()
    people = history.tickets[["ticket_id", "contact_id"]].dropna()
    people = people[people["contact_id"].isin(new["contact_id"].dropna())]
    first = answers.merge(people, on="ticket_id").groupby(["contact_id", "actor_id"])["known_at"].min()
    asked = new[["ticket_id", "contact_id", "created_at"]].merge(first.reset_index(), on="contact_id")
    before = asked[asked["known_at"] < asked["created_at"]]
    return {str(ticket): frozenset(rows) for ticket, rows in before.groupby("ticket_id")["actor_id"]}


def _missing(
    history: History, new: pd.DataFrame, ever: pd.DataFrame, people: Sequence[object], rates: OutcomeRates
) -> list[str]:
    notes = [f"no {name} model: {reason}" for name, reason in history.absent.items()]
    if new["contract_value_cents"].isna().all():
        notes.append("no contract values: nothing is said about valuable accounts")
    if new["plan"].isna().all():
        notes.append("no plans: every customer is promised what the desk's default plan says, if anything")
    if ever["first_queue"].isna().all():
        notes.append("no queues recorded: every ticket is taken to start and end where Firstline routes it")
    if not people:
        notes.append("no agent is on record: the number of people is assumed")
    elif history.tables["agents"].empty:
        notes.append("no table of agents: teams are read off tickets; skills and languages are unknown")
    if rates.satisfaction.source == "assumed":
        notes.append("too few ratings: the effects of waiting and of handoffs are assumed")
    if new["label"].isna().all():
        notes.append("nobody filed intents: the model's own probability says how often it understood")
    return notes


def _word(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def _chance(ticket_id: str) -> float:
    """A number between 0 and 1 that is always the same for a ticket."""
    return int.from_bytes(hashlib.sha256(ticket_id.encode()).digest()[:6], "big") / 2**48
