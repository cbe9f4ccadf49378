"""``firstline doctor``: is everything here that the platform needs, in the order in which it is needed?

Nothing is written, created or repaired: every finding that is not well names the command that mends it.
"""

import json
import platform
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, metadata, requires, version
from pathlib import Path
from typing import Literal, TypeVar

import pandas as pd
import pyarrow.parquet as pq
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from rich.console import Console
from rich.table import Table
from sqlalchemy import func, make_url, select
from sqlalchemy.exc import SQLAlchemyError

from connectors.intake.take_in import matching_files
from connectors.mapping.file import Mapping as SourceMapping
from connectors.mapping.file import MappingError, load_mapping
from features.schema import TABLES
from models.release import ReleaseError, verify_release
from pipelines.ingest import left_out
from pipelines.params import Params, ParamsError, load_params
from pipelines.promote import CHAMPION
from policy.desk import DeskError, load_desk
from serving.run import CannotServe, free_address
from serving.settings import Settings
from serving.store import Store
from serving.tables import CONTEXT

State = Literal["ok", "note", "problem"]
T = TypeVar("T")
LEAST_FREE_BYTES = 3 * 10**9
"""The environment takes 1 GB, the demo company with its artifacts another."""


@dataclass(frozen=True)
class Finding:
    """What was looked at, how it is, what was found, and what to do where it is not well.

    A ``problem`` stops something that was asked for; a ``note`` says what will be missing.
    """

    check: str
    state: State
    found: str
    fix: str = ""


def examine(project: Path, settings: Settings) -> list[Finding]:
    """Look at the installation, the project in ``project``, its data, models and store; writes nothing."""
    findings = [*installation(), tools(project), free_space(project)]
    params, found = _loaded("params.yaml", lambda: load_params(project / "params.yaml"), ParamsError)
    findings.append(found)
    desk_file = params.release.desk if params is not None else settings.desk
    findings.append(_loaded("the desk's rules", lambda: load_desk(project / desk_file), DeskError)[1])
    if params is not None:
        findings += _sources(project, params)
    findings += tables(project / "artifacts" / "tables")
    findings += _store(settings)
    findings.append(address(settings))
    return findings


def installation() -> list[Finding]:
    """Does this Python, and does every installed package, fit what the project asks for?"""
    try:
        asked = metadata("firstline")["Requires-Python"]
    except PackageNotFoundError:
        return [Finding("packages", "problem", "firstline is not installed", "run `make setup`")]
    return [python_version(platform.python_version(), asked), packages(requires("firstline") or [])]


def python_version(running: str, asked: str) -> Finding:
    """Is this Python one that the project is tested with?"""
    if SpecifierSet(asked).contains(running):
        return Finding("Python", "ok", running)
    return Finding("Python", "problem", running, f"use Python {asked}, then `make setup`")


def packages(requirements: Sequence[str]) -> Finding:
    """Is every package there, in a version that the project allows?"""
    wrong = []
    for requirement in map(Requirement, requirements):
        if requirement.marker is not None and not requirement.marker.evaluate():
            continue
        try:
            installed = version(requirement.name)
        except PackageNotFoundError:
            wrong.append(f"{requirement.name} is missing")
            continue
        if not requirement.specifier.contains(installed, prereleases=True):
            wrong.append(f"{requirement.name} is {installed}, needed is {requirement.specifier}")
    if wrong:
        return Finding("packages", "problem", "; ".join(wrong), "run `make setup`")
    return Finding("packages", "ok", f"{len(requirements)} required packages are here")


def tools(project: Path) -> Finding:
    """Are git and DVC usable in this project?"""
    if shutil.which("git") is None:
        return Finding("git and DVC", "problem", "no git", "install git")
    inside = subprocess.run(
        ["git", "rev-parse", "--git-dir"], cwd=project, capture_output=True, text=True, check=False
    )
    if inside.returncode:
        return Finding("git and DVC", "problem", "not a git checkout", "clone the project, or run `git init`")
    if not (project / ".dvc").is_dir():
        return Finding("git and DVC", "problem", "no .dvc folder", "run `dvc init`")
    return Finding("git and DVC", "ok", "a git checkout with DVC")


def free_space(folder: Path, least_bytes: int = LEAST_FREE_BYTES) -> Finding:
    """Is there room for data, artifacts and models?"""
    free = shutil.disk_usage(folder).free
    found = f"{free / 1e9:.1f} GB free"
    if free >= least_bytes:
        return Finding("disk", "ok", found)
    fix = f"free some space: {least_bytes / 1e9:.0f} GB are needed for the demo company"
    return Finding("disk", "note", found, fix)


def raw_files(folder: Path, mapping: SourceMapping) -> list[Finding]:
    """Is there a raw file for every pattern of the mapping?"""
    check = f"raw files in data/{folder.name}"
    if not folder.is_dir():
        fix = "bring exports in with `firstline ingest FOLDER --mapping FILE`, or run `make demo`"
        return [Finding(check, "problem", "no such folder", fix)]
    matched = {pattern: matching_files(folder, pattern) for pattern in mapping.file_patterns()}
    absent = [pattern for pattern, paths in matched.items() if not paths]
    files = {path for paths in matched.values() for path in paths}
    size = sum(path.stat().st_size for path in files)
    if not files:
        fix = f"deliver files that the mapping reads: {', '.join(matched)}"
        return [Finding(check, "problem", "none that the mapping reads", fix)]
    found = [Finding(check, "ok", f"{len(files)} files, {size / 1e6:,.1f} MB")]
    for pattern in absent:
        fix = "deliver it, or take the source out of the mapping"
        found.append(Finding(check, "note", f"nothing for {pattern}", fix))
    return found


