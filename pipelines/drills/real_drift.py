"""Real tickets replayed week by week: with the loop closed, and with the first release for ever.

A release learns from what was known when the replay opens. Then every week its tickets are decided, agents'
final words come back when they were known, the monitor looks, and what its verdict asks for is done: a
retraining on everything known by then, the gates of ``firstline promote``, promotion or rollback. Models,
splits, gates, detector and every limit are those that serve; intents alone are looked at, and inputs are not
compared (drift alone retrains nobody).
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple, Protocol

import numpy as np
import pandas as pd

from models.encoded import EncodedTickets, encode_tickets
from models.encoders import NgramEncoder
from models.intent_training import NothingToLearnError
from pipelines.challenge import Answering, answering_gates, megabytes_of
from pipelines.drills.real_stream import Stream
from pipelines.evaluation import automation_report, intent_report, may_automate
from pipelines.gates import Gate, quality_gates
from pipelines.intent import best_labels, sentences_for, train_encoded
from pipelines.params import IntentParams, Params

WEEK = timedelta(days=7)
DECIDED_COLUMNS = ("intent", "probability", "action")


@dataclass(frozen=True)
class Served:
    """A release of intents: what it answers with, what it got wrong at evaluation, since when it serves.

    ``learnt``: labelled tickets that it learnt from.
    """

    name: str
    answering: Answering
    expected_errors: dict[str, float]
    learnt: int
    since: datetime

    def decide(self, tickets: pd.DataFrame) -> pd.DataFrame:
        """``DECIDED_COLUMNS`` for each ticket, under its index."""
        said = self.answering.intent.predict(tickets)
        told = pd.DataFrame(
            {
                "language": tickets["language"],
                "intent": pd.Series([one.intent for one in said], index=tickets.index, dtype="str"),
                "probability": [float(one.probability) for one in said],
                "out_of_scope": [one.out_of_scope for one in said],
            },
            index=tickets.index,
        )
        automated = may_automate(told, self.answering.thresholds)
        action = np.where(automated, "auto_resolve", "assist")
        return told.assign(action=action)[list(DECIDED_COLUMNS)]


class Desk(NamedTuple):
    """What a monitor sees: everything decided and said so far, what serves, and when it was last retrained.

    ``decisions`` and ``feedback`` have the columns of the store's tables of these names. ``instead``: by
    ``decision_id``, the ``intent`` that the release before the one that decided would have named.
    """

    decisions: pd.DataFrame
    feedback: pd.DataFrame
    champion: Served
    last_good: str | None
    retrained_at: datetime | None
    instead: pd.DataFrame


class Look(NamedTuple):
    """A verdict (state, cause, reason) and the step that it leads to: nothing, retrain or roll back."""

    state: str
    cause: str
    reason: str
    step: str


class Monitor(Protocol):
    """The monitor and what the clock makes of its verdict, asked again and again of one desk."""

    def __call__(self, now: datetime, desk: Desk) -> Look:
        """The verdict as of ``now``, after hysteresis, and the step it leads to."""


class Week(NamedTuple):
    """One week: labelled tickets decided in it, how many were right with and without the loop, the verdict.

    ``unheard``: those of them whose label the first release never learnt. ``done``: what was done at its end.
    """

    start: datetime
    labelled: int
    right_on: int
    right_off: int
    unheard: int
    state: str
    cause: str
    done: str


@dataclass
class Replayed:
    """A whole replay: weeks, its timeline in words, and the labelled tickets judged one by one.

    ``judged``: created_at, label, right_on, right_off. ``opens``: when the first release began to serve.
    """

    name: str
    opens: datetime
    first: Served
    weeks: list[Week] = field(default_factory=list)
    timeline: list[tuple[datetime, str]] = field(default_factory=list)
    judged: pd.DataFrame = field(default_factory=pd.DataFrame)
    retrained: int = 0
    promoted: int = 0


class Words:
    """The words of a whole stream, encoded once: they do not change with who learns from them."""

    def __init__(self, tickets: pd.DataFrame, params: IntentParams) -> None:
        self.sentences, self.lacking = sentences_for(params)
        self._encoded = encode_tickets(tickets, NgramEncoder(), self.sentences)
        self._rows = pd.Series(np.arange(len(tickets)), index=tickets["ticket_id"])

    def of(self, tickets: pd.DataFrame) -> EncodedTickets:
        """Those of ``tickets``, row by row."""
        return self._encoded.take(self._rows[tickets["ticket_id"]].to_numpy())


def learn(
    tickets: pd.DataFrame, words: Words, now: datetime, params: Params, name: str, folder: Path
) -> tuple[Served, list[Gate]]:
    """A release trained on ``tickets`` as known at ``now``, and the gates it meets by itself.

    Raises ``NothingToLearnError``.
    """
    new = tickets["split"] == "evaluation"
    tickets = tickets[new | best_labels(tickets).notna()].reset_index(drop=True)
    trained = train_encoded(tickets, words.of(tickets), params, words.sentences, words.lacking)
    trained.model.save(folder / name)
    new = tickets["split"] == "evaluation"
    said = trained.predictions.set_axis(tickets.index)[new].assign(language=tickets["language"])
    agents = tickets.loc[new, "intent_label"]
    known = best_labels(tickets)[~new].dropna()
    report = intent_report(said, agents, str(known.value_counts().idxmax()))
    automated = automation_report(said, agents, trained.thresholds, params.risk.confidence)["precision"]
    errors = {"intent": 1 - report["accuracy"]} if "accuracy" in report else {}
    errors |= {} if automated is None else {"automated": 1 - automated}
    answering = Answering(trained.model, trained.thresholds, megabytes_of(folder / name))
    return Served(name, answering, errors, len(known), now), quality_gates({"intent": {"agents": report}})


def predecessor(last_good: Served, champion: Served) -> str | None:
    """The release that ``champion`` followed; ``None`` where it was rolled back to, or is the first."""
    return None if last_good.name == champion.name else last_good.name


def replay(
    stream: Stream,
    opens: datetime,
    params: Params,
    monitor: Monitor,
    say: Callable[[str], None] = print,
) -> Replayed:
    """Replay ``stream`` from ``opens`` to its last ticket.

    Raises ``RuntimeError`` where nothing can be learnt of what came before ``opens``.
    """
    with TemporaryDirectory(prefix="firstline-replay-") as folder:
        return _Replaying(stream, opens, params, monitor, say, Path(folder)).run()


class _Replaying:
    """The moving parts of one replay."""

    def __init__(
        self,
        stream: Stream,
        opens: datetime,
        params: Params,
        monitor: Monitor,
        say: Callable[[str], None],
        folder: Path,
    ) -> None:
        self.stream, self.params, self.monitor, self.say, self.folder = stream, params, monitor, say, folder
        try:
            self.words = Words(stream.tickets, params.intent)
            known = stream.known(opens, params.split)
            first, _ = learn(known, self.words, opens, params, "first", folder)
        except (NothingToLearnError, ValueError) as error:
            raise RuntimeError(f"nothing to begin with before {opens:%Y-%m-%d}: {error}") from error
        self.champion, self.last_good = first, first
        self.retrained_at: datetime | None = None
        self.told = Replayed(stream.name, opens, first)
        self.decided: list[pd.DataFrame] = []
        self.instead: list[pd.DataFrame] = []
        self.spoken: list[pd.DataFrame] = []
        self.waiting = pd.DataFrame()

    def run(self) -> Replayed:
        """All weeks; the last one may be short."""
        last = self.stream.tickets["created_at"].iloc[-1]
        start = self.told.opens
        self._note(start, f"first release: {self._size(self.champion)}")
        judged = []
        while start <= last:
            end = start + WEEK
            week = self._decide(start, end)
            judged.append(week)
            look = self.monitor(end, self._answered(end))
            done = self._act(end, look)
            self._keep(start, week, look, done)
            start = end
        self.told.judged = pd.concat(judged, ignore_index=True)
        return self.told

    def _decide(self, start: datetime, end: datetime) -> pd.DataFrame:
        """Decide the week's tickets by the champion and by the first release; the labelled ones, judged."""
        created = self.stream.tickets["created_at"]
        tickets = self.stream.tickets[(created >= start) & (created < end)].reset_index(drop=True)
        if tickets.empty:
            return pd.DataFrame({"created_at": [], "label": [], "right_on": [], "right_off": []})
        said = self.champion.decide(tickets)
        decided = tickets[["ticket_id", "created_at"]].join(said)
        label = decided["ticket_id"].map(self.stream.words["value"])
        off = said if self.champion is self.told.first else self.told.first.decide(tickets)
        if predecessor(self.last_good, self.champion) is not None:
            theirs = off if self.last_good is self.told.first else self.last_good.decide(tickets)
            self.instead.append(theirs[["intent"]].set_axis("d-" + tickets["ticket_id"].astype("str")))
        self.decided.append(_as_decisions(decided, self.champion.name))
        self.waiting = pd.concat([self.waiting, _as_feedback(decided, self.stream.words)], ignore_index=True)
        judged = pd.DataFrame(
            {
                "created_at": decided["created_at"],
                "label": label,
                "right_on": decided["intent"] == label,
                "right_off": off["intent"] == label,
            }
        )
        return judged[label.notna()]

    def _answered(self, now: datetime) -> Desk:
        """The desk after what agents' final words, known by ``now``, came back."""
        if len(self.waiting):
            due = self.waiting["at"] < now
            self.spoken.append(self.waiting[due])
            self.waiting = self.waiting[~due]
        decisions = pd.concat(self.decided, ignore_index=True) if self.decided else _as_decisions(None, "")
        feedback = pd.concat(self.spoken, ignore_index=True) if self.spoken else _as_feedback(None, None)
        before = predecessor(self.last_good, self.champion)
        instead = pd.concat(self.instead) if self.instead else pd.DataFrame({"intent": []}, dtype="str")
        return Desk(decisions, feedback, self.champion, before, self.retrained_at, instead)

    def _act(self, now: datetime, look: Look) -> str:
        if look.step == "roll back":
            self.champion = replace(self.last_good, since=now)
            return self._note(now, f"rolled back to {self.champion.name}: {look.reason}")
        if look.step != "retrain":
            return ""
        self.retrained_at = now
        self.told.retrained += 1
        name = f"r{self.told.retrained:03d}"
        try:
            known = self.stream.known(now, self.params.split)
            challenger, gates = learn(known, self.words, now, self.params, name, self.folder)
        except NothingToLearnError as error:
            return self._note(now, f"retraining failed: {error}")
        newest = known[known["split"] == "evaluation"]
        gates += answering_gates(newest, challenger.answering, self.champion.answering)
        failed = [
            f"{gate.name} ({gate.found}, required {gate.required})" for gate in gates if not gate.passed
        ]
        why = f"{look.cause}: {look.reason}"
        if failed:
            return self._note(now, f"retrained ({why}); {name} was stopped: {'; '.join(failed)}")
        self.last_good, self.champion = self.champion, challenger
        self.told.promoted += 1
        return self._note(now, f"retrained ({why}); {name} promoted: {self._size(challenger)}")

    def _keep(self, start: datetime, judged: pd.DataFrame, look: Look, done: str) -> None:
        known = set(self.told.first.answering.intent.classes)
        unheard = int((~judged["label"].isin(known)).sum())
        right = int(judged["right_on"].sum()), int(judged["right_off"].sum())
        self.told.weeks.append(Week(start, len(judged), *right, unheard, look.state, look.cause, done))

    def _note(self, at: datetime, what: str) -> str:
        self.told.timeline.append((at, what))
        self.say(f"   {at:%Y-%m-%d} {what}")
        return what

    @staticmethod
    def _size(release: Served) -> str:
        intents = len(release.answering.intent.classes)
        expected = release.expected_errors.get("intent")
        wrong = "" if expected is None else f", {expected:.1%} wrong on newer tickets"
        return f"{intents} intents of {release.learnt:,} labelled tickets{wrong}"


