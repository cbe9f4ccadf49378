"""The shipped intent model on labelled texts: trained as the pipeline trains it, then asked once."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import optuna
import pandas as pd

from features.language import detect_language
from features.text import folded
from models.encoded import Sentences, encode_tickets
from models.intent import IntentModel, IntentPrediction
from models.metrics import (
    accuracy,
    auc,
    calibration_range,
    expected_calibration_error,
    macro_f1,
    paired_difference_interval,
    precision_coverage,
    share_interval,
)
from models.sentences import SentenceSource
from pipelines.benchmarks.tables import LABEL, TEXT, LabelledTexts
from pipelines.intent import TrainedIntent, train_intent
from pipelines.params import Params

PRECISION = 0.99
KEPT = 0.95
"""Share of texts in scope that a detector of unknown requests must leave alone."""
FEWEST_EXAMPLES = 2
"""Every label of a benchmark is learnt: it was chosen by whoever made the set, not typed in by an agent."""
TIMED_TEXTS = 300


@dataclass(frozen=True)
class Answers:
    """What the model said of each text, and what the linear models below it would have said."""

    truth: np.ndarray
    predictions: Sequence[IntentPrediction]
    ngrams: np.ndarray
    first: np.ndarray
    knows_unknown: bool

    @property
    def intent(self) -> np.ndarray:
        """Predicted names; ``None`` for an unreadable text."""
        return np.array([p.intent for p in self.predictions], dtype=object)

    @property
    def probability(self) -> np.ndarray:
        """Of being right."""
        return np.array([p.probability for p in self.predictions], dtype=float)

    @property
    def out_of_scope(self) -> np.ndarray:
        """Novelty scores; unsureness where there were too few labels to learn what is unknown."""
        if not self.knows_unknown:
            return 1 - self.probability
        return np.array([p.out_of_scope_probability for p in self.predictions], dtype=float)

    @property
    def right(self) -> np.ndarray:
        """Whether ``intent`` is the truth."""
        return np.asarray(self.intent == self.truth, dtype=bool)


def as_tickets(frame: pd.DataFrame) -> pd.DataFrame:
    """Texts as stage features would leave them; nobody knows when they were written."""
    texts = frame[TEXT].reset_index(drop=True)
    labels = frame[LABEL].reset_index(drop=True).astype("str")
    return pd.concat(
        [
            pd.DataFrame(
                {
                    "ticket_id": texts.index.astype(str),
                    "subject": "",
                    "body": texts,
                    "split": "train",
                    "intent_label": labels,
                    "intent_reviewed": pd.Series(None, index=texts.index, dtype="str"),
                    "intent_confirmed": False,
                }
            ),
            detect_language(texts.tolist()),
        ],
        axis=1,
    )


def benchmark_params(params: Params, seed: int, texts: int) -> Params:
    """The pipeline's parameters, but every label is learnt and every text used."""
    intent = params.intent.model_copy(
        update={"min_examples": FEWEST_EXAMPLES, "max_training_tickets": max(texts, 100)}
    )
    return params.model_copy(update={"seed": seed, "intent": intent})


def answers(model: IntentModel, frame: pd.DataFrame, remembering: "Remembering") -> Answers:
    """The model's answers to ``frame`` (text, label)."""
    sentences = model.sentences and Sentences(
        remembering(model.sentences), model.sentences.identity, model.sentences.languages
    )
    encoded = encode_tickets(as_tickets(frame), model.encoder, sentences)
    proposer, names = model.retriever.proposer, np.array(model.classes, dtype=object)
    ngrams = names[proposer.logits(proposer.weights(encoded.counts)).argmax(axis=1)]
    first = names[model.retriever.evidence(encoded, 1).candidates[:, 0]]
    return Answers(
        frame[LABEL].to_numpy(dtype=object),
        model.predict_encoded(encoded),
        ngrams,
        first,
        model.novelty is not None,
    )


Remembering = Callable[[Sentences], SentenceSource]


def forgetful(sentences: Sentences) -> SentenceSource:
    """The encoder itself, nothing remembered."""
    return sentences.source


def measure(
    texts: LabelledTexts,
    params: Params,
    seed: int,
    remembering: Remembering = forgetful,
    keep: Callable[[optuna.Study], None] = lambda _: None,
) -> dict[str, Any]:
    """Train, choose thresholds on validation texts (without them: out of fold), score the test texts once.

    ``keep`` is given the trials of the tuning.
    """
    started = time.perf_counter()
    used = benchmark_params(params, seed, len(texts.train))
    trained = train_intent(as_tickets(texts.train), used, remembering)
    seconds = time.perf_counter() - started
    keep(trained.study)
    model, chosen_on = trained.model, "out-of-fold predictions of the training texts"
    probability, right, known = _out_of_fold(trained, texts.train)
    if texts.validation is not None:
        chosen_on = "validation texts"
        validation = answers(model, texts.validation, remembering)
        probability, right, known = validation.probability, validation.right, validation.out_of_scope
    threshold = threshold_for_precision(probability, right, PRECISION)
    novelty_threshold = float(np.quantile(known, KEPT))
    test = answers(model, texts.test, remembering)
    strange = None if texts.out_of_scope is None else answers(model, texts.out_of_scope, remembering)
    seen = {folded(text) for text in texts.train[TEXT]}
    fresh = np.array([folded(text) not in seen for text in texts.test[TEXT]])
    return {
        "set": texts.name,
        "seed": seed,
        "encoder": trained.metrics["encoder"],
        "train_texts": len(texts.train),
        "test_texts": len(texts.test),
        "labels": len(model.classes),
        "thresholds_chosen_on": chosen_on,
        "test": figures(test, threshold, novelty_threshold, strange, seed),
        "test_texts_also_in_train": int((~fresh).sum()),
        "test_without_them": figures(_part(test, fresh), threshold, novelty_threshold, strange, seed),
        "validation": {
            "accuracy": float(right.mean()),
            "calibration_error": expected_calibration_error(probability, right),
        },
        "training_seconds": seconds,
        **milliseconds_per_ticket(model, texts.test),
    }


