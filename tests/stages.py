"""The stages of dvc.yaml one after the other in one process: a pipeline without the start of eleven.

What DVC itself does with them is tested on the demo desk. As a script it makes a desk of the folder it is
run in: trains on the data there, promotes the release and fills the store.
"""

from importlib import import_module
from pathlib import Path

import yaml

NOT_SERVED = "backtest"
"""The stage that no release, gate or verdict depends on."""


def run_stages() -> None:
    """Every stage that a release depends on, in the folder that this process is in."""
    stages = yaml.safe_load(Path("dvc.yaml").read_text("utf-8"))["stages"]
    for stage in (told for name, told in stages.items() if name != NOT_SERVED):
        import_module(stage["cmd"].removeprefix("python -m ")).main()


def _make_desk() -> None:
    from pipelines.promote import promote
    from serving.backfill import main as backfill

    run_stages()
    if promote() != 0:
        raise SystemExit("the release did not pass its gates")
    backfill()


if __name__ == "__main__":
    _make_desk()
