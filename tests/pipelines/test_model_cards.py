"""Model cards: figures with intervals, small parts hidden by name, absent members named, no markup."""

import numpy as np
import pandas as pd
import pytest

from models.metrics import auc_interval, exact_share_interval, influence_interval
from models.release import MEMBERS
from models.risk import ThresholdEvidence
from pipelines.model_cards.card import Card, absent_card, intent_limits, of_model
from pipelines.model_cards.page import rendered, write_cards
from pipelines.model_cards.slices import length_band, measured
from pipelines.model_cards.uses import USES

HOSTILE = "<script>alert('x')</script>"


def shares(**parts: tuple[int, int]) -> pd.DataFrame:
    """``plan=(cases, right)``."""
    rows = [(plan, int(i < right)) for plan, (cases, right) in parts.items() for i in range(cases)]
    return pd.DataFrame(rows, columns=["plan", "right"])


def card_of(cases: pd.DataFrame, tmp_path, name: str = "intent") -> Card:
    (tmp_path / "model").mkdir(exist_ok=True)
    (tmp_path / "model" / "model.json").write_text("{}")
    measure = measured(cases, "share right", "share right", "reviewers", ["plan"])
    return of_model(name, tmp_path / "model", [("rows", "12")], [measure], {"auc": 0.5}, ["none"])


def test_a_part_that_reads_worse_than_all_is_marked_and_a_small_one_is_hidden_by_name():
    found = measured(
        shares(team=(400, 380), starter=(200, 120), tiny=(29, 0), small=(60, 57)),
        "x",
        "share right",
        "",
        ["plan"],
    )
    (plans,) = found.slices
    told = {part.value: part for part in plans.parts}
    assert [part.value for part in plans.parts] == ["team", "starter", "small"], "largest first"
    assert plans.hidden == (("tiny", 29),)
    assert {name for name, part in told.items() if part.is_worse} == {"starter"}
    assert {name for name, part in told.items() if part.is_small} == {"small"}
    assert found.whole.cases == 689


def test_cases_whose_part_is_unknown_are_shown_as_such_and_none_is_lost():
    frame = shares(team=(50, 40)).assign(plan=["team"] * 20 + [None] * 30)
    (plans,) = measured(frame, "x", "share right", "", ["plan"]).slices
    shown = {part.value: part.cases for part in plans.parts} | dict(plans.hidden)
    assert shown == {"unknown": 30, "team": 20}


@pytest.mark.parametrize(("leavers", "is_judged"), [(9, False), (10, True)])
def test_an_auc_of_a_handful_of_leavers_is_not_shown(leavers, is_judged):
    happened = np.arange(200) < leavers
    frame = pd.DataFrame({"happened": happened, "risk": np.linspace(1, 0, 200), "group": np.arange(200)})
    assert (measured(frame, "x", "AUC", "", []).whole is not None) is is_judged


def test_the_interval_of_an_auc_widens_where_rows_of_one_account_say_the_same():
    rng = np.random.default_rng(0)
    truth, accounts = rng.random(300) < 0.3, np.arange(300)
    risk = truth + rng.normal(0, 1.2, 300)
    low, high = influence_interval(truth, risk, accounts)
    drawn = auc_interval(truth.astype(float), risk, accounts, seed=1, draws=300)
    assert (low, high) == pytest.approx(drawn, abs=0.02), "agrees with drawing accounts anew"
    again = influence_interval(np.repeat(truth, 6), np.repeat(risk, 6), np.repeat(accounts, 6))
    assert again == pytest.approx((low, high), abs=1e-9), "the same accounts six times tell nothing more"
    alone = influence_interval(np.repeat(truth, 6), np.repeat(risk, 6), np.arange(1800))
    assert alone[1] - alone[0] < 0.5 * (high - low)


@pytest.mark.parametrize(
    ("hits", "cases", "low", "high"), [(0, 30, 0.0, 0.1157), (30, 30, 0.8843, 1.0), (15, 30, 0.313, 0.687)]
)
def test_the_interval_of_a_share_is_never_a_point(hits, cases, low, high):
    assert exact_share_interval(hits, cases) == pytest.approx((low, high), abs=5e-4)


def test_bands_of_text_length_cover_every_text():
    told = length_band(pd.Series([0, 80, 81, 800, 801, 20_000])).tolist()
    assert told == ["up to 80 characters"] * 2 + ["81 to 240", "241 to 800"] + ["more than 800"] * 2


def test_names_from_somebodys_data_are_never_markup(tmp_path):
    html, markdown = rendered(card_of(shares(**{HOSTILE: (40, 3), "a|b": (40, 3)}), tmp_path), HOSTILE)
    assert HOSTILE not in html
    assert "&lt;script&gt;" in html
    assert HOSTILE not in markdown
    assert "| a\\|b |" in markdown


def test_every_member_has_a_card_and_one_left_out_is_named_with_its_reason_and_its_refused_uses(tmp_path):
    assert set(USES) == set(MEMBERS)
    cards = [absent_card("churn", "the table usage is missing"), card_of(shares(team=(40, 30)), tmp_path)]
    write_cards(cards, "some company", tmp_path / "cards")
    written = {path.name: path.read_text() for path in (tmp_path / "cards").iterdir()}
    assert set(written) == {"index.html", "churn.html", "churn.md", "intent.html", "intent.md"}
    for page in ("index.html", "churn.html", "churn.md"):
        assert "the table usage is missing" in written[page]
    assert USES["churn"].refused[0] in written["churn.md"]
    assert "0.750" in written["index.html"]


def test_a_card_tells_what_its_intent_model_may_not_do_alone():
    proven, unproven = ThresholdEvidence(0.9, 100, 0, 0.97), ThresholdEvidence(None, 100, 30, 0.6)
    limits = " ".join(intent_limits(("de", "en"), {"rare": 3}, {"reset": proven, "refund": unproven}, None))
    assert "1 of 2 intents (refund)" in limits
    assert "de, en" in limits
    assert "rare (3)" in limits


def test_a_model_that_is_judged_elsewhere_says_where_and_claims_no_evaluation_cases(tmp_path):
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "model.json").write_text("{}")
    metrics = {"left_out_author": {"first": {"recall": 0.5}}}
    card = of_model(
        "legal_weight", folder, [], (), metrics, [], "judged on examples", figures_of="legal_weight"
    )
    write_cards([card], "some company", tmp_path / "cards")
    for path in (tmp_path / "cards").iterdir():
        page = path.read_text()
        assert "judged on examples" in page, path.name
        assert "On evaluation cases" not in page, path.name
    assert "metrics/legal_weight.json" in (tmp_path / "cards" / "legal_weight.html").read_text()
