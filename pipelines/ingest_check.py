"""``firstline ingest --check``: what an ingest would do, from the real files, without writing anything.

Exit status: 0 the run would go on; 1 nothing could be read (mapping or file, named); 3 it would stop, because
too much of a table is quarantined or nothing is kept. (2 is a misspelt command line.)
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pandas as pd

from connectors.deliveries import raw_files
from connectors.intake.take_in import Input, Intake, bytes_to_read, take_in_all
from connectors.mapping.file import load_mapping
from pipelines.adopt import AdoptError, wanted_files
from pipelines.ingest import IngestError, check_quarantine
from pipelines.intake_report import accounts, examples, left_out, report, shapes
from pipelines.progress import bytes_read

PASSES, CANNOT_READ, WOULD_STOP = 0, 1, 3
_RAW_CHARACTERS = 300


@dataclass(frozen=True)
class Checked:
    """What was found. ``stops``: why the run would stop, empty where it goes on."""

    found: dict[str, Any]
    text: str
    stops: str

    @property
    def exit_status(self) -> int:
        """0, or 3 where the run would stop."""
        return WOULD_STOP if self.stops else PASSES


def check(
    folder: Path,
    mapping_file: Path,
    extra: Sequence[Path],
    max_quarantined_share: float,
    now: pd.Timestamp,
) -> Checked:
    """Read ``folder`` and ``extra`` files through the mapping as if they were delivered ``now``.

    Raises ``MappingError``, ``ReadError`` or ``AdoptError`` where nothing can be read.
    """
    mapping = load_mapping(mapping_file)
    wanted = wanted_files(folder, mapping.file_patterns(), extra)
    if not wanted:
        patterns = ", ".join(mapping.file_patterns())
        raise AdoptError(f"nothing in {folder} fits the mapping {mapping_file}: it reads {patterns}")
    with TemporaryDirectory(prefix="firstline-check-") as temporary:
        raw = Path(temporary) / "raw"
        for inside, path in wanted.items():
            (raw / inside).parent.mkdir(parents=True, exist_ok=True)
            (raw / inside).symlink_to(path.resolve())
        inputs = [Input(raw, mapping)]
        with bytes_read(bytes_to_read(inputs)) as on_bytes:
            intake = take_in_all(inputs, lambda line: None, received_at=now, on_bytes=on_bytes)
        unread = sorted(
            path.relative_to(folder).as_posix()
            for path in raw_files(folder)
            if path.relative_to(folder).as_posix() not in wanted
        )
        return _checked(intake, list(wanted), unread, max_quarantined_share)


def _checked(intake: Intake, read: list[str], unread: list[str], limit: float) -> Checked:
    stops = ""
    try:
        check_quarantine(intake, limit)
    except IngestError as error:
        stops = str(error)
    found = {
        "read_files": sorted(read),
        "missing_files": intake.missing_files,
        "unread_files": unread,
        "tables": {
            name: {
                **accounts(table),
                "filtered_by_reason": dict(sorted(table.filtered.items())),
                "quarantined_by_reason": table.reasons(),
                "examples": examples(table),
            }
            for name, table in intake.tables.items()
        },
        "notes": intake.notes,
        "left_out": left_out(shapes(intake)),
        "would_stop": stops,
    }
    return Checked(found, _text(intake, found, stops), stops)


def _text(intake: Intake, found: dict[str, Any], stops: str) -> str:
    lines = [f"would read {len(found['read_files'])} files; nothing is written", report(intake)]
    lines += [f"  not read, no source in the mapping names it: {file}" for file in found["unread_files"]]
    for name, table in found["tables"].items():
        for reason, rows in table["examples"].items():
            lines.append(f"  {name}, {reason}, for example:")
            lines += [
                f"    {row['source_file']} record {row['row_number']}: {row['raw'][:_RAW_CHARACTERS]}"
                for row in rows[:3]
            ]
    lines.append(f"the run would stop: {stops}" if stops else "the run would go on")
    return "\n".join(lines)


def as_json(found: dict[str, Any]) -> str:
    """``found`` for programs."""
    return json.dumps(found, indent=2, ensure_ascii=False)
