"""What a release says of itself: what it got wrong at evaluation, learnt, automates, and reads texts with."""

import json
from pathlib import Path
from typing import Any

from monitoring.evidence import Automation
from monitoring.verdict import AUTOMATED


def expected_errors(releases: Path, release: str | None) -> dict[str, float]:
    """By field, what share ``release`` got wrong when it was evaluated, judged by the labels agents set.

    Fields without such a figure are left out, and all are where the release is not installed.
    """
    metrics = _release_metrics(releases, release)
    found = {field: metrics.get(field, {}).get("agents", {}) for field in ("intent", "priority")}
    wrong = {f: 1 - by_agents["accuracy"] for f, by_agents in found.items() if "accuracy" in by_agents}
    automated = metrics.get("intent", {}).get("automation", {}).get("agents", {}).get("precision")
    return wrong if automated is None else wrong | {AUTOMATED: 1 - automated}


def learnt_tickets(releases: Path, release: str | None) -> int | None:
    """How many labelled tickets ``release`` learnt intents from; ``None`` where its manifest does not say."""
    found: int | None = _release_metrics(releases, release).get("intent", {}).get("learnt", {}).get("tickets")
    return found


def _release_metrics(releases: Path, release: str | None) -> dict[str, Any]:
    metrics: dict[str, Any] = _manifest(releases, release).get("metrics", {})
    return metrics


def automated_from(releases: Path, release: str | None) -> Automation:
    """From which probability ``release`` automates each intent that it automates at all."""
    found = _manifest(releases, release).get("thresholds", {})
    return Automation({name: one["threshold"] for name, one in found.items() if one["threshold"] is not None})


def sentence_encoder(releases: Path, release: str | None) -> str | None:
    """SHA-256 of the sentence encoder that the intents of ``release`` are read with; ``None`` without one."""
    read_with = _manifest(releases, release).get("encoders", {}).get("intent", {}).get("sentences")
    return None if read_with is None else str(read_with["model_sha256"])


def _manifest(releases: Path, release: str | None) -> dict[str, Any]:
    path = releases / (release or "none") / "manifest.json"
    if not path.is_file():
        return {}
    manifest: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return manifest
