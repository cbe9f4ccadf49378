"""A made-up stream whose labels change half way: noticed, learnt anew, nothing known before its time."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from features.schema import typed
from firstline.watching import new_monitor
from pipelines.drills.real_drift import Replayed, predecessor, replay
from pipelines.drills.real_drift_page import write_page
from pipelines.drills.real_drift_run import figures, run
from pipelines.drills.real_drift_story import story
from pipelines.drills.real_stream import INTENT_SET, Source, Stream, stream_of
from pipelines.params import Params, load_params

BEGINS = datetime(2026, 1, 5, tzinfo=UTC)
OPENS, CHANGES, ENDS = (BEGINS + timedelta(weeks=n) for n in (6, 9, 17))
A_WEEK = 90
SAID = {
    "invoice": "invoice amount paid twice",
    "login": "password reset cannot login",
    "export": "export csv file empty",
    "sync": "calendar sync stopped",
}
RENAMED = {"login": "sign_in", "export": "reports"}
"""What agents file the same words under from ``CHANGES`` on."""


def made_up(delay: timedelta, renamed: dict[str, str] = RENAMED) -> Stream:
    """Ninety tickets a week about four things; agents file each after ``delay``, one in twelve wrongly."""
    chance = np.random.default_rng(5)
    weeks = (ENDS - BEGINS).days // 7
    about = chance.choice(list(SAID), weeks * A_WEEK)
    created = pd.Series(pd.date_range(BEGINS, ENDS, periods=len(about) + 1)[:-1]).dt.as_unit("us")
    filed = [str(chance.choice(list(SAID))) if chance.random() < 1 / 12 else topic for topic in about]
    labels = [renamed.get(f, f) if at >= CHANGES else f for f, at in zip(filed, created, strict=True)]
    ids = [f"t{number}" for number in range(len(about))]
    fill = np.array(["please", "help", "again", "today", "team", "urgent", "thanks"])
    body = [f"{SAID[topic]} {' '.join(chance.choice(fill, 4))}" for topic in about]
    tickets = {"ticket_id": ids, "known_at": created, "created_at": created, "channel": "email", "body": body}
    events = {
        "event_id": [f"e{i}" for i in ids],
        "ticket_id": ids,
        "known_at": created + delay,
        "occurred_at": created + delay,
        "kind": INTENT_SET,
        "value": labels,
        "actor_kind": "agent",
        "actor_id": "a1",
    }
    tables = {
        "tickets": typed("tickets", pd.DataFrame(tickets)),
        "ticket_events": typed("ticket_events", pd.DataFrame(events)),
    }
    return stream_of("made_up", tables)


def quick_params() -> Params:
    params = load_params(Path("params.yaml"))
    intent = {"encoder": "none", "trials": 1, "blocks": 2, "min_examples": 5}
    return params.model_copy(
        update={
            "intent": params.intent.model_copy(update=intent),
            "split": params.split.model_copy(update={"calibration_share": 0.1, "evaluation_share": 0.12}),
            "loop": params.loop.model_copy(update={"cool_down_days": 28}),
        }
    )


def replayed(stream: Stream) -> Replayed:
    params = quick_params()
    return replay(stream, OPENS, params, new_monitor(params.loop), lambda line: None)


@pytest.fixture(scope="module")
def changed() -> Replayed:
    return replayed(made_up(timedelta(days=3)))


def test_labels_that_change_are_noticed_as_harm_afterwards_and_learnt(changed):
    told = story(changed)
    assert told.begins == CHANGES, changed.timeline
    assert told.noticed is not None
    assert told.noticed <= CHANGES + timedelta(weeks=4)
    assert told.early_harm == 0
    assert told.served is not None
    last = changed.weeks[-2:]
    on, off, labelled = (
        sum(getattr(w, name) for w in last) for name in ("right_on", "right_off", "labelled")
    )
    assert on > off + 0.25 * labelled, changed.timeline
    assert told.gain[1] > 0
    assert told.saved == sum(week.right_on - week.right_off for week in changed.weeks)


def test_every_labelled_ticket_since_the_opening_is_judged_once(changed):
    assert len(changed.judged) == sum(week.labelled for week in changed.weeks) == 11 * A_WEEK
    assert [week.start for week in changed.weeks] == [OPENS + timedelta(weeks=n) for n in range(11)]


def test_the_page_and_the_figures_tell_the_same_story(changed, tmp_path):
    told = story(changed)
    write_page(changed, told, tmp_path / "made-up.md", "a test")
    page = (tmp_path / "made-up.md").read_text("utf-8")
    assert f"{told.saved:,} labelled tickets more" in page
    assert f"{CHANGES:%Y-%m-%d}" in page
    assert all(what in page for _, what in changed.timeline)
    assert (tmp_path / "made-up.png").stat().st_size > 10_000
    gain = next(one for one in figures(changed, told) if one.name == "loop.thunderbird.accuracy_gain")
    assert (gain.value, gain.met) == (round(told.gain[0], 4), True)


def test_a_label_that_is_not_known_yet_teaches_nothing_and_corrects_nobody():
    stream = made_up(timedelta(days=3))
    late = stream.events.assign(
        known_at=stream.events["known_at"].where(
            stream.events["known_at"] < OPENS, stream.events["known_at"] + timedelta(weeks=30)
        )
    )
    words = stream.words.assign(
        at=stream.words["at"].where(stream.words["at"] < OPENS, stream.words["at"] + timedelta(weeks=30))
    )
    until = stream.tickets["created_at"] < CHANGES + timedelta(weeks=2)
    told = replayed(Stream(stream.name, stream.tickets[until], late, words))
    assert told.retrained == 0
    assert {week.state for week in told.weeks} == {"OK"}
    assert told.judged["right_on"].equals(told.judged["right_off"])


def test_a_release_that_was_rolled_back_to_is_not_held_against_itself(changed):
    first = changed.first
    again, second = replace(first, since=CHANGES), replace(first, name="r001")
    assert predecessor(first, again) is None
    assert predecessor(first, second) == "first"


def test_what_is_known_at_a_moment_holds_no_later_ticket_and_no_later_label():
    stream = made_up(timedelta(days=3))
    known = stream.known(CHANGES, quick_params().split)
    assert known["created_at"].max() < CHANGES
    young = known["created_at"] >= CHANGES - timedelta(days=3)
    assert young.any()
    assert known.loc[young, "intent_label"].isna().all()
    assert known.loc[known["split"] == "evaluation", "intent_label"].notna().any()


def test_a_source_that_ends_before_the_replay_could_open_says_so(tmp_path):
    (tmp_path / "tickets.csv").write_text(
        "id,at,words\n" + "".join(f"{n},2026-01-0{n}T08:00:00Z,hello\n" for n in range(1, 9)), "utf-8"
    )
    mapping = tmp_path / "m.yaml"
    mapping.write_text(
        "about: a test\ntime_zone: UTC\nsources:\n  - file: tickets.csv\n    format: csv\n    tables:\n"
        "      - table: tickets\n        columns:\n          ticket_id: id\n          known_at: at\n"
        "          created_at: at\n          channel: {value: web}\n          body: words\n",
        "utf-8",
    )
    with pytest.raises(RuntimeError, match="give a smaller --base-days"):
        run(Source("short", tmp_path, mapping), new_monitor, quick_params())
