"""Where public data sets lie: ``FIRSTLINE_DATASETS``, by default ``shared/datasets`` beside the project."""

import os
from pathlib import Path

DATASETS_SETTING = "FIRSTLINE_DATASETS"
BESIDE_THE_PROJECT = "../shared/datasets"


def dataset_folder(name: str) -> Path:
    """The folder of the public set ``name``. Raises ``FileNotFoundError`` where it is absent."""
    folder = Path(os.environ.get(DATASETS_SETTING) or BESIDE_THE_PROJECT).resolve() / name
    if not folder.is_dir():
        raise FileNotFoundError(
            f"{folder} not found: set {DATASETS_SETTING} to the folder that holds {name}/"
        )
    return folder
