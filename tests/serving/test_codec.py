"""Rows as the store gives them and frames of history must look the same to every feature."""

import numpy as np
import pandas as pd
import pytest

from features.declare import frame_of
from features.repeats import same_intent_columns, same_intent_repeats
from features.rows import Rows
from features.schema import TABLES
from features.ticket import ticket_columns, ticket_features
from serving.codec import framed, plain_rows, to_rows
from tests.features.histories import history


@pytest.fixture(scope="module", params=[1, 2])
def frames(request) -> dict[str, pd.DataFrame]:
    return history(request.param, tickets=800)


def plain(frames: dict[str, pd.DataFrame]) -> dict[str, Rows]:
    """As the store gives them: encoded into tuples and read back."""
    return {name: plain_rows(name, to_rows(name, frame)) for name, frame in frames.items()}


def test_a_ticket_served_from_stored_rows_has_the_features_of_the_batch_bit_by_bit(frames) -> None:
    batch, stored = ticket_features(frames["tickets"], frames), plain(frames)
    tickets = stored["tickets"]
    accounts, contacts = (np.array(tickets.values(name), object) for name in ("account_id", "contact_id"))
    events = np.array(stored["ticket_events"].values("ticket_id"), object)
    ids = np.array(tickets.values("ticket_id"), object)
    for row in range(0, len(tickets), 5):
        account, contact = accounts[row], contacts[row]
        about = (accounts == account) if account else np.zeros(len(ids), bool)
        about |= (contacts == contact) if contact else False
        own = {
            **{name: rows for name, rows in stored.items() if name not in ("tickets", "ticket_events")},
            "tickets": tickets.take(np.flatnonzero(about)),
            "ticket_events": stored["ticket_events"].take(np.flatnonzero(np.isin(events, ids[about]))),
        }
        one = tickets.take([row])
        served = frame_of(ticket_columns(one, own, one.times("created_at")), batch.index[[row]])
        pd.testing.assert_frame_equal(served, batch.iloc[[row]], check_exact=True)


def test_repeats_from_stored_rows_are_those_of_frames_bit_by_bit(frames) -> None:
    tickets, stored = frames["tickets"], plain(frames)
    intents = pd.Series(np.where(np.arange(len(tickets)) % 3, "a", "b"), index=tickets.index, dtype="str")
    known = tickets[["ticket_id", "known_at"]].assign(intent=intents)
    batch = same_intent_repeats(tickets, intents, frames, known)
    told = Rows(
        {
            "ticket_id": known["ticket_id"].tolist(),
            "intent": intents.tolist(),
            "known_at": Rows.of(known).times("known_at").tolist(),
        },
        len(known),
    )
    asked = Rows({"intent": intents.tolist()}, len(intents)).strings("intent")
    served = pd.DataFrame(same_intent_columns(stored["tickets"], asked, stored, told), index=tickets.index)
    pd.testing.assert_frame_equal(served, batch, check_exact=True)


@pytest.mark.parametrize("name", TABLES)
def test_nothing_changes_on_the_way_into_the_store_and_back(frames, name) -> None:
    if name not in frames:
        assert framed(name, plain_rows(name, ())).empty
        return
    stored = plain(frames)[name]
    pd.testing.assert_frame_equal(framed(name, stored), frames[name].reset_index(drop=True))
    assert to_rows(name, stored) == to_rows(name, frames[name])
