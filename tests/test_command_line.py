"""The command line: what a person types first must answer at once and never with a traceback."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]


def run(*arguments: str, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(ROOT / "firstline.py"), *arguments]
    return subprocess.run(command, capture_output=True, text=True, cwd=cwd, check=False, timeout=60)


def test_help_loads_nothing_slow() -> None:
    """Half a second is the bar; what costs it is an import, so imports are what is checked."""
    probe = (
        "import sys, firstline\n"
        "from typer.testing import CliRunner\n"
        "assert CliRunner().invoke(firstline.app, ['--help']).exit_code == 0\n"
        "slow = {'pandas', 'numpy', 'lightgbm', 'mlflow', 'evidently', 'bentoml', 'optuna'}\n"
        "slow |= {'great_expectations', 'dvc', 'sklearn', 'sqlalchemy', 'pydantic'}\n"
        "print(sorted(slow & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, cwd=ROOT, check=True)
    assert done.stdout.strip() == "[]"


def test_a_user_error_is_one_line_and_not_a_traceback(tmp_path: Path) -> None:
    done = run("ingest", str(tmp_path / "absent"), "--mapping", str(tmp_path / "absent.yaml"))
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert "absent" in done.stderr


def test_an_unknown_command_is_named() -> None:
    done = run("prmote")
    assert done.returncode == 2
    assert "prmote" in done.stderr
