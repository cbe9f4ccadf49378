"""What agents corrected."""

import typer

app = typer.Typer(help="What agents corrected.", no_args_is_help=True)


@app.command("preview")
def feedback_preview() -> None:
    """Show what corrections made by agents change about the labels of the next training set."""
    from monitoring.feedback import preview

    preview()


@app.command("export")
def feedback_export() -> None:
    """Write corrections made by agents to data/ as new files, for the next training."""
    from monitoring.feedback_export import main

    main()
