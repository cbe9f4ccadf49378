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


@app.command("ml-test-score")
def ml_test_score(
    run: Annotated[bool, typer.Option("--run", help="Run the tests as well: minutes.")] = False,
    record: Annotated[
        bool, typer.Option("--record", help="Record the points in docs/results.json; needs --run.")
    ] = False,
) -> None:
    """Verify what holds the 28 checks of Google's ML Test Score, and add the points up."""
    from pipelines import ml_test_score as score
    from pipelines.results import record_results

    if record and not run:
        raise ValueError("--record without --run would claim tests that nobody ran: add --run")
    found = score.measure(run)
    points = score.totals(found)
    for one in found:
        if one.points < 1:
            why = one.check.lacking or "; ".join(f"gone or failing: {test}" for test in one.broken)
            typer.echo(f"{one.check.label}: {one.points:g}, {one.check.name}: {why}")
    typer.echo(", ".join(f"{name} {points[name]:g}" for name in points) + f": {min(points.values()):g} of 7")
    if record:
        record_results(score.results(points, found))


@app.command()
def results() -> None:
    """Write docs/results.md again from docs/results.json."""
    from pipelines.results import RESULTS_PAGE, read_results, results_page

    RESULTS_PAGE.write_text(results_page(read_results()), encoding="utf-8")
    typer.echo(f"wrote {RESULTS_PAGE}")
