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


@app.command("reinstate")
def desk_reinstate(
    intent: Annotated[str, typer.Argument(help="The demoted intent, for example password_reset.")],
    by: Annotated[str, typer.Option(help="Who decides this.")],
    why: Annotated[str, typer.Option(help="What has changed since it was demoted.")],
) -> None:
    """Give an intent demoted for a spent error budget its automation back; the budget starts anew."""
    from datetime import UTC, datetime

    from serving.budgets import reinstate
    from serving.settings import Settings
    from serving.store import open_store

    store = open_store(Settings())
    try:
        with store.writing() as connection:
            reinstate(connection, intent, by, why, datetime.now(UTC))
    except KeyError as error:
        raise typer.BadParameter(str(error.args[0]), param_hint="INTENT") from None
    finally:
        store.close()
    typer.echo(f"{intent} may be automated again, in the phase that the desk's rules give it")