def _as_decisions(decided: pd.DataFrame | None, release: str) -> pd.DataFrame:
    """Decisions as the store's table gives them to the monitor."""
    if decided is None:
        decided = pd.DataFrame(
            {"ticket_id": [], "created_at": [], "intent": [], "probability": [], "action": []}
        )
    ids = decided["ticket_id"].astype("str")
    words = {"action": decided["action"], "intent": decided["intent"]}
    return pd.DataFrame(
        {
            "decision_id": "d-" + ids,
            "ticket_id": ids,
            "at": pd.to_datetime(decided["created_at"], utc=True),
            "release": pd.Series(release, index=decided.index, dtype="str"),
            **{name: column.astype("str") for name, column in words.items()},
            "probability": decided["probability"].astype("float64"),
            **{name: pd.Series(None, index=decided.index, dtype="str") for name in ("priority", "queue")},
            "sentiment": pd.Series(None, index=decided.index, dtype="str"),
        }
    )


def _as_feedback(decided: pd.DataFrame | None, words: pd.DataFrame | None) -> pd.DataFrame:
    """What agents will have said of the intents of ``decided``, each when it was known; silence is none."""
    if decided is None or words is None:
        columns = ("feedback_id", "decision_id", "verdict", "field", "value", "reason", "agent_id")
        empty = pd.DataFrame({name: pd.Series([], dtype="str") for name in columns})
        return empty.assign(at=pd.to_datetime([], utc=True))
    told = decided.join(words, on="ticket_id")
    told = told[told["value"].notna()].reset_index(drop=True)
    changed = told["value"] != told["intent"]
    ids = told["ticket_id"].astype("str")
    return pd.DataFrame(
        {
            "feedback_id": "f-" + ids,
            "decision_id": "d-" + ids,
            "at": told["at"].where(told["at"] > told["created_at"], told["created_at"]),
            "verdict": pd.Series(np.where(changed, "override", "approve"), dtype="str"),
            "field": pd.Series("intent", index=told.index, dtype="str"),
            "value": told["value"].where(changed).astype("str"),
            "reason": pd.Series(None, index=told.index, dtype="str"),
            "agent_id": told["agent_id"].fillna("desk").astype("str"),
        }
    )
