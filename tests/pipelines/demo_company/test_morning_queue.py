"""The planted cast of the morning queue is what the acceptance test says it is."""

from datetime import datetime

import pandas as pd
import pytest

from features.schema import LEVELS, typed
from pipelines.demo_company import MorningQueue, morning_queue
from pipelines.demo_company.catalogue import INTENTS
from pipelines.demo_company.clock import day_number
from pipelines.demo_company.simulation import simulate

from .conftest import SMALL, Written

ROLES = {"large_renewals": 3, "fourth_time": 1, "calm_reset": 1, "angry_reset": 1}
SEEDS = (1, 2, 3)


@pytest.fixture(scope="module", params=SEEDS)
def queue(request: pytest.FixtureRequest) -> MorningQueue:
    return morning_queue(SMALL, seed=request.param)


def requests_of(queue: MorningQueue, role: str) -> list[dict[str, str]]:
    return [request for request in queue.requests if request["ticket_id"] in queue.cast[role]]


def test_the_queue_is_reproducible_and_another_seed_is_another_queue() -> None:
    once, again, other = (morning_queue(SMALL, seed=seed, size=60) for seed in (1, 1, 2))
    assert (once.requests, once.context, once.cast) == (again.requests, again.context, again.cast)
    assert [r["body"] for r in once.requests] != [r["body"] for r in other.requests]


def test_all_tickets_arrived_in_the_hours_before_the_morning(queue: MorningQueue) -> None:
    assert len(queue.requests) == 847
    assert len({request["ticket_id"] for request in queue.requests}) == 847
    morning = datetime.fromisoformat(queue.as_of)
    waits = [
        (morning - datetime.fromisoformat(r["created_at"])).total_seconds() / 3600 for r in queue.requests
    ]
    assert min(waits) > 0
    assert max(waits) <= 14
    assert {role: len(ids) for role, ids in queue.cast.items()} == ROLES


def test_exactly_three_tickets_come_from_large_customers_that_renew_soon(queue: MorningQueue) -> None:
    _, journeys = simulate(SMALL)
    large = {
        person.id: journey.account.id
        for journey in journeys
        for person in journey.account.contacts
        if journey.account.versions[-1].dollars > 250_000
        and 0 < journey.account.versions[-1].renewal - day_number(SMALL.end) <= 45
    }
    senders = [r["ticket_id"] for r in queue.requests if r.get("contact_id") in large]
    assert sorted(senders) == sorted(queue.cast["large_renewals"])
    for request in requests_of(queue, "large_renewals"):
        assert not request["body"].isupper()


def test_the_fourth_time_reporter_wrote_three_times_before_and_shouts_now(queue: MorningQueue) -> None:
    (request,) = requests_of(queue, "fourth_time")
    assert request["body"].isupper()
    earlier = queue.context["tickets"]
    assert {row["contact_id"] for row in earlier} == {request["contact_id"]}
    assert len({row["channel"] for row in earlier}) == 3
    filed = [row["value"] for row in queue.context["ticket_events"] if row["kind"] == "intent_set"]
    assert filed == [queue.truth[request["ticket_id"]]] * 3


def test_both_resets_ask_the_same_but_only_one_sender_failed_to_log_in(queue: MorningQueue) -> None:
    (calm,), (angry,) = requests_of(queue, "calm_reset"), requests_of(queue, "angry_reset")
    assert queue.truth[calm["ticket_id"]] == queue.truth[angry["ticket_id"]] == "password_reset"
    assert calm["subject"] == angry["subject"]
    failures = queue.context["usage"]
    assert sum(row["errors"] for row in failures if row["contact_id"] == angry["contact_id"]) == 6
    assert not [row for row in failures if row["account_id"] == calm["account_id"]]
    assert all(
        row["known_at"] < angry["created_at"] for row in failures if row["contact_id"] == angry["contact_id"]
    )


def test_senders_are_people_of_the_written_history(company: Written, queue: MorningQueue) -> None:
    known = {row["Id"]: row["AccountId"] for row in company.csv_rows("salesforce/contacts.csv")}
    named = [request for request in queue.requests if "contact_id" in request]
    assert len(named) > 500
    assert all(known[request["contact_id"]] == request["account_id"] for request in named)


def test_the_context_fits_the_canonical_tables(queue: MorningQueue) -> None:
    for table in ("tickets", "ticket_events", "usage"):
        rows = typed(table, pd.DataFrame(queue.context[table]))
        assert (rows["known_at"] < pd.Timestamp(queue.as_of)).all()


def test_synonyms_change_the_words_and_nothing_else() -> None:
    plain, other = (morning_queue(SMALL, seed=1, size=80, vocabulary=v) for v in ("original", "synonyms"))
    assert plain.cast == other.cast
    assert plain.truth == other.truth
    (before,), (after,) = requests_of(plain, "calm_reset"), requests_of(other, "calm_reset")
    assert "passphrase" in after["subject"].lower() + after["body"].lower()
    assert "passphrase" not in before["subject"].lower() + before["body"].lower()


def test_the_helpdesk_had_filed_them_as_it_filed_the_history(queue: MorningQueue) -> None:
    """Outcome models are asked only where what was filed in training is filed now."""
    filed = [request["opening"] for request in queue.requests]
    right = [INTENTS[queue.truth[r["ticket_id"]]].queue == r["opening"]["queue"] for r in queue.requests]
    assert 0.6 < sum(right) / len(right) < 0.95
    assert {f["priority"] for f in filed} <= set(LEVELS)
    assert sum(f["priority"] == "normal" for f in filed) > len(filed) / 2
