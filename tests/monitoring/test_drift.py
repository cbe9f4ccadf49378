"""Drift is called only where a change is both large and no accident."""

import math

import numpy as np
import pandas as pd
import pytest

from monitoring.drift import DriftLimits, compare, thinned, unknown_word_share, vocabulary

NUMBERS = ("text_words", "usage_events_7d", "contract_value_cents", "always_unknown", "constant")
CATEGORIES = ("channel", "plan")


def tickets(
    rows: int, seed: int, chat: float = 0.3, usage_lost: float = 0.1, words: float = 40
) -> pd.DataFrame:
    chance = np.random.default_rng(seed)
    usage = chance.poisson(30, rows).astype(float)
    usage[chance.random(rows) < usage_lost] = np.nan
    return pd.DataFrame(
        {
            "text_words": chance.lognormal(np.log(words), 0.5, rows),
            "usage_events_7d": usage,
            "contract_value_cents": pd.array(chance.integers(10_000, 90_000, rows), dtype="Int64"),
            "always_unknown": np.nan,
            "constant": 1.0,
            "channel": np.where(chance.random(rows) < chat, "chat", "email"),
            "plan": pd.Series(chance.choice(["starter", "team", None], rows), dtype="str"),
        }
    )


def test_only_what_changed_is_called_moved_and_pictured(tmp_path):
    page = tmp_path / "drift" / "index.html"
    found = compare(
        tickets(6000, seed=1),
        tickets(800, seed=2, chat=0.6, usage_lost=0.5, words=70),
        NUMBERS,
        CATEGORIES,
        page,
    )

    assert set(found.moved) == {"channel", "usage_events_7d", "text_words"}
    assert (found.window_rows, found.reference_rows) == (800, 6000)
    assert "Drift" in page.read_text("utf-8")
    small_but_certain = compare(tickets(5000, 1), tickets(5000, 2, chat=0.35), NUMBERS, CATEGORIES)
    assert {c.column: c.p_value < 0.001 for c in small_but_certain.columns}["channel"]
    assert small_but_certain.moved == []
    for seed in range(3, 6):
        assert compare(tickets(1000, seed), tickets(300, seed + 10), NUMBERS, CATEGORIES).moved == []


def test_too_few_rows_are_refused_rather_than_compared():
    with pytest.raises(ValueError, match="window has 60 rows: drift needs at least 300"):
        compare(tickets(500, 1), tickets(60, 1), NUMBERS, CATEGORIES)


def test_a_sample_covers_the_whole_time():
    frame = pd.DataFrame({"n": range(10_001)})
    sample = thinned(frame, DriftLimits().most_rows)["n"]
    assert len(sample) <= DriftLimits().most_rows
    assert sample.min() == 0
    assert sample.max() >= 9_998
    assert thinned(frame.iloc[:0], 10).empty


def test_words_never_seen_before_are_counted():
    known = vocabulary(["Reset my password", "password RESET please", "invoice"])
    assert known == {"reset", "password"}
    shares = unknown_word_share(["reset the password!", "", "инвойс"], known)
    assert shares[0] == pytest.approx(1 / 3)
    assert math.isnan(shares[1])
    assert shares[2] == 1.0
