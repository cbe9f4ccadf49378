"""Repeats: the same person asking again, whatever the spelling; nothing from other people or the future."""

import numpy as np
import pandas as pd
import pytest

from features.repeats import MAX_COMPARED, same_intent_repeats, similarity, trigrams
from features.schema import typed
from features.ticket import ticket_features
from tests.features.histories import START

DAY = pd.Timedelta(days=1)
REQUEST = "I cannot log in to the dashboard since this morning"


def tickets(*rows: dict[str, object]) -> pd.DataFrame:
    named = [
        {"ticket_id": f"t{k}", "contact_id": "c", "account_id": "a", **row} for k, row in enumerate(rows)
    ]
    return typed("tickets", pd.DataFrame(named).assign(known_at=lambda t: t["created_at"]))


def repeats(earlier: str, now: str, days: float = 1, contact: str | None = "c") -> float:
    both = tickets(
        {"created_at": START, "body": earlier},
        {"created_at": START + days * DAY, "body": now, "contact_id": contact},
    )
    return ticket_features(both.iloc[[1]], {"tickets": both})["similar_text_repeats_30d"].iat[0]


@pytest.mark.parametrize(
    ("earlier", "now", "expected"),
    [
        (REQUEST, REQUEST.upper() + "!!!", 1),
        (REQUEST, REQUEST.replace("dashboard", "dashbord"), 1),
        ("Où est ma facture de février ?", "OU EST MA FACTURE DE FEVRIER", 1),
        ("ログインできません、助けてください", "ログインできません。助けてください", 1),
        (REQUEST, "Please send me the invoice for March", 0),
        (REQUEST, "", 0),
        ("", "", 0),
        ("?!", "?!", 0),
    ],
)
def test_a_repeat_is_told_through_capitals_accents_and_typos_but_not_by_empty_text(earlier, now, expected):
    assert repeats(earlier, now) == expected


def test_only_the_same_person_within_thirty_days_counts():
    assert repeats(REQUEST, REQUEST, days=30) == 1
    assert repeats(REQUEST, REQUEST, days=30.01) == 0
    assert repeats(REQUEST, REQUEST, contact="other") == 0
    assert np.isnan(repeats(REQUEST, REQUEST, contact=None))


def test_a_flood_from_one_contact_stays_bounded():
    flood = tickets(
        *({"created_at": START + k * DAY / 100, "body": REQUEST} for k in range(2 * MAX_COMPARED))
    )
    row = ticket_features(flood, {"tickets": flood[::-1]})
    assert row["similar_text_repeats_30d"].tolist() == [min(k, MAX_COMPARED) for k in range(len(flood))]


def test_similarity_is_symmetric_and_full_only_for_equal_texts():
    one, other = trigrams("reset my password"), trigrams("password reset")
    assert similarity(one, other) == similarity(other, one) < similarity(one, one) == 1


INTENTS = pd.DataFrame(
    {
        "ticket_id": ["t0", "t0", "t1", "gone"],
        "intent": ["reset", "invoice", "reset", "reset"],
        "known_at": [START, START + 5 * DAY, START + DAY, START],
    }
)


@pytest.mark.parametrize(
    ("days", "intent", "by_contact", "by_account", "hours"),
    [
        (2, "reset", 1, 2, 48),
        (2, "invoice", 0, 0, np.nan),
        (6, "invoice", 1, 1, 144),
        (0, "reset", 0, 0, np.nan),
        (6, "never seen", 0, 0, np.nan),
        (6, None, np.nan, np.nan, np.nan),
        (40, "reset", 0, 0, 960),
    ],
)
def test_same_intent_counts_from_the_moment_the_intent_was_known(days, intent, by_contact, by_account, hours):
    history = tickets({"created_at": START}, {"created_at": START + DAY, "contact_id": "colleague"})
    now = tickets({"created_at": START + days * DAY, "ticket_id": "now"})
    row = same_intent_repeats(now, pd.Series([intent], dtype="str"), {"tickets": history}, INTENTS)
    np.testing.assert_array_equal(row.to_numpy(), [[by_contact, by_account, hours]])


def test_same_intent_repeats_are_the_same_served_and_in_batch():
    rng = np.random.default_rng(0)
    history = tickets(
        *(
            {
                "created_at": START + int(rng.integers(0, 1000)) * DAY / 24,
                "contact_id": f"c{rng.integers(0, 5)}",
                "account_id": f"a{rng.integers(0, 2)}",
            }
            for _ in range(200)
        )
    )
    known = history[["ticket_id", "known_at"]].assign(intent=rng.choice(["reset", "invoice"], 200))
    intents = known["intent"].astype("str")
    batch = same_intent_repeats(history, intents, {"tickets": history}, known)
    for index, row in history.iloc[::5].iterrows():
        own = history[
            (history["contact_id"] == row["contact_id"]) | (history["account_id"] == row["account_id"])
        ][::-1]
        one = same_intent_repeats(history.loc[[index]], intents.loc[[index]], {"tickets": own}, known[::-1])
        pd.testing.assert_frame_equal(one, batch.loc[[index]], check_exact=True)


def test_without_history_or_known_intents_nothing_repeats():
    now = tickets({"created_at": START})
    row = same_intent_repeats(now, pd.Series(["reset"], dtype="str"), {}, INTENTS.iloc[:0])
    np.testing.assert_array_equal(row.to_numpy(), [[0, 0, np.nan]])
