"""Ticket features: batch and served alike, nothing from the future, nothing of the ticket itself."""

import numpy as np
import pandas as pd
import pytest

from features.schema import completed, typed
from features.ticket import TICKET, TICKET_CATEGORIES, TICKET_FEATURES, ticket_features
from tests.features.histories import START, history, served

HOUR, DAY = pd.Timedelta(hours=1), pd.Timedelta(days=1)


def assert_same(one: pd.DataFrame, other: pd.DataFrame) -> None:
    pd.testing.assert_frame_equal(one, other, check_exact=True)


def ticket(at: pd.Timestamp, ticket_id: str = "now", **columns: object) -> pd.DataFrame:
    row = {"ticket_id": ticket_id, "created_at": at, "known_at": at, "account_id": "a", "contact_id": "c"}
    return typed("tickets", pd.DataFrame([{**row, "body": "help", **columns}]))


def event(
    at: pd.Timestamp, kind: str, ticket_id: str, value: str | None = None, event_id: str = "e"
) -> pd.DataFrame:
    row = {"event_id": event_id, "ticket_id": ticket_id, "known_at": at, "occurred_at": at, "kind": kind}
    return typed("ticket_events", pd.DataFrame([{**row, "value": value}]))


def usage(day: pd.Timestamp, known_at: pd.Timestamp, **columns: object) -> pd.DataFrame:
    row = {"account_id": "a", "day": day, "known_at": known_at, "feature": "login", "events": 1, "errors": 1}
    return typed("usage", pd.DataFrame([{**row, **columns}]))


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_served_row_equals_batch_row_bit_by_bit_on_thousands_of_tickets(seed):
    tables = history(seed, tickets=700)
    rows = []
    for keys, together in tables["tickets"].groupby(["account_id", "contact_id"], dropna=False):
        own_history = served(tables, *(None if pd.isna(key) else key for key in keys))
        rows += [ticket_features(together.loc[[index]], own_history) for index in together.index]
    assert_same(pd.concat(rows).sort_index(), ticket_features(tables["tickets"], tables))


@pytest.mark.parametrize("name", ["tickets", "ticket_events", "usage", "accounts"])
def test_rows_planted_in_the_future_change_nothing(name):
    tables = history(4, tickets=400)
    asked = tables["tickets"].nsmallest(200, "created_at")
    first_hidden = asked["created_at"].max()
    before = ticket_features(asked, tables)
    past = tables[name][tables[name]["known_at"] < first_hidden]
    planted = tables[name].assign(known_at=first_hidden + tables[name].index.to_numpy() * HOUR)
    own_id = {"tickets": "ticket_id", "ticket_events": "event_id"}.get(name)
    if own_id:
        planted[own_id] = "planted-" + planted[own_id]
    assert_same(ticket_features(asked, {**tables, name: pd.concat([past, planted])}), before)


def test_each_feature_is_declared_once_and_says_what_it_means():
    declared = [feature.name for feature in TICKET]
    assert len(set(declared)) == len(declared) == len(TICKET_FEATURES) + len(TICKET_CATEGORIES)
    assert all(feature.about for feature in TICKET)
    tables = history(5, tickets=20)
    assert ticket_features(tables["tickets"], tables).columns.tolist() == declared


def test_two_tickets_at_the_same_instant_do_not_see_each_other():
    pair = pd.concat([ticket(START, "one"), ticket(START, "two")], ignore_index=True)
    row = ticket_features(pair, {"tickets": pair})
    columns = ["contact_tickets_7d", "account_tickets_7d", "account_open_tickets", "similar_text_repeats_30d"]
    assert row[columns].to_numpy().tolist() == [[0] * 4] * 2


@pytest.mark.parametrize("known_before_written", [0, 1])
def test_a_ticket_scored_again_later_never_counts_itself_or_what_became_of_it(known_before_written):
    own = ticket(START + known_before_written * HOUR).assign(known_at=START)
    history = {
        "tickets": own,
        "ticket_events": pd.concat(
            [event(START + HOUR, "solved", "now"), event(START + 2 * HOUR, "csat", "now", "1")]
        ),
    }
    later = pd.Series([START + 3 * DAY])
    assert_same(ticket_features(own, history, later), ticket_features(own, {}, later))
    assert ticket_features(own, history, later)["account_open_tickets"].tolist() == [0]


