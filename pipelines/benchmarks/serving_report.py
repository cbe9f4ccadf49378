"""What a run of the serving benchmark found: in words, and as published figures with their targets."""

from pipelines.benchmarks.serving import OVERLOAD, Figures
from pipelines.results import Result

IDLE = 0.2
"""Load average up to which the figures of a run may be quoted."""
COMMAND = "firstline benchmark serving --record"


def report(found: Figures) -> str:
    """The figures in words, one a line."""
    statuses = ", ".join(f"{status}: {n}" for status, n in found.overload_statuses.items())
    lines = [
        f"store of {found.stored_tickets:,} tickets, SQLite, server and load on one core each; "
        f"load average before the run {found.load_average:.2f}",
        f"one connection      p50 {found.one_p50_ms:.2f} ms, p99 {found.one_p99_ms:.2f} ms",
        f"in process          p50 {found.in_process_p50_ms:.2f} ms ({found.in_process_cpu_p50_ms:.2f} ms of "
        f"processor time); the service adds {found.overhead_p50_ms:.2f} ms",
        f"capacity            {found.capacity_per_second:.1f} requests a second; bare FastAPI "
        f"{found.fastapi_per_second:.1f}, ratio {found.ratio_vs_fastapi:.2f}",
        f"half the capacity   p50 {found.half_p50_ms:.2f} ms, p99 {found.half_p99_ms:.2f} ms",
        f"{OVERLOAD} times capacity   goodput {found.overload_goodput_share:.2f} of the capacity; {statuses}",
        f"memory              {found.worker_memory_mb:.0f} MB a worker",
    ]
    if found.mlflow_per_second is not None:
        lines.append(
            f"mlflow models serve {found.mlflow_per_second:.1f} requests a second with the intent alone, "
            f"p50 {found.mlflow_p50_ms:.2f} ms over one connection; ratio {_vs_mlflow(found):.2f}"
        )
    if found.load_average > IDLE:
        lines.append("the machine was busy: run this again when it is idle before quoting any figure")
    return "\n".join(lines)


def results(found: Figures) -> list[Result]:
    """The figures as published ones. Raises ``ValueError`` where the machine was busy."""
    if found.load_average > IDLE:
        raise ValueError(
            f"the load average before the run was {found.load_average:.2f}, more than {IDLE}: "
            "nothing was recorded; run it again on an idle machine"
        )
    data = f"store of {found.stored_tickets:,} tickets, SQLite, one core for the server and one for the load"
    refused = set(found.overload_statuses) - {"200", "429", "503"}

    def at_most(name: str, value: float, unit: str, most: float, reference: str, note: str = "") -> Result:
        return Result(name, value, unit, reference, f"<= {most:g}", value <= most, COMMAND, data, note)

    def at_least(name: str, value: float, least: float, met: bool, reference: str, note: str = "") -> Result:
        return Result(name, value, "", reference, f">= {least:g}", met, COMMAND, data, note)

    one = f"one connection: p50 {found.one_p50_ms:.2f} ms, p99 {found.one_p99_ms:.2f} ms"
    inside = (
        f"in process {found.in_process_p50_ms:.2f} ms, {found.in_process_cpu_p50_ms:.2f} ms of processor time"
    )
    bare = f"bare FastAPI and uvicorn: {found.fastapi_per_second:.1f} requests a second"
    share, ratio = found.overload_goodput_share, found.ratio_vs_fastapi
    statuses = f"requests by status: {dict(found.overload_statuses)}"
    beside = []
    if found.mlflow_per_second is not None:
        alone = (
            f"mlflow models serve, intent alone: {found.mlflow_per_second:.1f} requests a second, p50 "
            f"{found.mlflow_p50_ms:.2f} ms over one connection"
        )
        beside = [Result("serving.ratio_vs_mlflow", _vs_mlflow(found), "", alone, "", None, COMMAND, data)]
    return [
        *beside,
        at_most("serving.triage.p50_ms", found.half_p50_ms, "ms", 15, "half of the capacity", one),
        at_most("serving.triage.p99_ms", found.half_p99_ms, "ms", 40, "half of the capacity", one),
        Result("serving.triage.requests_per_second", found.capacity_per_second, "requests/s", bare, "", None,
               COMMAND, data),
        at_most("serving.overhead_p50_ms", found.overhead_p50_ms, "ms", 1.5, inside, one),
        at_least("serving.ratio_vs_fastapi", ratio, 0.85, ratio >= 0.85, bare),
        at_least("serving.goodput_share_at_10x", share, 0.8, share >= 0.8 and not refused,
                 "only 2xx, 429 and 503 are allowed", statuses),
        at_most("serving.worker_memory_mb", found.worker_memory_mb, "MB", 600, "resident, after saturation"),
    ]  # fmt: skip


def _vs_mlflow(found: Figures) -> float:
    """Whole decisions a second of the service, for each bare intent a second of MLflow's server."""
    return found.capacity_per_second / (found.mlflow_per_second or float("nan"))
