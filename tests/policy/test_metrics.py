"""Every figure worked out by hand on one week of five tickets, and silence never counted as success."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy.metrics import (
    Handled,
    automation_rate,
    by_issue,
    cost_per_closed_ticket,
    cost_per_resolution,
    csat_by_issue,
    desk_resolution_hours,
    first_contact_resolution,
    first_response_hours,
    handoffs,
    known_resolution_rate,
    resolution_hours,
    resolved_on_first_contact,
    routing_accuracy,
    silent_share,
    typical,
    utilisation,
)
from policy.sla import Turn
from tests.policy.examples import BERLIN, utc


def said(*written: str) -> tuple[Turn, ...]:
    """``"07-01 09:00 reply agent"`` (2026, UTC) as turns."""
    parts = [line.rsplit(" ", 2) for line in written]
    return tuple(Turn(utc(f"2026-{at}"), kind, actor) for at, kind, actor in parts)


# The calendar is Berlin's: in July 09:00-18:00 there is 07:00-16:00 UTC, Friday until 14:00 UTC.
# Friday 16:00 UTC to Monday 08:00 UTC: one working hour, 64 of the customer's.
WEEKEND = Handled(
    "weekend",
    "password_reset",
    utc("2026-07-03 16:00"),
    said("07-06 08:00 reply agent", "07-06 08:00 solved agent"),
    queues=("access",),
    confirmed_at=utc("2026-07-07 08:00"),
    csat=5,
    handling_hours=0.5,
)
# asked back: 2 working hours until the question, 24 hours of waiting, 1 until the solution
ASKED_BACK = Handled(
    "asked back",
    "password_reset",
    utc("2026-07-01 07:00"),
    said(
        "07-01 09:00 reply agent",
        "07-02 09:00 reply customer",
        "07-02 10:00 reply agent",
        "07-02 10:00 solved agent",
    ),
    queues=("general", "access"),
    usage_seen_at=utc("2026-07-03 00:00"),
    csat=3,
    handling_hours=1.5,
)
AUTOMATED_SILENT = Handled(
    "automated, silent",
    "invoice_copy",
    utc("2026-07-01 07:00"),
    said("07-01 07:00 reply model", "07-01 07:00 solved system"),
    queues=("billing",),
    automated=True,
)
AUTOMATED_CAME_BACK = Handled(
    "automated, came back",
    "invoice_copy",
    utc("2026-07-01 07:00"),
    said("07-01 07:00 solved system", "07-02 07:00 reopened customer", "07-02 09:00 solved agent"),
    queues=("billing",),
    automated=True,
    confirmed_at=utc("2026-07-01 08:00"),
    csat=1,
    handling_hours=2.0,
)
OPEN = Handled("open", "invoice_copy", utc("2026-07-03 07:00"), queues=("billing", "general", "billing"))
WEEK = [WEEKEND, ASKED_BACK, AUTOMATED_SILENT, AUTOMATED_CAME_BACK, OPEN]


@pytest.mark.parametrize(
    ("ticket", "outcome", "response", "resolution", "by_desk", "first_contact", "moves"),
    [
        (WEEKEND, "confirmed", 1.0, 64.0, 1.0, True, 0),
        (ASKED_BACK, "usage_verified", 2.0, 27.0, 3.0, False, 1),
        (AUTOMATED_SILENT, "silent", 0.0, 0.0, 0.0, False, 0),
        (AUTOMATED_CAME_BACK, "recontacted", 0.0, 26.0, 2.0, False, 0),
        (OPEN, "open", None, None, None, None, 2),
    ],
    ids=lambda value: value.ticket_id if isinstance(value, Handled) else "",
)
def test_one_ticket_by_hand(ticket, outcome, response, resolution, by_desk, first_contact, moves) -> None:
    assert ticket.outcome == outcome
    assert first_response_hours(ticket, BERLIN) == response
    assert resolution_hours(ticket) == resolution
    assert desk_resolution_hours(ticket, BERLIN) == by_desk
    assert resolved_on_first_contact(ticket) is first_contact
    assert handoffs(ticket) == moves


def test_the_week_by_hand() -> None:
    assert first_contact_resolution(WEEK) == 1 / 4
    assert known_resolution_rate(WEEK) == 2 / 3
    assert silent_share(WEEK) == 1 / 4
    assert routing_accuracy(WEEK) == 4 / 5
    assert automation_rate(WEEK) == 1 / 5
    assert utilisation(WEEK, staffed_hours=40) == 4 / 40
    assert cost_per_resolution(WEEK, cost_per_hour=50, fixed_cost=100) == (100 + 4 * 50) / 2
    assert cost_per_closed_ticket(WEEK, cost_per_hour=50, fixed_cost=100) == (100 + 4 * 50) / 3
    assert typical(first_response_hours(ticket, BERLIN) for ticket in WEEK) == 0.5
    assert csat_by_issue(WEEK) == {"invoice_copy": (1, 1), "password_reset": (4, 2)}
    assert by_issue(WEEK, known_resolution_rate) == {"invoice_copy": 0.0, "password_reset": 1.0}


def test_nothing_measured_is_not_zero() -> None:
    shares = (
        first_contact_resolution,
        known_resolution_rate,
        silent_share,
        routing_accuracy,
        automation_rate,
    )
    assert [share([]) for share in shares] == [None] * 5
    assert known_resolution_rate([AUTOMATED_SILENT]) is None
    assert (cost_per_resolution([OPEN], 50), utilisation(WEEK, 0), typical([None])) == (None, None, None)
    assert csat_by_issue([OPEN]) == {}


def after(number: int) -> datetime:
    """So long after the weekend's ticket was solved."""
    return WEEKEND.turns[-1].at + timedelta(days=number)


@given(st.lists(st.sampled_from(WEEK), max_size=12), st.integers(0, 20))
def test_silent_tickets_never_raise_a_share_of_successes(week: list[Handled], silent: int) -> None:
    more = [*week, *[replace(AUTOMATED_SILENT, ticket_id=str(n)) for n in range(silent)]]
    assert known_resolution_rate(more) == known_resolution_rate(week)
    assert (first_contact_resolution(more) or 0) <= (first_contact_resolution(week) or 0)
    assert cost_per_resolution(more, 50) == cost_per_resolution(week, 50)


@given(st.integers(1, 40))
def test_coming_back_is_never_a_success_within_the_window(day: int) -> None:
    back = replace(WEEKEND, recontacted_at=after(day))
    assert (back.outcome == "recontacted") == (day <= 14)
