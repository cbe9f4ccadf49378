"""Stage legal_weight: learn from examples of requests, and from the desk's own ordinary tickets.

Examples are files in ``policy/regulatory_examples``, one an author: text, label, language, concern. A desk
adds a file of what was missed there.
"""

import shutil
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import pandas as pd

from features.rows import Rows
from features.text import normalise, ticket_text
from models.legal_weight import ORDINARY, REGULATORY, LearntLegalWeight, learn_legal_weight, parts_of
from models.release import write_absent
from models.sentences import EncoderMissingError
from pipelines.artifacts import FEATURES, MODELS, read_frame, write_metrics
from pipelines.params import load_params
from pipelines.tracking import record_run
from policy.desk import Desk, load_desk
from policy.phrases import normalised_words
from policy.regulatory import wording_of_legal_weight

EXAMPLES = Path(__file__).parent.parent / "policy" / "regulatory_examples"
FOLDER = MODELS / "legal_weight"
MOST_ORDINARY = 600
"""Tickets of the desk that are learnt from as ordinary: more cost time and tell little more."""
FEWEST_TICKETS, MOST_STOCK = 5, 500
"""A sentence that so many tickets hold is how people write at this desk; the commonest are learnt."""


def read_labelled(path: Path) -> pd.DataFrame:
    """Rows ``text, label[, language, concern]``; a label is ``regulatory`` or ``ordinary``.

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


def read_examples(folder: Path = EXAMPLES, most: int | None = None) -> pd.DataFrame:
    """Examples, a row a text (the first of equal ones): text, label, language, concern, author (file).

    Of more than ``most``, that many at the most, evenly chosen of each author and label.

    Raises ``ValueError`` as ``read_labelled`` and where the folder has no file.
    """
    files = sorted(folder.glob("*.csv"))
    if not files:
        raise ValueError(f"{folder} holds no .csv with examples of requests of legal weight")
    frames = [
        read_labelled(path).reindex(columns=["text", "label", "language", "concern"]).assign(author=path.stem)
        for path in files
    ]
    told = pd.concat(frames, ignore_index=True).fillna({"language": "", "concern": ""})
    told = told.drop_duplicates("text").sort_values(["author", "label"], kind="stable")
    every = 1 if most is None else -(-len(told) // most)
    return told.iloc[::every].sort_index().reset_index(drop=True)


def ordinary_texts(tickets: pd.DataFrame, desk: Desk) -> list[str]:
    """Texts of training tickets, evenly chosen, that neither words nor label give legal weight."""
    train = _not_labelled_legal(tickets, desk)
    chosen = train.iloc[:: max(1, len(train) // MOST_ORDINARY)].iloc[:MOST_ORDINARY]
    return _without_legal_words(dict.fromkeys(_texts(chosen)), desk)


def stock_sentences(tickets: pd.DataFrame, desk: Desk) -> list[str]:
    """Sentences that at least ``FEWEST_TICKETS`` training tickets hold word by word, commonest first.

    Requests are rarely made in the same words by so many, and those that are made by a form say it in words
    that are listed; what these leave over is how people greet, beg and close.
    """
    held = Counter(
        sentence
        for text in _texts(_not_labelled_legal(tickets, desk))
        for sentence in dict.fromkeys(islice(parts_of(normalise(text)), 1, None))
    )
    common = [sentence for sentence, tickets in held.most_common(MOST_STOCK) if tickets >= FEWEST_TICKETS]
    return _without_legal_words(sorted(common), desk)


def _not_labelled_legal(tickets: pd.DataFrame, desk: Desk) -> pd.DataFrame:
    train = tickets[tickets["split"] == "train"]
    legal = {name for name, intent in desk.intents.items() if intent.regulatory}
    return train[~train["intent_label"].isin(legal)]


def _texts(tickets: pd.DataFrame) -> Iterator[str]:
    rows = Rows.of(tickets)
    for subject, body in zip(rows.values("subject"), rows.values("body"), strict=True):
        yield ticket_text(subject, body)


def _without_legal_words(texts: Iterable[str], desk: Desk) -> list[str]:
    topics, concepts = desk.phrases.regulatory, desk.phrases.concepts
    return [t for t in texts if t and not wording_of_legal_weight(topics, normalised_words(t), concepts)]


def figures(examples: pd.DataFrame, learnt: LearntLegalWeight, desk: Desk) -> dict[str, Any]:
    """What the desk's thresholds would do with each author's examples, by a model that knew none of them.

    By meaning alone, without the words: recall and false positives of what goes to compliance (``sure``) and
    of what is at least not automated (``doubt``).
    """
    rules, asks = desk.escalation.legal_weight, (examples["label"] == REGULATORY).to_numpy()
    told: dict[str, Any] = {}
    for author, rows in examples.groupby("author").indices.items():
        told[str(author)] = {"texts": len(rows)}
        for name, least in (("sure", rules.sure), ("doubt", rules.doubt)):
            hit = learnt.out_of_author[rows] >= least
            told[str(author)][name] = {
                "recall": float(hit[asks[rows]].mean()) if asks[rows].any() else None,
                "false_positives": float(hit[~asks[rows]].mean()) if (~asks[rows]).any() else None,
            }
    return {"examples": len(examples), "votes": len(learnt.model.votes), "left_out_author": told}


def main() -> None:
    """Learn from the examples and ``artifacts/features/tickets.parquet``; write the model and its figures."""
    params, started = load_params(), time.perf_counter()
    desk = load_desk(params.release.desk)
    examples = read_examples(most=params.legal_weight.most_examples)
    tickets = read_frame(FEATURES / "tickets.parquet", "features")
    shutil.rmtree(FOLDER, ignore_errors=True)
    used = {"desk": str(params.release.desk), **params.legal_weight.model_dump()}
    try:
        learnt = learn_legal_weight(examples, ordinary_texts(tickets, desk), stock_sentences(tickets, desk))
    except EncoderMissingError as error:
        write_absent(FOLDER, str(error))
        record_run("legal_weight", used, write_metrics("legal_weight", {"absent": str(error)}))
        print(f"legal_weight: left out: {error}", flush=True)
        return
    learnt.model.save(FOLDER)
    metrics = write_metrics("legal_weight", figures(examples, learnt, desk))
    record_run("legal_weight", used, metrics, [FOLDER / "model.json"])
    print(
        f"legal_weight: {metrics['examples']} examples of {len(metrics['left_out_author'])} authors, "
        f"{metrics['votes'] - metrics['examples']} ordinary tickets and sentences; "
        f"{time.perf_counter() - started:.0f} s",
        flush=True,
    )


if __name__ == "__main__":
    main()
