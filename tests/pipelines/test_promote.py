import json
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from models.churn import ChurnModel
from models.release import DESK, MANIFEST, ReleaseError, load_release, write_absent, write_release
from pipelines.gates import Gate, data_gate, gate_table, quality_gates
from pipelines.promote import (
    install,
    pointers,
    promote_release,
    promotion_gates,
    roll_back_release,
    rollback,
    serves_whole,
    stop_trial,
    try_out,
)
from pipelines.status import status_lines, status_record
from serving.settings import Settings, store_url
from serving.store import Store
from serving.trials import current_trial, trial_history
from tests.models.desks import account_features

AT = datetime(2026, 7, 1, 9, tzinfo=UTC)
VALID = {"tickets": {"failed_critical": 0, "failed_warning": 2}}
INTENT = {
    "tickets": 500,
    "accuracy": 0.85,
    "majority_accuracy": 0.2,
    "gain_over_linear": {"mean": 0.01, "low": 0.0, "high": 0.02},
}
GOOD = {
    "intent": {"agents": INTENT},
    "priority": {
        "agents": {"tickets": 500, "macro_f1": 0.6, "claimed_macro_f1": 0.3, "majority_macro_f1": 0.2}
    },
    "churn": {"auc": 0.7, "auc_low": 0.6, "auc_high": 0.8},
}


