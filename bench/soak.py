"""Does an installation stay as it is? `todoke up` for minutes or hours under steady webhooks: open files, threads,
memory, CPU and latency of the last laps beside those of the first. A lap is so many orders, then their shipments, until
all their mail is accepted.

What is kept for ever is meant to grow with the orders, and that is the database. All else that grows is a leak.
"""

from __future__ import annotations

import argparse
import functools
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

from bench import workload
from bench.installation import Home, installed, moment, running
from bench.rounds import Figures, child, cpu_of, interleave, report, summary
from bench.servers import ask_on
from bench.sink import sink

LAP = 500  # orders
PATIENCE = 120  # seconds for the mail of a lap, once its webhooks are taken
COLUMNS = {
    "files": "open files", "threads": "threads", "memory_mb": "memory, MB", "cpu_ms": "CPU of a message, ms",
    "p50_ms": "p50, ms", "p95_ms": "p95, ms",
}  # fmt: skip
ENDS = ("first", "last")  # thirds of the laps
WAITS = """SELECT inbox.received_at, message.sent_at FROM message JOIN observation USING (subject_id)
    JOIN inbox ON inbox.id = observation.inbox_id WHERE inbox.id > {after} AND message.status = 'sent' AND inbox.topic =
    CASE message.template WHEN 'order_confirmed' THEN 'orders/create' ELSE 'fulfillments/create' END"""


def run(database: str, broker: str, minutes: float, rate: float) -> Figures:
    """One round. Raises RuntimeError when a webhook is refused or a message is not sent."""
    with sink() as mail, installed(mail, database, broker) as home, running(home, "up") as (process, port):
        _lap(home, process.pid, port, 0, rate)  # caches and connections are there after it
        until, laps = time.monotonic() + minutes * 60, list[Figures]()
        while not laps or time.monotonic() < until:
            laps.append(_lap(home, process.pid, port, len(laps) + 1, rate))
            told = ", ".join(f"{name} {laps[-1][key]:.4g}" for key, name in COLUMNS.items())
            print(f"    {database}+{broker}, lap {len(laps)}: {told}", file=sys.stderr, flush=True)
    some = max(1, len(laps) // 3)
    thirds = zip(ENDS, (laps[:some], laps[-some:]), strict=True)
    found = {f"{end} {key}": median(lap[key] for lap in part) for end, part in thirds for key in COLUMNS}
    return found | {"messages": 2 * LAP * len(laps)}


def _lap(home: Home, pid: int, port: int, number: int, rate: float) -> Figures:
    cpu, sent = cpu_of(pid), home.sent()
    after = home.number("SELECT coalesce(max(id), 0) FROM inbox")
    for make in (workload.orders, workload.shipments):
        path = home.path / "lap.jsonl"
        workload.write(path, make(LAP, datetime.now(UTC), number * LAP + 1))
        taken = child("client", port, f"/in/{home.source}", path, 32, rate)["accepted"]
        if taken != LAP:
            raise RuntimeError(f"{taken} of {LAP} webhooks were taken")
        sent, until = sent + LAP, time.monotonic() + PATIENCE
        while home.sent() < sent:
            if time.monotonic() > until:
                raise RuntimeError(f"lap {number}: {sent - home.sent()} messages were not sent: {home.states()}")
            time.sleep(0.5)
    waits = sorted((moment(sent_at) - moment(got)) * 1000 for got, sent_at in home.ask(WAITS.format(after=after)))
    process = Path(f"/proc/{pid}")
    status = dict(line.split(":\t", 1) for line in (process / "status").read_text().splitlines() if ":\t" in line)
    return {
        "files": len(list((process / "fd").iterdir())), "threads": int(status["Threads"]),
        "memory_mb": int(status["VmRSS"].split()[0]) / 1024, "cpu_ms": 1000 * (cpu_of(pid) - cpu) / (2 * LAP),
        "p50_ms": waits[len(waits) // 2], "p95_ms": waits[int(len(waits) * 0.95)],
    }  # fmt: skip


def main() -> None:
    """The command: rounds, table, JSON."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--minutes", type=float, default=30, help="of every round")
    asked.add_argument("--rate", type=float, default=40, help="webhooks a second")
    asked.add_argument("--rounds", type=int, default=1)
    ask_on(asked)
    given = asked.parse_args()
    contestants = {pair: functools.partial(run, *pair.split("+"), given.minutes, given.rate) for pair in given.on}
    found = interleave(contestants, given.rounds)
    told = summary({
        f"{pair}, {end} laps": [
            {key: one[f"{end} {key}"] for key in COLUMNS} | {"messages": one["messages"]} for one in rounds
        ]
        for pair, rounds in found.items() for end in ENDS
    })  # fmt: skip
    columns = {**COLUMNS, "messages": "messages in all"}
    report("soak", told, columns, rounds=given.rounds, minutes=given.minutes, rate=given.rate)


if __name__ == "__main__":
    main()
