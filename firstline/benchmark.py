"""Measurements on anybody's data."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

app = typer.Typer(help="Measure the models on anybody's labelled data.", no_args_is_help=True)


@app.command("intent")
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
    time: Annotated[
        bool, typer.Option("--time", help="Only time one ticket, on an idle machine; no test text is scored.")
    ] = False,
) -> None:
    """Train the intent model as the pipeline does and measure it on texts it has not seen."""
    import json

    from pipelines.benchmarks import command
    from pipelines.benchmarks.tables import PRESETS

    if time and (preset is None or ablation):
        raise ValueError("--time goes with --preset, and without --ablation")
    if preset is not None:
        if train or test or validation or out_of_scope or examples_per_intent:
            raise ValueError("--preset brings its own files: leave the other options out")
        if preset not in PRESETS:
            raise ValueError(f"no preset is called {preset!r}; there are {', '.join(PRESETS)}")
        asked = command.run_named_ablation if ablation else command.run_preset
        found = (command.run_timing if time else asked)(preset, seed)
    elif train is None or test is None:
        raise ValueError("give --train and --test (CSV files with the columns text,label), or --preset")
    else:
        texts = command.texts_of(train, test, validation, out_of_scope, examples_per_intent, seed)
        found = command.run_ablation(texts, seed) if ablation else command.run_files(texts, seed)
    if json_file is not None:
        json_file.parent.mkdir(parents=True, exist_ok=True)
        json_file.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    if time:
        typer.echo(json.dumps(found, indent=1))
        return
    typer.echo(command.ablation_report(found) if ablation else command.report(found))


@app.command("churn")
def benchmark_churn(
    train: Annotated[Path | None, typer.Option(help="CSV with a row a customer or snapshot.")] = None,
    test: Annotated[Path | None, typer.Option(help="CSV with the same columns, later: scored once.")] = None,
    label: Annotated[str | None, typer.Option(help="Column that says who left.")] = None,
    folds: Annotated[
        int | None, typer.Option(min=2, help="Instead of --test, where there is no time axis.")
    ] = None,
    ignore: Annotated[list[str] | None, typer.Option(help="Column to leave out; may be given again.")] = None,
    positive: Annotated[
        str | None, typer.Option(help="Label of those who left; default: yes, 1, true.")
    ] = None,
    preset: Annotated[str | None, typer.Option(help="In FIRSTLINE_DATASETS: cdnow, telco_churn.")] = None,
    seed: Annotated[int, typer.Option(help="Seed of folds and models.")] = 0,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write all figures to this file.")] = None,
) -> None:
    """Train the churn model as the pipeline does, on any columns, and measure it on cases it has not seen."""
    from pipelines.benchmarks import churn

    if preset is not None:
        if train or test or label or folds or ignore or positive:
            raise ValueError("--preset brings its own files: leave the other options out")
        if preset not in churn.PRESETS:
            raise ValueError(f"no preset is called {preset!r}; there are {', '.join(churn.PRESETS)}")
        found = churn.run_preset(preset, seed)
    elif train is None or label is None:
        raise ValueError("give --train, --label and --test (or --folds) of CSV files, or --preset")
    else:
        found = churn.run_files(train, test, label, folds, ignore or [], positive, seed)
    _show(found, churn.report(found), json_file)


@app.command("risk")
def benchmark_risk(
    deployments: Annotated[int, typer.Option(min=1, help="How many made-up desks.")] = 2_000,
    seed: Annotated[int, typer.Option(help="Seed of the desks.")] = 20260701,
) -> None:
    """Ask whether automation keeps its promise, in made-up desks whose true precision is known."""
    from pipelines.benchmarks.deployments import results
    from pipelines.results import record_results

    found = results(deployments, seed)
    record_results(found)
    for one in found:
        typer.echo(f"{one.name} {one.value:.4f} ({one.target}): {one.note}")


@app.command("routing")
def benchmark_routing(
    record: Annotated[bool, typer.Option("--record", help="Put the figure into docs/results.json.")] = False,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write all figures to this file.")] = None,
) -> None:
    """Measure first queue and first agent on the pipeline's newest tickets, beside a rules table."""
    from pipelines.benchmarks import routing

    found = routing.run()
    if record:
        routing.record(found)
    _show(found, routing.report(found), json_file)


def _show(found: Mapping[str, Any], report: str, json_file: Path | None) -> None:
    import json

    if json_file is not None:
        json_file.parent.mkdir(parents=True, exist_ok=True)
        json_file.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    typer.echo(report)


