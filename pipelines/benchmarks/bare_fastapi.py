"""The same desk behind bare FastAPI and uvicorn, to compare the service with: one route and nothing else."""

import gc
import sys
from datetime import UTC, datetime

import uvicorn
from anyio import CapacityLimiter
from anyio.to_thread import run_sync
from fastapi import FastAPI, Request, Response

from serving.requests import TriageRequest, parsed
from serving.settings import Settings
from serving.triage import TriageDesk, open_desk


def app_around(desk: TriageDesk, scoring_threads: int) -> FastAPI:
    """``POST /triage`` with the body, the work and the answer of the service."""
    app, scoring = FastAPI(), CapacityLimiter(scoring_threads)

    @app.post("/triage")
    async def triage(request: Request) -> Response:
        asked = parsed(TriageRequest, await request.body())
        answer = await run_sync(desk.triage, asked, datetime.now(UTC), limiter=scoring)
        return Response(answer.decision.model_dump_json(), media_type="application/json")

    return app


def main() -> None:
    """Serve on the port given until stopped."""
    settings = Settings()
    desk = open_desk(settings)
    desk.warm_up()
    gc.collect()
    gc.freeze()
    app = app_around(desk, settings.scoring_threads)
    uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]), log_level="warning", access_log=False)


if __name__ == "__main__":
    main()
