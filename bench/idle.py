"""What an installation costs that has nothing to do: CPU of `todoke up`, read from /proc, and of its servers."""

from __future__ import annotations

import argparse
import functools
import time
from collections import Counter
from pathlib import Path

from bench.installation import installed, running
from bench.rounds import TICK, Figures, cpu_of, interleave, peak_of, report, summary
from bench.servers import ask_on

COLUMNS = {"cpu_percent": "CPU, % of a core", "server_percent": "database, %", "peak_mb": "peak MB"}
SETTLE = 10  # seconds after the start: the first look, the first import


def run(database: str, broker: str, seconds: float, *, threads: bool = False) -> Figures:
    """One round: the CPU that `todoke up` uses in `seconds` without any work."""
    with installed(None, database, broker) as home, running(home, "up") as (process, _):
        time.sleep(SETTLE)
        cpu, server, before = cpu_of(process.pid), home.server_cpu(), _threads(process.pid)
        time.sleep(seconds)
        cpu, server, after = cpu_of(process.pid) - cpu, home.server_cpu() - server, _threads(process.pid)
        if threads:
            for name, used in (after - before).most_common():
                print(f"  {name}: {100 * used / TICK / seconds:.2f} %")
        found = {"cpu_percent": 100 * cpu / seconds, "peak_mb": peak_of(process.pid)}
        return found | ({"server_percent": 100 * server / seconds} if home.server else {})


def _threads(pid: int) -> Counter[str]:
    """Clock ticks of each thread."""
    found: Counter[str] = Counter()
    for task in Path(f"/proc/{pid}/task").iterdir():
        name, _, rest = (task / "stat").read_text().partition("(")[2].rpartition(")")
        fields = rest.split()
        found[f"{name} {task.name}"] = int(fields[11]) + int(fields[12])
    return found


def main() -> None:
    """The command: rounds, table, JSON."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--seconds", type=float, default=60)
    asked.add_argument("--rounds", type=int, default=5)
    ask_on(asked)
    asked.add_argument("--threads", action="store_true", help="tell each thread's part")
    given = asked.parse_args()
    contestants = {
        pair: functools.partial(run, *pair.split("+"), given.seconds, threads=given.threads) for pair in given.on
    }
    told = summary(interleave(contestants, given.rounds))
    report("idle", told, COLUMNS, rounds=given.rounds, seconds=given.seconds)


if __name__ == "__main__":
    main()
