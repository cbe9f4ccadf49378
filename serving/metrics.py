"""Prometheus metrics of one service: decisions by action, missing parts, requests and how long they took."""

import os

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.multiprocess import MultiProcessCollector

from serving.decision import Decision

_SECONDS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.04, 0.08, 0.15, 0.3, 0.6, 1.2, 2.5, 5.0)


class Metrics:
    """Counters of one process; ``page`` sums over all workers where Prometheus has a multi-process folder."""

    content_type = CONTENT_TYPE_LATEST

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._decisions = self._counter("decisions", "Decisions made", "action", "queue", "release")
        self._degraded = self._counter("degraded", "Decisions made without a part", "part")
        self._feedback = self._counter("feedback", "Feedback by verdict", "verdict")
        self._requests = self._counter("http_requests", "Requests answered", "route", "status")
        self._overdue_reviews = Gauge(
            "firstline_reviews_overdue",
            "Weekly reviews that should have been done",
            registry=self._registry,
            multiprocess_mode="mostrecent",
        )
        self._seconds = Histogram(
            "firstline_http_request_seconds",
            "From the request line to the answer",
            ["route"],
            buckets=_SECONDS,
            registry=self._registry,
        )

    def _counter(self, name: str, about: str, *labels: str) -> Counter:
        return Counter(f"firstline_{name}", about, labels, registry=self._registry)

    def count_decision(self, decision: Decision) -> None:
        """One decision was made and stored."""
        self._decisions.labels(decision.action, decision.route.queue, decision.release).inc()
        for part in decision.degraded:
            self._degraded.labels(part).inc()

    def count_feedback(self, verdict: str) -> None:
        """One piece of feedback was stored."""
        self._feedback.labels(verdict).inc()

    def set_overdue_reviews(self, cases: int) -> None:
        """So many weekly reviews should have been done by now."""
        self._overdue_reviews.set(cases)

    def count_request(self, route: str, status: int, seconds: float) -> None:
        """One request to ``route`` (the pattern, not the path) was answered with ``status``."""
        self._requests.labels(route, str(status)).inc()
        self._seconds.labels(route).observe(seconds)

    def page(self) -> bytes:
        """All metrics in Prometheus' text format."""
        if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
            return generate_latest(self._registry)
        everyone = CollectorRegistry()
        MultiProcessCollector(everyone)
        return generate_latest(everyone)
