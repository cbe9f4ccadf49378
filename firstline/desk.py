"""The desk's rules."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(help="The desk's own rules.", no_args_is_help=True)

AsJson = Annotated[bool, typer.Option("--json", help="The answer as one JSON object.")]


@app.command("new")
def desk_new(
    output: Annotated[
        Path, typer.Option("--output", "-o", help="File to write, for example policy/ours.yaml.")
    ],
    as_json: AsJson = False,
) -> None:
    """Draft the desk's rules from its own plans, queues and intents (after `dvc repro ingest`)."""
    from pipelines.desk_draft import new_desk

    made = new_desk(output)
    typer.echo(json.dumps(asdict(made)) if as_json else "\n".join(made.lines()))


@app.command("check")
def desk_check(
    file: Annotated[Path, typer.Argument(help="The desk's rules, for example policy/desk.yaml.")],
    as_json: AsJson = False,
) -> None:
    """Check the desk's rules: every problem with its line (exit status 1)."""
    from policy.desk import DeskError, load_desk

    try:
        desk = load_desk(file)
    except DeskError as error:
        if not as_json:
            raise
        typer.echo(json.dumps({"desk": str(file), "valid": False, "problems": error.problems}, indent=2))
        raise typer.Exit(1) from None
    counts = {"plans": len(desk.plans), "queues": len(desk.queues), "intents": len(desk.intents)}
    if as_json:
        typer.echo(json.dumps({"desk": str(file), "valid": True, "problems": [], **counts}, indent=2))
    else:
        typer.echo(f"{file} is valid: " + ", ".join(f"{count} {name}" for name, count in counts.items()))


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