def tables(folder: Path) -> list[Finding]:
    """Which canonical tables are there, and what can the platform not do without the rest?"""
    check = "canonical tables"
    files = {name: folder / f"{name}.parquet" for name in TABLES if (folder / f"{name}.parquet").is_file()}
    if not files:
        return [Finding(check, "problem", f"none in {folder.name}/", "run `dvc repro`")]
    rows = {name: pq.read_metadata(path).num_rows for name, path in files.items()}
    found = ", ".join(f"{count:,} {name}" for name, count in rows.items() if count)
    shapes = {name: pd.DataFrame(index=range(count)) for name, count in rows.items()}
    if rows.get("ticket_events"):
        shapes["ticket_events"] = pd.read_parquet(files["ticket_events"], columns=["kind"])
    missing = [Finding(check, "note", cause, "deliver it to get it") for cause in left_out(shapes)]
    return [Finding(check, "ok", found or "all empty"), *missing]


def champion(store: Store, settings: Settings) -> Finding:
    """Does a release serve, and is it undamaged?"""
    serving = store.pointer(CHAMPION)
    if serving is None:
        fix = "run `dvc repro` and `firstline promote`; until then every ticket goes to a person"
        return Finding("release", "note", "none is promoted", fix)
    try:
        verify_release(settings.releases / serving)
    except ReleaseError as error:
        fix = "run `firstline promote` or `firstline rollback`"
        return Finding("release", "problem", f"{serving}: {error}", fix)
    return Finding("release", "ok", f"{serving} serves, every file as it was made")


def address(settings: Settings) -> Finding:
    """Could the service listen?"""
    try:
        free_address(settings.host, settings.port)
    except CannotServe as error:
        return Finding("address", "note", str(error), "nothing to do if it is Firstline that runs there")
    return Finding("address", "ok", f"{settings.host}:{settings.port} is free")


def report(findings: Sequence[Finding], console: Console) -> None:
    """Print the findings for people, what is wrong last, with what to do."""
    marks = {"ok": "[green]ok[/green]", "note": "[yellow]note[/yellow]", "problem": "[red]problem[/red]"}
    table = Table(box=None, pad_edge=False)
    for column in ("", "what", "found"):
        table.add_column(column, overflow="fold")
    for finding in findings:
        table.add_row(marks[finding.state], finding.check, finding.found)
    console.print(table)
    for state in ("note", "problem"):
        for finding in findings:
            if finding.state == state:
                console.print(
                    f"{marks[state]} {finding.check}: {finding.found}: {finding.fix}", soft_wrap=True
                )


def doctor(as_json: bool = False) -> int:
    """Examine the project in the working folder and print what was found; returns the exit status."""
    findings = examine(Path.cwd(), Settings())
    if as_json:
        print(json.dumps([asdict(finding) for finding in findings], indent=2))
    else:
        report(findings, Console())
    return int(any(finding.state == "problem" for finding in findings))


def _loaded(check: str, load: Callable[[], T], refusal: type[ValueError]) -> tuple[T | None, Finding]:
    try:
        return load(), Finding(check, "ok", "valid")
    except refusal as error:
        return None, Finding(check, "problem", str(error), "correct it")


def _sources(project: Path, params: Params) -> Iterator[Finding]:
    mapping, found = _loaded(
        "the mapping file", lambda: load_mapping(project / params.ingest.mapping), MappingError
    )
    yield found
    if mapping is not None:
        yield from raw_files(project / "data" / params.ingest.source, mapping)


def _store(settings: Settings) -> Iterator[Finding]:
    url = make_url(settings.database_url)
    name = url.render_as_string(hide_password=True)
    if url.get_backend_name() == "sqlite" and not (url.database and Path(url.database).exists()):
        fix = "`firstline promote` and `firstline backfill` make it"
        yield Finding("store", "note", f"{name} does not exist yet", fix)
        return
    try:
        store = Store(settings.database_url)
    except (SQLAlchemyError, ModuleNotFoundError) as error:
        yield Finding(
            "store", "problem", f"{name}: {type(error).__name__}", "is FIRSTLINE_DATABASE_URL right?"
        )
        return
    try:
        yield _context(_context_rows(store))
        yield _chain(store)
        yield champion(store, settings)
    finally:
        store.close()


def _context_rows(store: Store) -> dict[str, int]:
    with store.reading() as connection:
        counts = {name: select(func.count()).select_from(table) for name, table in CONTEXT.items()}
        return {name: int(connection.execute(query).scalar_one()) for name, query in counts.items()}


def _context(rows: Mapping[str, int]) -> Finding:
    if not any(rows.values()):
        fix = "run `firstline backfill`: the service knows no customer yet"
        return Finding("store", "note", "reachable, without history", fix)
    return Finding("store", "ok", ", ".join(f"{count:,} {name}" for name, count in rows.items() if count))


def _chain(store: Store) -> Finding:
    checked = store.verify_ledger()
    if checked.intact:
        return Finding("ledger", "ok", f"{checked.entries:,} entries, the chain holds")
    fix = "somebody changed the store by hand: compare it with a backup"
    return Finding("ledger", "problem", "; ".join(checked.problems[:3]), fix)
