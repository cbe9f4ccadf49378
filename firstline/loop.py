"""What happens by the clock: look, and act on what is seen."""

import sys
from typing import Annotated

import typer

app = typer.Typer()
AsOf = Annotated[str | None, typer.Option(help="Take this moment (ISO 8601) for now, on a replayed desk.")]


@app.command()
def monitor(
    as_of: Annotated[str | None, typer.Option(help="Judge as of this moment (ISO 8601), not now.")] = None,
) -> None:
    """Compare what the service sees with what it was trained on, and print one verdict line."""
    from monitoring.monitor import main

    main(as_of)


@app.command()
def retrain(
    why: Annotated[str, typer.Option(help="The reason, for the ledger.")] = "asked for by hand",
    as_of: AsOf = None,
) -> None:
    """Turn feedback into data, run `dvc repro`, and judge the new release against the one that serves.

    Exit status: 0 promoted, waiting or nothing new; 1 failed or under way already; 3 stopped by the gates.
    """
    from firstline.acting import retrain_now

    record = retrain_now(why, as_of)
    typer.echo(record.line)
    sys.exit({"failed": 1, "stopped by gates": 3}.get(record.state, 0))


@app.command()
def friction(
    month: Annotated[
        str | None, typer.Option(help="For example 2026-06; default: the last whole one.")
    ] = None,
) -> None:
    """Report which product features are followed by tickets, and which accounts struggle."""
    from monitoring.friction import main

    main(month)


@app.command()
def tick(as_of: AsOf = None) -> None:
    """Do everything that happens by the clock: pending actions, the monitor, what its verdict asks for.

    Meant for cron. A retraining or a rollback that the verdict leads to is done before this returns.
    """
    from firstline.acting import look_and_act
    from serving.tick import main as act

    act()
    typer.echo(look_and_act(as_of).line)
