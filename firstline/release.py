"""What serves: start it, promote, roll back, look."""

import sys
from typing import Annotated, Any

import typer

app = typer.Typer()


@app.command()
def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on.")] = None,
) -> None:
    """Start the scoring service with the promoted release."""
    from serving.run import CannotServe
    from serving.run import serve as serve_until_stopped
    from serving.settings import Settings

    given: dict[str, Any] = {k: v for k, v in (("host", host), ("port", port)) if v is not None}
    try:
        serve_until_stopped(Settings(**given))
    except CannotServe as error:
        sys.exit(f"firstline: {error}")


@app.command()
def promote(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the gate table and stop.")] = False,
) -> None:
    """Make the release of the last `dvc repro` the serving champion, if it passes every gate."""
    from pipelines.promote import promote as promote_candidate

    raise typer.Exit(promote_candidate(dry_run=dry_run))


@app.command()
def rollback() -> None:
    """Make the last good release the serving champion again."""
    from pipelines.promote import rollback as roll_back

    raise typer.Exit(roll_back())


@app.command()
def status(
    as_json: Annotated[bool, typer.Option("--json", help="Print it as JSON.")] = False,
) -> None:
    """Show which releases serve, how old they are, and the monitor's last verdict."""
    from pipelines.promote import print_status

    print_status(as_json)
