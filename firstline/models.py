"""What the models said and why."""

from pathlib import Path
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


@app.command()
def importance(
    model: Annotated[
        list[str] | None,
        typer.Option(help="intent, sentiment, priority, churn or outcomes; may be repeated; default: all."),
    ] = None,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write all figures to this file.")] = None,
) -> None:
    """Leave each group of features out in turn: what it adds to each model, and what it costs."""
    import json

    from pipelines.benchmarks.importance import run as asking

    found = asking.run(model or asking.MODELS_ASKED)
    if json_file is not None:
        json_file.parent.mkdir(parents=True, exist_ok=True)
        json_file.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    typer.echo(asking.report(found))