@app.command("escalation")
def benchmark_escalation(
    texts: Annotated[
        Path, typer.Option(help="CSV with text,label[,language]; label: regulatory or ordinary.")
    ],
    release: Annotated[
        Path | None,
        typer.Option(help="Folder of a release whose model is measured; else one learnt from the examples."),
    ] = None,
    words_only: Annotated[
        bool, typer.Option("--words-only", help="Measure the words alone, as without a model.")
    ] = False,
    desk: Annotated[Path, typer.Option(help="The desk whose thresholds and wordings count.")] = Path(
        "policy/desk.yaml"
    ),
    json_file: Annotated[Path | None, typer.Option("--json", help="Write all figures to this file.")] = None,
) -> None:
    """Measure which texts the desk escalates as requests of legal weight, by their words and meaning."""
    import json

    from pipelines.benchmarks import escalation
    from policy.desk import load_desk

    frame, seen = escalation.read_texts(texts)
    model = None if words_only else escalation.model_of(release)
    found = escalation.measure(frame, load_desk(desk), model)
    if json_file is not None:
        json_file.parent.mkdir(parents=True, exist_ok=True)
        json_file.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    if seen:
        typer.echo(f"{seen} texts are examples that the model learnt from: left out")
    typer.echo(escalation.report(found))


@app.command("serving")
def benchmark_serving(
    seconds: Annotated[float, typer.Option(min=1.0, help="Length of each phase.")] = 20.0,
    record: Annotated[
        bool, typer.Option("--record", help="Record in docs/results.json; refused on a busy machine.")
    ] = False,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write all figures to this file.")] = None,
    with_mlflow: Annotated[
        bool, typer.Option("--mlflow/--no-mlflow", help="Compare with `mlflow models serve` too.")
    ] = True,
) -> None:
    """Measure the service on a copy of this installation's store: latency, capacity, overload, memory."""
    import json
    from dataclasses import asdict

    from pipelines.benchmarks import serving, serving_report
    from pipelines.results import record_results
    from serving.settings import Settings

    found = serving.measure(Settings(), seconds, with_mlflow)
    if json_file is not None:
        json_file.parent.mkdir(parents=True, exist_ok=True)
        json_file.write_text(json.dumps(asdict(found), indent=1) + "\n", encoding="utf-8")
    typer.echo(serving_report.report(found))
    if record:
        record_results(serving_report.results(found))


@app.command("surge")
def benchmark_surge(
    seeds: Annotated[
        list[int] | None, typer.Option("--seed", help="A demo company; may be repeated.")
    ] = None,
    mislabelled: Annotated[float, typer.Option(help="Share of tickets that get a wrong intent.")] = 0.1,
    about: Annotated[
        str,
        typer.Option(help="What is counted: intents, areas (within intents) or clusters of texts."),
    ] = "intents",
    record: Annotated[bool, typer.Option("--record", help="Record in docs/results.json.")] = False,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write all figures to this file.")] = None,
) -> None:
    """Measure how soon outages of made-up companies are seen, and how many alarms are false."""
    import json
    from typing import cast, get_args

    from pipelines import surge
    from pipelines.params import load_params
    from pipelines.results import record_results

    if about not in get_args(surge.Kind):
        raise typer.BadParameter(
            f"{about!r} is none of {', '.join(get_args(surge.Kind))}", param_hint="--about"
        )
    tried = seeds or surge.UNSEEN_SEEDS
    found = surge.measure(load_params().demo_company, tried, mislabelled, kind=cast("surge.Kind", about))
    if json_file is not None:
        json_file.parent.mkdir(parents=True, exist_ok=True)
        json_file.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    typer.echo(surge.report(found))
    if record:
        record_results(surge.results(found, about, tried))


@app.command("frustration")
def benchmark_frustration(
    texts: Annotated[Path, typer.Option(help="CSV with a text and what its writer was.")],
    label: Annotated[str, typer.Option(help="Column: asking, confused, frustrated; or two values.")],
    text: Annotated[str, typer.Option(help="Column that holds the text.")] = "text",
    positive: Annotated[
        str | None, typer.Option(help="Label of the frustrated, if called otherwise.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of folds and models.")] = 0,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write all figures to this file.")] = None,
) -> None:
    """Train the sentiment model as it ships and measure it, in five folds, on texts it has not seen."""
    from pipelines.benchmarks import frustration

    found = frustration.run_file(texts, label, text, positive, seed)
    _show(found, frustration.report(found), json_file)
