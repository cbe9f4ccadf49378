"""``firstline demo``: the whole loop once, on the simulated company, with every step visible.

A second run finds its data, models, release and decisions in place and only does what is left to do. Each
step leaves either its whole result or nothing, so an interrupted run is simply started again.
"""

import sys
import time
from pathlib import Path

import pandas as pd
from rich.console import Console
from rich.progress import track

from features.schema import typed
from pipelines.demo_company import MorningQueue, morning_queue
from pipelines.params import load_params
from pipelines.processes import run_python_module
from pipelines.report import queue_table, ranked, write_queue_report
from pipelines.service_process import running_service
from serving.client import FirstlineClient, FirstlineError
from serving.decision import Decision
from serving.settings import Settings
from serving.store import open_store

QUEUE_REPORT = Path("reports/morning_queue.html")
NOTEBOOK = Path("notebooks/02_intent_thresholds.ipynb")
SHOWN_ROWS = 20
LOG_WIDTH = 160
"""Columns of the output where it goes to a file."""


class DemoError(ValueError):
    """A step of the demo failed; the message says which, and what to do."""


def run_step(console: Console, *command: str) -> None:
    """Run one command with its output visible. Raises ``DemoError`` if it fails."""
    console.print(f"[dim]$ {' '.join(command)}[/dim]", highlight=False)
    status = run_python_module(*command)
    if status:
        raise DemoError(
            f"`python -m {' '.join(command)}` ended with status {status} (its output is above); "
            "fix the cause and run `make demo` again: what is finished is not done twice"
        )


def triaged(client: FirstlineClient, queue: MorningQueue) -> list[Decision]:
    """Every ticket of the queue sent to the service over HTTP; the decisions, most valuable first."""
    decisions = []
    for number, request in enumerate(track(queue.requests, "sending the morning queue"), start=1):
        if number % 100 == 0 and not sys.stdout.isatty():
            print(f"{number} of {len(queue.requests)} tickets sent", flush=True)
        try:
            decisions.append(client.triage(request))
        except FirstlineError as error:
            raise DemoError(
                f"ticket {request['ticket_id']}: {error}. If the store holds another company's decisions "
                "(params.yaml was changed), start over with `make clean`"
            ) from error
    return ranked(decisions)  # as of that morning: the service's own queue runs on with today's clock


def correction_for(decisions: list[Decision]) -> tuple[Decision, str]:
    """The least sure decision that has an alternative intent, and that alternative."""
    unsure = [d for d in decisions if d.intent.name and len(d.intent.alternatives) > 1]
    if not unsure:
        raise DemoError("no decision has an alternative intent to correct: is a release promoted?")
    decision = min(unsure, key=lambda d: (d.intent.probability, d.ticket_id))
    other = next(a.name for a in decision.intent.alternatives if a.name != decision.intent.name)
    return decision, other


def show_queue(console: Console, decisions: list[Decision], queue: MorningQueue) -> None:
    """Print the head of the ranked queue and what became of the tickets to watch; write the HTML report."""
    console.print(queue_table(decisions[:SHOWN_ROWS]))
    rank = {decision.ticket_id: place for place, decision in enumerate(decisions, start=1)}
    by_ticket = {decision.ticket_id: decision for decision in decisions}
    for role, ticket_ids in queue.cast.items():
        for ticket_id in ticket_ids:
            decision = by_ticket[ticket_id]
            console.print(
                f"  {role.replace('_', ' ')}: ticket {ticket_id} is number {rank[ticket_id]} of "
                f"{len(decisions)}, {decision.intent.name} ({decision.intent.probability:.0%}), "
                f"{decision.sentiment.state}: {decision.action}"
            )
    write_queue_report(decisions, QUEUE_REPORT, queue.requests)
    console.print(f"the whole queue, with reasons and context: {QUEUE_REPORT}")


def run_demo() -> None:
    """The loop: data, pipeline, release, service, morning queue, correction, monitor, notebook."""
    console = Console() if sys.stdout.isatty() else Console(width=LOG_WIDTH)
    params = load_params()
    settings = Settings()
    started = time.monotonic()

    def heading(step: int, title: str) -> None:
        console.rule(f"[bold]{step}/8 {title}[/bold] ({time.monotonic() - started:.0f} s)", align="left")

    heading(1, "the company's raw exports")
    run_step(console, "pipelines.demo_company")
    run_step(console, "dvc", "add", "--quiet", "data")

    heading(2, "the pipeline: ingest, validate, features, models, evaluate, release")
    run_step(console, "dvc", "repro")

    heading(3, "the first release and the desk's context")
    run_step(console, "firstline", "promote")
    run_step(console, "firstline", "backfill")

    heading(4, "the service and the morning queue")
    queue = morning_queue(params.demo_company, seed=params.demo_company.seed)
    store = open_store(settings)
    for table, rows in queue.context.items():
        store.append(table, typed(table, pd.DataFrame(rows)))
    store.close()
    with running_service(settings, settings.state / "service.log") as service:
        decisions = triaged(service.client, queue)
        show_queue(console, decisions, queue)

        heading(5, "an agent corrects a decision")
        decision, other = correction_for(decisions)
        service.client.feedback(
            decision_id=decision.decision_id,
            verdict="override",
            field="intent",
            value=other,
            reason="read the whole ticket",
            agent_id="demo-agent",
        )
    console.print(f"ticket {decision.ticket_id} was {decision.intent.name}; an agent says {other}")
    run_step(console, "firstline", "feedback", "preview")

    heading(6, "the monitor")
    run_step(console, "firstline", "monitor")

    heading(7, f"one notebook: {NOTEBOOK}")
    run_step(console, "pipelines.notebook", str(NOTEBOOK))

    heading(8, "done")
    console.print(
        "The service is stopped. Go on with `make serve` (the service), `make notebooks` (JupyterLab), "
        f"`dvc metrics show`, `firstline status`, and {QUEUE_REPORT}."
    )
