"""More tickets than the worker can decide: some are refused at once, none waits for ever, none is lost."""

from concurrent.futures import ThreadPoolExecutor

from starlette.testclient import TestClient

from serving.http import Api
from serving.metrics import Metrics
from serving.settings import Settings
from serving.triage import open_desk


def test_a_full_worker_refuses_with_503_and_stores_exactly_what_it_acknowledged(tmp_path) -> None:
    settings = Settings(state=tmp_path, development=True, scoring_threads=1, waiting_seconds=0.05)
    desk = open_desk(settings)
    desk.warm_up()
    with TestClient(Api(desk, settings, Metrics()).app(), base_url="http://127.0.0.1") as client:

        def post(number: int):
            body = {"ticket_id": str(number), "channel": "email", "body": "Please reset the password."}
            return client.post("/triage", json=body)

        with ThreadPoolExecutor(16) as pool:
            answers = list(pool.map(post, range(64)))
    refused = [answer for answer in answers if answer.status_code == 503]
    decided = [answer.json()["decision_id"] for answer in answers if answer.status_code == 200]
    assert len(refused) + len(decided) == 64
    assert refused
    assert all(answer.headers["retry-after"] == "1" for answer in refused)
    assert all("queue of tickets" in answer.json()["error"]["found"] for answer in refused)
    assert sorted(desk.store.decisions()["decision_id"]) == sorted(decided)
    desk.store.close()
