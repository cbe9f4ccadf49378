"""Trying a challenger out beside the champion: in the shadow, without effect, or as a canary, with effect.

In the shadow it judges a share of accounts after they have their answer; what it says is kept in
``trial_scores``, beside the champion's decision of the same id. As a canary it decides for a share of
accounts, always the same ones; its decisions carry its release id. Both are compared with what people said.

Is it worse? A shadow is paired with the champion ticket by ticket, a canary's answered decisions with the
champion's in the order in which they were answered. Of pairs of which exactly one is wrong, a challenger that
is no worse has the wrong one in at most half; evidence against that is collected by ``policy.error_budget``,
valid however often one looks (the exact sign test of McNemar, Psychometrika 1947, made sequential).
"""

import hashlib
from collections.abc import Sequence
from datetime import datetime
from typing import Literal, NamedTuple, cast

from sqlalchemy import Connection, insert, select

from policy.error_budget import Budget, budget
from serving.database import insert_new
from serving.ledger import append_entry
from serving.moments import microseconds, moment
from serving.tables import decisions, feedback, trial_scores, trials

Mode = Literal["shadow", "canary", "ended"]
MOST_FAILURES = 0.01
"""Share of tickets that a challenger may leave unjudged."""


class Trial(NamedTuple):
    """A challenger tried out on the share of accounts ``share`` since ``at``; who said so, and why."""

    release_id: str
    mode: Mode
    share: float
    by: str
    reason: str
    at: datetime


class TrialScore(NamedTuple):
    """What a challenger said about a decided ticket, or the type of error with which it ``failed``."""

    decision_id: str
    release_id: str
    at: datetime
    intent: str | None = None
    probability: float | None = None
    queue: str | None = None
    action: str | None = None
    milliseconds: float | None = None
    failed: str | None = None


class Standing(NamedTuple):
    """How a trial stands: tickets judged, failures, and the evidence that it is worse than the champion."""

    trial: Trial
    tickets: int
    failures: Budget
    worse: Budget
    agreed: int | None
    """Tickets on which a shadow named the champion's intent; ``None`` for a canary."""

    @property
    def refuted(self) -> str | None:
        """Why the trial must end, ``None`` while nothing is proven."""
        proven = [found.in_words() for found in (self.worse, self.failures) if found.exhausted]
        return "; ".join(proven) or None

    def line(self) -> str:
        """In one line."""
        trial = self.trial
        same = "" if self.agreed is None else f", the champion's intent on {self.agreed}"
        return (
            f"{trial.mode} of {trial.release_id} on {trial.share:.0%} of accounts since "
            f"{trial.at:%Y-%m-%d %H:%M} (by {trial.by}): {self.tickets} tickets{same}; "
            f"{self.refuted or f'not proven worse ({self.worse.in_words()})'}"
        )


def check_share(share: float) -> None:
    """Raise ``ValueError`` unless ``share`` is one of accounts: above 0, at most 1."""
    if not 0 < share <= 1:
        raise ValueError(f"a share of accounts is above 0 and at most 1, not {share:g}: use 0.1 for a tenth")


def set_trial(connection: Connection, trial: Trial) -> None:
    """From now on this trial holds (mode ``ended``: none), recorded in the ledger.

    Raises ``ValueError`` for a share that is none.
    """
    if trial.mode != "ended":
        check_share(trial.share)
    row = {**trial._asdict(), "at": microseconds(trial.at)}
    trial_id = connection.execute(insert(trials).values(**row).returning(trials.c.trial_id)).scalar_one()
    append_entry(connection, "trial", str(trial_id), {"trial_id": trial_id, **row}, trial.at)


def trial_history(connection: Connection) -> list[Trial]:
    """Every step of every trial, oldest first."""
    rows = connection.execute(select(trials).order_by(trials.c.trial_id))
    return [Trial(r.release_id, cast(Mode, r.mode), r.share, r.by, r.reason, moment(r.at)) for r in rows]


def current_trial(connection: Connection) -> Trial | None:
    """The trial that holds now."""
    row = connection.execute(select(trials).order_by(trials.c.trial_id.desc()).limit(1)).one_or_none()
    if row is None or row.mode == "ended":
        return None
    return Trial(row.release_id, cast(Mode, row.mode), row.share, row.by, row.reason, moment(row.at))


def end_trial(connection: Connection, by: str, reason: str, at: datetime) -> Trial | None:
    """End the trial that holds; returns it, ``None`` where there is none."""
    trial = current_trial(connection)
    if trial is not None:
        set_trial(connection, Trial(trial.release_id, "ended", 0.0, by, reason, at))
    return trial


