"""The mechanisms that the company promises are found in what its systems export."""

import re
from collections import Counter, defaultdict
from datetime import datetime
from typing import Any

import pytest

from .conftest import SMALL, Written

QUEUES = {
    "access",
    "billing",
    "product",
    "integrations",
    "engineering",
    "relationship",
    "compliance",
    "general",
}


def seconds(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def test_every_month_has_each_file_and_holds_only_what_was_known_in_it(company: Written) -> None:
    months = ["2026-01", "2026-02", "2026-03", "2026-04", "2026-05", "2026-06"]
    for kind, known_at in (("zendesk/tickets", "created_at"), ("zendesk/ticket_events", "created_at")):
        for month in months:
            rows = company.json_lines(f"{kind}-{month}.jsonl")
            assert {row[known_at][:7] for row in rows} == {month}
    for month in months:
        assert {row["exported_at"][:7] for row in company.csv_rows(f"usage/usage-{month}.csv")} == {month}
        versions = company.csv_rows(f"salesforce/accounts-{month}.csv")
        assert all(row["SystemModstamp"][:7] == month for row in versions) or month == months[0]
        assert max(row["SystemModstamp"][:7] for row in versions) <= month


def test_the_size_asked_for_is_met(company: Written) -> None:
    tickets = company.json_lines("zendesk/tickets-*.jsonl")
    assert 0.8 * SMALL.tickets < len(tickets) < 1.2 * SMALL.tickets
    assert len({row["Id"] for row in company.csv_rows("salesforce/accounts-*.csv")}) == SMALL.accounts
    assert {t["via"]["channel"] for t in tickets} == {"email", "chat", "twitter", "voice", "web"}


def test_ids_refer_to_rows_that_exist(company: Written) -> None:
    tickets = company.json_lines("zendesk/tickets-*.jsonl")
    ids = [ticket["id"] for ticket in tickets]
    assert ids == sorted(set(ids))
    users = {user["id"]: user for user in company.json_lines("zendesk/users.jsonl")}
    organizations = {
        row["id"]: row["external_id"] for row in company.json_lines("zendesk/organizations.jsonl")
    }
    accounts = {row["Id"] for row in company.csv_rows("salesforce/accounts-*.csv")}
    assert set(organizations.values()) == accounts
    assert {t["requester_id"] for t in tickets} <= set(users)
    assert {t["organization_id"] for t in tickets} - {None} <= set(organizations)
    audits = company.json_lines("zendesk/ticket_events-*.jsonl")
    assert {audit["ticket_id"] for audit in audits} == set(ids)
    assert {audit["updater_id"] for audit in audits} <= set(users)
    event_ids = [c["id"] for a in audits for c in a["child_events"]] + [a["id"] for a in audits]
    assert len(event_ids) == len(set(event_ids))
    hired = [user["created_at"] for user in users.values() if user["role"] == "agent"]
    assert max(hired) < min(ticket["created_at"] for ticket in tickets), (
        "an agent known only after the first ticket"
    )
    assert {row["name"] for row in company.json_lines("zendesk/groups.jsonl")} == QUEUES
    assert set(company.ticket_truth()) == set(ids)


def test_the_ticket_export_shows_the_state_that_its_events_lead_to(company: Written) -> None:
    final: dict[int, dict[str, Any]] = defaultdict(dict)
    for audit in company.json_lines("zendesk/ticket_events-*.jsonl"):
        for child in audit["child_events"]:
            final[audit["ticket_id"]].update(
                {k: child[k] for k in ("status", "priority", "group_id") if k in child}
            )
    for ticket in company.json_lines("zendesk/tickets-*.jsonl"):
        assert {name: ticket[name] for name in final[ticket["id"]]} == final[ticket["id"]]


def test_about_four_in_a_hundred_final_labels_of_agents_are_wrong(company: Written) -> None:
    truth = company.ticket_truth()
    reviews = {audit["id"] for audit, _ in company.changes("1004")}
    last = {a["ticket_id"]: intent for a, intent in company.changes("1003") if a["id"] not in reviews}
    wrong = sum(truth[ticket]["intent"] != intent for ticket, intent in last.items()) / len(last)
    assert 0.025 < wrong < 0.06


def test_a_tenth_of_the_tickets_is_reviewed_by_two_people_who_are_nearly_always_right(
    company: Written,
) -> None:
    truth = company.ticket_truth()
    reviewers, right = defaultdict(set), []
    moods = company.changes("1004")
    for audit, mood in moods:
        reviewers[audit["ticket_id"]].add(audit["updater_id"])
        right.append(mood == truth[audit["ticket_id"]]["sentiment"])
    twice = [ticket for ticket, people in reviewers.items() if len(people) == 2]
    assert 0.08 < len(twice) / len(truth) < 0.12
    assert sum(right) / len(right) > 0.94
    quality = {u["id"] for u in company.json_lines("zendesk/users.jsonl") if "quality" in u["tags"]}
    assert {audit["updater_id"] for audit, _ in moods} <= quality


def test_what_customers_confirm_is_labelled_right(company: Written) -> None:
    truth = company.ticket_truth()
    reviews = {audit["id"] for audit, _ in company.changes("1004")}
    label = {a["ticket_id"]: intent for a, intent in company.changes("1003") if a["id"] not in reviews}
    confirmed = [audit["ticket_id"] for audit, _ in company.changes("1005")]
    assert len(confirmed) > 0.1 * len(truth)
    assert sum(label[t] == truth[t]["intent"] for t in confirmed) / len(confirmed) > 0.99


def test_the_same_person_writes_under_several_handles(company: Written) -> None:
    person = {
        int(user): row["Id"]
        for row in company.csv_rows("salesforce/contacts.csv")
        for user in row["ZendeskUserIds__c"].split(";")
    }
    handles = defaultdict(set)
    for ticket in company.json_lines("zendesk/tickets-*.jsonl"):
        if ticket["requester_id"] in person:
            handles[person[ticket["requester_id"]]].add(ticket["requester_id"])
    assert Counter(len(users) for users in handles.values() if len(users) > 1).total() > 30


def test_failed_log_ins_are_known_within_the_hour_and_before_the_ticket(company: Written) -> None:
    failures = [row for row in company.csv_rows("usage/usage-*.csv") if row["contact_id"]]
    assert {row["feature"] for row in failures} == {"sign_in"}
    assert all(int(row["errors"]) >= 1 for row in failures)
    person = {
        int(user): row["Id"]
        for row in company.csv_rows("salesforce/contacts.csv")
        for user in row["ZendeskUserIds__c"].split(";")
    }
    known: dict[str, list[tuple[float, int]]] = defaultdict(list)
    for row in failures:
        known[row["contact_id"]].append((seconds(row["exported_at"]), int(row["errors"])))
    truth, preceded, too_late, moods = company.ticket_truth(), [], [], defaultdict(list)
    for ticket in company.json_lines("zendesk/tickets-*.jsonl"):
        fact = truth[ticket["id"]]
        if fact["intent"] in ("password_reset", "account_locked") and ticket["requester_id"] in person:
            created = seconds(ticket["created_at"])
            rows = known[person[ticket["requester_id"]]]
            number = sum(errors for at, errors in rows if 0 < created - at < 6 * 3600)
            preceded.append(number > 0)
            too_late.append(any(0 <= at - created < 3600 for at, _ in rows))
            moods[number > 4].append(fact["sentiment"] == "frustrated")
    assert 0.35 < sum(preceded) / len(preceded) < 0.8
    assert sum(too_late) / len(too_late) < 0.02
    assert sum(moods[True]) / len(moods[True]) > sum(moods[False]) / len(moods[False])


def test_large_customers_renew_soon_after_the_history_at_any_size(company: Written) -> None:
    last = {row["Id"]: row for row in company.csv_rows("salesforce/accounts-*.csv")}
    soon = [row for row in last.values() if "2026-07-01" < row["RenewalDate__c"] <= "2026-08-15"]
    large = [row for row in soon if float(row["AnnualContractValue__c"]) > 250_000]
    assert len(large) >= 5
    assert {row["Status__c"] for row in large} == {"Active"}


def test_some_accounts_leave_and_their_usage_stops(company: Written) -> None:
    left = {
        r["Id"]: r["ChurnDate__c"] for r in company.csv_rows("salesforce/accounts-*.csv") if r["ChurnDate__c"]
    }
    assert left
    usage = company.csv_rows("usage/usage-*.csv")
    assert all(row["day"] < left[row["account_id"]] for row in usage if row["account_id"] in left)


def test_tickets_change_hands_and_queues(company: Written) -> None:
    moved = [audit for audit in company.json_lines("zendesk/ticket_events-*.jsonl") if any(
        child["event_type"] == "Change" and "group_id" in child for child in audit["child_events"]
    )]  # fmt: skip
    assert 0.1 < len({audit["ticket_id"] for audit in moved}) / len(company.ticket_truth()) < 0.5


@pytest.mark.parametrize("language", ["en", "de", "fr", "es", "pt"])
def test_no_slot_of_the_grammar_is_left_unfilled(company: Written, language: str) -> None:
    locale = {user["id"]: user["locale"] for user in company.json_lines("zendesk/users.jsonl")}
    tickets = company.json_lines("zendesk/tickets-*.jsonl")
    texts = [f"{t['subject']} {t['description']}" for t in tickets if locale[t["requester_id"]] == language]
    assert len(texts) > 40
    assert not [text for text in texts if re.search(r"[{}|]", text)]
