"""Outcomes are learnt from what was known at opening; a column that came later is refused, by name."""

import numpy as np
import pandas as pd
import pytest

from features.opening import OPENING_FEATURES
from models.metrics import auc
from models.outcomes import BINARY, INPUTS, LeakError, OutcomeModels, columns_of
from tests.models.desks import ticket_features


def opened(n: int, seed: int) -> pd.DataFrame:
    """Tickets in order: the form's queue is right for two in three; the product area tells the others."""
    rng = np.random.default_rng(seed)
    frame = ticket_features(n, seed)
    queue = rng.choice(["billing", "access", "product"], n)
    wrong = frame["product_area"] == "c"
    final = np.where(wrong, "engineering", queue)
    late = rng.random(n) < np.where(frame["plan"] == "a", 0.8, 0.1)
    facts = {name: rng.choice(["x", "y"], n) for name in OPENING_FEATURES}
    return frame.assign(
        **facts | {"opening_queue": queue},
        account_id=[f"a{i}" for i in range(n)],
        final_queue=final,
        reassigned=pd.array(wrong.astype("int8"), dtype="Int8").copy(),
        sla_missed=pd.array(late.astype("int8"), dtype="Int8"),
    ).assign(
        reassigned=lambda f: f["reassigned"].mask(rng.random(n) < 0.15, 1 - f["reassigned"]).astype("Int8")
    )


TRAIN, LATER, NEW = (opened(n, seed) for n, seed in ((900, 1), (300, 2), (400, 3)))


@pytest.fixture(scope="module")
def models() -> OutcomeModels:
    return OutcomeModels.fit(TRAIN, LATER, seed=0)


def test_it_learns_where_tickets_end_and_what_goes_wrong(models):
    said = models.predict(NEW)
    right = np.mean([p.queue == queue for p, queue in zip(said, NEW["final_queue"], strict=True)])
    assert right > 0.9 > (NEW["opening_queue"] == NEW["final_queue"]).mean()
    for name in BINARY:
        risk = np.array([getattr(p, name) for p in said])
        assert auc(NEW[name].to_numpy(dtype=float), risk) > 0.75
        assert abs(risk.mean() - NEW[name].mean()) < 0.1
    assert all(p.queues[0][0] == p.queue and len(p.queues) == 3 for p in said)
    assert all(0 <= p.queue_probability <= 1 for p in said)


def test_names_of_single_accounts_and_what_only_tells_the_date_are_not_learnt():
    dated = TRAIN.assign(account_tickets_90d=np.arange(len(TRAIN), dtype=float))
    names = columns_of(dated).names
    assert "account_id" not in names
    assert "account_tickets_90d" not in names
    assert "account_tickets_90d" in columns_of(TRAIN).names


@pytest.mark.parametrize(
    ("leak", "planted"),
    [
        ("a count that grows until the end", {"account_tickets_7d": TRAIN["sla_missed"].astype(float) + 1}),
        ("how it was closed", {"product_area": TRAIN["sla_missed"].map({1: "too late", 0: "in time"})}),
        ("who resolved it", {"opened_by": "team " + TRAIN["sla_missed"].astype("str")}),
    ],
)
def test_a_column_filled_in_afterwards_is_refused_by_name(leak, planted):
    (name,) = planted
    with pytest.raises(LeakError, match=rf"^{name} alone tell 'sla_missed'"):
        OutcomeModels.fit(TRAIN.assign(**planted), LATER, seed=0)


def test_a_column_nobody_declared_is_not_read_however_well_it_tells(models):
    planted = TRAIN.assign(closed_code=TRAIN["final_queue"], resolved_by=TRAIN["sla_missed"])
    again = OutcomeModels.fit(planted, LATER, seed=0)
    assert again.predict(NEW.iloc[:20]) == models.predict(NEW.iloc[:20])
    assert "closed_code" not in INPUTS


def test_a_desk_without_queues_leaves_them_out_by_name():
    silent = TRAIN.assign(final_queue=None, reassigned=pd.array([pd.NA] * len(TRAIN), dtype="Int8"))
    models = OutcomeModels.fit(silent, LATER.iloc[:0], seed=0)
    assert set(models.absent) == {"queue", "reassigned"}
    assert "0 tickets whose outcome is known" in models.absent["reassigned"]
    (said,) = models.predict(NEW.iloc[:1])
    assert (said.queue, said.queue_probability, said.queues, said.reassigned) == (None, None, (), None)
    assert 0 < said.sla_missed < 1


def test_unknown_values_are_scored_and_a_lacking_column_is_named(models):
    strange = NEW.iloc[:2].assign(**dict.fromkeys(OPENING_FEATURES), plan="never seen", seats=np.nan)
    assert all(p.queue is not None for p in models.predict(strange))
    with pytest.raises(ValueError, match=r"lack the columns .*'opening_queue'"):
        models.predict(NEW.drop(columns="opening_queue"))


def test_loaded_models_say_exactly_what_the_fitted_ones_said(models, tmp_path):
    models.save(tmp_path)
    assert OutcomeModels.load(tmp_path).predict(NEW.iloc[:30]) == models.predict(NEW.iloc[:30])


def test_the_same_data_give_the_same_bytes(models, tmp_path):
    models.save(tmp_path / "a")
    OutcomeModels.fit(TRAIN, LATER, seed=0).save(tmp_path / "b")
    files = sorted(path.name for path in (tmp_path / "a").iterdir())
    assert files == ["model.json", "queue.txt", "reassigned.txt", "sla_missed.txt"]
    assert all((tmp_path / "a" / f).read_bytes() == (tmp_path / "b" / f).read_bytes() for f in files)
