"""Deliveries to accepted mail: Todoke from recorded deliveries and through HTTP, beside the hand-written limit and,
with --usual, what people usually build (Celery + Redis, django-post_office). SQLite, one merchant, one mail server.
"""

from __future__ import annotations

import argparse
import functools
from collections.abc import Callable
from statistics import median

from bench.limit import COLUMNS
from bench.rounds import Figures, child, interleave, ratios, report, summary
from bench.sink import PROGRAM

EVERY = {
    **COLUMNS,
    "ratio": "of the limit, per CPU-s",
    "p50_ms": "p50 ms",
    "p99_ms": "p99 ms",
    "late_ms": "client late, ms",
}


def main() -> None:
    """The command: rounds, table, JSON."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--orders", type=int, default=1000, help="each brings two messages")
    asked.add_argument("--rounds", type=int, default=5)
    asked.add_argument("--usual", action="store_true", help="the usual stacks too; makes a venv of their own")
    asked.add_argument("--profile", metavar="FILE", help="one round of recorded deliveries under cProfile, and stop")
    given = asked.parse_args()
    if given.profile:
        print(child("ingest", given.orders, given.profile))
        return
    contestants: dict[str, Callable[[], Figures]] = {
        "limit": functools.partial(child, "limit", "--one", "--orders", given.orders),
        "todoke ingest": functools.partial(child, "ingest", given.orders),
        "todoke up (HTTP)": functools.partial(child, "over_http", given.orders),
    }
    if given.usual:
        from bench.usual import prepare

        contestants |= prepare.contestants(given.orders)
    found = interleave(contestants, given.rounds)
    _tell(found, given.orders, given.rounds)


def _tell(found: dict[str, list[Figures]], orders: int, rounds: int) -> None:
    http = found["todoke up (HTTP)"]
    for one in http:  # under a full load these only tell how long the queue was
        one.pop("p50_ms"), one.pop("p99_ms"), one.pop("late_ms")
    rates = [median(one[phase] for one in http) / 2 for phase in ("orders_s", "shipments_s")]
    calm = functools.partial(child, "over_http", orders, *rates)
    halved = interleave({"todoke up (HTTP), half load": calm}, max(1, rounds // 2))
    told = summary(found | halved)
    for name, ratio in ratios(found, "messages_cpu_s", "limit").items():
        told[name]["ratio"] = ratio
    report(
        "pipeline", told, EVERY, orders=orders, rounds=rounds, sink="smtp-sink" if PROGRAM else "asyncio",
        half_load_deliveries_s=rates,
    )  # fmt: skip


if __name__ == "__main__":
    main()
