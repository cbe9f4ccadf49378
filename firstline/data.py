"""Data in: exports, pulls, and the store that the service reads."""

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer()


@app.command()
def ingest(
    folder: Annotated[Path, typer.Argument(help="Folder that holds the raw exports.")],
    mapping: Annotated[Path, typer.Option(help="Mapping file: source columns to canonical columns.")],
    name: Annotated[str | None, typer.Option(help="Name under data/; default: the folder's.")] = None,
    extra: Annotated[
        list[Path] | None, typer.Option(help="Further files the mapping refers to, for example a taxonomy.")
    ] = None,
    check: Annotated[
        bool, typer.Option("--check", help="Only show what would be read, kept and quarantined.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print what was found or done as JSON.")] = False,
) -> None:
    """Bring a desk's exports into data/ and point the pipeline at them; `dvc repro` does the rest.

    Exit status: 0 done (with --check: the run would go on), 1 a file or the mapping cannot be read, 2 a
    misspelt command, 3 (with --check) the run would stop: too much in quarantine, or nothing kept.
    """
    from pipelines.ingest_command import ingest as bring_in

    name = name or folder.resolve().name
    raise typer.Exit(bring_in(folder, mapping, name, extra or [], check=check, as_json=as_json))


@app.command()
def pull(
    vendor: Annotated[str, typer.Argument(help="zendesk, freshdesk, intercom or salesforce.")],
    name: Annotated[str, typer.Option(help="Name under data/: files go to data/NAME/VENDOR/.")],
    address: Annotated[str | None, typer.Option(help="https address of the account's API.")] = None,
    since: Annotated[str | None, typer.Option(help="Where the first pull starts; default: all.")] = None,
    only: Annotated[list[str] | None, typer.Option(help="Only this list, for example tickets.")] = None,
    page_size: Annotated[
        int | None, typer.Option(help="Records a request; default: the most allowed.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print what was done as JSON.")] = False,
) -> None:
    """Fetch what is new at a helpdesk into data/, from where the last pull stopped (docs/pull.md)."""
    import json

    from connectors.pull.command import pull as fetch
    from connectors.pull.show import report, shown_progress

    with shown_progress(vendor) as shown:
        outcome = fetch(
            vendor, name, address, since, only or (), page_size, watch=shown.watch, waiting=shown.waiting
        )
    typer.echo(json.dumps(outcome.as_json(), indent=2) if as_json else report(outcome))
    for error in outcome.errors:
        typer.echo(f"firstline: {error}", err=True)
    raise typer.Exit(outcome.exit_status)


@app.command()
def backfill(
    as_json: Annotated[bool, typer.Option("--json", help="Print the new rows by table as JSON.")] = False,
) -> None:
    """Load the canonical tables into the store that the service reads its context from."""
    from serving.backfill import main

    main(as_json)
