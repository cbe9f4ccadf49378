"""What happens by the clock."""

from typing import Annotated

import typer

app = typer.Typer()


@app.command()
def monitor(
    as_of: Annotated[str | None, typer.Option(help="Judge as of this moment (ISO 8601), not now.")] = None,
) -> None:
    """Compare what the service sees with what it was trained on, and print one verdict line."""
    from monitoring.monitor import main

    main(as_of)


@app.command()
def tick() -> None:
    """Do everything that happens by the clock: pending actions, then the monitor. Meant for cron."""
    from monitoring.monitor import main as look
    from serving.tick import main as act

    act()
    look()
