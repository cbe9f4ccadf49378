"""What the models said and why."""

from typing import Annotated

import typer

app = typer.Typer()


@app.command()
def explain(
    ticket: Annotated[str, typer.Argument(help="Id of a ticket of the last dvc repro.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print it as JSON.")] = False,
) -> None:
    """Say in words why each model said what it said of a ticket."""
    from pipelines import explain as explaining

    found = explaining.explanations(ticket)
    typer.echo(explaining.as_json(found) if as_json else explaining.report(found))
