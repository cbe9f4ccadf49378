"""One direction of imports, no cycle, nothing heavy where it would be waited for, and nothing done at import.

Read from the source itself, so that an import inside a function counts as much as one at the top.
"""

import ast
import json
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parent.parent
ROOMS = ("connectors", "features", "models", "policy", "serving", "pipelines", "monitoring")
BELOW_PIPELINES = ("connectors", "features", "models", "policy", "serving")

MAY_IMPORT: dict[str, tuple[str, ...]] = {
    "connectors": ("features.schema",),
    "features": (),
    "models": ("features",),
    "policy": ("features.schema",),
    "serving": ("connectors", "features", "models", "policy"),
    "pipelines": BELOW_PIPELINES,
    "monitoring": BELOW_PIPELINES,
}

HEAVY = ("great_expectations", "evidently", "mlflow", "optuna", "bentoml", "dvc", "papermill", "matplotlib")
SLOW_FOR_HELP = (*HEAVY, "pandas", "numpy", "scipy", "sklearn", "lightgbm", "sqlalchemy", "pydantic")
SERVING_MAY_LOAD = ("bentoml",)


class Import(NamedTuple):
    """One import statement: what is imported, and whether it runs when the module is imported."""

    name: str
    line: int
    at_import: bool


@cache
def modules() -> dict[str, Path]:
    """Every module of the rooms and the command line, by dotted name."""
    files = [path for room in (*ROOMS, "firstline") for path in sorted((ROOT / room).rglob("*.py"))]
    found = {}
    for path in files:
        parts = path.relative_to(ROOT).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


@cache
def imports_of(module: str) -> tuple[Import, ...]:
    path = modules()[module]
    tree = ast.parse(path.read_text("utf-8"))
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    return tuple(_imports(tree, package, at_import=True))


def _imports(node: ast.AST, package: str, at_import: bool) -> Iterator[Import]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import):
            yield from (Import(alias.name, child.lineno, at_import) for alias in child.names)
        elif isinstance(child, ast.ImportFrom):
            base = child.module or ""
            if child.level:
                above = package.split(".")[: len(package.split(".")) - child.level + 1]
                base = ".".join([*above, *([base] if base else [])])
            for alias in child.names:
                full = f"{base}.{alias.name}"
                yield Import(full if full in modules() else base, child.lineno, at_import)
        else:
            inside_function = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
            yield from _imports(child, package, at_import and not inside_function)


def inside(name: str, part: str) -> bool:
    return name == part or name.startswith(f"{part}.")


def room(name: str) -> str:
    return name.partition(".")[0]


def loaded_by(module: str) -> dict[str, str]:
    """All that importing ``module`` imports, ours followed through: name -> module that asks for it."""
    found: dict[str, str] = {}
    todo = [module]
    while todo:
        asking = todo.pop()
        for imported in imports_of(asking):
            if not imported.at_import or imported.name in found:
                continue
            found[imported.name] = asking
            # importing a.b.c also imports a and a.b
            parts = imported.name.split(".")
            todo += [
                m for n in range(len(parts)) if (m := ".".join(parts[: n + 1])) in modules() and m != asking
            ]
    return found


def heavy_in(module: str, heavy: tuple[str, ...]) -> list[str]:
    loaded = loaded_by(module)
    return sorted(f"{name} (by {by})" for name, by in loaded.items() if room(name) in heavy)


def of_rooms(*rooms: str) -> list[str]:
    return [m for m in modules() if room(m) in rooms]


@pytest.mark.parametrize("module", of_rooms(*ROOMS))
def test_a_room_imports_only_what_lies_below_it(module):
    allowed = (room(module), *MAY_IMPORT[room(module)])
    wrong = [
        f"{modules()[module].relative_to(ROOT)}:{i.line} imports {i.name}"
        for i in imports_of(module)
        if room(i.name) in (*ROOMS, "firstline", "tests", "notebooks")
        and not any(inside(i.name, part) for part in allowed)
    ]
    assert wrong == [], f"{room(module)} may import {', '.join(allowed)}"


def test_no_module_imports_itself_through_others():
    graph = {m: {i.name for i in imports_of(m) if i.name in modules() and i.name != m} for m in modules()}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(f"modules import each other in a circle: {' -> '.join(error.args[1])}")


