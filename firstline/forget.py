"""Forget a person or an account."""

import sys
from datetime import UTC, datetime
from typing import Annotated

import typer

app = typer.Typer()


@app.command()
def forget(
    name: Annotated[
        str, typer.Argument(help="A person's contact id, handle, e-mail or number; or an account's id.")
    ],
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help="Only say what would be erased where."),
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    verify: Annotated[
        bool, typer.Option("--verify", help="Erase nothing: look for NAME in every row and every byte.")
    ] = False,
) -> None:
    """Erase a person or an account from store, data, features, pages, logs and caches; prove it by a scan.

    Exit status 1: something is left. A run that was interrupted goes on when the same command is run again.
    """
    from pipelines.forget.command import Forgetting
    from serving.settings import Settings

    forgetting, at = Forgetting(Settings()), datetime.now(UTC)
    if verify:
        left = forgetting.verify(name, _say)
        typer.echo("\n".join(left) or "nothing of that name is left")
        raise typer.Exit(1 if left else 0)
    if dry_run or not yes:
        typer.echo("\n".join(forgetting.run(name, at, dry_run=True).lines()))
        if dry_run:
            return
        if not typer.confirm("erase all this? It cannot be undone"):
            sys.exit("firstline: nothing was erased")
    outcome = forgetting.run(name, at, say=_say)
    typer.echo("\n".join(outcome.lines()))
    typer.echo(f"they are {outcome.pseudonym} from now on; the salt is gone" if not outcome.left
               else "not complete: see above, then run the same command again")  # fmt: skip
    raise typer.Exit(1 if outcome.left else 0)


def _say(line: str) -> None:
    typer.echo(f"... {line}", err=True)
