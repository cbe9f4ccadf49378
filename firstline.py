"""The command line. Each command imports what it needs when it runs, so that ``--help`` answers at once."""

import json
import os
import sys
from datetime import UTC, datetime
from getpass import getuser
from pathlib import Path
from typing import Annotated, Any

import typer

app = typer.Typer(
    help="Firstline: score, route, escalate and resolve support tickets, with people in charge.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
feedback_app = typer.Typer(help="What agents corrected.", no_args_is_help=True)
app.add_typer(feedback_app, name="feedback")
benchmark_app = typer.Typer(help="Measure the models on anybody's labelled data.", no_args_is_help=True)
app.add_typer(benchmark_app, name="benchmark")
desk_app = typer.Typer(help="The desk's own rules.", no_args_is_help=True)
app.add_typer(desk_app, name="desk")

mapping_app = typer.Typer(help="Mapping files: what a desk's columns mean.", no_args_is_help=True)
app.add_typer(mapping_app, name="mapping")
identity_app = typer.Typer(help="Who is who among contacts and handles.", no_args_is_help=True)
app.add_typer(identity_app, name="identity")

QUIET_BY_DEFAULT = {
    "BENTOML_DO_NOT_TRACK": "True",
    "DO_NOT_TRACK": "1",
    "GX_ANALYTICS_ENABLED": "false",
    "MLFLOW_ALLOW_PICKLE_DESERIALIZATION": "false",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "OTEL_SDK_DISABLED": "true",
}
"""No telemetry and no unpickling of models, unless the caller's environment says otherwise."""


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


@desk_app.command("new")
def desk_new(
    output: Annotated[
        Path, typer.Option("--output", "-o", help="File to write, for example policy/ours.yaml.")
    ],
) -> None:
    """Draft the desk's rules from its own plans, queues and intents (after `dvc repro ingest`)."""
    from pipelines.desk_draft import new_desk

    for line in new_desk(output):
        typer.echo(line)


@desk_app.command("check")
def desk_check(
    file: Annotated[Path, typer.Argument(help="The desk's rules, for example policy/desk.yaml.")],
) -> None:
    """Check the desk's rules: every problem with its line."""
    from policy.desk import load_desk

    desk = load_desk(file)
    typer.echo(
        f"{file} is valid: {len(desk.plans)} plans, {len(desk.queues)} queues, {len(desk.intents)} intents"
    )


@app.command()
def backfill() -> None:
    """Load the canonical tables into the store that the service reads its context from."""
    from serving.backfill import main

    main()


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


Why = Annotated[str, typer.Option(help="The reason, for whoever reads it later.")]
By = Annotated[str | None, typer.Option(help="Who decides; default: the user logged in.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@identity_app.command("show")
def identity_show(
    name: Annotated[str, typer.Argument(help="Contact id, or handle such as email:a@b.example.")],
    as_json: AsJson = False,
) -> None:
    """Show whom a contact id or handle stands for, since when, why, and every other name of that person."""
    from pipelines.identity_decisions import shown

    found = _people().show(name)
    typer.echo(json.dumps(found, ensure_ascii=False, indent=2) if as_json else "\n".join(shown(found)))


@identity_app.command("ambiguous")
def identity_ambiguous(as_json: AsJson = False) -> None:
    """List the names that merge nobody because records disagree: a person may decide them."""
    from pipelines.identity_decisions import ambiguous_lines

    rows = _people().ambiguous()
    typer.echo(
        json.dumps(rows, ensure_ascii=False, indent=2) if as_json else "\n".join(ambiguous_lines(rows))
    )


@identity_app.command("merge")
def identity_merge(
    name: Annotated[str, typer.Argument(help="Contact id or handle.")],
    other: Annotated[str, typer.Argument(help="Contact id or handle of the same person.")],
    why: Why,
    by: By = None,
) -> None:
    """Say that two names are one person, from now on."""
    typer.echo("\n".join(_people().merge(name, other, by or getuser(), why, datetime.now(UTC))))


@identity_app.command("split")
def identity_split(
    name: Annotated[str, typer.Argument(help="Contact id or handle.")],
    why: Why,
    contact: Annotated[
        str | None, typer.Option("--from", help="Only this contact no longer has the handle.")
    ] = None,
    by: By = None,
) -> None:
    """Say that a contact is nobody else, or that a handle is nobody's (or not one contact's), from now on."""
    typer.echo("\n".join(_people().split(name, contact, by or getuser(), why, datetime.now(UTC))))


@identity_app.command("undo")
def identity_undo(
    decision_id: Annotated[str, typer.Argument(help="Id of the decision, as `identity show` lists it.")],
    why: Why,
    by: By = None,
) -> None:
    """Take back a decision, which may itself be an undo, from now on."""
    typer.echo("\n".join(_people().undo(decision_id, by or getuser(), why, datetime.now(UTC))))


def _people() -> Any:
    from pipelines.identity_decisions import people_here
    from serving.settings import Settings

    return people_here(Settings())


@feedback_app.command("preview")
def feedback_preview() -> None:
    """Show what corrections made by agents change about the labels of the next training set."""
    from monitoring.feedback import preview

    preview()


@feedback_app.command("export")
def feedback_export() -> None:
    """Write corrections made by agents to data/ as new files, for the next training."""
    from monitoring.feedback import main

    main()


@mapping_app.command("new")
def mapping_new(
    files: Annotated[list[Path], typer.Argument(help="Raw files, all kinds that belong together.")],
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Write here; default: print.")] = None,
) -> None:
    """Draft a mapping file from raw files, each guess with its reason (exit status 1: incomplete)."""
    from connectors.drafts.mapping_draft import draft, write_new

    drafted = draft(files)
    if out is None:
        typer.echo(drafted.text, nl=False)
    else:
        write_new(out, drafted.text)
        typer.echo(f"wrote {out}: decide what says CHECK, then `firstline mapping check {out}`")
    for missing in drafted.missing:
        typer.echo(f"firstline: not usable yet: {missing}", err=True)
    raise typer.Exit(1 if drafted.missing else 0)


@mapping_app.command("check")
def mapping_check(
    file: Annotated[Path, typer.Argument(help="Mapping file.")],
    as_json: Annotated[bool, typer.Option("--json", help="The answer as one JSON object.")] = False,
) -> None:
    """Read a mapping file and say what it feeds, or what is wrong by line and column (exit status 1)."""
    from connectors.mapping.report import check

    passed, text = check(file, as_json)
    typer.echo(text, err=not passed and not as_json)
    raise typer.Exit(0 if passed else 1)


@mapping_app.command("schema")
def mapping_schema() -> None:
    """Print the JSON schema of mapping files, for editors."""
    from connectors.mapping.schema import schema_text

    typer.echo(schema_text(), nl=False)


@app.command()
def results() -> None:
    """Write docs/results.md again from docs/results.json."""
    from pipelines.results import RESULTS_PAGE, read_results, results_page

    RESULTS_PAGE.write_text(results_page(read_results()), encoding="utf-8")
    typer.echo(f"wrote {RESULTS_PAGE}")


@app.command()
def drill(
    only: Annotated[str | None, typer.Option(help="Run only this drill.")] = None,
) -> None:
    """Run what takes longer than a test may, and record the figures in docs/results.json."""
    from pipelines.drill import run_drills

    raise typer.Exit(run_drills(only))


@benchmark_app.command("intent")
def benchmark_intent(
    train: Annotated[Path | None, typer.Option(help="CSV with the columns text,label: learnt from.")] = None,
    test: Annotated[Path | None, typer.Option(help="CSV with text,label: scored once.")] = None,
    validation: Annotated[
        Path | None, typer.Option(help="CSV with text,label: thresholds come from it; default: out of fold.")
    ] = None,
    out_of_scope: Annotated[
        Path | None, typer.Option(help="CSV with the column text: requests that fit no label, only scored.")
    ] = None,
    examples_per_intent: Annotated[
        int | None, typer.Option(help="Learn from so many random texts per label; default: all.")
    ] = None,
    preset: Annotated[
        str | None,
        typer.Option(help="In FIRSTLINE_DATASETS: banking77, banking77_10shot, clinc150, banking77_oos."),
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of draws, folds and models.")] = 0,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write all figures to this file.")] = None,
    ablation: Annotated[
        bool, typer.Option("--ablation", help="Say what each part adds, out of fold; no test text is scored.")
    ] = False,
) -> None:
    """Train the intent model as the pipeline does and measure it on texts it has not seen."""
    import json

    from pipelines.benchmarks import command
    from pipelines.benchmarks.tables import PRESETS

    if preset is not None:
        if train or test or validation or out_of_scope or examples_per_intent:
            raise ValueError("--preset brings its own files: leave the other options out")
        if preset not in PRESETS:
            raise ValueError(f"no preset is called {preset!r}; there are {', '.join(PRESETS)}")
        asked = command.run_named_ablation if ablation else command.run_preset
        found = asked(preset, seed)
    elif train is None or test is None:
        raise ValueError("give --train and --test (CSV files with the columns text,label), or --preset")
    else:
        texts = command.texts_of(train, test, validation, out_of_scope, examples_per_intent, seed)
        found = command.run_ablation(texts, seed) if ablation else command.run_files(texts, seed)
    if json_file is not None:
        json_file.parent.mkdir(parents=True, exist_ok=True)
        json_file.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    typer.echo(command.ablation_report(found) if ablation else command.report(found))


def main() -> None:
    """Entry point of ``firstline``: user errors end with one line and exit status 1, never a traceback."""
    for name, value in QUIET_BY_DEFAULT.items():
        os.environ.setdefault(name, value)
    try:
        app()
    except (ValueError, FileNotFoundError, FileExistsError) as error:
        sys.exit(f"firstline: {error}")
    except ModuleNotFoundError as error:
        sys.exit(f"firstline: the package {error.name} is missing: run `make setup`")


if __name__ == "__main__":
    main()
