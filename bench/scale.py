"""Messages a second by 1, 2 and 4 `todoke worker` processes on one PostgreSQL, hinted by Redis or RabbitMQ.

The deliveries lie in the inbox before the clock starts, so that nothing but the workers, the database and the mail
server uses the machine; the database's CPU is told apart, because workers share the cores with it.
"""

from __future__ import annotations

import argparse
import functools
import json
import time
from contextlib import ExitStack
from datetime import UTC, datetime

from bench import workload
from bench.installation import Home, ingested, installed, moment, started
from bench.limit import WARM
from bench.rounds import Figures, child, cpu_of, interleave, ratios, report, summary
from bench.sink import PROGRAM, sink

WORKERS = (1, 2, 4)
PATIENCE = 120  # seconds without any progress
COLUMNS = {
    "messages_s": "messages/s", "ratio": "of the fewest", "messages_cpu_s": "messages/CPU-s",
    "cpu_s": "workers' CPU s", "server_cpu_s": "server's CPU s", "cores": "cores in use", "wall_s": "wall s",
}  # fmt: skip


def run(workers: int, orders: int, broker: str) -> Figures:
    """One round: `orders` confirmations. Raises RuntimeError when the messages do not come to their end."""
    with sink() as mail, installed(mail, "postgres", broker) as home, ExitStack() as stack:
        now, warm = datetime.now(UTC), WARM * workers
        ingested(home, workload.orders(orders, now, first=1_000), "--no-work")
        held = home.number("SELECT max(id) FROM inbox")
        home.hold()
        crews = [stack.enter_context(started(home, "worker")) for _ in range(workers)]
        ingested(home, workload.orders(warm, now, first=10_000_000), "--no-work")
        _wait(home, warm)
        used, server, began = [cpu_of(one.pid) for one in crews], home.server_cpu(), time.perf_counter()
        home.let_go()
        _wait(home, warm + orders)
        wall, server = time.perf_counter() - began, home.server_cpu() - server
        cpu = sum(cpu_of(one.pid) for one in crews) - sum(used)
        first = moment(home.ask(f"SELECT min(processed_at) FROM inbox WHERE id <= {held}")[0][0])
        work = moment(home.ask("SELECT max(sent_at) FROM message")[0][0]) - first
    return {
        "messages_s": orders / work, "messages_cpu_s": orders / cpu, "cpu_s": cpu, "server_cpu_s": server,
        "wall_s": work, "cores": (cpu + server) / wall,
    }  # fmt: skip


def _wait(home: Home, sent: int) -> None:
    last, moved = -1, time.monotonic()
    while (now := home.sent()) < sent:
        if now != last:
            last, moved = now, time.monotonic()
        if time.monotonic() - moved > PATIENCE:
            raise RuntimeError(f"{now} of {sent} messages were sent: {home.states()}")
        time.sleep(0.1)


def main() -> None:
    """The command: rounds, table, JSON."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--orders", type=int, default=6000, help="each brings one message")
    asked.add_argument("--rounds", type=int, default=5)
    asked.add_argument("--workers", type=int, nargs="+", default=WORKERS)
    asked.add_argument("--broker", choices=("redis", "rabbitmq"), default="redis")
    asked.add_argument("--one", type=int, metavar="WORKERS", help="one round, here; prints its figures")
    given = asked.parse_args()
    if given.one:
        print(json.dumps(run(given.one, given.orders, given.broker)))
        return
    words = ("--orders", given.orders, "--broker", given.broker)
    contestants = {
        f"{many} workers": functools.partial(child, "scale", "--one", many, *words) for many in given.workers
    }
    found = interleave(contestants, given.rounds)
    told, single = summary(found), f"{given.workers[0]} workers"
    for name, ratio in ratios(found, "messages_s", single).items():
        told[name]["ratio"] = ratio
    report(
        "scale, by worker processes", told, COLUMNS, orders=given.orders, rounds=given.rounds, broker=given.broker,
        sink="smtp-sink" if PROGRAM else "asyncio",
    )  # fmt: skip


if __name__ == "__main__":
    main()
