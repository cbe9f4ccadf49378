"""Every version of every record once on disk, whatever happens on the way: the same for every vendor."""

import errno
import json
import logging
import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from connectors.pull import run, segments, wire
from connectors.pull.command import EXIT_COMPLETE, EXIT_PUT_RIGHT, EXIT_RUN_AGAIN, PullError
from connectors.pull.stream import moment
from tests.connectors.pull.conftest import World, world_of
from tests.connectors.pull.desks import DESKS, Desk, Zendesk
from tests.connectors.pull.stub import (
    Fault,
    Request,
    Stub,
    content,
    cut_off,
    silence,
    status,
    the_page_before,
    too_many,
)


def test_everything_is_fetched_once(world: World):
    outcome = world.pull()
    assert outcome.exit_status == EXIT_COMPLETE
    assert outcome.errors == []
    assert world.versions_on_disk() == world.versions_at_the_desk()
    assert len(world.files) == 1


def test_a_second_pull_writes_nothing(world: World):
    world.pull()
    before = world.files
    outcome = world.pull()
    assert world.files == before
    assert outcome.streams[0].records == 0


def test_the_next_pull_brings_what_changed_and_only_that(world: World):
    world.pull()
    first = world.versions_on_disk()
    world.desk.now = world.time.moment = world.time.moment + timedelta(hours=3)
    world.desk.change(world.desk.tickets[4], world.desk.now - timedelta(hours=2))
    world.desk.tickets.append(world.desk.ticket(99, world.desk.now - timedelta(hours=1)))
    outcome = world.pull()
    assert outcome.streams[0].records == 2
    assert set(world.versions_on_disk()) == set(first) | set(world.versions_at_the_desk())
    assert len(world.versions_on_disk()) == 25


def places_expire(stub: Stub, request: Request, handler: Any) -> None:
    """Every place that was handed out is refused, from now on."""
    text = '[{"errorCode": "INVALID_QUERY_LOCATOR"}]'
    status(400 if "cursor" in request.query or request.body or "/query/" in request.path else 500, text)(
        stub, request, handler
    )


RATE_LIMITED: tuple[Fault, ...] = (too_many(7), too_many(3))
MISHAPS: dict[str, tuple[Fault, ...]] = {
    "429 twice": RATE_LIMITED,
    "server errors": (status(500), status(502, "<html>bad gateway</html>"), status(503)),
    "a cut-off answer": (cut_off,),
    "half a document": (content('{"tickets": [{"id": 1'),),
    "a log-in page": (content("<html>please log in</html>", "text/html"),),
    "an answer without its list": (content('{"count": 0}'),),
    "JSON too deep to read": (content("[" * 100_000),),
    "the page before, again": (the_page_before,),
}


@pytest.mark.parametrize(
    ("mishap", "at_request"), [*((one, 2) for one in MISHAPS), *((one, 0) for one in list(MISHAPS)[:-1])]
)
def test_a_mishap_on_the_way_changes_nothing(world: World, mishap: str, at_request: int):
    world.stub.fail(*MISHAPS[mishap], at=world.desk.path, after=at_request)
    outcome = world.pull()
    assert not world.stub.faults, "the mishap never happened"
    assert outcome.exit_status == EXIT_COMPLETE, outcome.errors
    assert world.versions_on_disk() == world.versions_at_the_desk()


def test_a_rate_limit_is_waited_out_for_as_long_as_told(world: World):
    world.stub.fail(*RATE_LIMITED, at=world.desk.path)
    world.pull()
    assert world.time.slept[:2] == [7.0, 3.0]


