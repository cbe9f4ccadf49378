"""The weekly draw: which decisions leadership is to look at, made once for each week that is over.

``firstline tick`` draws, on as many replicas as there are: the first to hold the store's lock draws, the
others find it done. The seed is made at that moment, so nobody knows beforehand what will be looked at, and
it is kept, so anybody can repeat the draw.
"""

import secrets
from datetime import datetime, timedelta

from sqlalchemy import Connection, func, insert, select

from policy.desk_schema import Desk
from policy.reviews import WEEK, Candidate, draw, week_name, week_of
from serving.database import one_at_a_time
from serving.ledger import append_entry
from serving.moments import microseconds, moment
from serving.tables import decisions, review_cases, review_draws

MOST_WEEKS = 4
"""Weeks that are drawn late where nobody ticked; older ones stay without a draw."""


def draw_due_weeks(connection: Connection, desk: Desk, at: datetime) -> int:
    """Draw every week that was over at ``at`` and was not drawn yet; returns how many cases that gave.

    The first draw of a store is of the last whole week. Each is written to the ledger.
    """
    end = week_of(at)
    until = _drawn_until(connection)
    if until is not None and until >= end:
        return 0
    one_at_a_time(connection)
    until = _drawn_until(connection)
    begins = end - WEEK if until is None else max(until, end - MOST_WEEKS * WEEK)
    cases = 0
    while begins < end:
        cases += _draw_week(connection, desk, begins, at)
        begins += WEEK
    return cases


def _drawn_until(connection: Connection) -> datetime | None:
    """The end of the newest week that was drawn."""
    newest = connection.scalar(select(func.max(review_draws.c.begins_at)))
    return None if newest is None else moment(newest) + WEEK


def _draw_week(connection: Connection, desk: Desk, begins: datetime, at: datetime) -> int:
    rows = connection.execute(
        select(decisions.c.decision_id, decisions.c.intent, decisions.c.action).where(
            decisions.c.at >= microseconds(begins), decisions.c.at < microseconds(begins + WEEK)
        )
    ).all()
    rules, week, seed = desk.reviews, week_name(begins), secrets.token_hex(16)
    drawn = draw((Candidate(*row) for row in rows), rules.cases.model_dump(), seed)
    told = {
        "week": week,
        "begins_at": microseconds(begins),
        "drawn_at": microseconds(at),
        "seed": seed,
        "decisions": len(rows),
        "cases": len(drawn),
    }
    connection.execute(insert(review_draws).values(**told))
    append_entry(connection, "review_draw", week, told, at)
    due, demote = (microseconds(at + timedelta(days=days)) for days in (rules.due_days, rules.demote_days))
    if drawn:
        connection.execute(
            insert(review_cases),
            [
                {
                    "decision_id": case.decision_id,
                    "week": week,
                    "intent": case.intent or "",
                    "action": case.action,
                    "sampled": case.sampled,
                    "population": case.population,
                    "due_at": due,
                    "demote_at": demote,
                }
                for case in drawn
            ],
        )
    return len(drawn)
