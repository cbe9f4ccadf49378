"""Same parameters, same bytes; nothing half-written; nothing of somebody else's overwritten."""

import ast
import hashlib
import os
import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest

from pipelines.demo_company import DemoCompanyError, write_company
from pipelines.demo_company import write as write_module
from pipelines.params import DemoCompanyParams

TINY = DemoCompanyParams(seed=5, accounts=40, months=4, tickets=500, end=date(2026, 3, 10))
ROOT = Path(__file__).parents[3]


def digests(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def written(folder: Path, params: DemoCompanyParams = TINY) -> dict[str, str]:
    write_company(params, folder / "data", folder / "truth")
    return digests(folder)


def test_the_same_parameters_give_the_same_bytes_whatever_the_order_of_sets(tmp_path: Path) -> None:
    here = written(tmp_path / "here")
    program = (
        "from pathlib import Path; from pipelines.demo_company import write_company;"
        "from pipelines.params import DemoCompanyParams as P;"
        f"params = P.model_validate_json({TINY.model_dump_json()!r});"
        "write_company(params, Path('data'), Path('truth'))"
    )
    there = tmp_path / "there"
    there.mkdir()
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONHASHSEED": "4711"}
    subprocess.run([sys.executable, "-c", program], cwd=there, env=environment, check=True)
    assert digests(there) == here


@pytest.mark.parametrize("change", [{"seed": 6}, {"end": date(2026, 4, 10)}, {"tickets": 900}])
def test_another_company_has_other_bytes(tmp_path: Path, change: dict[str, object]) -> None:
    one, other = written(tmp_path / "a"), written(tmp_path / "b", TINY.model_copy(update=change))
    shared = set(one) & set(other)
    assert shared
    differing = {name for name in shared if one[name] != other[name]}
    assert {"data/company.json", "truth/demo_company.jsonl"} <= differing


def test_a_complete_company_is_left_alone_and_a_changed_parameter_rewrites_it(tmp_path: Path) -> None:
    data, truth = tmp_path / "data", tmp_path / "truth"
    assert write_company(TINY, data, truth) is True
    assert write_company(TINY, data, truth) is False
    assert write_company(TINY.model_copy(update={"seed": 6}), data, truth) is True


def test_a_lost_truth_file_is_written_again(tmp_path: Path) -> None:
    before = written(tmp_path)
    (tmp_path / "truth/accounts.jsonl").unlink()
    assert written(tmp_path) == before


def test_an_interrupted_run_leaves_no_half_written_company(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(folder: Path, *rest: object) -> None:
        (folder / "usage" / "usage-2026-01.csv").write_text("half a li", encoding="utf-8")
        raise KeyboardInterrupt

    monkeypatch.setattr(write_module, "write_files", interrupted)
    with pytest.raises(KeyboardInterrupt):
        write_company(TINY, tmp_path / "data", tmp_path / "truth")
    monkeypatch.undo()
    assert not (tmp_path / "data").exists()
    write_company(TINY, tmp_path / "data", tmp_path / "truth")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data", "truth"]


def test_a_folder_of_somebody_else_is_never_overwritten(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data/customers.csv").write_text("precious", encoding="utf-8")
    with pytest.raises(DemoCompanyError, match=r"holds files but no company\.json"):
        write_company(TINY, tmp_path / "data", tmp_path / "truth")
    assert (tmp_path / "data/customers.csv").read_text(encoding="utf-8") == "precious"


def test_the_simulator_shares_no_rule_with_what_is_judged_on_it() -> None:
    allowed = ("pipelines.demo_company", "pipelines.params")
    rooms = ("connectors", "features", "models", "policy", "serving", "monitoring", "pipelines")
    sources = sorted((ROOT / "pipelines/demo_company").rglob("*.py"))
    assert sources
    for source in sources:
        for node in ast.walk(ast.parse(source.read_text(encoding="utf-8"))):
            names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            ours = [name for name in names if name.split(".")[0] in rooms]
            assert all(name.startswith(allowed) for name in ours), f"{source.name} imports {ours}"
