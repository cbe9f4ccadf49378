"""How many requests of legal weight the desk escalates, and how many ordinary texts: on anybody's texts."""

from pathlib import Path
from typing import Any

import pandas as pd
from scipy.stats import binomtest

from models.legal_weight import ORDINARY, REGULATORY, LegalWeightModel, learn_legal_weight
from pipelines.legal_weight import read_examples, read_labelled
from policy.desk import Desk
from policy.regulatory import call_of_text
from policy.situation import LegalWeight

RECALL_BAR, FALSE_POSITIVE_BAR = 0.99, 0.01
SIDES = (("recall", REGULATORY), ("false_positives", ORDINARY))
CALLS = {"escalated": "goes to compliance", "never_automated": "goes to compliance, or at least to a person"}


def read_texts(path: Path) -> tuple[pd.DataFrame, int]:
    """Rows ``text, label[, language]`` that are no example the model learns from, and how many others are.

    Raises ``ValueError`` as ``pipelines.legal_weight.read_labelled``, and where every text is an example.
    """
    frame = read_labelled(path)
    seen = frame["text"].isin(read_examples()["text"])
    if seen.all():
        raise ValueError(f"{path}: every text is an example the model learns from; measure on other texts")
    return frame[~seen].reset_index(drop=True), int(seen.sum())


def model_of(folder: Path | None) -> LegalWeightModel:
    """The model of legal weight in the release or stage output ``folder``; else one learnt from the examples.

    The latter is the same everywhere: it knows no ticket of any desk.
    """
    if folder is None:
        return learn_legal_weight(read_examples()).model
    member = folder / "legal_weight"
    return LegalWeightModel.load(member if member.is_dir() else folder)


def measure(frame: pd.DataFrame, desk: Desk, model: LegalWeightModel | None) -> dict[str, Any]:
    """Recall and false positives by language and over all, by words and meaning (without ``model``: words).

    The intent model has no part in it. Intervals: Clopper and Pearson (1934), 95 %.
    """
    calls = [
        call_of_text(desk, text, None if model is None else LegalWeight(*model.read(text)))
        for text in frame["text"]
    ]
    told = frame.assign(
        escalated=[call is not None and call.certain for call in calls],
        never_automated=[call is not None for call in calls],
    )
    languages = told.groupby("language", sort=True) if "language" in frame else ()
    return {"all": _shares(told), "by_language": {code: _shares(part) for code, part in languages}}


def _shares(part: pd.DataFrame) -> dict[str, Any]:
    figures: dict[str, Any] = {}
    for call in CALLS:
        for name, label in SIDES:
            of_label = part.loc[part["label"] == label, call]
            hits, n = int(of_label.sum()), len(of_label)
            low, high = binomtest(hits, n).proportion_ci() if n else (None, None)
            share = hits / n if n else None
            figures.setdefault(call, {})[name] = {
                "found": hits,
                "texts": n,
                "share": share,
                "low": low,
                "high": high,
            }
    return figures


def report(figures: dict[str, Any]) -> str:
    """The figures as lines to read, with the bars."""
    rows = {**figures["by_language"], "all": figures["all"]}
    lines = []
    for call, about in CALLS.items():
        recall, wrong = (
            ("recall (bar >= 99 %)", "false positives (bar <= 1 %)")
            if call == "escalated"
            else ("recall", "false positives")
        )
        lines += ["", f"{about}:", f"{'':10}{recall:>34}{wrong:>34}"]
        for code, told in rows.items():
            lines.append(
                f"{code:10}{_cell(told[call]['recall']):>34}{_cell(told[call]['false_positives']):>34}"
            )
    return "\n".join(lines)


def _cell(share: dict[str, Any]) -> str:
    if not share["texts"]:
        return "no text"
    interval = f"[{share['low']:.1%}, {share['high']:.1%}]"
    return f"{share['found']}/{share['texts']} = {share['share']:.1%} {interval}"
