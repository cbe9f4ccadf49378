import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from features.opening import OPENING_FEATURES
from models.churn import ChurnModel
from models.golden import answers, as_document, check, check_in_child
from models.intent_blocks import time_blocks
from models.intent_training import IntentSettings, fit_intent, ranker_data
from models.outcomes import OutcomeModels
from models.priority import PriorityModel
from models.release import (
    DESK,
    GOLDEN,
    MANIFEST,
    MEMBERS,
    ReleaseError,
    load_release,
    release_id,
    verify_release,
    write_absent,
    write_release,
)
from models.risk import ThresholdEvidence
from models.sentiment import SentimentModel
from tests.models.desks import account_features, encoded, levels_by_stake, ticket_features, tickets
from tests.models.test_legal_weight import learnt
from tests.models.test_outcomes import opened

THRESHOLDS = {
    "login_help": ThresholdEvidence(0.87, 188, 4, 0.951975),
    "wrong_size": ThresholdEvidence(None, 9, 0, 0.7),
}
ACCOUNTS = account_features(400, seed=1).drop(columns="as_of")


def golden_tickets() -> pd.DataFrame:
    words = tickets(6, seed=3)[["subject", "body", "channel", "plan"]]
    features = ticket_features(6, seed=3).drop(columns=["intent", "frustration", "channel", "plan"])
    return features.join(words).assign(**dict.fromkeys(OPENING_FEATURES, "x"))


def members(folder: Path) -> dict[str, Path]:
    train, features = tickets(300, seed=1), ticket_features(300, seed=1)
    settings = IntentSettings(min_examples=10)
    data = ranker_data(
        encoded(train), train["intent"].to_numpy(object), time_blocks(len(train), 0, 3), settings
    )
    fit_intent(data, np.zeros(len(train), dtype=bool), settings)[0].save(folder / "intent")
    SentimentModel().save(folder / "sentiment")
    PriorityModel.fit(features, levels_by_stake(features), seed=0).save(folder / "priority")
    ChurnModel.fit(ACCOUNTS, ACCOUNTS["churned_90d"], seed=0).save(folder / "churn")
    OutcomeModels.fit(opened(400, 1), opened(100, 2), seed=0).save(folder / "outcomes")
    learnt().model.save(folder / "legal_weight")
    return {name: folder / name for name in MEMBERS}


def written(folder: Path, parts: dict[str, Path], golden: dict | None = None, revision: str = "r1") -> str:
    desk = folder.parent / "rules.yaml"
    desk.write_text("brand: Example\n", encoding="utf-8")
    return write_release(folder, parts, desk, THRESHOLDS, {"accuracy": 0.9}, revision, golden or {})


@pytest.fixture(scope="module")
def parts(tmp_path_factory) -> dict[str, Path]:
    return members(tmp_path_factory.mktemp("members"))


@pytest.fixture(scope="module")
def sound(tmp_path_factory, parts) -> Path:
    folder = tmp_path_factory.mktemp("release") / "bundle"
    written(folder, parts)
    said = answers(load_release(folder), golden_tickets(), ACCOUNTS.iloc[:3])
    written(folder, parts, as_document(golden_tickets(), ACCOUNTS.iloc[:3], said))
    return folder


@pytest.fixture
def copy(sound, tmp_path) -> Path:
    return shutil.copytree(sound, tmp_path / "copy")


def test_a_release_carries_all_that_decides(sound):
    release = load_release(sound)
    assert None not in (release.intent, release.sentiment, release.priority, release.churn, release.outcomes)
    assert release.thresholds == THRESHOLDS
    assert release.desk_path.read_text("utf-8") == "brand: Example\n"
    assert release.columns["churn"] == release.churn.columns
    assert release.manifest["metrics"] == {"accuracy": 0.9}
    assert release.absent == {}
    assert release.id == release_id(sound)


def test_the_same_content_has_the_same_id_and_other_data_another(parts, tmp_path):
    ids = [
        written(tmp_path / name, parts, revision=revision)
        for name, revision in (("a", "r1"), ("b", "r1"), ("c", "r2"))
    ]
    assert ids[0] == ids[1] != ids[2]


