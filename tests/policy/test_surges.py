"""Surges: many accounts at once open one incident; one loud customer, a busy Monday and few counts do not."""

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import nbinom

from policy.surges import DAY, HOUR, Report, SurgeWatch, upper_tail, watch

WEEKS = 6
START = 1_700_000_000.0


def usual_days(topic: str = "sync", accounts: int = 40) -> list[Report]:
    """Two reports a day of ``topic`` at office hours by changing accounts, for ``WEEKS`` weeks."""
    return [
        Report(
            START + day * DAY + hour * HOUR, topic, f"A{(2 * day + hour) % accounts}", f"{topic}-{day}-{hour}"
        )
        for day in range(7 * WEEKS)
        for hour in (9, 14)
    ]


def burst(n: int, topic: str = "sync", one_account: bool = False, minutes: float = 5) -> list[Report]:
    begun = START + 7 * WEEKS * DAY + 10 * HOUR
    return [
        Report(begun + i * minutes * 60, topic, "L" if one_account else f"B{i}", f"b{i}") for i in range(n)
    ]


@pytest.mark.parametrize(
    ("reports", "incidents"),
    [
        pytest.param(usual_days(), 0, id="usual days"),
        pytest.param(usual_days() + burst(12), 1, id="many accounts at once"),
        pytest.param(usual_days() + burst(40, one_account=True), 0, id="one loud customer"),
        pytest.param(usual_days() + burst(12, minutes=300), 0, id="the same number over days"),
        pytest.param(usual_days() + burst(12, topic="never seen"), 1, id="a topic without a past"),
        pytest.param(burst(40), 0, id="a desk without a past"),
    ],
)
def test_what_opens_an_incident(reports: list[Report], incidents: int) -> None:
    assert len(watch(reports)) == incidents


def in_areas(reports: list[Report], *areas: str) -> list[Report]:
    return [replace(report, area=areas[n % len(areas)]) for n, report in enumerate(reports)]


def test_a_surge_in_one_area_is_of_that_part_and_one_everywhere_of_the_whole() -> None:
    usual = in_areas(usual_days(), "mail", "calendar")
    [part] = watch(usual + in_areas(burst(12), "calendar"))
    assert part.topic == "sync × calendar"
    everywhere = in_areas(burst(24), "mail", "calendar", "phone", "web", "chat", "files", "tasks", "notes")
    [whole] = watch(usual + everywhere)
    assert whole.topic == "sync"
    assert set(whole.ticket_ids) == {report.ticket_id for report in everywhere}


def test_areas_do_not_make_more_of_usual_days() -> None:
    assert watch(in_areas(usual_days(), "mail", "calendar", "phone")) == []


def test_an_incident_opens_early_once_and_takes_later_tickets_in() -> None:
    surges = SurgeWatch()
    for report in usual_days():
        surges.read(report)
    changes = [surges.read(report) for report in burst(20)]
    opened = [place for place, change in enumerate(changes) if change and change.kind == "opened"]
    assert len(opened) == 1
    assert opened[0] < 8
    [incident] = surges.incidents
    assert incident.ticket_ids == [f"b{i}" for i in range(20)]
    assert len(incident.accounts) == 20
    assert "accounts within" in incident.evidence


def test_an_incident_closes_when_nobody_new_reports_it_and_the_next_one_is_new() -> None:
    surges = SurgeWatch()
    for report in usual_days() + burst(10):
        surges.read(report)
    end = surges.incidents[0].last_at
    assert surges.close_quiet(end + 11 * HOUR) == []
    [closed] = surges.close_quiet(end + 12 * HOUR)
    assert closed.closed_at == end + 12 * HOUR
    for report in burst(10):
        surges.read(Report(report.at + 3 * DAY, "sync", report.account, f"again {report.ticket_id}"))
    assert len(surges.incidents) == 2


@given(st.integers(min_value=0, max_value=19))
def test_what_comes_later_changes_nothing_that_was_said(cut: int) -> None:
    """The answer to a report depends on it and on what came before."""
    whole, part = SurgeWatch(), SurgeWatch()
    reports = usual_days() + burst(20)
    until = len(reports) - 20 + cut
    said = [change.kind if (change := whole.read(report)) else None for report in reports]
    assert [c.kind if (c := part.read(r)) else None for r in reports[:until]] == said[:until]


def test_reports_out_of_order_are_refused() -> None:
    surges = SurgeWatch()
    surges.read(Report(START, "sync", "A", "1"))
    with pytest.raises(ValueError, match="ticket 2 came in before"):
        surges.read(Report(START - 1, "sync", "A", "2"))


@pytest.mark.parametrize("at_least", [0, 1, 4, 12])
@pytest.mark.parametrize(("shape", "mean"), [(0.5, 0.01), (8.0, 0.4), (8.0, 6.0), (2.5, 30.0)])
def test_the_tail_agrees_with_scipy(at_least: int, shape: float, mean: float) -> None:
    expected = nbinom.sf(at_least - 1, shape, shape / (shape + mean))
    assert math.isclose(upper_tail(at_least, shape, mean), expected, rel_tol=1e-6, abs_tol=1e-300)