def test_a_silent_server_is_asked_again(world: World, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(wire, "TIMEOUT", 0.2)
    world.stub.fail(silence(0.5), at=world.desk.path, after=1)
    assert world.pull().exit_status == EXIT_COMPLETE
    assert world.versions_on_disk() == world.versions_at_the_desk()


def test_a_vendor_that_keeps_failing_ends_the_pull_with_what_there_is_and_the_next_goes_on(world: World):
    world.stub.fail(*[status(500)] * wire.MAX_FAILURES, at=world.desk.path, after=2)
    outcome = world.pull()
    assert outcome.exit_status == EXIT_RUN_AGAIN
    assert "run the same command again" in outcome.errors[0]
    kept = len(world.on_disk())
    assert 0 < kept < 23
    outcome = world.pull()
    assert outcome.exit_status == EXIT_COMPLETE
    assert world.versions_on_disk() == world.versions_at_the_desk()
    if world.desk.vendor in ("zendesk", "intercom"):
        assert len(world.stub.asked(world.desk.path)) == 5 + wire.MAX_FAILURES, "it began again"


def test_a_limit_that_lasts_for_hours_is_not_slept_through(world: World):
    world.stub.fail(too_many(7200), at=world.desk.path)
    outcome = world.pull()
    assert outcome.exit_status == EXIT_RUN_AGAIN
    assert "7200 s" in outcome.errors[0]
    assert sum(world.time.slept) < 60


def test_a_refused_token_names_the_variable_and_never_the_secret(
    world: World, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
):
    caplog.set_level(logging.DEBUG)
    secret = "s3cret-of-nobody"
    name = list(world.desk.environment)[-1]
    echo = status(401, json.dumps({"error": f"{secret} is wrong"}))
    world.stub.fail(echo, at=world.desk.path)
    outcome = world.pull(environment={name: secret})
    assert outcome.exit_status == EXIT_PUT_RIGHT
    assert name in outcome.errors[0]
    everything = [*outcome.errors, caplog.text, *capsys.readouterr(), str(outcome), repr(vars(outcome))]
    assert secret not in "\n".join(everything)
    sent = world.stub.requests[0].headers["authorization"].split()[-1]
    assert sent not in "\n".join(everything)


def test_missing_credentials_are_named_before_anything_is_asked(world: World):
    name = list(world.desk.environment)[-1]
    with pytest.raises(PullError, match=name):
        world.pull(environment={name: ""})
    assert world.stub.requests == []


def test_a_redirect_is_not_followed_with_the_credentials(world: World):
    world.stub.fail(status(302, Location="https://elsewhere.example/login"), at=world.desk.path)
    outcome = world.pull()
    assert outcome.exit_status == EXIT_PUT_RIGHT
    assert "elsewhere.example" in outcome.errors[0]
    assert len(world.stub.asked(world.desk.path)) == 1


def test_an_answer_larger_than_memory_allows_is_not_read(world: World, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(wire, "MAX_ANSWER_BYTES", 100)
    outcome = world.pull()
    assert outcome.exit_status == EXIT_PUT_RIGHT
    assert "--page-size" in outcome.errors[0]


def test_files_are_bounded_and_named_after_when_their_records_changed(
    world: World, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(run, "SEGMENT_RECORDS", 10)
    outcome = world.pull()
    assert [path.name for path in world.files] == sorted(outcome.streams[0].files)
    assert len(world.files) > 1
    for path in world.files:
        versions = [world.desk.version(json.loads(line))[1] for line in path.read_bytes().splitlines()]
        changed = sorted(f"{moment(version):%Y%m%dT%H%M%SZ}" for version in versions)
        assert path.name == f"{world.desk.main}-{changed[0]}-{changed[-1]}.jsonl"
        assert len(changed) < 10 + 5
    assert world.versions_on_disk() == world.versions_at_the_desk()


def test_two_files_of_the_same_seconds_do_not_overwrite_each_other(
    world: World, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(run, "SEGMENT_RECORDS", 5)
    world.desk.tickets.clear()
    world.desk.fill(12, step=timedelta(0))
    world.pull()
    assert [path.name[-8:] for path in world.files] == ["-2.jsonl", "-3.jsonl", "0Z.jsonl"]
    assert world.versions_on_disk() == world.versions_at_the_desk()


def test_an_earlier_since_reads_again_from_there_and_a_later_one_goes_on(world: World):
    assert world.pull(since="2026-03-01T08:00:00Z").streams[0].records == 4
    assert world.pull(since="2026-03-01T09:00:00Z").streams[0].records == 0
    assert world.pull(since="2026-02-01").streams[0].records == 19
    assert world.versions_on_disk() == world.versions_at_the_desk()


def test_a_lost_ledger_costs_requests_but_writes_nothing_twice(world: World):
    world.pull()
    before = world.files
    next((world.folder / "state").rglob("*.sqlite")).unlink()
    outcome = world.pull()
    assert world.files == before
    assert (outcome.streams[0].records, outcome.streams[0].repeated >= 23) == (0, True)


def test_a_damaged_ledger_is_one_clear_error(world: World):
    path = world.folder / "state" / "pull" / "acme" / f"{world.desk.vendor}.sqlite"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"this is not a database, whatever its name says" * 100)
    with pytest.raises(PullError, match="delete it; it is rebuilt"):
        world.pull()


def test_records_without_id_or_time_and_odd_text_are_kept_for_ingest_to_judge(world: World):
    odd = {"subject": "\ud83d is half an emoji \u2028 and this a line separator", "note": "=cmd()"}
    answer = world.desk.answer
    main = {"freshdesk": None, "salesforce": "records"}.get(world.desk.vendor, world.desk.main)

    def with_an_odd_record(request):
        answered = answer(request)
        if re.search(world.desk.path, request.path):
            (answered.body if main is None else answered.body[main]).append(dict(odd))
        return answered

    world.stub.answer = with_an_odd_record
    world.pull()
    assert [record for record in world.on_disk() if "note" in record] == [odd]


def test_a_page_that_is_empty_but_not_the_last_is_asked_for_again_and_not_for_ever(tmp_path: Path):
    desk = Zendesk()
    desk.fill(23)
    with world_of(desk, tmp_path) as world:
        first = desk.answer(Request("GET", "/api/v2/incremental/tickets/cursor.json", {}, None, _as(desk)))
        cursor = first.body["after_cursor"]
        empty = json.dumps({"tickets": [], "after_cursor": cursor, "end_of_stream": False})
        world.stub.fail(*[content(empty)] * 3, at=desk.path, after=1)
        assert world.pull().exit_status == EXIT_COMPLETE
        assert world.versions_on_disk() == world.versions_at_the_desk()
        desk.tickets.append(desk.ticket(99, desk.now - timedelta(minutes=5)))
        last = world.stub.requests[-1].query["cursor"]
        empty = json.dumps({"tickets": [], "after_cursor": last, "end_of_stream": False})
        world.stub.fail(*[content(empty)] * 100, at=desk.path)
        outcome = world.pull()
        assert outcome.exit_status == EXIT_RUN_AGAIN


def _as(desk: Zendesk) -> dict[str, str]:
    return {"authorization": desk.authorization()}


ODD_ANSWERS = [
    {"NAME": [None]},
    {"NAME": ["text"]},
    {"NAME": {}},
    {"NAME": [], "pages": "all of them", "meta": [], "nextRecordsUrl": 7, "done": False, "after_cursor": {}},
    {"NAME": [], "pages": {"next": "soon"}, "totalSize": "many", "end_of_stream": "no"},
    [[]],
    [None],
    "text",
    None,
]


@pytest.mark.parametrize("answer", ODD_ANSWERS, ids=json.dumps)
def test_an_answer_of_another_shape_is_an_error_with_words_and_costs_nothing(world: World, answer: object):
    name = {"salesforce": "records"}.get(world.desk.vendor, world.desk.main)
    odd = json.dumps(answer).replace("NAME", name)
    world.stub.fail(*[content(odd)] * 20, at=world.desk.path, after=1)
    outcome = world.pull()
    assert outcome.exit_status in (EXIT_COMPLETE, EXIT_PUT_RIGHT, EXIT_RUN_AGAIN)
    world.stub.faults.clear()
    world.time.moment = world.desk.now = world.desk.now + timedelta(minutes=5)
    assert world.pull(since="2026-01-01").exit_status == EXIT_COMPLETE
    assert world.versions_on_disk() == world.versions_at_the_desk()


def test_a_full_disk_is_one_error_and_the_next_pull_goes_on(world: World, monkeypatch: pytest.MonkeyPatch):
    add, pages = segments.Segment.add, []

    def full(self: segments.Segment, *page: Any) -> None:
        pages.append(page)
        if len(pages) == 3:
            raise OSError(errno.ENOSPC, "No space left on device")
        add(self, *page)

    monkeypatch.setattr(segments.Segment, "add", full)
    outcome = world.pull()
    assert outcome.exit_status == EXIT_PUT_RIGHT
    assert "No space left on device" in outcome.errors[0]
    assert world.pull().exit_status == EXIT_COMPLETE
    assert world.versions_on_disk() == world.versions_at_the_desk()


@settings(
    max_examples=8,
    deadline=None,
    phases=(Phase.explicit, Phase.reuse, Phase.generate),  # to shrink over sockets takes minutes
)
@given(data=st.data())
@pytest.mark.parametrize("kind", DESKS, ids=lambda kind: kind.vendor)
def test_whatever_changes_and_fails_every_last_version_is_on_disk_and_none_twice(
    tmp_path_factory: pytest.TempPathFactory, kind: type[Desk], data: st.DataObject
):
    desk = kind(page_size=data.draw(st.integers(2, 7), label="page size"))
    desk.fill(data.draw(st.integers(0, 15), label="tickets"), step=timedelta(seconds=20))
    mishaps = [*(fault for faults in MISHAPS.values() for fault in faults), places_expire]
    with world_of(desk, tmp_path_factory.mktemp("world")) as world:
        for _ in range(data.draw(st.integers(1, 3), label="pulls")):
            faults = data.draw(st.lists(st.sampled_from(mishaps), max_size=3))
            world.stub.fail(*faults, at=desk.path, after=data.draw(st.integers(0, 3)))
            world.pull(page_size=desk.page_size)
            world.time.moment = desk.now = desk.now + timedelta(hours=1)
            for ticket in (
                data.draw(st.lists(st.sampled_from(desk.tickets), max_size=4)) if desk.tickets else ()
            ):
                desk.change(ticket, desk.now - timedelta(minutes=data.draw(st.integers(2, 50))))
        world.stub.faults.clear()
        desk.is_expired = False
        world.time.moment = desk.now = desk.now + timedelta(hours=1)
        assert world.pull(page_size=desk.page_size).exit_status == EXIT_COMPLETE
        on_disk = world.versions_on_disk() if desk.tickets else []
        assert len(on_disk) == len(set(on_disk))
        assert set(on_disk) >= set(world.versions_at_the_desk())