def test_a_rating_that_was_corrected_or_came_twice_counts_once_from_then_on():
    rated = [
        event(START + 1 * DAY, "csat", "old", "1", "e"),
        event(START + 5 * DAY, "csat", "old", "5", "e@later"),
        event(START + 6 * DAY, "csat", "old", "5", "the same, pushed"),
        event(START + 2 * DAY, "csat", "other", "2", "f"),
    ]
    known = pd.concat([ticket(START, "old"), ticket(START, "other")], ignore_index=True)
    days = (3, 5.5, 7, 182.5, 185.5, 187)
    asked = pd.concat([ticket(START + day * DAY, f"t{day}") for day in days], ignore_index=True)
    row = ticket_features(asked, {"tickets": known, "ticket_events": pd.concat(rated)})
    means = row["account_csat_mean_180d"].astype(object).where(row["account_csat_mean_180d"].notna(), None)
    assert means.tolist() == [1.5, 3.5, 3.5, 5.0, 5.0, None]
    assert row["account_csat_last"].tolist() == [2, 5, 5, 5, 5, 5]


def test_of_ratings_known_at_the_same_moment_the_last_is_the_same_in_any_order_of_tables():
    """The store gives rows in another order than a file does: served and learnt features must not differ."""
    rated = pd.concat(
        [event(START + DAY, "csat", name, score, f"e {name}") for name, score in (("one", "1"), ("two", "5"))]
    )
    known = pd.concat([ticket(START, "one"), ticket(START, "two")], ignore_index=True)
    asked = ticket(START + 2 * DAY, "asked")
    last = [
        ticket_features(asked, {"tickets": tickets, "ticket_events": events})["account_csat_last"].item()
        for tickets in (known, known[::-1])
        for events in (rated, rated[::-1])
    ]
    assert len(set(last)) == 1


def test_a_reopening_that_came_pushed_and_exported_counts_once():
    told = [
        event(START + 1 * DAY, "solved", "old", event_id="a"),
        event(START + 2 * DAY, "reopened", "old", event_id="pushed"),
        event(START + 2 * DAY, "reopened", "old", event_id="exported"),
        event(START + 3 * DAY, "solved", "old", event_id="b"),
        event(START + 4 * DAY, "reopened", "old", event_id="c"),
    ]
    asked = pd.concat([ticket(START + day * DAY, f"t{day}") for day in (3, 5)], ignore_index=True)
    row = ticket_features(asked, {"tickets": ticket(START, "old"), "ticket_events": pd.concat(told)})
    assert row["account_reopens_90d"].tolist() == [1, 2]


def test_a_ticket_learned_late_is_not_history_until_it_is_known():
    late = ticket(START, "late").assign(known_at=START + 5 * DAY)
    asked = pd.concat(
        [ticket(START + 4 * DAY, "before"), ticket(START + 6 * DAY, "after")], ignore_index=True
    )
    row = ticket_features(asked, {"tickets": late})
    assert row["contact_tickets_7d"].tolist() == [0, 1]
    assert row["hours_since_contact_ticket"].isna().tolist() == [True, False]


def test_backfilled_usage_counts_in_the_days_it_happened_once_it_is_known():
    backfill = usage(START, START + 20 * DAY, events=70)
    daily = usage(START + 20 * DAY, START + 21 * DAY, events=1)
    asked = pd.concat([ticket(START + d * DAY) for d in (19, 22)], ignore_index=True)
    row = ticket_features(asked, {"usage": pd.concat([backfill, daily])})
    assert row["usage_events_28d"].isna().tolist() == [True, False]
    assert row["usage_events_28d"].iat[1] == 71
    assert row["usage_events_7d"].iat[1] == 1, "three-week-old usage is no surge of this week"


def test_seven_days_of_usage_are_the_seven_days_already_exported():
    days = [usage(START + k * DAY, START + k * DAY + 26 * HOUR, events=2**k) for k in range(12)]
    row = ticket_features(ticket(START + 10 * DAY + 12 * HOUR), {"usage": pd.concat(days)})
    assert row["usage_events_7d"].tolist() == [sum(2**k for k in range(3, 10))]


def test_the_account_is_seen_as_it_was_and_not_as_it_is():
    versions = pd.DataFrame(
        {
            "account_id": "a",
            "known_at": [START, START + 10 * DAY],
            "plan": ["starter", "team"],
            "contract_value_cents": [100, None],
            "renewal_at": START + 30 * DAY,
        }
    )
    asked = pd.concat([ticket(START + d * DAY) for d in (0, 5, 10, 11)], ignore_index=True)
    row = ticket_features(asked, {"accounts": typed("accounts", versions)})
    assert row["plan"].fillna("?").tolist() == ["?", "starter", "starter", "team"]
    assert row["contract_value_cents"].fillna(-1).tolist() == [-1, 100, 100, -1]
    assert row["renewal_in_days"].fillna(-1).tolist() == [-1, 25, 20, 19]


