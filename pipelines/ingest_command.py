"""What ``firstline ingest`` does, for people or (``--json``) for programs."""

import json
import sys
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from connectors.intake.spool import SortError
from connectors.mapping.file import MappingError
from connectors.readers import ReadError
from pipelines import ingest_check
from pipelines.adopt import AdoptError, adopt
from pipelines.params import ParamsError, load_params


def ingest(
    folder: Path, mapping: Path, name: str, extra: Sequence[Path], *, check: bool, as_json: bool
) -> int:
    """Carry out the command in the current folder and print what came of it. Returns the exit status."""
    try:
        if check:
            return _check(folder, mapping, extra, as_json)
        lines = adopt(folder, mapping, name, extra)
    except (AdoptError, MappingError, ReadError, SortError, ParamsError, OSError) as error:
        if as_json:
            print(json.dumps({"error": str(error)}, ensure_ascii=False))
        else:
            print(f"firstline: {error}", file=sys.stderr)
        return ingest_check.CANNOT_READ
    print(json.dumps({"done": lines}, ensure_ascii=False) if as_json else "\n".join(lines))
    return 0


def _check(folder: Path, mapping: Path, extra: Sequence[Path], wants_json: bool) -> int:
    limit = load_params().ingest.max_quarantined_share
    checked = ingest_check.check(folder, mapping, extra, limit, pd.Timestamp.now("UTC"))
    print(ingest_check.as_json(checked.found) if wants_json else checked.text)
    return checked.exit_status
