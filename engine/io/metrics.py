"""What this process has done, counted, and how Prometheus reads it.

Counting is on the hot path, so it is a dictionary and a lock of ours; prometheus-client writes the exposition and is
imported by whoever is scraped, not by every command. No label names a merchant or a person.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Lock
from time import perf_counter
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from prometheus_client.core import Metric

SIZES = (1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0)
SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0)


class Tally:
    """A counter for each set of label values."""

    def __init__(self, name: str, text: str, *labels: str) -> None:
        self.name, self.text, self.labels = name, text, labels
        self._counts: dict[tuple[str, ...], int] = {}
        self._lock = Lock()

    def add(self, *values: str) -> None:
        """Count one more under these label values."""
        with self._lock:
            self._counts[values] = self._counts.get(values, 0) + 1

    def add_all(self, values: Iterable[tuple[str, ...]]) -> None:
        """Count one more for each of these."""
        with self._lock:
            for one in values:
                self._counts[one] = self._counts.get(one, 0) + 1

    def read(self) -> Mapping[tuple[str, ...], int]:
        """Label values -> count."""
        with self._lock:
            return dict(self._counts)


class Spread:
    """A histogram: how many values fell up to each bound, and their sum."""

    def __init__(self, name: str, text: str, bounds: Sequence[float]) -> None:
        self.name, self.text, self.bounds = name, text, bounds
        self._counts = [0] * (len(bounds) + 1)
        self._sum = 0.0
        self._lock = Lock()

    def add(self, value: float) -> None:
        """One value more."""
        with self._lock:
            self._counts[bisect_left(self.bounds, value)] += 1
            self._sum += value

    @contextmanager
    def timed(self) -> Iterator[None]:
        """How many seconds the block took, also one that fails."""
        began = perf_counter()
        try:
            yield
        finally:
            self.add(perf_counter() - began)

    def read(self) -> tuple[list[tuple[str, float]], float]:
        """((upper bound, values up to it) in rising order, sum of all values)."""
        with self._lock:
            counts, total = list(self._counts), self._sum
        below, found = 0, []
        for bound, count in zip((*map(str, self.bounds), "+Inf"), counts, strict=True):
            below += count
            found.append((bound, float(below)))
        return found, total


@dataclass(frozen=True, kw_only=True)
class Gauge:
    """A figure read when somebody asks: label values -> value."""

    name: str
    text: str
    labels: tuple[str, ...] = ()
    values: Mapping[Any, float] = field(default_factory=dict)


DELIVERIES = Tally("todoke_deliveries", "Deliveries by connector and the HTTP status of the answer",
                   "connector", "answer")  # fmt: skip
ATTEMPTS = Tally("todoke_attempts", "Attempts to send by channel and outcome", "channel", "outcome")
CALLS = Tally("todoke_hook_calls", "Events posted to endpoints and what became of them", "fate")
HINTS = Tally("todoke_hints", "Hints by kind and what became of them", "kind", "fate")
GROUPS = Spread("todoke_intake_commit_deliveries", "Deliveries that shared one commit of the intake", SIZES)
OBSERVE = Spread("todoke_observe_seconds", "Seconds for one batch of deliveries, from reading to commit", SECONDS)
SEND = Spread(
    "todoke_send_seconds", "Seconds for one merchant's batch of messages, from the gate to written outcomes", SECONDS
)

TALLIES = (DELIVERIES, ATTEMPTS, CALLS, HINTS)
SPREADS = (GROUPS, OBSERVE, SEND)


class _Ours:
    """Everything counted here, and the gauges handed in, as prometheus-client wants it."""

    def __init__(self, gauges: Iterable[Gauge]) -> None:
        self._gauges = gauges

    def collect(self) -> Iterator[Metric]:
        from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily

        for tally in TALLIES:
            counter = CounterMetricFamily(tally.name, tally.text, labels=tally.labels)
            for values, count in sorted(tally.read().items()):
                counter.add_metric(values, count)
            yield counter
        for spread in SPREADS:
            buckets, total = spread.read()
            yield HistogramMetricFamily(spread.name, spread.text, buckets=buckets, sum_value=total)
        for one in self._gauges:
            gauge = GaugeMetricFamily(one.name, one.text, labels=one.labels)
            for values, value in one.values.items():
                gauge.add_metric(values, value)
            yield gauge


def exposition(gauges: Iterable[Gauge] = ()) -> tuple[bytes, str]:
    """(body, content type) of what is known now: this process's counters, its CPU and memory, and the gauges."""
    from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
    from prometheus_client.exposition import CONTENT_TYPE_LATEST

    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    registry.register(_Ours(gauges))
    return generate_latest(registry), CONTENT_TYPE_LATEST
