"""Mapping files."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(help="Mapping files: what a desk's columns mean.", no_args_is_help=True)

AsJson = Annotated[bool, typer.Option("--json", help="The answer as one JSON object.")]


@app.command("new")
def mapping_new(
    files: Annotated[list[Path], typer.Argument(help="Raw files, all kinds that belong together.")],
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Write here; default: print.")] = None,
    as_json: AsJson = False,
) -> None:
    """Draft a mapping file from raw files, each guess with its reason (exit status 1: incomplete)."""
    from connectors.drafts.mapping_draft import draft, write_new

    drafted = draft(files)
    if out is not None:
        write_new(out, drafted.text)
    if as_json:
        wrote = None if out is None else str(out)
        typer.echo(json.dumps({"wrote": wrote, **asdict(drafted)}, ensure_ascii=False, indent=2))
    elif out is None:
        typer.echo(drafted.text, nl=False)
    else:
        typer.echo(f"wrote {out}: decide what says CHECK, then `firstline mapping check {out}`")
    for missing in () if as_json else drafted.missing:
        typer.echo(f"firstline: not usable yet: {missing}", err=True)
    raise typer.Exit(1 if drafted.missing else 0)


@app.command("check")
def mapping_check(
    file: Annotated[Path, typer.Argument(help="Mapping file.")],
    as_json: AsJson = False,
) -> None:
    """Read a mapping file and say what it feeds, or what is wrong by line and column (exit status 1)."""
    from connectors.mapping.report import check

    passed, text = check(file, as_json)
    typer.echo(text, err=not passed and not as_json)
    raise typer.Exit(0 if passed else 1)


@app.command("schema")
def mapping_schema() -> None:
    """Print the JSON schema of mapping files, for editors."""
    from connectors.mapping.schema import schema_text

    typer.echo(schema_text(), nl=False)
