"""Peak memory of reading a file far larger than memory would be: a 5 GB CSV of tickets with long texts.

The file is made up here, in the system's temporary folder, and deleted afterwards: 1.2 million tickets in no
order, one in a hundred delivered twice, texts of about 4 kB with quotation marks and line ends.
"""

import os
import subprocess
import sys
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from shutil import rmtree

from pipelines.drills.workspace import project_clone
from pipelines.results import Result

ROWS = 1_200_000
LIMIT_MB = 1_024
_BODY_CHARACTERS = 4_150
_REPEATED_SHARE = 0.01
_WORDS = 20_000
_FIRST = datetime(2023, 1, 1, tzinfo=UTC)
_MAPPING = """\
about: Tickets with long texts, made up to measure memory.
time_zone: UTC
sources:
  - file: tickets.csv
    format: csv
    tables:
      - table: tickets
        columns:
          ticket_id: id
          created_at: at
          known_at: at
          channel: {value: web}
          subject: subject
          body: body
"""


def measure() -> list[Result]:
    """Peak resident memory (MB) of checking, of the stage ingest and of validating, on the same file.

    Raises ``RuntimeError`` where a command fails.
    """
    folder = Path(tempfile.mkdtemp(prefix="firstline-large-"))
    try:
        size_bytes = write_tickets(folder / "export" / "tickets.csv", ROWS)
        mapping = folder / "large_file.yaml"
        mapping.write_text(_MAPPING, encoding="utf-8")
        ingest = ["firstline", "ingest", str(folder / "export"), "--mapping", str(mapping)]
        with project_clone() as project:
            peaks = {"check": peak_mb(project, *ingest, "--check")}
            peak_mb(project, *ingest)
            peaks["ingest"] = peak_mb(project, "pipelines.ingest")
            peaks["validate"] = peak_mb(project, "pipelines.validate")
        return [_result(name, peak, size_bytes) for name, peak in peaks.items()]
    finally:
        rmtree(folder, ignore_errors=True)


def write_tickets(path: Path, rows: int, seed: int = 1) -> int:
    """A CSV (id, at, subject, body) of ``rows`` tickets, the same bytes for one seed. Returns its size."""
    random = Random(seed)  # noqa: S311 - a made-up file, not a secret
    letters = "abcdefghijklmnopqrstuvwxyz"
    words = ["".join(random.choices(letters, k=random.randint(2, 11))) for _ in range(_WORDS)]
    text = " ".join(random.choices(words, k=1_000_000)).replace(" a", ',\n""a""')
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        file.write("id,at,subject,body\n")
        for number in range(rows):
            at = _FIRST + timedelta(seconds=random.randrange(90_000_000))
            start = random.randrange(len(text) - _BODY_CHARACTERS)
            body = text[start : start + _BODY_CHARACTERS].strip('"')
            subject = " ".join(random.choices(words, k=6))
            row = f'{number},{at:%Y-%m-%dT%H:%M:%SZ},{subject},"{body}"\n'
            file.write(row * (2 if random.random() < _REPEATED_SHARE else 1))
    return path.stat().st_size


def peak_mb(project: Path, *arguments: str) -> float:
    """Largest resident memory (MB) of ``python -m`` in ``project``. Raises ``RuntimeError`` if it fails."""
    print(f"   python -m {' '.join(arguments)}", flush=True)
    environment = {k: v for k, v in os.environ.items() if not k.startswith("FIRSTLINE_")}
    environment["PYTHONPATH"] = str(project)
    with subprocess.Popen([sys.executable, "-m", *arguments], cwd=project, env=environment) as process:
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"`python -m {' '.join(arguments)}` failed; see its output above")
    return usage.ru_maxrss * 1_024 / 1e6


def _result(name: str, peak: float, size_bytes: int) -> Result:
    return Result(
        name=f"ingest.memory_5gb_{name}_mb",
        value=round(peak),
        unit="MB",
        reference=f"a CSV of {size_bytes / 1e9:.2f} GB, {ROWS:,} tickets and 1 % repeated",
        target=f"<= {LIMIT_MB:,}",
        met=peak <= LIMIT_MB,
        command="firstline drill --only large_file",
        data="made up by pipelines/drills/large_file.py, seed 1",
        note="largest resident memory of the process, Python and libraries included",
    )
