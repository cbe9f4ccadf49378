"""A request that takes too long is answered, and one that was answered leaves nothing in memory."""

import asyncio

import httpx2
import pytest

from serving.deadline import TooLate, within
from serving.http import Api
from serving.metrics import Metrics
from serving.settings import Settings
from serving.triage import open_desk


@pytest.fixture
def timers(monkeypatch) -> list[asyncio.TimerHandle]:
    """Every timer that is started from now on."""
    started: list[asyncio.TimerHandle] = []
    call_at = asyncio.BaseEventLoop.call_at

    def noted(loop, when, callback, *args, context=None):
        started.append(call_at(loop, when, callback, *args, context=context))
        return started[-1]

    monkeypatch.setattr(asyncio.BaseEventLoop, "call_at", noted)
    return started


def waiting(timers: list[asyncio.TimerHandle]) -> list[asyncio.TimerHandle]:
    """Timers that nobody cancelled."""
    return [timer for timer in timers if not timer.cancelled()]


@pytest.fixture
def hosted(tmp_path, monkeypatch):
    """The service as BentoML's worker hands it to uvicorn, around an app that says hello."""
    monkeypatch.setenv("BENTOML_HOME", str(tmp_path))
    monkeypatch.setenv("BENTOML_DO_NOT_TRACK", "True")
    from serving import service

    async def hello(scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"hello"})

    monkeypatch.setattr(service.interface, "opened", hello)
    return service.Firstline.to_asgi()


def test_an_answered_request_leaves_no_timer_behind(hosted, timers):
    """BentoML's TimeoutMiddleware keeps each request until its time limit, and garbage collection slows."""

    async def ask() -> None:
        for _ in range(20):
            scope = {"type": "http", "method": "GET", "path": "/triage", "headers": [], "query_string": b""}
            await hosted(scope, _nothing, _nowhere)

    asyncio.run(ask())
    assert waiting(timers) == []


def test_bentoml_keeps_its_liveness_probe(hosted):
    async def ask() -> int:
        transport = httpx2.ASGITransport(app=hosted)
        async with httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
            return (await client.get("/livez")).status_code

    assert asyncio.run(ask()) == 200


def test_work_that_ends_in_time_leaves_no_timer_behind(timers):
    async def quick() -> int:
        return 7

    assert asyncio.run(within(60, quick())) == 7
    assert timers, "a limit without a timer is none"
    assert waiting(timers) == []


def test_work_that_is_late_goes_on_to_its_end_and_its_error_is_the_work_s_own():
    ended = []

    async def slow() -> None:
        await asyncio.sleep(0.05)
        ended.append("stored")

    async def broken() -> None:
        raise ValueError("its own")

    async def limited() -> None:
        with pytest.raises(TimeoutError):
            await within(0.01, slow())
        await asyncio.sleep(0.1)
        with pytest.raises(ValueError, match="its own"):
            await within(1, broken())

    asyncio.run(limited())
    assert ended == ["stored"]


def test_a_body_that_never_ends_is_answered_with_504(tmp_path):
    settings = Settings(state=tmp_path, development=True, request_seconds=0.05)
    desk = open_desk(settings)
    app = Api(desk, settings, Metrics()).app()
    sent = []

    async def never() -> dict:
        await asyncio.sleep(1)
        return {"type": "http.disconnect"}

    async def answer(message) -> None:
        sent.append(message)

    headers = [(b"host", b"127.0.0.1"), (b"content-type", b"application/json")]
    scope = {"type": "http", "method": "POST", "path": "/triage", "query_string": b"", "headers": headers}
    asyncio.run(app(scope, never, answer))
    assert sent[0]["status"] == 504
    assert b"no answer within 0.05 seconds" in sent[1]["body"]
    desk.store.close()


async def _nothing() -> dict:
    return {"type": "http.request", "body": b"", "more_body": False}


async def _nowhere(message: dict) -> None:
    return None


def test_a_time_out_of_the_work_itself_is_not_taken_for_being_too_late() -> None:
    async def gives_up() -> None:
        raise TimeoutError("the database did not answer")

    with pytest.raises(TimeoutError, match="the database") as raised:
        asyncio.run(within(5, gives_up()))
    assert not isinstance(raised.value, TooLate)
