"""A desk that replaces its labels: the ranker must learn from tickets of the desk that it will serve."""

from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from models import intent_blocks
from models.candidates import Evidence
from models.intent import IntentModel
from models.intent_blocks import FALLEN, BlockEvidence, Fall, has_fallen, since_last_fall, time_blocks
from models.intent_training import IntentSettings, RankerData, fit_intent, ranker_data
from models.lifts import Lifts
from models.metrics import accuracy
from pipelines.model_cards.card import intent_limits
from tests.models.desks import TOPICS, encoded, tickets

SETTINGS = IntentSettings(min_examples=10, seed=1)
REPLACED = dict.fromkeys(list(TOPICS)[:4], "orders")
"""Four of six old labels become one."""


def desk(n: int, seed: int, changes_at: int | None) -> pd.DataFrame:
    """``n`` tickets of one channel, a third of them without a telling word."""
    frame = tickets(n, seed=seed, blur=0.3).assign(channel="forum")
    if changes_at is not None:
        frame.loc[changes_at:, "intent"] = frame.loc[changes_at:, "intent"].replace(REPLACED)
    return frame


@cache
def learnt(changes_at: int | None) -> RankerData:
    """Four blocks of 300 tickets; what a desk that changed where said of them."""
    frame = desk(1200, 1, changes_at)
    labels = frame["intent"].to_numpy(dtype=object)
    return ranker_data(encoded(frame), labels, time_blocks(900, 300, 3), SETTINGS)


@cache
def changed() -> IntentModel:
    """Learnt by a desk that changed 240 tickets ago."""
    return model_of(learnt(960))


def model_of(data: RankerData) -> IntentModel:
    return fit_intent(data, np.zeros(1200, dtype=bool), SETTINGS)[0]


def right(model: IntentModel) -> tuple[float, float]:
    """Of what comes after the change: the share that the ranker gets right, and the retriever alone."""
    fresh = desk(300, 2, 0)
    words = encoded(fresh)
    first = np.array(model.classes)[model.retriever.evidence(words, 1).candidates[:, 0]]
    said = [one.intent for one in model.predict_encoded(words)]
    return accuracy(fresh["intent"], said), accuracy(fresh["intent"], first)


def judged(first_right: int, tickets: int) -> BlockEvidence:
    """A block of which the first candidate of so many tickets was right."""
    marks = np.zeros((tickets, 2), dtype=bool)
    marks[:first_right, 0] = True
    nothing = Evidence(np.zeros((tickets, 2), int), np.zeros((tickets, 2, 0)), ())
    return BlockEvidence(np.arange(tickets), nothing, marks.astype(object), marks, ~marks.any(axis=1))


def test_a_ranker_is_no_worse_than_its_retriever_after_labels_were_replaced():
    """Evidence of a retriever that never met the new labels speaks against them: what was common is wrong."""
    data = learnt(960)
    ranked, first = right(changed())
    assert ranked >= first
    assert ranked > right(model_of(replace(data, after_fall=None)))[0] + 0.1


def test_labels_that_came_last_are_known_to_the_retriever_that_ranking_is_learnt_from(monkeypatch):
    monkeypatch.setattr(intent_blocks, "FEWEST_AFTER_A_FALL", 50)
    data = learnt(1070)
    assert data.fall is not None
    assert data.fall.tickets == 75  # not 150: half of them would be of labels never met
    assert data.after_fall is not None
    assert data.after_fall.unknown.mean() <= FALLEN


def test_a_desk_that_stays_as_it_is_pays_nothing():
    data = learnt(None)
    assert (data.after_fall, data.fall) == (None, None)
    assert data.for_ranker == data.judged


@pytest.mark.parametrize(
    ("before", "after", "fallen"),
    [
        ((800, 1000), (800, 1000), False),
        ((800, 1000), (740, 1000), False),  # six points, but not surely more than five
        ((800, 1000), (600, 1000), True),
        ((600, 1000), (800, 1000), False),
        ((8, 10), (5, 10), False),  # too few to tell
    ],
)
def test_only_a_sure_fall_is_one(before: tuple[int, int], after: tuple[int, int], fallen: bool):
    assert has_fallen(judged(*before), judged(*after)) is fallen


@pytest.mark.parametrize(
    ("right_of_1000", "kept"), [([800, 800, 800], 3), ([800, 500, 800], 1), ([800, 800, 500], 3), ([800], 1)]
)
def test_what_was_seen_before_labels_were_replaced_teaches_no_ranking(right_of_1000: list[int], kept: int):
    assert len(since_last_fall([judged(share, 1000) for share in right_of_1000])) == kept


def test_a_fall_is_told_in_the_file_and_on_the_card(tmp_path: Path):
    model = changed()
    model.save(tmp_path)
    assert model.fall is not None
    assert IntentModel.load(tmp_path).fall == model.fall
    told = intent_limits((), {}, {}, None, Fall(0.75, 0.34, 489))[-1]
    assert "right in 75% of the tickets before and 34% after" in told
    assert "newest 489 tickets" in told


def test_what_is_the_same_for_every_ticket_speaks_for_no_class():
    """Rounding alone would tell classes apart, and a ranker that scales its evidence would listen to it."""
    codes = np.arange(60) % 3
    words = {"channel": np.array(["forum"] * 60), "plan": np.where(codes == 0, "small", "large")}
    lifts = Lifts.fit(words, codes, 3)
    assert lifts.names == ("channel", "plan")
    found = lifts.of({name: values[:3] for name, values in words.items()}, np.tile(np.arange(3), (3, 1)))
    assert not found[:, :, 0].any()
    assert found[0, 0, 1] > 0.5
