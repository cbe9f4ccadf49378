"""Golden rows: inputs with the outputs a release gave when it was made, and must give again anywhere."""

import math
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from features.rows import Rows
from features.text import ticket_text
from models.release import GOLDEN, Release, ReleaseError, load_release

TOLERANCE = 1e-6
"""Probabilities may differ by this between kinds of processor."""


def answers(release: Release, tickets: pd.DataFrame, accounts: pd.DataFrame) -> dict[str, Any]:
    """What the members of ``release`` say of ``tickets`` (text, features, repeats) and ``accounts``."""
    said: dict[str, Any] = {}
    if len(tickets):
        frame = _without_answers(tickets)
        if release.intent is not None:
            intents = release.intent.predict(tickets)
            said["intent"] = [[p.intent, p.probability, p.out_of_scope_probability] for p in intents]
            frame = frame.assign(
                intent=pd.Series([p.intent for p in intents], index=frame.index, dtype="str")
            )
        if release.legal_weight is not None:
            parts = zip(Rows.of(tickets).values("subject"), Rows.of(tickets).values("body"), strict=True)
            read = [release.legal_weight.read(ticket_text(*part)) for part in parts]
            said["legal_weight"] = [[round(one.probability, 2), one.concern] for one in read]
        if release.sentiment is not None:
            moods = release.sentiment.predict(frame)
            said["sentiment"] = [[p.state, p.frustration] for p in moods]
            frame = frame.assign(frustration=[p.frustration for p in moods])
        if release.priority is not None:
            said["priority"] = [[p.level, p.score, list(p.reasons)] for p in release.priority.predict(frame)]
        if release.outcomes is not None:
            nobody = frame.assign(account_id=pd.Series(None, index=frame.index, dtype="str"))
            outcomes = release.outcomes.predict(nobody)
            said["outcomes"] = [[p.queue, p.queue_probability, p.reassigned, p.sla_missed] for p in outcomes]
    if len(accounts) and release.churn is not None:
        said["churn"] = release.churn.predict(accounts).tolist()
    return said


def _without_answers(tickets: pd.DataFrame) -> pd.DataFrame:
    """``tickets`` with what absent models leave unknown: their intent and frustration."""
    unknown = {
        "intent": pd.Series(None, index=tickets.index, dtype="str"),
        "frustration": pd.Series(float("nan"), index=tickets.index),
    }
    return tickets.assign(**{name: value for name, value in unknown.items() if name not in tickets})


def as_document(tickets: pd.DataFrame, accounts: pd.DataFrame, expected: Mapping[str, Any]) -> dict[str, Any]:
    """Inputs and expected outputs as plain lists."""
    return {"tickets": _stored(tickets), "accounts": _stored(accounts), "expected": dict(expected)}


def _stored(frame: pd.DataFrame) -> dict[str, Any]:
    columns = {}
    for name in frame:
        text = not pd.api.types.is_numeric_dtype(frame[name])
        values = frame[name].astype("object").where(frame[name].notna(), None).tolist()
        columns[str(name)] = {"kind": "str" if text else "float64", "values": values}
    return columns


def _restored(columns: Mapping[str, Any]) -> pd.DataFrame:
    return pd.DataFrame({name: pd.Series(c["values"], dtype=c["kind"]) for name, c in columns.items()})


def check(release: Release, golden: Mapping[str, Any]) -> None:
    """Raise ``ReleaseError`` naming the first output that differs from what is expected."""
    said = answers(release, _restored(golden["tickets"]), _restored(golden["accounts"]))
    for member, expected in golden["expected"].items():
        found = said.get(member, [])
        for row, (one, other) in enumerate(zip(found, expected, strict=False)):
            if not _equal(one, other):
                raise ReleaseError(
                    f"release {release.id}: golden row {row} of {member} gives {one}, expected {other}: "
                    "do not promote it; make it again on this machine"
                )
        if len(found) != len(expected):
            raise ReleaseError(
                f"release {release.id}: {len(found)} golden rows of {member}, expected {len(expected)}"
            )


def _equal(one: Any, other: Any) -> bool:
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_equal, one, other))
    if isinstance(one, float) and isinstance(other, float):
        return math.isclose(one, other, rel_tol=TOLERANCE, abs_tol=TOLERANCE)
    return bool(one == other)


def check_in_child(folder: Path) -> None:
    """Load the release in another process and check its golden rows there. Raises ``ReleaseError``.

    A model file that would abort its process cannot take this one with it.
    """
    command = [sys.executable, "-m", "models.golden", str(folder.resolve())]
    done = subprocess.run(command, cwd=Path(__file__).parents[1], capture_output=True, text=True, check=False)
    if done.returncode:
        why = done.stderr.strip().splitlines()[-1] if done.stderr.strip() else f"exit code {done.returncode}"
        raise ReleaseError(f"{folder}: golden rows were not reproduced in a fresh process: {why}")


def main() -> None:
    """Check the golden rows of the release in the folder given."""
    import json

    folder = Path(sys.argv[1])
    release = load_release(folder)
    check(release, json.loads((folder / GOLDEN).read_text(encoding="utf-8")))


if __name__ == "__main__":
    main()
