"""Damaged and forged releases: none loads, none ends the process, and the drill would notice one that did."""

import os
import random
import shutil
from pathlib import Path

import pytest

from models.churn import ChurnModel
from models.release import write_release
from models.sentiment import SentimentModel
from pipelines.drills import mutations
from pipelines.drills.mutations import champion, mutate, try_mutations, try_one
from policy.desk import wordings_of
from tests.models.desks import account_features

DESK = Path("policy/desk.yaml")


@pytest.fixture(scope="module")
def bundle(tmp_path_factory) -> Path:
    """A release with a LightGBM model, which could end the process if a damaged one were read."""
    folder = tmp_path_factory.mktemp("release")
    members = {name: folder / name for name in ("churn", "sentiment")}
    accounts = account_features(300, seed=1)
    ChurnModel.fit(accounts, accounts["churned_90d"], seed=0).save(members["churn"])
    SentimentModel().save(members["sentiment"])
    write_release(folder / "bundle", members, DESK, {}, {}, "none", {}, wordings_of(DESK))
    return folder / "bundle"


def test_no_mutation_of_a_release_loads_or_ends_the_process(bundle):
    tried = try_mutations(bundle, 2 * len(mutations._KINDS), seed=5)
    assert [one.mutation for one in tried if not one.survived] == []
    assert {one.mutation.split(" ")[0] for one in tried} == set(mutations._KINDS)


def test_a_mutation_that_changes_nothing_is_counted_against_the_service(bundle, tmp_path, monkeypatch):
    champion(bundle, tmp_path)
    monkeypatch.setitem(mutations._KINDS, "flipped", lambda path, before, _: path.write_bytes(before))
    assert not try_one(bundle, tmp_path, 1, 0).survived


def test_the_release_that_is_copied_from_stays_as_it_was(bundle, tmp_path):
    files = {path: path.read_bytes() for path in bundle.rglob("*") if path.is_file()}
    for number in range(30):
        copy = tmp_path / str(number)
        shutil.copytree(bundle, copy, copy_function=os.link)
        mutate(copy, tuple(mutations._KINDS)[number % len(mutations._KINDS)], random.Random(number))
    assert files == {path: path.read_bytes() for path in bundle.rglob("*") if path.is_file()}
