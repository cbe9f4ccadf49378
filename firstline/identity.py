"""Who is who."""

import json
from datetime import UTC, datetime
from getpass import getuser
from typing import Annotated, Any

import typer

app = typer.Typer(help="Who is who among contacts and handles.", no_args_is_help=True)

Why = Annotated[str, typer.Option(help="The reason, for whoever reads it later.")]
By = Annotated[str | None, typer.Option(help="Who decides; default: the user logged in.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command("show")
def identity_show(
    name: Annotated[str, typer.Argument(help="Contact id, or handle such as email:a@b.example.")],
    as_json: AsJson = False,
) -> None:
    """Show whom a contact id or handle stands for, since when, why, and every other name of that person."""
    from pipelines.identity_decisions import shown

    found = _people().show(name)
    typer.echo(json.dumps(found, ensure_ascii=False, indent=2) if as_json else "\n".join(shown(found)))


@app.command("ambiguous")
def identity_ambiguous(as_json: AsJson = False) -> None:
    """List the names that merge nobody because records disagree: a person may decide them."""
    from pipelines.identity_decisions import ambiguous_lines

    rows = _people().ambiguous()
    typer.echo(
        json.dumps(rows, ensure_ascii=False, indent=2) if as_json else "\n".join(ambiguous_lines(rows))
    )


@app.command("merge")
def identity_merge(
    name: Annotated[str, typer.Argument(help="Contact id or handle.")],
    other: Annotated[str, typer.Argument(help="Contact id or handle of the same person.")],
    why: Why,
    by: By = None,
    as_json: AsJson = False,
) -> None:
    """Say that two names are one person, from now on."""
    _tell(_people().merge(name, other, by or getuser(), why, datetime.now(UTC)), as_json)


@app.command("split")
def identity_split(
    name: Annotated[str, typer.Argument(help="Contact id or handle.")],
    why: Why,
    contact: Annotated[
        str | None, typer.Option("--from", help="Only this contact no longer has the handle.")
    ] = None,
    by: By = None,
    as_json: AsJson = False,
) -> None:
    """Say that a contact is nobody else, or that a handle is nobody's (or not one contact's), from now on."""
    _tell(_people().split(name, contact, by or getuser(), why, datetime.now(UTC)), as_json)


@app.command("undo")
def identity_undo(
    decision_id: Annotated[str, typer.Argument(help="Id of the decision, as `identity show` lists it.")],
    why: Why,
    by: By = None,
    as_json: AsJson = False,
) -> None:
    """Take back a decision, which may itself be an undo, from now on."""
    _tell(_people().undo(decision_id, by or getuser(), why, datetime.now(UTC)), as_json)


def _tell(decided: Any, as_json: bool) -> None:
    from pipelines.identity_decisions import decided_lines

    body = json.dumps(decided.body, ensure_ascii=False, indent=2)
    typer.echo(body if as_json else "\n".join(decided_lines(decided)))


def _people() -> Any:
    from pipelines.identity_decisions import people_here
    from serving.settings import Settings

    return people_here(Settings())
