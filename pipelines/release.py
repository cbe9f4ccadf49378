"""Stage release: bind the models, thresholds and desk rules into one verified bundle, and register it."""

import hashlib
import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from models.golden import answers, as_document, check_in_child
from models.outcomes import BINARY
from models.release import MANIFEST, MEMBERS, load_release, sha256, write_release
from pipelines.artifacts import FEATURES, METRICS, MODELS, RELEASE, read_frame, read_metrics, write_metrics
from pipelines.intent import read_thresholds
from pipelines.outcomes import read_outcome_frame
from pipelines.params import load_params
from pipelines.tracking import record_run, register_release
from policy.desk import wordings_of

GOLDEN_TICKETS = 12
GOLDEN_ACCOUNTS = 6
NEVER_GOLDEN = ("account_id", "contact_id", "ticket_id")


def data_revision(files: Sequence[Path]) -> str:
    """One digest of the data a release was made from: the first 16 hex digits over the files' SHA-256."""
    digest = hashlib.sha256()
    for file in sorted(files):
        digest.update(f"{file.name} {sha256(file)}\n".encode())
    return digest.hexdigest()[:16]


def golden_rows(frame: pd.DataFrame, rows: int) -> pd.DataFrame:
    """Evenly chosen evaluation rows, with the columns a model may need; identities stay behind."""
    new = frame[frame["split"] == "evaluation"]
    chosen = new.iloc[:: max(1, len(new) // rows)].iloc[:rows]
    times = [name for name in chosen if pd.api.types.is_datetime64_any_dtype(chosen[name])]
    labels = [name for name in chosen if str(name).endswith(("_label", "_reviewed", "_confirmed"))]
    outputs = ["split", "state", "intent", "frustration", "churned_90d", "final_queue", "is_mature", *BINARY]
    return chosen.drop(columns=[*times, *labels, *NEVER_GOLDEN, *outputs], errors="ignore").reset_index(
        drop=True
    )


def bundle(folder: Path, desk: Path, tickets: pd.DataFrame, accounts: pd.DataFrame) -> str:
    """Write the release with golden rows that it gave itself, and the wording lists of its desk; its id."""
    members = {name: MODELS / name for name in MEMBERS}
    revision = data_revision([*FEATURES.glob("*.parquet"), METRICS / "ingest.json"])
    thresholds, metrics = read_thresholds(), read_metrics("evaluate")
    wordings = wordings_of(desk)
    write_release(folder, members, desk, thresholds, metrics, revision, {}, wordings)
    expected = answers(load_release(folder), tickets, accounts)
    golden = as_document(tickets, accounts, expected)
    return write_release(folder, members, desk, thresholds, metrics, revision, golden, wordings)


def summary(folder: Path, release_id: str) -> dict[str, Any]:
    """What the release holds, as metrics."""
    manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    return {
        "release": release_id,
        "data_revision": manifest["data_revision"],
        "files": len(manifest["files"]),
        "megabytes": sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 1e6,
        "automated_intents": sum(e["threshold"] is not None for e in manifest["thresholds"].values()),
        "absent": manifest["absent"],
    }


def main() -> None:
    """Write ``artifacts/release``, check it in a fresh process, register it in MLflow."""
    params, started = load_params(), time.perf_counter()
    tickets = golden_rows(read_outcome_frame(), GOLDEN_TICKETS)
    accounts = golden_rows(read_frame(FEATURES / "accounts.parquet", "features"), GOLDEN_ACCOUNTS)
    release_id = bundle(RELEASE, params.release.desk, tickets, accounts)
    check_in_child(RELEASE)
    metrics = write_metrics("release", summary(RELEASE, release_id))
    used = {"seed": params.seed, "desk": str(params.release.desk)}
    run_id = record_run("release", used, metrics, [RELEASE / MANIFEST])
    register_release(run_id, release_id, metrics["data_revision"])
    left_out = "".join(f", no {name} ({reason})" for name, reason in metrics["absent"].items())
    print(
        f"release: {release_id}, {metrics['automated_intents']} intents may be automated{left_out}; "
        f"{time.perf_counter() - started:.0f} s",
        flush=True,
    )


if __name__ == "__main__":
    main()
