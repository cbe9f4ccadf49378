"""``firstline importance``: ask, print, and keep the run in MLflow."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from features.tables import read_tables
from models.encoded import EncodedTickets, Sentences, encode_tickets
from models.encoders import NgramEncoder
from models.intent import IntentModel
from models.intent_blocks import folds, time_blocks
from models.intent_training import IntentSettings, RankerData, ranker_data
from models.release import absent_reason
from pipelines.artifacts import FEATURES, MODELS, read_frame, rounded
from pipelines.benchmarks.ablation import PARTS, parts_left_out, without_vectors
from pipelines.benchmarks.importance.cost import intent_parts, snapshot_groups, ticket_groups
from pipelines.benchmarks.importance.questions import (
    TICKET,
    Question,
    answered,
    churn_questions,
    outcome_questions,
    priority_questions,
    sentiment_questions,
)
from pipelines.intent import best_labels, order_is_known, sentences_for
from pipelines.outcomes import read_outcome_frame
from pipelines.params import Params, load_params
from pipelines.priority import read_priority_features
from pipelines.tracking import record_run

TABLES_FOLDER = Path("artifacts/tables")
EVERYWHERE = "the limit of embeddings to {}"


def _priority(params: Params) -> list[Question]:
    return priority_questions(read_priority_features(), params.seed)


def _sentiment(params: Params) -> list[Question]:
    return sentiment_questions(read_priority_features(), params.seed)


def _churn(params: Params) -> list[Question]:
    return churn_questions(read_frame(FEATURES / "accounts.parquet", "features"), params.seed)


def _outcomes(params: Params) -> list[Question]:
    return outcome_questions(read_outcome_frame(), params.seed)


QUESTIONS: Mapping[str, Callable[[Params], list[Question]]] = {
    "sentiment": _sentiment,
    "priority": _priority,
    "churn": _churn,
    "outcomes": _outcomes,
}
MODELS_ASKED = ("intent", *QUESTIONS)


def run(models: Sequence[str]) -> dict[str, Any]:
    """Every group of every one of ``models``; those that the release lacks are ``absent`` with the reason."""
    unasked = sorted(set(models) - set(MODELS_ASKED))
    if unasked:
        raise ValueError(f"no model is called {unasked[0]!r}; there are {', '.join(MODELS_ASKED)}")
    params = load_params()
    absent = {name: reason for name in models if (reason := absent_reason(MODELS / name))}
    asked = [name for name in models if name not in absent]
    entries: list[dict[str, Any]] = []
    tables = read_tables(TABLES_FOLDER)
    costs = {"ticket": ticket_groups(tables), "account": snapshot_groups(tables) if "churn" in asked else {}}
    for name in asked:
        print(f"importance: {name}", flush=True)
        if name == "intent":
            entries += intent_entries(
                read_frame(FEATURES / "tickets.parquet", "features"), params, costs["ticket"]
            )
            continue
        of_group = costs["account" if name == "churn" else "ticket"]
        for question in QUESTIONS[name](params):
            entries += [
                entry | {"milliseconds": of_group.get(entry["group"])}
                for entry in answered(question, params.seed)
            ]
    found: dict[str, Any] = rounded({"absent": absent, "entries": entries})
    told = {f"{e['model']}.{e['group']}": {"adds": e["adds"], "bytes": e["bytes"]} for e in found["entries"]}
    record_run("importance", {"seed": params.seed, "models": list(models)}, told)
    return found


def intent_entries(
    tickets: pd.DataFrame, params: Params, milliseconds: Mapping[str, float]
) -> list[dict[str, Any]]:
    """Parts of the intent model: learnt anew without them, judged on the newest calibration tickets."""
    settings = IntentSettings(params.intent.min_examples, params.intent.candidates, params.seed)
    labels, split = best_labels(tickets), tickets["split"].to_numpy(dtype=str)
    told = labels.notna().to_numpy()
    train = np.flatnonzero((split == "train") & told)[-params.intent.max_training_tickets :]
    later = np.flatnonzero((split == "calibration") & told)
    learnt = np.concatenate([train, later])
    frame, names = tickets.iloc[learnt], labels.to_numpy(dtype=object)[learnt]
    in_time = order_is_known(tickets)
    blocks = (
        time_blocks(len(train), len(later), params.intent.blocks) if in_time else folds(names, params.seed)
    )

    def evidence(encoded: EncodedTickets) -> RankerData:
        return ranker_data(encoded, names, blocks, settings, in_time)

    sentences, _ = sentences_for(params.intent)
    encoded = encode_tickets(frame, NgramEncoder(), sentences)
    otherwise: dict[str, RankerData] = {}
    if sentences is not None:
        otherwise["embeddings"] = evidence(without_vectors(encoded))
        if sentences.languages:
            limit = EVERYWHERE.format(", ".join(sentences.languages))
            otherwise[limit] = evidence(_encoded_everywhere(frame, encoded, sentences))
    parts = {**PARTS, **{group: _lifts_of(columns) for group, columns in TICKET.items()}}
    data = evidence(encoded)
    read = set(data.judged[-1].evidence.names)
    known = {name: belongs for name, belongs in parts.items() if any(map(belongs, read))}
    costs = {
        **milliseconds,
        **intent_parts(IntentModel.load(MODELS / "intent"), tickets[split == "calibration"]),
    }
    entries = parts_left_out(data, otherwise, known, settings)
    whole = entries[0]["accuracy"]
    common = {
        "model": "intent",
        "measure": "share right",
        "cases": sum(len(block.rows) for block in data.for_ranker),
        "with_all": whole,
    }
    return [
        {
            **common,
            "group": entry.pop("left_out"),
            "adds": whole - entry["accuracy"],
            "interval": entry.pop("part_adds_interval"),
            **entry,
        }
        | {"milliseconds": costs.get(name), "bytes": _bytes_of(name)}
        for entry in entries
        for name in (entry["left_out"],)
    ]


FILES = {"embeddings": ("sentences.npz", "sentence_examples.npz"), "neighbours": ("sentence_examples.npz",)}
"""Files of the model that a part alone needs; the other parts are a few coefficients each."""


def _bytes_of(part: str) -> int | None:
    paths = [MODELS / "intent" / name for name in FILES.get(part, ())]
    return sum(path.stat().st_size for path in paths if path.exists()) if paths else None


def _encoded_everywhere(frame: pd.DataFrame, encoded: EncodedTickets, sentences: Sentences) -> EncodedTickets:
    """``encoded`` with embeddings in every language: only what has none yet is encoded."""
    lacking = np.flatnonzero(~encoded.vectors.any(axis=1))
    more = replace(sentences, languages=()).vectors(encoded.texts[lacking].tolist(), frame.iloc[lacking])
    vectors = encoded.vectors.copy()
    vectors[lacking] = more
    return replace(encoded, vectors=vectors)


def _lifts_of(columns: Sequence[str]) -> Callable[[str], bool]:
    names = {f"{column}_lift" for column in columns}
    return lambda name: name in names


def report(found: Mapping[str, Any]) -> str:
    """A table a model: what each group adds with its interval, and what it costs."""
    lines = [
        "Each group left out in turn: learnt anew without it, judged on calibration cases (95 %, paired).",
        "ms: processor time of the group for one ticket, computed alone. bytes: of the model's files.",
    ]
    before = ""
    for entry in found["entries"]:
        if entry["model"] != before:
            before = entry["model"]
            whole = "unknown" if entry["with_all"] is None else f"{entry['with_all']:.4f}"
            lines += ["", f"{before}: {entry['measure']} {whole} with all, {entry['cases']:,} cases"]
        interval = entry["interval"]
        told = "unknown" if interval is None else f"{interval[0]:+.4f} to {interval[1]:+.4f}"
        took = "-" if entry["milliseconds"] is None else f"{entry['milliseconds']:.2f} ms"
        size = "-" if entry["bytes"] is None else f"{entry['bytes']:,} bytes"
        lines.append(f"  {entry['group']:<32} adds {told:<22} {took:>10} {size:>16}")
        for language, part in entry.get("by_language", {}).items():
            low, high = part["part_adds_interval"]
            if entry["group"] == "embeddings" or entry["group"].startswith("the limit"):
                lines.append(
                    f"      {language}: {part['texts']:,} tickets, {part['accuracy']:.4f} without, "
                    f"adds {low:+.4f} to {high:+.4f}"
                )
    lines += ["", *(f"no {name} model: {reason}" for name, reason in found["absent"].items())]
    return "\n".join(lines).rstrip()
