"""The command line: what a person types first must answer at once and never with a traceback."""

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import typer

import firstline

ROOT = Path(__file__).parents[1]


def run(*arguments: str, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "firstline", *arguments]
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


def command_names(group: Any, before: str = "") -> list[str]:
    names: list[str] = []
    for name, command in group.commands.items():
        inner = getattr(command, "commands", None)
        names += command_names(command, f"{before}{name} ") if inner else [f"{before}{name}"]
    return names


def test_every_command_is_in_the_list_of_commands_and_no_other() -> None:
    page = (ROOT / "docs" / "commands.md").read_text("utf-8")
    listed = re.findall(r"^\| `firstline ([a-z -]+)` \|", page, flags=re.MULTILINE)
    assert sorted(listed) == sorted(command_names(typer.main.get_command(firstline.app)))


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_shells_can_complete_commands(shell: str) -> None:
    environment = {**os.environ, "_FIRSTLINE_COMPLETE": f"complete_{shell}"}
    environment |= {"COMP_WORDS": "firstline prom", "COMP_CWORD": "1"}
    environment |= {"_TYPER_COMPLETE_ARGS": "firstline prom", "_TYPER_COMPLETE_FISH_ACTION": "get-args"}
    command = [sys.executable, "-c", "import sys, firstline; sys.argv[0] = 'firstline'; firstline.main()"]
    done = subprocess.run(
        command, capture_output=True, text=True, cwd=ROOT, env=environment, check=False, timeout=60
    )
    assert "promote" in done.stdout, done.stderr