def takes_part(trial: Trial, account: str) -> bool:
    """Whether the account (of a stranger: the writer or the ticket) is among the trial's share.

    The same accounts for as long as a release is tried; a larger share only adds some.
    """
    digest = hashlib.sha256(f"{trial.release_id}\n{account}".encode("utf-8", "backslashreplace")).digest()
    return int.from_bytes(digest[:8], "big") < trial.share * 2**64


def keep_score(connection: Connection, score: TrialScore) -> None:
    """Keep what a challenger said, once."""
    insert_new(connection, trial_scores, [tuple(score._replace(at=microseconds(score.at)))])  # type: ignore[arg-type]


def standing(connection: Connection, trial: Trial) -> Standing:
    """How the trial stands by everything that was said of its tickets."""
    since = microseconds(trial.at)
    rows = connection.execute(
        select(trial_scores.c.intent, trial_scores.c.failed, decisions.c.intent.label("champion"))
        .join(decisions, decisions.c.decision_id == trial_scores.c.decision_id)
        .where(trial_scores.c.release_id == trial.release_id, trial_scores.c.at >= since)
        .order_by(trial_scores.c.at, trial_scores.c.decision_id)
    ).all()
    failed = [row.failed is not None for row in rows]
    agreed = sum(row.failed is None and row.intent == row.champion for row in rows)
    if trial.mode == "shadow":
        pairs = _shadow_pairs(connection, trial, since)
    else:
        own = _answered(connection, since, trial.release_id)
        others = _answered(connection, since, None, trial.release_id)
        pairs = list(zip((wrong for _, wrong in own), (wrong for _, wrong in others), strict=False))
        decided = select(decisions.c.decision_id).where(
            decisions.c.release == trial.release_id, decisions.c.at >= since
        )
        failed = [*failed, *([False] * len(connection.scalars(decided).all()))]
    return Standing(
        trial,
        len(failed),
        budget("answers", MOST_FAILURES, failed),
        budget("against the champion", 0.5, discordant(pairs)),
        agreed if trial.mode == "shadow" else None,
    )


def discordant(pairs: Sequence[tuple[bool, bool]]) -> list[bool]:
    """Of pairs (challenger wrong, champion wrong) those that differ: whether it is the challenger."""
    return [challenger for challenger, champion in pairs if challenger != champion]


def stop_if_refuted(connection: Connection, by: str, at: datetime) -> str | None:
    """End the trial where it is proven worse or failing; returns why."""
    trial = current_trial(connection)
    why = standing(connection, trial).refuted if trial is not None else None
    if why is not None:
        end_trial(connection, by, why, at)
    return why


def _answered(
    connection: Connection, since: int, release: str | None, but: str | None = None
) -> list[tuple[str, bool]]:
    """Decisions whose intent somebody judged, in the order of that: (decision, whether it was wrong)."""
    whose = decisions.c.release == release if release is not None else decisions.c.release != but
    truth = _truths(connection, since)
    rows = connection.execute(
        select(decisions.c.decision_id, decisions.c.intent).where(whose, decisions.c.at >= since)
    ).all()
    intents = {row.decision_id: row.intent for row in rows}
    return [(found, intents[found] != right) for found, right in truth.items() if found in intents]


def _shadow_pairs(connection: Connection, trial: Trial, since: int) -> list[tuple[bool, bool]]:
    truth = _truths(connection, since)
    rows = connection.execute(
        select(trial_scores.c.decision_id, trial_scores.c.intent, decisions.c.intent.label("champion"))
        .join(decisions, decisions.c.decision_id == trial_scores.c.decision_id)
        .where(
            trial_scores.c.release_id == trial.release_id,
            trial_scores.c.at >= since,
            trial_scores.c.failed.is_(None),
        )
    ).all()
    said = {row.decision_id: (row.intent, row.champion) for row in rows}
    return [
        (said[found][0] != right, said[found][1] != right) for found, right in truth.items() if found in said
    ]


def _truths(connection: Connection, since: int) -> dict[str, str | None]:
    """The right intent by decision, in the order in which it was first said: overriding or approving."""
    told = (feedback.c.verdict == "override") & (feedback.c.field == "intent")
    approved = (feedback.c.verdict == "approve") & (
        feedback.c.field.is_(None) | (feedback.c.field == "intent")
    )
    rows = connection.execute(
        select(feedback.c.decision_id, feedback.c.verdict, feedback.c.value, decisions.c.intent)
        .join(decisions, decisions.c.decision_id == feedback.c.decision_id)
        .where(decisions.c.at >= since, told | approved)
        .order_by(feedback.c.at, feedback.c.feedback_id)
    )
    truths: dict[str, str | None] = {}
    for row in rows:
        truths.setdefault(row.decision_id, row.value if row.verdict == "override" else row.intent)
    return truths
