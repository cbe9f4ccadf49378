"""What serves: start it, promote, roll back, look."""

import sys
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

import typer

app = typer.Typer()
AsOf = Annotated[str | None, typer.Option(help="Take this moment (ISO 8601) for now, on a replayed desk.")]


@app.command()
def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on.")] = None,
    development: Annotated[
        bool, typer.Option("--development", help="No keys, everybody is admin; on this machine only.")
    ] = False,
) -> None:
    """Start the scoring service with the promoted release."""
    from serving.run import CannotServe
    from serving.run import serve as serve_until_stopped
    from serving.settings import Settings

    given: dict[str, Any] = {k: v for k, v in (("host", host), ("port", port)) if v is not None}
    given |= {"development": True} if development else {}
    try:
        serve_until_stopped(Settings(**given))
    except CannotServe as error:
        sys.exit(f"firstline: {error}")


@app.command()
def promote(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the gate table and stop.")] = False,
    without_gates: Annotated[
        str | None, typer.Option(help="Why it may serve although gates fail; kept in the ledger.")
    ] = None,
    shadow: Annotated[
        float | None, typer.Option(help="Let it judge this share of accounts as well, without effect.")
    ] = None,
    canary: Annotated[
        float | None, typer.Option(help="Let it decide for this share of accounts, always the same.")
    ] = None,
    as_of: AsOf = None,
) -> None:
    """Make the release of the last `dvc repro` the champion if it passes every gate, or try it out."""
    from pipelines.promote import promote as promote_candidate

    if shadow is not None and canary is not None:
        sys.exit("firstline: --shadow and --canary: give one of them")
    trial: tuple[Literal["shadow", "canary"], float] | None = None
    if shadow is not None:
        trial = "shadow", shadow
    if canary is not None:
        trial = "canary", canary
    try:
        status = promote_candidate(dry_run, at=_moment(as_of), without_gates=without_gates, trial=trial)
    except ValueError as error:
        sys.exit(f"firstline: {error}")
    raise typer.Exit(status)


@app.command()
def rollback(as_of: AsOf = None) -> None:
    """End the trial of a challenger, or else make the last good release the serving champion again."""
    from pipelines.promote import rollback as roll_back

    raise typer.Exit(roll_back(_moment(as_of)))


@app.command()
def status(
    as_json: Annotated[bool, typer.Option("--json", help="Print it as JSON.")] = False,
) -> None:
    """Show which releases serve and wait, how old they are, the last retraining and the last verdict."""
    from pipelines.status import print_status

    print_status(datetime.now(UTC), as_json)


def _moment(as_of: str | None) -> datetime | None:
    from monitoring.monitor import moment

    return moment(as_of) if as_of else None
