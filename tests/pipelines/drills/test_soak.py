"""The short form of the soak, and a trend that sees a leak and not one bad sample."""

from pathlib import Path

import numpy as np
import pytest

from pipelines.drills.load import Kept
from pipelines.drills.soak import Soaked, figures, soak, trend
from serving.settings import Settings
from serving.store import open_store
from serving.tables import CONTEXT

TICKETS = [
    {
        "ticket_id": f"t{number}",
        "channel": "email",
        "subject": "Password",
        "body": "Please reset the password.",
        "as_of": "2026-06-01T12:00:00Z",
    }
    for number in range(3)
]
EVERY_SECOND = np.arange(600.0)
NOISE = np.random.default_rng(1).normal(0, 1, len(EVERY_SECOND))


def test_nothing_acknowledged_is_lost_under_steady_load_and_nothing_fails(tmp_path: Path) -> None:
    settings = Settings(state=tmp_path, development=True)
    soaked = soak(settings, TICKETS, seconds=4, settling_seconds=2, log=tmp_path / "service.log")
    assert soaked.errors == 0
    answered = soaked.statuses[200]
    assert answered > 5
    assert len(soaked.told.decisions) == len(soaked.told.feedback) == len(soaked.told.events) == answered
    assert soaked.kept == Kept(lost=0, duplicated=0, is_chain_intact=True)
    assert soaked.memory
    assert all(megabytes > 10 for _, megabytes in soaked.memory)

    store = open_store(settings)  # and the count sees an event that is gone
    with store.writing() as connection:
        connection.execute(CONTEXT["ticket_events"].delete())
    assert Kept.of(store, soaked.told).lost == answered
    store.close()


@pytest.mark.parametrize(
    ("megabytes", "is_flat"),
    [
        (400 + NOISE, True),
        (400 + NOISE + 300 * (EVERY_SECOND == 599), True),
        (400 + NOISE + 0.1 * EVERY_SECOND, False),
        (400 + NOISE + np.where(EVERY_SECOND < 300, 0, 60), False),
    ],
    ids=["flat", "one bad sample at the end", "6 MB a minute", "a step that stays"],
)
def test_memory_counts_as_flat_only_where_it_is(megabytes: np.ndarray, is_flat: bool) -> None:
    soaked = Soaked(memory=list(zip(EVERY_SECOND.tolist(), megabytes.tolist(), strict=True)))
    (growth,) = (figure for figure in figures(soaked, 600) if figure.name == "soak.memory_growth")
    assert growth.met is is_flat
    assert growth.low is not None
    assert growth.low <= growth.value <= growth.high


def test_a_run_too_short_for_a_trend_claims_none() -> None:
    assert trend([(1.0, 400.0), (2.0, 400.0)]) is None
    names = {figure.name for figure in figures(Soaked(), 4)}
    assert names == {"soak.errors", "soak.lost", "soak.duplicated"}


def test_a_lost_answer_an_error_or_a_broken_chain_is_published_as_missed() -> None:
    soaked = Soaked(kept=Kept(lost=1, duplicated=2, is_chain_intact=False))
    soaked.statuses.update([200, 429, 503, 500, 0])
    figure = {figure.name: figure for figure in figures(soaked, 4)}
    assert figure["soak.errors"].value == 2
    assert not any(figure[name].met for name in ("soak.errors", "soak.lost", "soak.duplicated"))
