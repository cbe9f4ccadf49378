"""The release before, asked about decisions of its successor: its own words, from what was stored."""

import json
import shutil
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

from models.release import write_absent, write_release
from monitoring.feedback import stored_decisions
from monitoring.monitor import YARDSTICKS, run_monitor
from monitoring.predecessor import FIELDS, said_instead
from monitoring.promised import sentence_encoder
from policy.desk import wordings_of
from serving.releases import Releases
from serving.requests import TriageRequest
from serving.store import Store
from serving.triage import TriageDesk
from tests.monitoring.desk import open_desk, say
from tests.serving.sample import NOON
from tests.serving.tiny_release import DESK, write_tiny_release

BODIES = ("please reset the password for my account", "send a copy of the invoice", "pages take a minute")


OTHERWISE = {
    "invoice_copy": "slow_performance",
    "password_reset": "invoice_copy",
    "slow_performance": "password_reset",
}
"""What the release before calls each intent."""


def misnaming(folder: Path, members: dict[str, Path]) -> str:
    """A release that names every intent wrongly, of the ``members`` of a good one."""
    shutil.copytree(members["intent"], folder.with_name("misnaming-intent"))
    path = folder.with_name("misnaming-intent") / "proposer.npz"
    with np.load(path) as stored:
        arrays = dict(stored)
    names = np.array([OTHERWISE[name] for name in arrays.pop("classes").tolist()])
    np.savez(path, allow_pickle=False, classes=names, **arrays)
    return write_release(
        folder, members | {"intent": path.parent}, DESK, {}, {}, "none", {}, wordings_of(DESK)
    )


def speechless(folder: Path, members: dict[str, Path]) -> str:
    """A release without an intent model."""
    nothing = folder.with_name("no-intent")
    write_absent(nothing, "nothing to learn from")
    return write_release(folder, members | {"intent": nothing}, DESK, {}, {}, "none", {}, wordings_of(DESK))


class Desk(NamedTuple):
    """Whose champion decided three tickets, and which other releases lie there."""

    store: Store
    releases: Path
    champion: str
    misnaming: str
    speechless: str
    ids: list[str]


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    folder = tmp_path_factory.mktemp("desk")
    found = [write_tiny_release(folder / "bundle")]
    members = {
        name: folder / "bundle-members" / name for name in ("intent", "priority", "churn", "sentiment")
    }
    found += [misnaming(folder / "misnaming", members), speechless(folder / "speechless", members)]
    releases = folder / "releases"
    for name, release in zip(("bundle", "misnaming", "speechless"), found, strict=True):
        shutil.copytree(folder / name, releases / release)
    store = open_desk(folder)
    store.set_pointer("last_good", found[1], "test", "before", NOON)
    store.set_pointer("champion", found[0], "test", "better", NOON)
    triage = TriageDesk(store, Releases(store, releases, DESK, 60))
    ids = [
        triage.triage(TriageRequest(ticket_id=str(n), channel="email", body=body), NOON).decision.decision_id
        for n, body in enumerate(BODIES)
    ]
    yield Desk(store, releases, *found, ids)
    store.close()


def test_a_release_asked_about_its_own_decisions_says_what_it_said(desk: Desk):
    found, notes = said_instead(desk.store, desk.releases, desk.champion, desk.champion, desk.ids)
    decided = stored_decisions(desk.store).set_index("decision_id").loc[desk.ids]
    assert notes == ()
    assert found["intent"].tolist() == ["password_reset", "invoice_copy", "slow_performance"]
    for field in FIELDS:
        assert found[field].tolist() == decided[field].tolist(), field


def test_the_release_before_says_its_own_words_of_the_same_tickets(desk: Desk):
    found, _ = said_instead(desk.store, desk.releases, desk.champion, desk.misnaming, desk.ids)
    assert found["intent"].tolist() == ["invoice_copy", "slow_performance", "password_reset"]


@pytest.mark.parametrize(
    ("before", "note"),
    [
        (lambda desk: "r-gone", "r-gone cannot be compared with"),
        (lambda desk: desk.speechless, "has no intent model and is not compared with"),
    ],
    ids=["gone", "without the model that is asked about"],
)
def test_a_release_that_cannot_be_asked_is_named_and_nobody_is_blamed(desk: Desk, before, note: str):
    found, notes = said_instead(desk.store, desk.releases, desk.champion, before(desk), desk.ids)
    assert found.empty
    assert note in notes[0]


def test_the_encoder_of_a_release_is_told_by_its_manifest_and_none_by_one_without(desk: Desk, tmp_path: Path):
    """Embeddings that were stored are read by another release only if it has the same encoder."""
    read_with = {"encoders": {"intent": {"sentences": {"model_sha256": "abc"}, "lacking": None}}}
    (tmp_path / "r1").mkdir()
    (tmp_path / "r1" / "manifest.json").write_text(json.dumps(read_with), encoding="utf-8")
    assert sentence_encoder(tmp_path, "r1") == "abc"
    assert sentence_encoder(tmp_path, "gone") is None
    assert sentence_encoder(desk.releases, desk.champion) is None


def test_the_monitor_compares_both_on_what_was_answered_and_keeps_what_they_are_held_to(desk: Desk, tmp_path):
    for number, decision_id in enumerate(desk.ids):
        say(desk.store, number, decision_id, "approve", "intent", at=NOON + timedelta(hours=1))
    for _ in range(2):
        run_monitor(
            desk.store,
            tmp_path / "none",
            tmp_path,
            NOON + timedelta(days=1),
            expected_errors={"intent": 0.3},
            releases=desk.releases,
        )
        report = json.loads((tmp_path / "monitor.json").read_text("utf-8"))["same_tickets"]
        assert report["before"] == desk.misnaming
        wrong = {who: rate["hits"] for who, rate in report["wrong"]["intent"].items()}
        assert wrong == {"release": 0, "before": 3}
        held = json.loads(desk.store.mark(YARDSTICKS) or "{}")
        assert held == {desk.misnaming: {}, desk.champion: {"intent": 0.3}}
