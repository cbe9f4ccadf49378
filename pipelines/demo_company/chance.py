"""Seeded chance, the same on every machine: one stream per entity, and no logarithm or cosine."""

import hashlib
from collections.abc import Mapping, Sequence
from random import Random
from typing import TypeVar

import numpy as np

Choice = TypeVar("Choice")


def stream(*parts: object) -> Random:
    """A random stream of its own for the entity named by ``parts``, for example ``(seed, "account", 7)``."""
    return Random(":".join(map(str, parts)))  # noqa: S311 - a simulation, not a secret


def array_stream(*parts: object) -> np.random.Generator:
    """Like :func:`stream`, for whole arrays at once. Use only ``random`` and ``integers`` of it."""
    digest = hashlib.sha256(":".join(map(str, parts)).encode()).digest()
    return np.random.Generator(np.random.PCG64(int.from_bytes(digest[:16], "big")))


def quantile(rng: Random, knots: Sequence[float]) -> float:
    """A draw from the distribution whose equally spaced quantiles (0 ... 1) are ``knots``."""
    place = rng.random() * (len(knots) - 1)
    below = int(place)
    return knots[below] + (knots[below + 1] - knots[below]) * (place - below)


def weighted(rng: Random, weights: Mapping[Choice, float]) -> Choice:
    """One key, drawn with probability proportional to its weight."""
    remaining = rng.random() * sum(weights.values())
    for key, weight in weights.items():
        remaining -= weight
        if remaining < 0:
            return key
    return key


def count(rng: Random, mean: float) -> int:
    """A whole number with the given mean: the successes among many small trials."""
    trials = max(8, int(mean * 4) + 1)
    share = mean / trials
    return sum(rng.random() < share for _ in range(trials))