@pytest.mark.parametrize("module", of_rooms("features", "policy", "models", "connectors"))
def test_nothing_slow_is_loaded_to_compute(module):
    assert heavy_in(module, HEAVY) == []


@pytest.mark.parametrize("module", of_rooms("serving"))
def test_the_serving_path_loads_no_training_tools(module):
    assert heavy_in(module, tuple(h for h in HEAVY if h not in SERVING_MAY_LOAD)) == []


@pytest.mark.parametrize("module", of_rooms("monitoring"))
def test_the_monitor_loads_evidently_only_when_it_compares(module):
    assert heavy_in(module, HEAVY) == []


def test_help_waits_for_nothing():
    assert heavy_in("firstline", SLOW_FOR_HELP) == []
    assert not [name for name in loaded_by("firstline") if room(name) in ROOMS]


WATCH_IMPORTS = """
import importlib, json, os, sys
root, names = sys.argv[1], sys.argv[2:]
acts = {"os.mkdir", "os.remove", "os.rename", "os.rmdir", "os.putenv", "os.unsetenv", "shutil.rmtree",
        "sqlite3.connect", "socket.connect", "socket.bind", "subprocess.Popen", "os.system"}
installed = (sys.prefix, sys.base_prefix)
found = set()

def of_a_project(path):
    return isinstance(path, str) and not os.path.abspath(path).startswith(installed)

def module_level_of_ours():
    frame = sys._getframe(2)
    while frame:
        code = frame.f_code
        if code.co_filename.startswith("<frozen importlib"):
            return None  # Python itself looks for a module
        if code.co_name == "<module>":
            return os.path.relpath(code.co_filename, root) if code.co_filename.startswith(root) else None
        frame = frame.f_back

def watch(event, args):
    if event in acts or (event == "open" and of_a_project(args[0])):
        culprit = module_level_of_ours()
        if culprit and not culprit.startswith(".venv"):  # installed packages may lie inside the project
            found.add(f"{culprit}: {event} {args[0]!r}")

sys.path.insert(0, root)
sys.addaudithook(watch)
for name in names:
    importlib.import_module(name)
print("\\n" + json.dumps(sorted(found)))
"""


def touched_at_import(root: Path, names: list[str]) -> list[str]:
    """What importing the modules touched: files opened, folders made, processes started, ..."""
    done = subprocess.run(
        [sys.executable, "-c", WATCH_IMPORTS, str(root), *names], capture_output=True, text=True, cwd=root
    )
    assert done.returncode == 0, done.stderr
    found: list[str] = json.loads(done.stdout.splitlines()[-1])
    return found


def test_nothing_happens_at_import():
    names = [m for m in modules() if not m.endswith("__main__")]
    assert touched_at_import(ROOT, names) == []


def test_the_import_watch_sees_what_a_module_does(tmp_path):
    (tmp_path / "quiet.py").write_text("import json\n\ndef read():\n    return open(__file__).read()\n")
    (tmp_path / "reads.py").write_text("import quiet\nTEXT = quiet.read()\n")
    (tmp_path / "makes.py").write_text("from pathlib import Path\nPath('made').mkdir()\n")

    assert touched_at_import(tmp_path, ["quiet"]) == []
    assert [line.partition(":")[0] for line in touched_at_import(tmp_path, ["reads", "makes"])] == [
        "makes.py",
        "reads.py",
    ]


def notebooks() -> list[Path]:
    return sorted((ROOT / "notebooks").glob("*.ipynb"))


def code_of(cell: dict) -> str:
    return "".join(cell["source"])


def test_there_are_notebooks():
    assert notebooks()


@pytest.mark.parametrize("path", notebooks(), ids=lambda path: path.stem)
def test_a_notebook_imports_instead_of_defining_and_keeps_no_output(path):
    notebook = json.loads(path.read_text("utf-8"))
    code = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    trees = [ast.parse(code_of(cell)) for cell in code]
    definitions = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef

    assert not [node.name for tree in trees for node in ast.walk(tree) if isinstance(node, definitions)]
    assert [cell for cell in code if "parameters" in cell["metadata"].get("tags", [])] == [code[0]]
    assert all(cell["outputs"] == [] and cell["execution_count"] is None for cell in code)
    assert any(
        isinstance(n, ast.ImportFrom) and room(n.module or "") in ROOMS for t in trees for n in ast.walk(t)
    )