@pytest.mark.parametrize(
    ("events", "still_open"),
    [
        ([], 1),
        ([("solved", 1)], 0),
        ([("solved", 1), ("solved", 2)], 0),
        ([("solved", 1), ("reopened", 2)], 1),
        ([("reopened", 1)], 1),
        ([("solved", 30)], 1),
    ],
)
def test_open_tickets_survive_repeated_and_future_status_changes(events, still_open):
    log = [event(START + hour * HOUR, kind, "old", event_id=f"e{hour}") for kind, hour in events]
    tables = completed(
        {"tickets": ticket(START, "old"), **({"ticket_events": pd.concat(log)} if log else {})}
    )
    row = ticket_features(ticket(START + DAY), tables)
    assert row["account_open_tickets"].tolist() == [still_open]


FAILURES = 6


@pytest.mark.parametrize(
    ("rows", "contact", "failed"),
    [
        ([{"contact_id": "c", "errors": FAILURES}], "c", FAILURES),
        ([{"contact_id": "other", "errors": FAILURES}], "c", 0),
        ([{"contact_id": None, "errors": FAILURES}], "c", FAILURES),
        ([{"contact_id": None, "errors": 2}, {"contact_id": "c", "errors": FAILURES}], "c", FAILURES),
        ([{"contact_id": "c", "errors": 4}, {"contact_id": "c", "errors": 2}], "c", FAILURES),
        ([{"contact_id": "other", "errors": FAILURES}], None, FAILURES),
        ([{"contact_id": "c", "errors": 1, "feature": "reports"}], "c", 0),
        ([], "c", np.nan),
    ],
)
def test_failed_logins_are_the_persons_own_unless_usage_names_nobody(rows, contact, failed):
    reported = [usage(START, START + k * HOUR, **row) for k, row in enumerate(rows, 1)]
    tables = {"usage": pd.concat(reported)} if reported else {}
    row = ticket_features(ticket(START + 12 * HOUR, contact_id=contact), tables)
    np.testing.assert_array_equal(row["failed_logins_24h"], [failed])


@pytest.mark.parametrize("tables", [{}, completed({})], ids=["absent", "empty"])
def test_missing_tables_leave_features_unknown_and_never_raise(tables):
    row = ticket_features(ticket(START, contact_id=None, account_id=None), tables).iloc[0]
    told = {
        "created_hour",
        "created_weekday",
        "language",
        "language_confidence",
        "text_chars",
        "text_words",
        "caps_share",
        "exclamation_marks",
        "question_marks",
        "subject_empty",
    }
    assert set(row.index[row.notna()]) == told


def test_an_unknown_account_is_unknown_and_not_an_error():
    tables = history(6, tickets=50)
    row = ticket_features(ticket(START + 100 * DAY, account_id="nobody", contact_id="nobody"), tables).iloc[0]
    assert row[["plan", "contract_value_cents", "usage_events_7d", "failed_logins_24h"]].isna().all()
    assert (row[["contact_tickets_90d", "account_tickets_90d", "account_open_tickets"]] == 0).all()


@pytest.mark.parametrize(
    "text",
    ["", "\x00\x01", "𐌀𐌁𐌂 𐌀𐌁𐌂", "ꦱꦸꦒꦼꦁ", "😀" * 50, "a" * 1_000_000, "?!" * 500_000, "ﷺ" * 500_000],
    ids=["empty", "control", "old italic", "javanese", "emoji", "one letter", "marks", "expanding ligature"],
)
def test_any_text_gives_finite_features_in_little_time(text):
    old = ticket(START, "old", subject=None, body=text)
    new = ticket(START + HOUR, subject=None, body=text)
    row = ticket_features(new, {"tickets": old}).iloc[0]
    assert row["text_chars"] <= 20_000
    assert np.isfinite(row[["text_chars", "text_words", "language_confidence"]].astype(float)).all()


def test_the_frame_keeps_the_callers_index_and_order():
    tables = history(7, tickets=30)
    shuffled = tables["tickets"].sample(frac=1, random_state=1)
    rows = ticket_features(shuffled, tables)
    assert rows.index.equals(shuffled.index)
    assert_same(rows.sort_index(), ticket_features(tables["tickets"], tables))
