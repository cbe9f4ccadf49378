"""The project as a whole: the demo, the installation, long drills, figures."""

import sys
from typing import Annotated

import typer

app = typer.Typer()


@app.command()
def demo() -> None:
    """Run the whole loop once on the simulated company: data, training, service, morning queue, monitor."""
    from pipelines.demo import run_demo

    try:
        run_demo()
    except KeyboardInterrupt:
        sys.exit("firstline: interrupted; run the same command again, what is finished is not done twice")


@app.command()
def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="Print the findings as JSON.")] = False,
) -> None:
    """Check the installation, the data, the release and the store, and say what is missing."""
    from pipelines.doctor import doctor as examine

    raise typer.Exit(examine(as_json))


@app.command()
def drill(
    only: Annotated[str | None, typer.Option(help="Run only this drill.")] = None,
) -> None:
    """Run what takes longer than a test may, and record the figures in docs/results.json."""
    from firstline.watching import drills
    from pipelines.drill import run_drills

    raise typer.Exit(run_drills(only, drills()))


@app.command()
def results() -> None:
    """Write docs/results.md again from docs/results.json."""
    from pipelines.results import RESULTS_PAGE, read_results, results_page

    RESULTS_PAGE.write_text(results_page(read_results()), encoding="utf-8")
    typer.echo(f"wrote {RESULTS_PAGE}")
