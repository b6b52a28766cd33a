"""Durable acknowledgements a second: signed webhooks to a real `todoke web`, beside an empty endpoint on its server.

Every 2xx of the intake means that the delivery is committed and on disk (SQLite: WAL, synchronous=FULL; PostgreSQL:
fsync and synchronous_commit on).
"""

from __future__ import annotations

import argparse
import functools
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

from bench.installation import Home, installed, running
from bench.pressure import WRK, press
from bench.rounds import ROOT, Figures, cpu_of, environment, interleave, ratios, report, summary
from bench.servers import DATABASES
from bench.sink import wait_for
from tests.services.ports import free_port

CONCURRENCY = (1, 8, 32, 128)
COLUMNS = {
    "acks_s": "acks/s", "acks_cpu_s": "acks/CPU-s", "p50_ms": "p50 ms", "p99_ms": "p99 ms", "ratio": "of the empty one",
    "cpu_ratio": "per CPU-s",
    "server_cpu_share": "server's CPUs",
}  # fmt: skip


def main() -> None:
    """The command: rounds, table, JSON."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--seconds", type=float, default=3, help="of one measurement")
    asked.add_argument("--rounds", type=int, default=5)
    asked.add_argument("--concurrency", type=int, nargs="+", default=CONCURRENCY)
    asked.add_argument("--database", choices=DATABASES, nargs="+", default=["sqlite"])
    given = asked.parse_args()
    with ExitStack() as stack:
        nothing, other = stack.enter_context(_empty())
        webs = []
        for database in given.database:
            home = stack.enter_context(installed(None, database))
            webs.append((database, home, *stack.enter_context(running(home, "web"))))
        contestants: dict[str, Callable[[], Figures]] = {}
        for level in given.concurrency:
            run = functools.partial(_run, connections=level, seconds=given.seconds)
            contestants[f"empty, {level}"] = functools.partial(run, None, nothing.pid, other)
            for database, home, web, port in webs:
                contestants[f"{database}, {level}"] = functools.partial(run, home, web.pid, port)
        found = interleave(contestants, given.rounds)
    told = summary(found)
    for level in given.concurrency:
        of_level = {name: rounds for name, rounds in found.items() if name.endswith(f", {level}")}
        for name, ratio in ratios(of_level, "acks_s", f"empty, {level}").items():
            told[name]["ratio"] = ratio
        for name, ratio in ratios(of_level, "acks_cpu_s", f"empty, {level}").items():
            told[name]["cpu_ratio"] = ratio
    client = "wrk" if WRK else "asyncio"
    report("intake, by connections at once", told, COLUMNS, rounds=given.rounds, seconds=given.seconds, client=client)


def _run(home: Home | None, pid: int, port: int, *, connections: int, seconds: float) -> Figures:
    cpu, server = cpu_of(pid), home.server_cpu() if home else 0.0
    told = press(port, f"/in/{home.source}" if home else "/in/nobody", connections, seconds)
    if told["failed"]:
        raise RuntimeError(f"{told['failed']:.0f} of {told['requests']:.0f} requests were not acknowledged")
    return {
        "acks_s": told["requests"] / told["seconds"], "acks_cpu_s": told["requests"] / (cpu_of(pid) - cpu),
        "p50_ms": told["p50_ms"], "p99_ms": told["p99_ms"],
        **({"server_cpu_share": (home.server_cpu() - server) / told["seconds"]} if home and home.server else {}),
    }  # fmt: skip


@contextmanager
def _empty() -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    port = free_port()
    process = subprocess.Popen([sys.executable, "-m", "bench.empty", str(port)], env=environment(), cwd=ROOT)
    try:
        wait_for(port)
        yield process, port
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=30)


if __name__ == "__main__":
    main()
