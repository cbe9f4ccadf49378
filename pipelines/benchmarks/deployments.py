"""Does risk control keep its promise? Made-up deployments whose true precision is known.

A deployment is a desk: intents from common to rare, some in several languages that the model reads unequally
well, probabilities that are too bold or too timid, a few hundred to some thousand verified cases, and labels
of these that are themselves sometimes wrong. Nothing in it is taken from a data set.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from models.risk import ThresholdEvidence, automation_thresholds
from pipelines.results import Result

PRECISION = CONFIDENCE = 0.95
MANY_CASES = (1_000, 5_000)
POPULATION = 600
"""Tickets of one intent and language that stand for all that will ever come."""


@dataclass(frozen=True)
class Cell:
    """The future tickets of one intent in one language: what the model claims, and how often it is right.

    ``weight``: share of the desk's tickets; the arrays have one entry per ticket.
    """

    intent: str
    language: str
    weight: float
    claimed: np.ndarray
    true: np.ndarray


@dataclass(frozen=True)
class Deployment:
    """A desk and its verified cases (``intent``, ``language``, ``probability``, ``correct``)."""

    cells: tuple[Cell, ...]
    evidence: pd.DataFrame


@dataclass(frozen=True)
class Outcome:
    """What became of one deployment; shares are of all its tickets.

    ``precision``: true share right among what is automated, ``None`` if nothing is. ``granted`` and
    ``broken``: promises made, one per threshold, and those whose true precision is below it. ``cases``: how
    many were verified.
    """

    cases: int
    automated: float
    possible: float
    precision: float | None
    granted: int
    broken: int


def draw_deployment(rng: np.random.Generator) -> Deployment:
    """One random desk: 3 to 15 intents (Zipf), 500 to 20,000 cases read by two reviewers who may err."""
    intents = int(rng.integers(3, 16))
    shares = 1 / np.arange(1, intents + 1)
    languages = int(rng.integers(1, 4))
    cells = []
    for place, share in enumerate(shares / shares.sum()):
        mix = rng.dirichlet(np.r_[6.0, np.ones(languages - 1)])
        sure, level = rng.uniform(0.5, 0.95), rng.uniform(50, 400)
        slope, shift = rng.uniform(0.7, 1.4), rng.normal(0, 0.5)
        for language, part in enumerate(mix):
            harder = rng.uniform(0.3, 1.0) if language else 1.0
            true = np.where(
                rng.random(POPULATION) < sure * harder,
                rng.beta(level * harder, 1, POPULATION),
                rng.beta(2, 2, POPULATION),
            )
            odds = slope * np.log(true / (1 - true + 1e-9) + 1e-9) + shift
            claimed = 1 / (1 + np.exp(-odds))
            cells.append(Cell(f"intent {place}", f"l{language}", share * part, claimed, true))
    return Deployment(tuple(cells), _verified(cells, rng))


def _verified(cells: list[Cell], rng: np.random.Generator) -> pd.DataFrame:
    """Cases on which two reviewers agree. Each errs up to 6 % of the time, thrice as often where it is hard.

    Half of their errors are towards the same other intent, which is the model's where that is wrong. So right
    answers are taken for wrong ones, wrong ones for right ones, and hard cases are left out more often.
    """
    cases, errs = int(10 ** rng.uniform(np.log10(500), np.log10(20_000))), rng.uniform(0, 0.06)
    cell = rng.choice(len(cells), cases, p=np.array([each.weight for each in cells]))
    rows = rng.integers(0, POPULATION, cases)
    chance = np.array([each.true for each in cells])[cell, rows]
    right = rng.random(cases) < chance
    wrong_label = rng.random((2, cases)) < errs * (1 + 2 * (1 - chance))
    same = wrong_label & (rng.random((2, cases)) < 0.5)
    fooled, agreed = same.all(axis=0), ~wrong_label.any(axis=0)
    kept = np.flatnonzero(fooled | agreed)
    intents, languages = ([getattr(each, name) for each in cells] for name in ("intent", "language"))
    return pd.DataFrame(
        {
            "intent": _named(intents, cell[kept]),
            "language": _named(languages, cell[kept]),
            "probability": np.array([each.claimed for each in cells])[cell[kept], rows[kept]],
            "correct": (right != fooled)[kept],
        }
    )


def _named(names: list[str], places: np.ndarray) -> "pd.Series[Any]":
    known, codes = np.unique(names, return_inverse=True)
    return pd.Series(codes[places]).astype("category").cat.rename_categories(known.tolist())


def outcome(deployment: Deployment, precision: float, confidence: float) -> Outcome:
    """The deployment under ``automation_thresholds``, beside an oracle that knows the true precision.

    The oracle automates each intent and language from the lowest probability on that keeps the promise.
    """
    thresholds = automation_thresholds(deployment.evidence, precision, confidence)
    automated, possible = [], []
    granted: dict[tuple[str, str], list[tuple[float, float]]] = {}
    for cell in deployment.cells:
        share = cell.weight / POPULATION
        possible.append(_oracle(cell, precision) * share)
        whole = thresholds.get(cell.intent)
        proof: ThresholdEvidence | None = whole and whole.of(cell.language)
        if whole is None or proof is None or proof.threshold is None:
            continue
        chosen = cell.claimed >= proof.threshold
        automated.append((chosen.sum() * share, cell.true[chosen].sum() * share))
        promise = (cell.intent, cell.language if cell.language in whole.by_language else "")
        granted.setdefault(promise, []).append(automated[-1])
    total, right = np.sum(automated, axis=0) if automated else (0.0, 0.0)
    sums = [np.sum(parts, axis=0) for parts in granted.values()]
    broken = sum(good < precision * every for every, good in sums)
    automation = float(total), sum(possible), right / total if total else None
    return Outcome(len(deployment.evidence), *automation, len(granted), int(broken))


def _oracle(cell: Cell, precision: float) -> int:
    order = np.argsort(-cell.claimed, kind="stable")
    running = np.cumsum(cell.true[order]) / np.arange(1, POPULATION + 1)
    good = np.flatnonzero(running >= precision)
    return int(good[-1]) + 1 if len(good) else 0


def outcomes(deployments: int, precision: float, confidence: float, seed: int) -> Iterator[Outcome]:
    """Of so many random desks."""
    rng = np.random.default_rng(seed)
    for _ in range(deployments):
        yield outcome(draw_deployment(rng), precision, confidence)


def summary(found: Sequence[Outcome], precision: float) -> dict[str, float]:
    """Shares over deployments: ``held_share`` of those whose automated tickets are right often enough.

    ``promises_kept_share`` of all thresholds granted, each for one intent (and language);
    ``every_promise_kept_share`` of deployments without a broken one, which nobody promises;
    ``share_of_oracle``: what is automated beside what could be.
    """
    granted = sum(one.granted for one in found)
    return {
        "deployments": len(found),
        "held_share": sum(one.precision is None or one.precision >= precision for one in found) / len(found),
        "promises": granted,
        "promises_kept_share": 1 - sum(one.broken for one in found) / max(granted, 1),
        "every_promise_kept_share": sum(not one.broken for one in found) / len(found),
        "automated_share": sum(one.automated for one in found) / len(found),
        "share_of_oracle": sum(one.automated for one in found) / sum(one.possible for one in found),
    }


def few_and_many(found: Sequence[Outcome]) -> dict[str, float]:
    """``share_of_oracle`` by how many cases were verified: too few of them cannot prove anything."""
    few, many = MANY_CASES
    parts = {
        f"under {few:,}": [one for one in found if one.cases < few],
        f"{few:,} to {many:,}": [one for one in found if few <= one.cases < many],
        f"over {many:,}": [one for one in found if one.cases >= many],
    }
    return {
        name: sum(one.automated for one in part) / sum(one.possible for one in part)
        for name, part in parts.items()
        if part
    }


def results(deployments: int, seed: int) -> list[Result]:
    """The simulation's figures as the project claims them."""
    found = list(outcomes(deployments, PRECISION, CONFIDENCE, seed))
    told, by_cases = summary(found, PRECISION), few_and_many(found)
    described = (
        f"firstline benchmark risk --deployments {deployments} --seed {seed}",
        f"{deployments:,} made-up desks of 3 to 15 intents with 500 to 20,000 cases read by two reviewers",
    )
    kept = (
        f"of {told['promises']:,.0f} thresholds, each promised for one intent (and language), "
        f"{told['promises_kept_share']:.4f} kept 95 % precision; every one of them in "
        f"{told['every_promise_kept_share']:.3f} of the desks"
    )
    shares = ", ".join(f"{name} cases {share:.2f}" for name, share in by_cases.items())
    held, oracle = float(told["held_share"]), float(told["share_of_oracle"])
    return [
        Result(
            "risk.promise_held_share",
            held,
            "",
            "what is automated is truly right at least 95 % of the time",
            ">= 0.95",
            held >= 0.95,
            *described,
            kept,
        ),
        Result(
            "risk.automated_share_of_oracle",
            oracle,
            "",
            "an oracle that knows the true precision",
            ">= 0.7",
            oracle >= 0.7,
            *described,
            f"{told['automated_share']:.3f} of tickets automated; of what the oracle could, with {shares}",
        ),
    ]