@pytest.fixture(scope="module")
def churn_model(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("member") / "churn"
    accounts = account_features(300, seed=1)
    ChurnModel.fit(accounts, accounts["churned_90d"], seed=0).save(folder)
    return folder


@pytest.fixture
def make(churn_model, tmp_path):
    def bundle(revision: str) -> Path:
        (tmp_path / "rules.yaml").write_text("brand: Example\n", encoding="utf-8")
        write_absent(tmp_path / "intent", "no labels")
        parts = {"churn": churn_model, "intent": tmp_path / "intent"}
        golden = {"tickets": {}, "accounts": {}, "expected": {}}
        write_release(tmp_path / revision, parts, tmp_path / "rules.yaml", {}, GOOD, revision, golden)
        return tmp_path / revision

    return bundle


@pytest.fixture
def desk(tmp_path) -> tuple[str, Path]:
    """URL of a store, and the folder of its releases."""
    (tmp_path / "state").mkdir()
    return store_url(tmp_path / "state"), tmp_path / "state" / "releases"


def test_the_first_release_serves_and_the_second_remembers_it(make, desk):
    first = promote_release(make("one"), *desk, "ann", "first", AT)
    assert pointers(desk[0]) == {"champion": first}
    second = promote_release(make("two"), *desk, "ann", "better", AT)
    assert pointers(desk[0]) == {"champion": second, "last_good": first}
    assert {load_release(desk[1] / found).id for found in (first, second)} == {first, second}


def test_promoting_the_champion_again_does_not_make_it_its_own_last_good(make, desk):
    first = promote_release(make("one"), *desk, "ann", "first", AT)
    second = promote_release(make("two"), *desk, "ann", "better", AT)
    assert promote_release(make("two"), *desk, "ann", "again", AT) == second
    assert pointers(desk[0]) == {"champion": second, "last_good": first}


def test_a_champion_is_judged_again_only_if_its_installed_copy_is_damaged(make, desk, tmp_path):
    settings = Settings(state=tmp_path / "state")
    first = promote_release(make("one"), *desk, "ann", "first", AT)
    assert serves_whole(first, settings)
    damaged = desk[1] / first / DESK
    damaged.chmod(0o644)
    damaged.write_text("brand: Somebody else\n", encoding="utf-8")
    assert not serves_whole(first, settings)
    assert not serves_whole("0" * len(first), settings)


def test_rolling_back_brings_the_last_good_release_and_only_once(make, desk):
    with pytest.raises(ReleaseError, match="nothing to roll back to"):
        roll_back_release(*desk, "ann", "panic", AT)
    first = promote_release(make("one"), *desk, "ann", "first", AT)
    promote_release(make("two"), *desk, "ann", "better", AT)
    assert roll_back_release(*desk, "ann", "worse", AT) == first
    assert pointers(desk[0])["champion"] == first
    with pytest.raises(ReleaseError, match="nothing to roll back to"):
        roll_back_release(*desk, "ann", "again", AT)


def test_a_damaged_last_good_release_is_not_rolled_back_to(make, desk):
    first = promote_release(make("one"), *desk, "ann", "first", AT)
    second = promote_release(make("two"), *desk, "ann", "better", AT)
    (desk[1] / first / DESK).chmod(0o644)
    (desk[1] / first / DESK).write_text("brand: Somebody else\n", encoding="utf-8")
    with pytest.raises(ReleaseError, match="SHA-256"):
        roll_back_release(*desk, "ann", "worse", AT)
    assert pointers(desk[0])["champion"] == second


def test_a_tampered_bundle_never_arrives_and_the_champion_stays(make, desk):
    first = promote_release(make("one"), *desk, "ann", "first", AT)
    bad = make("two")
    (bad / "churn" / "booster.txt").write_text("tree\n", encoding="utf-8")
    with pytest.raises(ReleaseError, match=r"booster\.txt"):
        promote_release(bad, *desk, "ann", "better", AT)
    assert [path.name for path in desk[1].iterdir()] == [first]
    assert pointers(desk[0]) == {"champion": first}


def test_an_installed_release_is_read_only_and_whole(make, desk):
    found = install(make("one"), desk[1])
    assert all(not path.stat().st_mode & 0o222 for path in (desk[1] / found).rglob("*") if path.is_file())
    assert install(make("one"), desk[1]) == found  # a second arrival changes nothing
    assert not list(desk[1].glob(".arriving-*"))


def test_a_tracking_server_that_is_away_stops_neither_promotion_nor_rollback(
    make, desk, monkeypatch, tmp_path, capsys
):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    monkeypatch.setenv("FIRSTLINE_STATE", str(tmp_path / "state"))
    first = promote_release(make("one"), *desk, "ann", "first", AT)
    promote_release(make("two"), *desk, "ann", "better", AT)
    assert rollback(AT, "ann", "worse") == 0
    assert pointers(desk[0])["champion"] == first
    assert "does not follow" in capsys.readouterr().err


def failed(gates: list[Gate]) -> list[str]:
    return [gate.name for gate in gates if not gate.passed]


def changed(**parts: object) -> dict[str, object]:
    return {**GOOD, **parts}


@pytest.mark.parametrize(
    ("metrics", "expected"),
    [
        (GOOD, []),
        (
            changed(
                intent={
                    "agents": {**INTENT, "gain_over_linear": {"mean": -0.05, "low": -0.07, "high": -0.03}}
                }
            ),
            ["intent against linear model"],
        ),
        (
            changed(
                intent={"agents": {**INTENT, "gain_over_linear": {"mean": -0.01, "low": -0.03, "high": 0.01}}}
            ),
            [],
        ),
        (changed(intent={"agents": {**INTENT, "accuracy": 0.19}}), ["intent against majority"]),
        (
            changed(priority={"agents": {**GOOD["priority"]["agents"], "macro_f1": 0.25}}),
            ["priority against claim and majority"],
        ),
        (changed(churn={"auc": 0.4, "auc_low": 0.3, "auc_high": 0.45}), ["churn against chance"]),
        (changed(churn={"auc": 0.45, "auc_low": 0.3, "auc_high": 0.6}), []),
        ({"absent": {"intent": "no labels"}}, []),
    ],
)
def test_a_release_worse_than_its_baseline_beyond_chance_is_stopped(metrics, expected):
    assert failed(quality_gates(metrics)) == expected


def test_data_that_broke_a_critical_expectation_stops_promotion(make):
    assert failed(promotion_gates(make("one"), VALID)) == []
    assert failed([data_gate({"tickets": {"failed_critical": 1}})]) == ["data"]


def test_an_unsound_bundle_fails_the_first_gate_and_nothing_of_it_is_read(make):
    bad = make("one")
    manifest = json.loads((bad / MANIFEST).read_text("utf-8"))
    shutil.rmtree(bad / "churn")
    gates = promotion_gates(bad, VALID)
    assert [(gate.name, gate.passed) for gate in gates] == [("files", False)]
    assert "it is missing" in gates[0].found
    assert manifest["absent"]["intent"] == "no labels"
    assert gate_table(gates, "x").row_count == 1


def test_the_status_tells_what_serves_and_why(make, desk, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    settings = Settings(state=desk[1].parent, database_url=desk[0])
    nothing = dict.fromkeys(
        ["champion", "challenger", "last_good", "retraining", "monitor", "traffic", "data"]
    )
    nothing["reviews"] = []
    assert status_record(settings, AT) == nothing
    assert status_lines(nothing)[0] == "champion: none"
    assert "warning: 3 reviews not done" in status_lines(nothing | {"reviews": ["3 reviews not done"]})
    first = promote_release(make("one"), *desk, by="ann", reason="gates", at=AT)
    serving = {"release": first, "days": 3, "reason": "gates", "by": "ann"}
    later = status_record(settings, AT + timedelta(days=3))
    assert later.pop("data").startswith("the champion learnt from revision one ")
    assert later == {k: v for k, v in nothing.items() if k != "data"} | {"champion": serving}
    later["data"] = None
    assert status_lines(later)[0] == f"champion: {first}, for 3 days (gates, by ann)"


def test_a_challenger_is_tried_out_shown_taken_back_or_made_champion_on_the_record(
    make, desk, monkeypatch, tmp_path
):
    monkeypatch.chdir(tmp_path)
    settings = Settings(state=desk[1].parent, database_url=desk[0])
    first = promote_release(make("one"), *desk, "ann", "first", AT)
    for share in (0.0, 1.5):
        with pytest.raises(ValueError, match="share of accounts"):
            try_out(make("two"), settings, "canary", share, "ann", "looks better", AT)
    assert status_record(settings, AT)["challenger"] is None
    second = try_out(make("two"), settings, "shadow", 1.0, "ann", "looks better", AT)
    try_out(make("two"), settings, "canary", 0.1, "bob", "still does", AT)
    assert "canary" in status_record(settings, AT)["traffic"]
    assert stop_trial(desk[0], "cleo", "complaints", AT).release_id == second
    assert stop_trial(desk[0], "cleo", "again", AT) is None
    try_out(make("two"), settings, "canary", 0.1, "bob", "mended", AT)
    promote_release(make("two"), *desk, "bob", "better", AT)
    store = Store(desk[0])
    with store.reading() as connection:
        steps = [(step.mode, step.by) for step in trial_history(connection)]
        assert current_trial(connection) is None
    assert steps == [
        ("shadow", "ann"), ("canary", "bob"), ("ended", "cleo"), ("canary", "bob"), ("ended", "bob")
    ]  # fmt: skip
    assert store.verify_ledger().intact
    store.close()
    assert pointers(desk[0]) == {"champion": second, "challenger": second, "last_good": first}


def test_a_champion_of_an_older_version_of_the_program_does_not_stop_its_successor(
    make, churn_model, tmp_path
):
    """After an upgrade nobody could promote: only a new release mends a champion that cannot be read."""
    older = tmp_path / "older-churn"
    shutil.copytree(churn_model, older)
    (description,) = older.glob("*.json")
    columns = json.loads(description.read_text("utf-8"))["columns"]
    description.write_text(json.dumps({"columns": columns}), encoding="utf-8")
    write_absent(tmp_path / "no-intent", "no labels")
    members = {"churn": older, "intent": tmp_path / "no-intent"}
    (tmp_path / "rules.yaml").write_text("brand: Example\n", encoding="utf-8")
    golden = {"tickets": {}, "accounts": {}, "expected": {}}
    champion = tmp_path / "champion"
    write_release(champion, members, tmp_path / "rules.yaml", {}, GOOD, "older", golden)
    with pytest.raises(ReleaseError, match="another version"):
        load_release(champion)
    gates = promotion_gates(make("newer"), VALID, champion)
    assert [(gate.name, gate.passed) for gate in gates][-1] == ("champion", True)
    assert "made by another version" in gates[-1].found
    assert all(gate.passed for gate in gates)
