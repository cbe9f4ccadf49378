"""The ML Test Score counts only what is really there: a test that is gone earns nothing."""

from dataclasses import replace
from pathlib import Path

import pytest
import typer

import firstline
from pipelines.ml_test_score import (
    PAGE,
    Check,
    failed_tests,
    missing_tests,
    page,
    read_checks,
    results,
    scored,
    totals,
)
from tests.test_command_line import command_names

HELD = Check("data", 1, "schema", "x", "make test", tests=("tests/a.py::test_a",))


@pytest.mark.parametrize(
    ("check", "broken", "points"),
    [
        (HELD, set(), 1.0),
        (HELD, {"tests/a.py::test_a"}, 0.0),
        (replace(HELD, by_hand=True), set(), 0.5),
        (replace(HELD, by_hand=True), {"tests/a.py::test_a"}, 0.0),
        (replace(HELD, tests=()), set(), 0.0),
        (replace(HELD, tests=(), by_hand=True), set(), 0.5),
    ],
    ids=["held by itself", "test gone", "by hand", "by hand, its test gone", "nothing there", "only by hand"],
)
def test_points_are_for_what_is_there(check, broken, points):
    assert [one.points for one in scored([check], broken)] == [points]


def test_every_test_and_command_that_earns_a_point_exists():
    checks = read_checks()
    assert missing_tests([one for check in checks for one in check.tests]) == set()
    known = {f"firstline {name}" for name in command_names(typer.main.get_command(firstline.app))}
    named = {check.command.partition(" --")[0] for check in checks}
    assert {name for name in named if name.startswith("firstline")} <= known


def test_what_lacks_something_says_what_and_the_page_is_the_one_the_checks_give():
    found = scored(read_checks(), set())
    assert [one.check.label for one in found if one.points < 1 and not one.check.lacking] == []
    assert page(found) == PAGE.read_text("utf-8")
    for figure in results(totals(found), found):
        assert figure.met == (figure.value == 7)


def test_a_test_that_fails_is_skipped_or_is_gone_holds_nothing(tmp_path: Path):
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    (tmp_path / "test_x.py").write_text(
        "import pytest\n"
        "def test_good(): pass\n"
        "def test_bad(): assert False\n"
        "def test_skipped(): pytest.skip('no')\n"
        "@pytest.mark.parametrize('n', [0, 1])\n"
        "def test_half(n): assert n\n"
    )
    ids = [f"test_x.py::{name}" for name in ("test_good", "test_bad", "test_skipped", "test_half")]
    assert missing_tests([*ids, "test_x.py::test_none", "test_y.py::test_good"], tmp_path) == {
        "test_x.py::test_none",
        "test_y.py::test_good",
    }
    assert failed_tests(ids, tmp_path / "junit.xml", tmp_path) == set(ids[1:])
