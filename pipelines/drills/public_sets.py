"""Presets of ``firstline benchmark intent`` on the sets of ``FIRSTLINE_DATASETS``, and ``benchmark risk``."""

from pipelines.benchmarks.command import CLAIMS, preset_results
from pipelines.benchmarks.deployments import results
from pipelines.results import Result

SEED, DEPLOYMENTS = 0, 2_000


def measure() -> list[Result]:
    """The figures of all presets. Raises ``BenchmarkDataError`` where a set is not there."""
    measured = [result for name in CLAIMS for result in preset_results(name, SEED)[1]]
    return [*measured, *results(DEPLOYMENTS, SEED)]
