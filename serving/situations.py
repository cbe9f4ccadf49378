"""From canonical rows and scores to the one ``Situation`` that policy judges: pure functions."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, cast

import numpy as np

from features.repeats import similarity, trigrams
from features.rows import Rows
from features.text import ticket_text
from models.release import Release
from policy.routing import AgentState
from policy.situation import AccountFacts, LegalWeight, Level, PastTicket, Sentiment, Situation, Surge
from serving.moments import microseconds, moment
from serving.scoring import TicketScores

MAX_PAST_TICKETS = 10
MAX_SIMILAR = 3
MAX_ARTICLES = 3
_DAY = timedelta(days=1)


def account_facts(
    account_id: str | None,
    scores: TicketScores,
    history: Mapping[str, Rows],
    risk: float | None,
    as_of: datetime,
) -> AccountFacts | None:
    """The newest version of the account as features saw it; ``None`` where the account is unknown."""
    if account_id is None or not len(history["accounts"]):
        return None
    versions = history["accounts"]

    def cents(name: str) -> int | None:
        amount = scores.number(name)
        return None if amount is None else int(amount)

    return AccountFacts(
        account_id=account_id,
        plan=scores.text("plan"),
        status=scores.text("status"),
        segment=scores.text("segment"),
        language=versions.values("language")[-1],
        owner=versions.values("owner")[-1],
        contract_value_cents=cents("contract_value_cents"),
        lifetime_value_cents=cents("lifetime_value_cents"),
        seats=cents("seats"),
        renewal_in_days=scores.number("renewal_in_days"),
        churn_risk=risk,
        usage_change=scores.number("usage_change_28d"),
        **usage_growth(history["usage"], as_of),
        errors_7d=scores.count("usage_errors_7d"),
        busiest_feature=busiest_feature(history["usage"], as_of),
        tickets_90d=scores.count("account_tickets_90d"),
        open_tickets=scores.count("account_open_tickets"),
        last_csat=scores.number("account_csat_last"),
    )


def busiest_feature(usage: Rows, as_of: datetime) -> str | None:
    """The product feature used most in the 28 days before ``as_of``; ``None`` without usage.

    Of equally busy ones the first by name.
    """
    recent = usage.times("day") >= microseconds(as_of - 28 * _DAY)
    uses: Counter[str] = Counter()
    features, events = usage.values("feature"), usage.whole("events")
    for row in np.flatnonzero(recent).tolist():
        uses[features[row]] += int(events[row])
    return min(uses, key=lambda feature: (-uses[feature], feature), default=None)


def usage_growth(usage: Rows, as_of: datetime) -> dict[str, Any]:
    """Uses and people of the 28 days before ``as_of``, and the growth against the 56 days before those.

    The growth is ``None`` where usage does not reach back that far.
    """
    days, uses = usage.times("day"), usage.whole("events")
    begins, before = microseconds(as_of - 28 * _DAY), microseconds(as_of - 84 * _DAY)
    recent = (days >= begins) & (uses > 0)
    if not len(days):
        return {"uses_28d": None, "usage_growth": None, "active_people_28d": None}
    who = usage.values("contact_id")
    people = {who[row] for row in np.flatnonzero(recent).tolist()} - {None, ""}
    now, earlier = int(uses[recent].sum()), int(uses[(days >= before) & (days < begins)].sum())
    known = int(days.min()) <= before + int(_DAY / timedelta(microseconds=1)) and earlier > 0
    return {
        "uses_28d": now,
        "usage_growth": 2 * now / earlier - 1 if known else None,
        "active_people_28d": len(people) or None,
    }


def past_tickets(
    tickets: Rows, events: Rows, intents: Mapping[str, str], contact_id: str | None, text: str
) -> tuple[PastTicket, ...]:
    """The newest ``MAX_PAST_TICKETS`` of ``tickets``, newest first, with how alike they are to ``text``.

    ``events`` are theirs, oldest first; ``intents`` says what each ticket was about, where that is known.
    """
    order = np.argsort(tickets.times("created_at"), kind="stable")[::-1][:MAX_PAST_TICKETS]
    newest = tickets.take(order)
    outcomes = _outcomes(events)
    own = trigrams(text)

    def remembered(
        ticket_id: str, at: int, contact: str | None, subject: str | None, body: str | None
    ) -> PastTicket:
        solved, answer = outcomes.get(ticket_id, (False, None))
        return PastTicket(
            ticket_id=ticket_id,
            created_at=moment(at),
            subject=subject or "",
            intent=intents.get(ticket_id),
            solved=solved,
            resolution=answer if solved else None,
            same_contact=contact_id is not None and contact == contact_id,
            similarity=similarity(own, trigrams(ticket_text(subject, body))),
        )

    return tuple(
        remembered(*row)
        for row in columns_of(newest, "ticket_id", "created_at", "contact_id", "subject", "body")
    )


def columns_of(rows: Rows, *names: str) -> Iterator[tuple[Any, ...]]:
    """Some columns, row by row, as plain values."""
    return zip(*(rows.values(name) for name in names), strict=True)


def _outcomes(events: Rows) -> dict[str, tuple[bool, str | None]]:
    """Whether each ticket is solved, and the last reply an agent gave, by ticket."""
    outcomes: dict[str, tuple[bool, str | None]] = {}
    for ticket_id, kind, actor, text in columns_of(events, "ticket_id", "kind", "actor_kind", "text"):
        solved, answer = outcomes.get(ticket_id, (False, None))
        if kind in ("solved", "reopened"):
            outcomes[ticket_id] = (kind == "solved", answer)
        elif kind == "reply" and actor == "agent" and text:
            outcomes[ticket_id] = (solved, text)
    return outcomes


def similar_solved(candidates: Sequence[PastTicket]) -> tuple[PastTicket, ...]:
    """The ``MAX_SIMILAR`` solved candidates most like the ticket, most alike first."""
    solved = [ticket for ticket in candidates if ticket.solved and ticket.resolution]
    solved.sort(key=lambda ticket: (-ticket.similarity, ticket.ticket_id))
    return tuple(solved[:MAX_SIMILAR])


def articles_about(articles: Rows, intent: str | None, language: str) -> tuple[tuple[str, str, str], ...]:
    """(id, title, body) of the articles that answer ``intent``, the ticket's own language first."""
    if intent is None:
        return ()
    told = columns_of(articles, "article_id", "title", "body", "intent", "language")
    fitting = [row for row in told if row[3] == intent]
    fitting.sort(key=lambda row: row[4] != language)
    return tuple((row[0], row[1] or "", row[2] or "") for row in fitting[:MAX_ARTICLES])


