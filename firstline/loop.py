"""What happens by the clock: look, and act on what is seen."""

import sys
from pathlib import Path
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
def replay(
    folder: Annotated[Path, typer.Argument(help="Folder that holds the raw exports.")],
    mapping: Annotated[Path, typer.Option(help="Mapping file: source columns to canonical columns.")],
    extra: Annotated[
        list[Path] | None, typer.Option(help="Further files the mapping refers to, for example a taxonomy.")
    ] = None,
    base_days: Annotated[int, typer.Option(help="History that the first release learns from.")] = 365,
    page: Annotated[Path, typer.Option(help="Where the page goes, its plot beside it.")] = Path(
        "reports/real_drift.md"
    ),
) -> None:
    """Replay exports week by week: what the loop would have noticed, done and saved. Many minutes.

    Section `intent` of params.yaml says with which models; nothing but the page is written.
    """
    from firstline.watching import new_monitor
    from pipelines.drills.real_drift_run import replay_to_page
    from pipelines.drills.real_stream import Source
    from pipelines.params import load_params

    source = Source(folder.resolve().name, folder, mapping, extra or [])
    replay_to_page(source, new_monitor, load_params(), base_days, page, f"firstline replay {folder}")
    typer.echo(f"written: {page}")


@app.command()
def tick(as_of: AsOf = None) -> None:
    """Do everything that happens by the clock: pending actions, the monitor, what its verdict asks for.

    Meant for cron. A retraining or a rollback that the verdict leads to is done before this returns.
    """
    from firstline.acting import look_and_act
    from serving.tick import main as act

    act()
    typer.echo(look_and_act(as_of).line)
