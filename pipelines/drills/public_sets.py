"""Every preset of ``firstline benchmark``, on the public sets that ``FIRSTLINE_DATASETS`` holds."""

from pipelines.benchmarks.command import CLAIMS, preset_results
from pipelines.results import Result

SEED = 0


def measure() -> list[Result]:
    """The figures of all presets. Raises ``BenchmarkDataError`` where a set is not there."""
    return [result for name in CLAIMS for result in preset_results(name, SEED)[1]]
