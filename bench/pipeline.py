"""Deliveries to accepted mail: Todoke from recorded deliveries and through HTTP, beside the hand-written limit and,
with --usual, what people usually build (Celery + Redis, django-post_office). One merchant, one mail server; SQLite,
and with --database postgres PostgreSQL beside it, whose own CPU is told apart.
"""

from __future__ import annotations

import argparse
import functools
from collections.abc import Callable, Mapping
from statistics import median

from bench.limit import COLUMNS
from bench.rounds import Figures, child, interleave, ratios, report, summary
from bench.servers import BROKERS, DATABASES
from bench.sink import PROGRAM

HTTP = "todoke up (HTTP)"
Over = tuple[str, ...]  # what chooses the installation that the webhooks are posted to
EVERY = {
    **COLUMNS,
    "ratio": "of the limit, per CPU-s",
    "server_cpu_s": "server's CPU s",
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
    asked.add_argument("--database", choices=DATABASES, default="sqlite", help="postgres: beside SQLite")
    asked.add_argument("--broker", choices=BROKERS, nargs="+", default=["redis"], help="beside PostgreSQL")
    asked.add_argument("--profile", metavar="FILE", help="one round of recorded deliveries under cProfile, and stop")
    given = asked.parse_args()
    if given.profile:
        print(child("ingest", given.orders, "--profile", given.profile, "--database", given.database))
        return
    contestants: dict[str, Callable[[], Figures]] = {
        "limit": functools.partial(child, "limit", "--one", "--orders", given.orders),
        "todoke ingest": functools.partial(child, "ingest", given.orders),
    }
    http: dict[str, Over] = {"SQLite": ()}
    if given.database == "postgres":
        on: Over = ("--database", "postgres")
        contestants["todoke ingest, PostgreSQL"] = functools.partial(child, "ingest", given.orders, *on)
        http |= {f"PostgreSQL + {broker}": (*on, "--broker", broker) for broker in given.broker}
    for name, on in http.items():
        contestants[f"{HTTP}, {name}"] = functools.partial(child, "over_http", given.orders, *on)
    if given.usual:
        from bench.usual import prepare

        contestants |= prepare.contestants(given.orders)
    _tell(interleave(contestants, given.rounds), http, given.orders, given.rounds)


def _tell(found: dict[str, list[Figures]], http: Mapping[str, Over], orders: int, rounds: int) -> None:
    calm: dict[str, Callable[[], Figures]] = {}
    rates = {}
    for name, on in http.items():
        full = found[f"{HTTP}, {name}"]
        for one in full:  # under a full load these only tell how long the queue was
            one.pop("p50_ms"), one.pop("p99_ms"), one.pop("late_ms")
        rates[name] = [median(one[phase] for one in full) / 2 for phase in ("orders_s", "shipments_s")]
        calm[f"{HTTP}, {name}, half load"] = functools.partial(child, "over_http", orders, *rates[name], *on)
    told = summary(found | interleave(calm, rounds))
    for name, ratio in ratios(found, "messages_cpu_s", "limit").items():
        told[name]["ratio"] = ratio
    report(
        "pipeline", told, EVERY, orders=orders, rounds=rounds, sink="smtp-sink" if PROGRAM else "asyncio",
        half_load_deliveries_s=rates,
    )  # fmt: skip


if __name__ == "__main__":
    main()
