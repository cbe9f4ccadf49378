"""The desk's rules."""

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(help="The desk's own rules.", no_args_is_help=True)


@app.command("new")
def desk_new(
    output: Annotated[
        Path, typer.Option("--output", "-o", help="File to write, for example policy/ours.yaml.")
    ],
) -> None:
    """Draft the desk's rules from its own plans, queues and intents (after `dvc repro ingest`)."""
    from pipelines.desk_draft import new_desk

    for line in new_desk(output):
        typer.echo(line)


@app.command("check")
def desk_check(
    file: Annotated[Path, typer.Argument(help="The desk's rules, for example policy/desk.yaml.")],
) -> None:
    """Check the desk's rules: every problem with its line."""
    from policy.desk import load_desk

    desk = load_desk(file)
    typer.echo(
        f"{file} is valid: {len(desk.plans)} plans, {len(desk.queues)} queues, {len(desk.intents)} intents"
    )
