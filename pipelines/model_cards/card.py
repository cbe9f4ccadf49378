"""One card as plain data, and where its facts come from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from features.split import SPLITS
from models.intent_blocks import Fall
from models.release import sha256
from models.risk import ThresholdEvidence
from pipelines.model_cards.slices import Measure
from pipelines.model_cards.uses import USES, Use

SAME_OF_A_HASH = 12


@dataclass(frozen=True)
class Card:
    """All that a page shows of one model. ``absent``: why there is none; then only its use is told.

    ``data``, ``figures``: (what, value) as text. ``limits``: found in this very model. ``files``: names and
    the first digits of their SHA-256, as in the manifest of the release. ``figures_of``: the stage that wrote
    the figures.
    """

    name: str
    use: Use
    absent: str | None = None
    data: tuple[tuple[str, str], ...] = ()
    measures: tuple[Measure, ...] = ()
    figures: tuple[tuple[str, str], ...] = ()
    limits: tuple[str, ...] = ()
    files: tuple[tuple[str, str], ...] = ()
    not_sliced: str = ""
    figures_of: str = "evaluate"


def absent_card(name: str, reason: str) -> Card:
    """A member that was left out: named, with its reason."""
    return Card(name, USES[name], absent=reason)


def of_model(
    name: str,
    folder: Path,
    data: Sequence[tuple[str, str]],
    measures: Sequence[Measure],
    metrics: Mapping[str, Any],
    limits: Sequence[str],
    not_sliced: str = "",
    figures_of: str = "evaluate",
) -> Card:
    """The card of the model in ``folder``; ``metrics``: what stage ``figures_of`` found of it."""
    files = [(path.name, sha256(path)[:SAME_OF_A_HASH]) for path in sorted(folder.iterdir())]
    return Card(
        name,
        USES[name],
        data=tuple(data),
        measures=tuple(measures),
        figures=tuple(_flat(metrics)),
        limits=tuple(limits),
        files=tuple(files),
        not_sliced=not_sliced,
        figures_of=figures_of,
    )


def _flat(metrics: Mapping[str, Any], before: str = "") -> list[tuple[str, str]]:
    rows: list[tuple[str, str]] = []
    for key, value in metrics.items():
        name = f"{before}{key}".replace("_", " ")
        if isinstance(value, Mapping):
            rows += _flat(value, f"{name}: ")
        else:
            rows.append((name, _plain(value)))
    return rows


def _plain(value: Any) -> str:
    if value is None:
        return "unknown"
    return (
        f"{value:,.4g}"
        if isinstance(value, float)
        else f"{value:,}"
        if isinstance(value, int)
        else str(value)
    )


def rows_by_split(frame: pd.DataFrame, time: str, label: pd.Series, what: str) -> list[tuple[str, str]]:
    """What each split held: rows, from when to when, and how many have a label known in time."""
    found = []
    for split in SPLITS:
        part = frame[frame["split"] == split]
        if not len(part):
            found.append((f"{what}, {split}", "none"))
            continue
        told = int(label[part.index].notna().sum())
        days = f"{part[time].min():%Y-%m-%d} to {part[time].max():%Y-%m-%d}"
        found.append((f"{what}, {split}", f"{len(part):,} ({days}), {told:,} with a label known in time"))
    return found


def intent_limits(
    languages: Sequence[str],
    left_out: Mapping[str, int],
    thresholds: Mapping[str, ThresholdEvidence],
    lacking: str | None,
    fall: Fall | None = None,
) -> list[str]:
    """What this intent model cannot do, from itself."""
    unproven = sorted(name for name, found in thresholds.items() if found.threshold is None)
    limits = [
        f"Languages it learnt: {', '.join(languages) or 'none was told apart'}. A ticket surely in another "
        "goes to people.",
        f"Not proven good enough to act without a person: {len(unproven)} of {len(thresholds)} intents"
        + (f" ({', '.join(unproven)})." if unproven else "."),
    ]
    if left_out:
        named = ", ".join(f"{name} ({count})" for name, count in sorted(left_out.items()))
        limits.append(f"Too rare to learn, left to people: {named}.")
    if lacking:
        limits.append(f"Trained without sentence embeddings: {lacking}.")
    if fall:
        limits.append(
            "Labels were replaced shortly before it was trained: first candidates were right in "
            f"{fall.before:.0%} of the tickets before and {fall.after:.0%} after. It learnt to rank from the "
            f"newest {fall.tickets:,} tickets alone; expect more of the next release."
        )
    return limits


def outcome_limits(absent: Mapping[str, str]) -> list[str]:
    """Outcomes that were not learnt, and why."""
    return [f"Not learnt: {name}: {reason}." for name, reason in absent.items()]
