"""The ML Test Score (Breck et al., Google, 2017): 28 tests of an ML system, and what holds each of them here.

A full point is for a check that runs by itself with every ``make test`` or ``dvc repro``, half a point for a
command that a person has to run, none for what is missing. The score is the least of the four sections.
Evidence is named by test and verified: a test that is gone or fails earns nothing.
"""

import ast
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree

import yaml

from pipelines.results import Result

CHECKS_FILE = Path("docs/ml-test-score.yaml")
PAGE = Path("docs/ml-test-score.md")
SECTIONS = ("data", "model", "infrastructure", "monitoring")
COMMAND = "firstline ml-test-score --run --record"
FULL = 7


@dataclass(frozen=True)
class Check:
    """One of the 28. ``tests``: pytest ids that hold it with every run of the suite.

    ``by_hand``: whether what these hold still needs a person who runs ``command``. ``lacking``: what is not
    there, in words; with neither tests nor ``by_hand`` it earns nothing.
    """

    section: str
    number: int
    name: str
    here: str
    command: str
    tests: tuple[str, ...] = ()
    by_hand: bool = False
    lacking: str = ""

    @property
    def label(self) -> str:
        """For example "data 3"."""
        return f"{self.section} {self.number}"


class Scored(NamedTuple):
    """A check, what it earned, and the tests that are gone or failed."""

    check: Check
    points: float
    broken: tuple[str, ...]


def read_checks(path: Path = CHECKS_FILE) -> list[Check]:
    """The 28 checks. Raises ``ValueError`` where they are not seven of each section."""
    document = yaml.safe_load(path.read_text(encoding="utf-8"))
    checks = [
        Check(section, number, **{**one, "tests": tuple(one.get("tests", ()))})
        for section in SECTIONS
        for number, one in enumerate(document.get(section, ()), start=1)
    ]
    for section in SECTIONS:
        found = sum(check.section == section for check in checks)
        if found != FULL:
            raise ValueError(f"{path}: section {section} has {found} checks, and the score asks {FULL}")
    return checks


def missing_tests(ids: Sequence[str], root: Path = Path()) -> set[str]:
    """Those of the pytest ``ids`` (``path::function``) that no file under ``root`` defines."""
    defined: dict[str, set[str]] = {}
    for path in {one.partition("::")[0] for one in ids}:
        file = root / path
        tree = ast.parse(file.read_text(encoding="utf-8")) if file.is_file() else ast.Module([], [])
        defined[path] = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
    return {one for one in ids if one.partition("::")[2] not in defined[one.partition("::")[0]]}


def failed_tests(ids: Sequence[str], report: Path, root: Path = Path()) -> set[str]:
    """Run ``ids`` with pytest in ``root``; those that did not pass. Its JUnit file goes to ``report``."""
    subprocess.run(
        [sys.executable, "-m", "pytest", "-q", f"--junitxml={report.absolute()}", *ids], cwd=root, check=False
    )
    if not report.is_file():
        return set(ids)
    passed: dict[str, bool] = {}
    for case in ElementTree.parse(report).getroot().iter("testcase"):  # noqa: S314  # a file of our own
        file = str(case.get("classname")).replace(".", "/") + ".py"
        name = f"{file}::{str(case.get('name')).partition('[')[0]}"
        good = not any(case.find(what) is not None for what in ("failure", "error", "skipped"))
        passed[name] = good and passed.get(name, True)
    return {one for one in ids if not passed.get(one, False)}


def scored(checks: Sequence[Check], broken: set[str]) -> list[Scored]:
    """What each check earns, where the tests ``broken`` hold nothing."""
    found = []
    for check in checks:
        gone = tuple(one for one in check.tests if one in broken)
        points = 0.0
        if not gone and (check.tests or check.by_hand):
            points = 0.5 if check.by_hand else 1.0
        found.append(Scored(check, points, gone))
    return found


def totals(found: Sequence[Scored]) -> dict[str, float]:
    """Points by section."""
    return {name: sum(one.points for one in found if one.check.section == name) for name in SECTIONS}


def results(points: Mapping[str, float], found: Sequence[Scored]) -> list[Result]:
    """The four sections as figures, each with what it lacks."""
    return [
        Result(
            f"ml_test_score.{section}",
            points[section],
            "points of 7",
            "ML Test Score (Breck et al. 2017): 1 automated and run regularly, 0.5 by hand",
            ">= 7",
            points[section] >= FULL,
            COMMAND,
            "the tests and commands that docs/ml-test-score.yaml names",
            "; ".join(
                f"{one.check.name}: {one.check.lacking or 'tests gone or failing'}"
                for one in found
                if one.check.section == section and one.points < 1
            ),
        )
        for section in SECTIONS
    ]


def page(found: Sequence[Scored]) -> str:
    """The checks as a Markdown page."""
    points = totals(found)
    lines = [
        "# ML Test Score",
        "",
        "Generated by `firstline ml-test-score` from `ml-test-score.yaml`. The 28 tests of Breck et al.,",
        "*The ML Test Score: A Rubric for ML Production Readiness* (Google, 2017). A full point: it runs by",
        "itself with every `make test`, `dvc repro` or `firstline tick`. Half: a person runs the command.",
        "None: it is missing. `--run` runs the tests named.",
        "",
        f"**{min(points.values()):g}** of 7 (the least section): "
        + ", ".join(f"{name} {points[name]:g}" for name in SECTIONS),
    ]
    for section in SECTIONS:
        lines += [
            "",
            f"## {section.capitalize()}: {points[section]:g} of 7",
            "",
            "| | test | here | command | held by | points |",
            "|---|---|---|---|---|---|",
        ]
        for check, earned, _ in (one for one in found if one.check.section == section):
            held = "<br>".join(f"`{one.removeprefix('tests/')}`" for one in check.tests) or "-"
            here = check.here + (f" **Lacking:** {check.lacking}." if check.lacking else "")
            lines.append(
                f"| {check.number} | {check.name} | {here} | `{check.command}` | {held} | {earned:g} |"
            )
    return "\n".join(lines) + "\n"


def measure(run: bool, junit: Path = Path("state/ml-test-score.xml")) -> list[Scored]:
    """Verify that every named test exists and, if asked to, ``run`` all of them; write the page."""
    checks = read_checks()
    ids = sorted({one for check in checks for one in check.tests})
    broken = missing_tests(ids)
    if run:
        junit.parent.mkdir(parents=True, exist_ok=True)
        junit.unlink(missing_ok=True)
        broken |= failed_tests([one for one in ids if one not in broken], junit)
    found = scored(checks, broken)
    PAGE.write_text(page(found), encoding="utf-8")
    return found
