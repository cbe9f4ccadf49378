"""Writes the demo company's raw exports and its truth: ``python -m pipelines.demo_company``."""

import argparse
import json
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from pipelines.demo_company.export import TRUTH_FILES, write_files
from pipelines.demo_company.progress import Progress, no_progress, shown_progress
from pipelines.demo_company.simulation import simulate
from pipelines.demo_company.texts.synonyms import Vocabulary
from pipelines.demo_company.wording import Writer
from pipelines.params import DemoCompanyParams, ParamsError, load_params

MECHANISM = 2
"""Raised whenever the same parameters come to mean other bytes."""
SEAL = "company.json"
DATA, TRUTH = Path("data"), Path("artifacts/truth")


class DemoCompanyError(RuntimeError):
    """The demo company can not be written where it was asked to be."""


def write_company(
    params: DemoCompanyParams,
    data_folder: Path,
    truth_folder: Path,
    vocabulary: Vocabulary = "original",
    progress: Progress = no_progress,
) -> bool:
    """Write raw exports to ``data_folder`` and the truth to ``truth_folder``; ``False`` if both are there.

    The same parameters give the same bytes. Everything is written to a sibling folder first and moved at the
    end, so an interrupted run leaves nothing half-written. Raises ``DemoCompanyError`` where ``data_folder``
    holds something else than a demo company.
    """
    seal = json.dumps(
        {**params.model_dump(mode="json"), "vocabulary": vocabulary, "mechanism": MECHANISM}, indent=1
    )
    if is_complete(data_folder, truth_folder, seal):
        return False
    if data_folder.exists() and any(data_folder.iterdir()) and not (data_folder / SEAL).exists():
        raise DemoCompanyError(
            f"{data_folder}/ holds files but no {SEAL}: it is not a demo company, and is left alone. "
            "Move it away, or choose another ingest.source in params.yaml"
        )
    unfinished = data_folder.with_name(data_folder.name + ".unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    for folder in ("zendesk", "salesforce", "usage", "truth"):
        (unfinished / folder).mkdir(parents=True)
    world, journeys = simulate(params, lambda accounts: progress(accounts, "customers", params.accounts))
    write_files(unfinished, world, journeys, Writer(params.seed, vocabulary), progress)
    (unfinished / SEAL).write_text(seal + "\n", encoding="utf-8")
    _put_in_place(unfinished, data_folder, truth_folder)
    return True


def _put_in_place(unfinished: Path, data_folder: Path, truth_folder: Path) -> None:
    """Swap the finished folders in. The old company goes first, so that no old data meets a new truth."""
    replaced = data_folder.with_name(data_folder.name + ".replaced")
    shutil.rmtree(replaced, ignore_errors=True)
    if data_folder.exists():
        data_folder.rename(replaced)
    truth_folder.mkdir(parents=True, exist_ok=True)
    for name in TRUTH_FILES:
        (unfinished / "truth" / name).replace(truth_folder / name)
    (unfinished / "truth").rmdir()
    unfinished.rename(data_folder)
    shutil.rmtree(replaced, ignore_errors=True)


def is_complete(data_folder: Path, truth_folder: Path, seal: str) -> bool:
    """Whether exactly the company that ``seal`` describes is already there, with its truth."""
    path = data_folder / SEAL
    return (
        path.exists()
        and path.read_text(encoding="utf-8") == seal + "\n"
        and all((truth_folder / name).exists() for name in TRUTH_FILES)
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the company that ``params.yaml`` describes; do nothing where it is already there."""
    parser = argparse.ArgumentParser(
        prog="python -m pipelines.demo_company",
        description="Simulate the demo company of params.yaml (section demo_company): raw exports go to "
        "data/<ingest.source>/, the truth to artifacts/truth/. Same parameters, same bytes.",
    )
    parser.add_argument(
        "--vocabulary", choices=("original", "synonyms"), default="original", help="words of its texts"
    )
    chosen = parser.parse_args(arguments)
    try:
        params = load_params()
        folder = DATA / params.ingest.source
        written = write_company(params.demo_company, folder, TRUTH, chosen.vocabulary, shown_progress)
    except (ParamsError, DemoCompanyError) as error:
        print(error, file=sys.stderr)
        return 1
    print(f"{folder}/ {'is written' if written else 'is complete already: nothing to do'}")
    return 0
