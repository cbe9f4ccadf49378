"""Rules that are not whole never decide: a service does not start on them, a running one keeps its own."""

import json
import shutil
from pathlib import Path

import pytest

from models.release import MANIFEST, release_id, sha256
from serving.releases import Releases
from serving.settings import Settings, store_url
from serving.store import Store
from tests.serving.sample import NOON
from tests.serving.tiny_release import DESK

BROKEN = {
    "unknown queue": ("default_queue: general", "default_queue: nowhere"),
    "overlapping hours": ("monday: [08:00-18:00]", "monday: [08:00-18:00, 17:00-20:00]"),
    "threshold under 95 percent": ("min_probability: 0.95", "min_probability: 0.9"),
    "action without undo": ("    undo: withdraw the link to the copy\n", ""),
    "unknown key": ("max_frustration: 0.4", "max_frustraton: 0.4"),
    "no yaml": ("brand:", "brand: ["),
}


@pytest.fixture
def own_store(tmp_path):
    opened = Store(store_url(tmp_path / "state"))
    yield opened
    opened.close()


def with_rules(bundle: Path, releases: Path, old: str, new: str) -> str:
    """A copy of the release with other rules and a manifest that vouches for them; returns its id."""
    folder = releases / "copy"
    shutil.copytree(bundle, folder)
    rules = folder / "desk.yaml"
    text = rules.read_text(encoding="utf-8")
    assert old in text
    rules.write_text(text.replace(old, new, 1), encoding="utf-8")
    manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    manifest["files"]["desk.yaml"] = sha256(rules)
    (folder / MANIFEST).write_text(json.dumps(manifest), encoding="utf-8")
    name = release_id(folder)
    folder.rename(releases / name)
    return name


@pytest.mark.parametrize("problem", sorted(BROKEN))
def test_a_running_service_keeps_its_rules_when_a_release_brings_broken_ones(
    own_store, tmp_path, promote, bundle, problem
):
    state = tmp_path / "state"
    serving = promote(own_store, state)
    releases = Releases(own_store, Settings(state=state).releases, DESK, check_seconds=0)
    before = releases.current()
    assert before.id == serving
    broken = with_rules(bundle[0], state / "releases", *BROKEN[problem])
    own_store.set_pointer("champion", broken, "test", "a careless edit", NOON)
    after = releases.current()
    assert (after.id, after.desk) == (serving, before.desk)
    assert after.degraded == ("champion release damaged",)


def test_a_release_with_other_sound_rules_takes_over(own_store, tmp_path, promote, bundle):
    state = tmp_path / "state"
    promote(own_store, state)
    releases = Releases(own_store, Settings(state=state).releases, DESK, check_seconds=0)
    releases.current()
    other = with_rules(bundle[0], state / "releases", "default_queue: general", "default_queue: product")
    own_store.set_pointer("champion", other, "test", "a careful edit", NOON)
    assert (releases.current().id, releases.current().desk.default_queue) == (other, "product")


@pytest.mark.parametrize("problem", sorted(BROKEN))
def test_nothing_starts_on_broken_rules(own_store, tmp_path, problem):
    old, new = BROKEN[problem]
    rules = tmp_path / "desk.yaml"
    rules.write_text(DESK.read_text(encoding="utf-8").replace(old, new, 1), encoding="utf-8")
    with pytest.raises(ValueError, match=r"desk\.yaml line \d+: "):
        Releases(own_store, tmp_path, rules, check_seconds=0)
