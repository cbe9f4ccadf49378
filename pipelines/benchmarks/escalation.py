"""How many requests of legal weight the desk escalates, and how many ordinary texts: on anybody's texts."""

from pathlib import Path
from typing import Any

import pandas as pd
from scipy.stats import binomtest

from policy.desk import shipped_phrases
from policy.phrases import normalised_words
from policy.regulatory import wording_of_legal_weight

REGULATORY, ORDINARY = "regulatory", "ordinary"
RECALL_BAR, FALSE_POSITIVE_BAR = 0.99, 0.01


def read_texts(path: Path) -> pd.DataFrame:
    """Rows ``text, label[, language]``; a label is ``regulatory`` or ``ordinary``.

    Raises ``ValueError`` naming a missing column, an unknown label or an empty text, with its line.
    """
    frame = pd.read_csv(path, dtype="str", keep_default_na=False)
    missing = {"text", "label"} - set(frame.columns)
    if missing:
        raise ValueError(f"{path} has no column {', '.join(sorted(missing))}: expected text,label[,language]")
    for column, wrong, allowed in (
        ("label", ~frame["label"].isin([REGULATORY, ORDINARY]), f"'{REGULATORY}' or '{ORDINARY}'"),
        ("text", frame["text"].str.strip() == "", "a text"),
    ):
        if wrong.any():
            row = int(wrong.to_numpy().argmax())
            raise ValueError(f"{path}, row {row + 2}: {column} {frame[column][row]!r}, expected {allowed}")
    if frame.empty:
        raise ValueError(f"{path} has no row")
    return frame


def measure(frame: pd.DataFrame) -> dict[str, Any]:
    """Recall and false positives by language and over all, by the wording alone.

    The intent model has no part in it, so no release is needed. Intervals: Clopper and Pearson (1934), 95 %.
    """
    topics = shipped_phrases().regulatory
    found = frame["text"].map(
        lambda text: wording_of_legal_weight(topics, normalised_words(text)) is not None
    )
    told = frame.assign(found=found, language=frame.get("language", "all"))
    by_language = {code: _shares(part) for code, part in told.groupby("language", sort=True)}
    return {"all": _shares(told), "by_language": by_language if "language" in frame else {}}


def _shares(part: pd.DataFrame) -> dict[str, Any]:
    figures: dict[str, Any] = {}
    for name, label in (("recall", REGULATORY), ("false_positives", ORDINARY)):
        of_label = part.loc[part["label"] == label, "found"]
        hits, n = int(of_label.sum()), len(of_label)
        low, high = binomtest(hits, n).proportion_ci() if n else (None, None)
        figures[name] = {
            "found": hits,
            "texts": n,
            "share": hits / n if n else None,
            "low": low,
            "high": high,
        }
    return figures


def report(figures: dict[str, Any]) -> str:
    """The figures as lines to read, with the bars."""
    lines = [f"{'':10}{'recall (bar >= 99 %)':>34}{'false positives (bar <= 1 %)':>34}"]
    rows = {**figures["by_language"], "all": figures["all"]}
    for code, told in rows.items():
        lines.append(f"{code:10}{_cell(told['recall']):>34}{_cell(told['false_positives']):>34}")
    return "\n".join(lines)


def _cell(share: dict[str, Any]) -> str:
    if not share["texts"]:
        return "no text"
    interval = f"[{share['low']:.1%}, {share['high']:.1%}]"
    return f"{share['found']}/{share['texts']} = {share['share']:.1%} {interval}"