def time_alone(texts: LabelledTexts, params: Params, seed: int) -> dict[str, Any]:
    """How long one ticket takes a model of ``texts.train``, on its newest texts: no test text is scored."""
    used = benchmark_params(params, seed, len(texts.train))
    model = train_intent(as_tickets(texts.train), used).model
    return {"set": texts.name, "seed": seed, **milliseconds_per_ticket(model, texts.train)}


def _part(test: Answers, rows: np.ndarray) -> Answers:
    kept = np.flatnonzero(rows)
    return Answers(
        test.truth[kept],
        [test.predictions[i] for i in kept.tolist()],
        test.ngrams[kept],
        test.first[kept],
        test.knows_unknown,
    )


def _out_of_fold(trained: TrainedIntent, train: pd.DataFrame) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    said, told = trained.predictions, trained.foretold
    right = (said["intent"].to_numpy(dtype=object) == train[LABEL].to_numpy(dtype=object))[told.proven]
    known = told.out_of_scope[np.isfinite(told.out_of_scope)]
    probability = said["probability"].to_numpy()[told.proven]
    return probability, right, known if len(known) else 1 - probability


def threshold_for_precision(probability: np.ndarray, right: np.ndarray, precision: float) -> float | None:
    """The lowest probability from which on at least ``precision`` were right; ``None`` if there is none."""
    order = np.argsort(-probability, kind="stable")
    ranked = probability[order]
    running = np.cumsum(right[order]) / np.arange(1, len(order) + 1)
    ends = np.r_[ranked[1:] != ranked[:-1], True]  # texts of one probability are decided together
    good = np.flatnonzero((running >= precision) & ends)
    return float(ranked[good[-1]]) if len(good) else None


def figures(
    test: Answers,
    threshold: float | None,
    novelty_threshold: float,
    strange: Answers | None,
    seed: int,
) -> dict[str, Any]:
    """All figures of one list of texts; thresholds come from elsewhere."""
    if not len(test.truth):
        return {"texts": 0}
    right, probability = test.right, test.probability
    decided = probability >= threshold if threshold is not None else np.zeros(len(right), dtype=bool)
    found: dict[str, Any] = {
        "texts": len(right),
        "accuracy": float(right.mean()),
        "accuracy_interval": share_interval(right, seed),
        "macro_f1": macro_f1(test.truth, test.intent.astype(str)),
        "calibration_error": expected_calibration_error(probability, right),
        "calibration_error_if_perfect_90": calibration_range(probability, seed),
        "ngrams_linear_accuracy": accuracy(test.truth, test.ngrams),
        "first_candidate_accuracy": accuracy(test.truth, test.first),
        "gain_over_ngrams_interval": paired_difference_interval(right, test.ngrams == test.truth, seed),
        "gain_over_first_candidate_interval": paired_difference_interval(
            right, test.first == test.truth, seed
        ),
        "at_99_precision": {
            "threshold": threshold,
            "share_decided": float(decided.mean()),
            "share_decided_interval": share_interval(decided, seed),
            "realised_precision": float(right[decided].mean()) if decided.any() else None,
        },
        "precision_coverage": precision_coverage(probability, right, points=20).to_dict("records"),
        "out_of_scope_false_alarms": float(np.mean([p.out_of_scope for p in test.predictions])),
    }
    if strange is not None:
        scores = np.r_[test.out_of_scope, strange.out_of_scope]
        unknown = np.r_[np.zeros(len(right), bool), np.ones(len(strange.truth), bool)]
        linear = np.r_[-probability, -strange.probability]
        caught = strange.out_of_scope > novelty_threshold
        found["out_of_scope"] = {
            "texts": len(strange.truth),
            "auroc": auc(unknown, scores),
            "auroc_of_unsureness": auc(unknown, linear),
            "threshold": novelty_threshold,
            "recall": float(caught.mean()),
            "recall_interval": share_interval(caught, seed),
            "in_scope_kept": float((test.out_of_scope <= novelty_threshold).mean()),
        }
    return found


def milliseconds_per_ticket(model: IntentModel, frame: pd.DataFrame) -> dict[str, float]:
    """Median time of one ticket, encoder and ranker included, asked one after the other on one thread.

    On a busy machine the processor's time says more than the clock's.
    """
    tickets = as_tickets(frame.iloc[:TIMED_TEXTS])
    taken, worked = [], []
    for place in range(len(tickets)):
        one = tickets.iloc[[place]]
        started, began = time.perf_counter(), time.thread_time()
        model.predict(one)
        taken.append(time.perf_counter() - started)
        worked.append(time.thread_time() - began)
    return {
        "ms_per_ticket_p50": float(np.median(taken)) * 1_000,
        "processor_ms_per_ticket_p50": float(np.median(worked)) * 1_000,
    }
