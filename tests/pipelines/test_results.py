"""The figures we claim: none is lost when another is measured, and a missed target stays visible."""

import json
from dataclasses import asdict, replace
from pathlib import Path

from pipelines.results import (
    RESULTS_FILE,
    RESULTS_PAGE,
    Result,
    merged,
    read_results,
    record_results,
    results_page,
)

MET = Result("a.share", 0.8, "", "majority 0.5", ">= 0.7", True, "firstline drill", "demo", low=0.7, high=0.9)
MISSED = replace(MET, name="b.share", value=0.6, met=False, note="too few labels")


def test_measuring_one_figure_again_replaces_only_that_figure() -> None:
    assert merged([MET, MISSED], [replace(MET, value=0.9)]) == [replace(MET, value=0.9), MISSED]


def test_a_missed_target_stays_in_the_page_with_its_reason() -> None:
    page = results_page([MET, MISSED])
    assert "| `b.share` | 0.6 | 0.7 to 0.9 | >= 0.7 | **no** |" in page
    assert "too few labels" in page


def test_recorded_figures_carry_the_day_and_survive_a_round_trip(tmp_path: Path) -> None:
    path, page = tmp_path / "results.json", tmp_path / "results.md"
    record_results([MISSED], path, page)
    record_results([MET], path, page)
    assert [r.name for r in read_results(path)] == ["a.share", "b.share"]
    assert all(r.date for r in read_results(path))
    assert set(json.loads(path.read_text())[0]) == set(asdict(MET))


def test_the_published_page_is_the_one_the_published_figures_give() -> None:
    assert RESULTS_PAGE.read_text("utf-8") == results_page(read_results(RESULTS_FILE))
