"""The short form of the promotion drill, and figures that see what was dropped, late or kept in memory."""

import shutil
from pathlib import Path

import pytest

from pipelines.drills.promotion import Answer, Move, Promoted, figures, promote_under_load
from serving.settings import Settings
from serving.store import open_store
from tests.pipelines.drills.test_soak import TICKETS
from tests.serving.sample import NOON
from tests.serving.tiny_release import write_tiny_release


def test_promotions_under_load_drop_nothing_and_are_there_at_once(tmp_path: Path) -> None:
    settings = Settings(state=tmp_path, development=True, pointer_check_seconds=0.1)
    name = write_tiny_release(tmp_path / "bundle")
    shutil.copytree(tmp_path / "bundle", settings.releases / name)
    store = open_store(settings)
    store.set_pointer("champion", name, "test", "trained", NOON)
    store.close()
    promoted = promote_under_load(settings, TICKETS, 2, 0.2, tmp_path / "service.log")
    assert promoted.dropped == 0
    assert len(promoted.answers) > 10
    assert float("inf") not in promoted.seconds_until_there, "each release came to decide"
    assert {answer.release for answer in promoted.answers} == {move.release for move in promoted.moves}


MOVES = [Move(0.0, "b"), Move(10.0, "a")]
ANSWERS = [Answer(1.0, 200, "a"), Answer(2.0, 200, "b"), Answer(11.0, 200, "b"), Answer(12.0, 200, "a")]


@pytest.mark.parametrize(
    ("answers", "memory", "dropped", "seconds", "met"),
    [
        (ANSWERS, [300.0] * 6, 0, 1.0, [True, True, True]),
        ([*ANSWERS, Answer(3.0, 503, "")], [300.0] * 6, 1, 1.0, [False, True, True]),
        ([*ANSWERS, Answer(25.0, 200, "b")], [300.0] * 6, 0, 15.0, [True, False, True]),
        (ANSWERS[:3], [300.0] * 6, 0, float("inf"), [True, False, True]),
        (ANSWERS, [300.0] * 5 + [400.0], 0, 1.0, [True, True, False]),
    ],
    ids=["all is well", "one refused", "the old one answers late", "never there", "100 MB more"],
)
def test_figures_say_what_was_missed(answers, memory, dropped, seconds, met) -> None:
    promoted = Promoted(answers, MOVES, memory)
    assert (promoted.dropped, max(promoted.seconds_until_there)) == (dropped, seconds)
    assert [result.met for result in figures(promoted)] == met