def test_every_single_file_is_guarded_against_change_truncation_and_loss(sound, copy):
    files = sorted(path.relative_to(sound) for path in sound.rglob("*") if path.is_file())
    assert {"intent/ranker.txt", "intent/proposer.npz", "priority/step_1.txt", DESK} <= set(map(str, files))
    for file in [file for file in files if str(file) != MANIFEST]:
        original = (sound / file).read_bytes()
        middle = len(original) // 2
        flipped = original[:middle] + bytes([original[middle] ^ 1]) + original[middle + 1 :]
        for damaged in (flipped, original[:middle], b"", original + b"\n"):
            (copy / file).write_bytes(damaged)
            with pytest.raises(ReleaseError, match=r"SHA-256 is .* the manifest says"):
                load_release(copy)
        (copy / file).unlink()
        if str(file) == GOLDEN:
            load_release(copy)  # what customers wrote may be erased; promotion asks for it
        else:
            with pytest.raises(ReleaseError, match="it is missing"):
                load_release(copy)
        (copy / file).write_bytes(original)
    assert load_release(copy).id == load_release(sound).id


def test_a_changed_manifest_is_another_release_and_not_the_one_named(copy):
    home = copy.rename(copy.parent / release_id(copy))
    load_release(home)
    manifest = json.loads((home / MANIFEST).read_text("utf-8"))
    manifest["thresholds"]["wrong_size"]["threshold"] = 0.1
    (home / MANIFEST).write_text(json.dumps(manifest), encoding="utf-8")
    with pytest.raises(ReleaseError, match="it belongs to release"):
        load_release(home)


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"files": 3, "format": 1}'])
def test_a_manifest_that_is_none_is_refused(copy, text):
    (copy / MANIFEST).write_text(text, encoding="utf-8")
    with pytest.raises(ReleaseError, match="cannot be read"):
        verify_release(copy)


def test_a_manifest_of_a_later_version_is_refused(copy):
    manifest = json.loads((copy / MANIFEST).read_text("utf-8")) | {"format": 2}
    (copy / MANIFEST).write_text(json.dumps(manifest), encoding="utf-8")
    with pytest.raises(ReleaseError, match="has format 2, this version reads 1"):
        load_release(copy)


def test_files_nobody_listed_are_refused(copy):
    (copy / "intent" / "extra.txt").write_text("x", encoding="utf-8")
    with pytest.raises(ReleaseError, match=r"extra\.txt: the manifest does not list it"):
        load_release(copy)


def test_a_link_out_of_the_release_is_refused(copy, tmp_path):
    outside = shutil.copyfile(copy / DESK, tmp_path / "outside.yaml")
    (copy / DESK).unlink()
    (copy / DESK).symlink_to(outside)
    with pytest.raises(ReleaseError, match=r"desk\.yaml"):
        load_release(copy)


def test_no_release_says_how_to_make_one(tmp_path):
    with pytest.raises(ReleaseError, match="holds no release; make one with `dvc repro release`"):
        load_release(tmp_path)


def test_a_left_out_model_is_named_with_its_reason(parts, tmp_path):
    write_absent(tmp_path / "churn", "the table usage is missing or empty")
    folder = tmp_path / "bundle"
    written(folder, {"intent": parts["intent"], "churn": tmp_path / "churn"})
    release = load_release(folder)
    assert release.churn is None
    assert release.absent == {
        "sentiment": "not trained",
        "priority": "not trained",
        "churn": "the table usage is missing or empty",
        "outcomes": "not trained",
        "legal_weight": "not trained",
    }


def test_golden_rows_need_no_intent_model_where_the_desk_has_none(parts, tmp_path):
    folder = tmp_path / "bundle"
    written(folder, {name: part for name, part in parts.items() if name not in ("intent", "sentiment")})
    said = answers(load_release(folder), golden_tickets(), ACCOUNTS.iloc[:3])
    assert {name: len(rows) for name, rows in said.items()} == {
        "legal_weight": 6,
        "priority": 6,
        "outcomes": 6,
        "churn": 3,
    }


def test_golden_rows_are_reproduced_in_a_fresh_process(sound):
    golden = json.loads((sound / GOLDEN).read_text("utf-8"))
    assert {name: len(rows) for name, rows in golden["expected"].items()} == {
        "intent": 6,
        "legal_weight": 6,
        "sentiment": 6,
        "priority": 6,
        "outcomes": 6,
        "churn": 3,
    }
    check(load_release(sound), golden)
    check_in_child(sound)


@pytest.mark.parametrize(("member", "place"), [("intent", 1), ("sentiment", 1), ("priority", 0)])
def test_a_release_that_answers_otherwise_than_when_it_was_made_is_refused(sound, member, place):
    golden = json.loads((sound / GOLDEN).read_text("utf-8"))
    golden["expected"][member][2][place] = "another" if place == 0 else 0.123
    with pytest.raises(ReleaseError, match=f"golden row 2 of {member} gives"):
        check(load_release(sound), golden)


def test_a_golden_failure_in_the_child_process_is_told(copy):
    (copy / DESK).unlink()
    with pytest.raises(ReleaseError, match=r"not reproduced in a fresh process: .*it is missing"):
        check_in_child(copy)
