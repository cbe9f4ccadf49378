import numpy as np
import pandas as pd
import pytest

from models.boosting import Columns, contributions, load_booster, save_booster, scores, train_booster

FRAME = pd.DataFrame(
    {
        "size": np.linspace(0, 1, 400),
        "weight": np.random.default_rng(0).normal(size=400),
        "kind": np.tile(["plain", "fancy"], 200),
    }
)
COLUMNS = Columns.of(FRAME, ["weight", "size"], ["kind"])
TARGET = ((FRAME["size"] > 0.5) & (FRAME["kind"] == "fancy")).to_numpy(dtype=float)


def booster(columns: Columns = COLUMNS, **kwargs):
    return train_booster(
        columns.matrix(FRAME), TARGET, columns, {"objective": "binary"}, 20, seed=0, **kwargs
    )


def test_columns_are_found_by_name_whatever_their_order_in_the_frame():
    assert COLUMNS.names == ("weight", "size", "kind")
    assert np.array_equal(COLUMNS.matrix(FRAME), COLUMNS.matrix(FRAME[["kind", "size", "weight"]]))


def test_a_category_never_seen_is_unknown_not_another_one():
    odd = FRAME.iloc[:3].assign(kind=["plain", "unheard of", None])
    assert COLUMNS.matrix(odd)[:, 2].tolist()[0] == 1.0
    assert np.isnan(COLUMNS.matrix(odd)[1:, 2]).all()
    assert COLUMNS.told(COLUMNS.matrix(odd)[0])["kind"] == "plain"
    assert "kind" not in COLUMNS.told(COLUMNS.matrix(odd)[1])


def test_the_order_of_categories_survives_json():
    two = Columns(("a",), {"zebra": ("x",), "ant": ("y", "z")})
    assert Columns.from_json(two.to_json()).names == two.names


def test_missing_columns_are_named():
    with pytest.raises(ValueError, match=r"lack the columns \['size'\]"):
        COLUMNS.matrix(FRAME.drop(columns="size"))


def test_a_booster_of_other_columns_is_refused(tmp_path):
    save_booster(booster(), tmp_path / "model.txt")
    assert load_booster(tmp_path / "model.txt", COLUMNS).num_trees() == 20
    swapped = Columns(("size", "weight"), COLUMNS.categories)
    with pytest.raises(ValueError, match=r"expected .*'size', 'weight', 'kind'.*train it again"):
        load_booster(tmp_path / "model.txt", swapped)


def test_the_same_data_and_seed_give_the_same_text_and_another_seed_another():
    assert booster().model_to_string() == booster().model_to_string()
    other = train_booster(COLUMNS.matrix(FRAME), TARGET, COLUMNS, {"objective": "binary"}, 20, seed=1)
    assert other.model_to_string() != booster().model_to_string()


def test_contributions_add_up_to_the_log_odds():
    model, matrix = booster(), COLUMNS.matrix(FRAME)
    log_odds = model.predict(matrix, raw_score=True)
    base = log_odds - contributions(model, matrix).sum(axis=1)
    assert np.ptp(base) < 1e-9
    assert scores(model, matrix) == pytest.approx(1 / (1 + np.exp(-log_odds)))
