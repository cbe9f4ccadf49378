"""The past replayed: what Firstline would have changed, and what other rules would."""

import json
from typing import Annotated

import typer

app = typer.Typer()


@app.command()
def backtest(
    set_: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            help="What if: NAME=VALUE of desk.yaml (automation.min_probability=0.97), of the proven "
            "thresholds (thresholds.INTENT=0.9, thresholds=0.9) or of params.yaml "
            "(backtest.busy_share=0.7). Repeatable.",
        ),
    ] = None,
    seeds: Annotated[int | None, typer.Option(min=1, help="Replays; default: params.yaml.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the figures as JSON.")] = False,
    record: Annotated[bool, typer.Option("--record", help="Put the figures into docs/results.json.")] = False,
) -> None:
    """Replay the newest history first in first out, by the customers' priority and under Firstline."""
    from pipelines.artifacts import rounded
    from pipelines.backtest import command

    if set_ and record:
        raise typer.BadParameter("a what-if is no result of the project", param_hint="--record")
    found = command.what_if(set_, seeds) if set_ else command.run(seeds)
    typer.echo(json.dumps(rounded(found), indent=2) if as_json else command.text(found))
    if record:
        command.record(found)