def agent_states(
    agents: Rows, open_tickets: Mapping[str, int], history: Mapping[str, Rows], contact_id: str | None
) -> list[AgentState]:
    """Every agent with the load of now, and whether they have answered this contact before."""
    tickets, events = history["tickets"], history["ticket_events"]
    own = {
        ticket_id
        for ticket_id, contact in columns_of(tickets, "ticket_id", "contact_id")
        if contact is not None and contact == contact_id
    }
    served = {
        actor
        for ticket_id, kind, actor in columns_of(events, "ticket_id", "kind", "actor_id")
        if kind == "reply" and ticket_id in own
    }
    return [
        AgentState(
            agent_id=agent_id,
            team=team or "",
            skills=tuple(skills or ()),
            languages=tuple(languages or ()),
            open_tickets=open_tickets.get(agent_id, 0),
            served_contact=agent_id in served,
        )
        for agent_id, team, skills, languages in columns_of(agents, "agent_id", "team", "skills", "languages")
    ]


def situation_of(
    ticket: Rows,
    scores: TicketScores,
    account: AccountFacts | None,
    contact_name: str | None,
    surge: Surge,
    release: Release | None,
    past: tuple[PastTicket, ...],
    similar: tuple[PastTicket, ...],
    articles: tuple[tuple[str, str, str], ...],
    as_of: datetime,
    degraded: tuple[str, ...],
) -> Situation:
    """Everything policy may know about the one ``ticket``."""
    row = {name: ticket.values(name)[0] for name in ticket}
    intent = scores.intent
    proof = release.thresholds.get(intent.intent) if release is not None and intent.intent else None
    proof = proof and proof.of(scores.text("language"))
    proven = proof is not None and proof.threshold is not None
    return Situation(
        ticket_id=row["ticket_id"],
        created_at=moment(row["created_at"]),
        as_of=as_of,
        channel=row["channel"],
        subject=row["subject"] or "",
        body=row["body"] or "",
        language=scores.text("language") or "und",
        language_confidence=scores.number("language_confidence") or 0.0,
        intent=intent.intent,
        intent_probability=intent.probability,
        out_of_scope=intent.out_of_scope,
        sentiment=cast(Sentiment, scores.sentiment.state),
        frustration=scores.sentiment.frustration,
        frustration_signals=tuple(scores.sentiment.signals),
        priority_level=cast(Level, scores.priority.level) if scores.priority else "normal",
        priority_score=scores.priority.score if scores.priority else 0.5,
        legal_weight=LegalWeight(*scores.legal_weight) if scores.legal_weight else None,
        contact_id=row["contact_id"],
        contact_name=contact_name,
        account=account,
        repeats_30d=scores.count("same_intent_contact_30d"),
        failed_logins_24h=scores.count("failed_logins_24h"),
        surge=surge,
        breach_risk=scores.outlook.sla_missed if scores.outlook else None,
        reassignment_risk=scores.outlook.reassigned if scores.outlook else None,
        automation_threshold=proof.threshold if proof is not None else None,
        automation_evidence=_evidence(proof) if proven else "",
        past_tickets=past,
        similar_solved=similar,
        articles=articles,
        degraded=degraded,
    )


def _evidence(proof: object) -> str:
    n, errors, bound = (getattr(proof, name) for name in ("n", "errors", "lower_bound"))
    return f"{errors} errors in {n} held-out tickets: precision at least {bound:.3f}"
