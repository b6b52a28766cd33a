"""Durable acknowledgements a second: signed webhooks to a real `todoke web`, beside an empty endpoint on its server.

Every 2xx of the intake means that the delivery is committed and on disk (WAL, synchronous=FULL).
"""

from __future__ import annotations

import argparse
import functools
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from bench.installation import installed, running
from bench.pressure import WRK, press
from bench.rounds import ROOT, Figures, cpu_of, environment, interleave, ratios, report, summary
from bench.sink import free_port, wait_for

CONCURRENCY = (1, 8, 32, 128)
COLUMNS = {
    "acks_s": "acks/s", "acks_cpu_s": "acks/CPU-s", "p50_ms": "p50 ms", "p99_ms": "p99 ms", "ratio": "of the empty one",
}  # fmt: skip


def main() -> None:
    """The command: rounds, table, JSON."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--seconds", type=float, default=3, help="of one measurement")
    asked.add_argument("--rounds", type=int, default=5)
    asked.add_argument("--concurrency", type=int, nargs="+", default=CONCURRENCY)
    given = asked.parse_args()
    with installed(None) as home, running(home, "web") as (web, port), _empty() as (nothing, other):
        contestants: dict[str, Callable[[], Figures]] = {}
        for level in given.concurrency:
            run = functools.partial(_run, connections=level, seconds=given.seconds, path=f"/in/{home.source}")
            contestants[f"empty, {level}"] = functools.partial(run, nothing.pid, other)
            contestants[f"intake, {level}"] = functools.partial(run, web.pid, port)
        found = interleave(contestants, given.rounds)
    told = summary(found)
    for level in given.concurrency:
        pair = {name: found[name] for name in (f"empty, {level}", f"intake, {level}")}
        told[f"intake, {level}"]["ratio"] = ratios(pair, "acks_s", f"empty, {level}")[f"intake, {level}"]
    client = "wrk" if WRK else "asyncio"
    report("intake, by connections at once", told, COLUMNS, rounds=given.rounds, seconds=given.seconds, client=client)


def _run(pid: int, port: int, *, connections: int, seconds: float, path: str) -> Figures:
    cpu = cpu_of(pid)
    told = press(port, path, connections, seconds)
    if told["failed"]:
        raise RuntimeError(f"{told['failed']:.0f} of {told['requests']:.0f} requests were not acknowledged")
    return {
        "acks_s": told["requests"] / told["seconds"], "acks_cpu_s": told["requests"] / (cpu_of(pid) - cpu),
        "p50_ms": told["p50_ms"], "p99_ms": told["p99_ms"],
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
