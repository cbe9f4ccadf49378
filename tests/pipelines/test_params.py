"""Parameters: a typo or an impossible value must stop the run before it costs anything."""

from pathlib import Path

import pytest

from pipelines.params import PARAMS_FILE, ParamsError, load_params

SHIPPED = PARAMS_FILE.read_text("utf-8")


def test_the_shipped_file_is_valid() -> None:
    assert load_params().intent.candidates >= 2


@pytest.mark.parametrize(
    ("hazard", "found", "written", "named"),
    [
        ("unknown key", "seed: 20260701", "seed: 20260701\nsede: 1", "sede"),
        ("unknown nested key", "  candidates: 5", "  candidates: 5\n  candidate: 4", "intent.candidate"),
        ("precision below the promise", "  precision: 0.95", "  precision: 0.90", "risk.precision"),
        (
            "a share that leaves nothing to train on",
            "evaluation_share: 0.20",
            "evaluation_share: 0.9",
            "split.evaluation_share",
        ),
        ("text for a number", "  candidates: 5", "  candidates: many", "intent.candidates"),
        ("not YAML", "seed: 20260701", "seed: [", "not valid YAML"),
    ],
)
def test_a_wrong_file_is_refused_by_name(
    tmp_path: Path, hazard: str, found: str, written: str, named: str
) -> None:
    path = tmp_path / "params.yaml"
    assert found in SHIPPED
    path.write_text(SHIPPED.replace(found, written), encoding="utf-8")
    with pytest.raises(ParamsError, match=named):
        load_params(path)


def test_running_elsewhere_than_in_the_project_says_so(tmp_path: Path) -> None:
    with pytest.raises(ParamsError, match="run this from the project's root"):
        load_params(tmp_path / "params.yaml")
