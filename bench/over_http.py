"""One round: signed webhooks posted to a real `todoke up`, until the mail server has accepted every message."""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from bench import workload
from bench.installation import Home, installed, moment, running
from bench.limit import WARM
from bench.rounds import child, cpu_of, peak_of
from bench.sink import sink

CONNECTIONS = 32
PATIENCE = 300  # seconds without any progress
WAITS = """
SELECT DISTINCT message.id, inbox.received_at, message.sent_at
FROM message JOIN observation USING (subject_id) JOIN inbox ON inbox.id = observation.inbox_id
WHERE message.status = 'sent' AND inbox.topic = CASE message.template
      WHEN 'order_confirmed' THEN 'orders/create' ELSE 'fulfillments/create' END
"""


def run(
    count: int, rates: Sequence[float] = (0, 0), database: str = "sqlite", broker: str = "memory"
) -> dict[str, float]:
    """`count` orders, then their shipments, each at its rate (deliveries a second; 0: as fast as they are taken).

    Raises RuntimeError when a webhook is refused or a message is not sent.
    """
    with sink() as mail, installed(mail, database, broker) as home:
        now = datetime.now(UTC)
        files = [home.path / f"{name}.jsonl" for name in ("warm-orders", "warm-shipments", "orders", "shipments")]
        for path, (make, number, first) in zip(files, workload.plan(count, WARM), strict=True):
            workload.write(path, make(number, now, first))
        with running(home, "up") as (process, port):
            for path in files[:2]:
                _phase(home, port, path, WARM, 0)
            cpu, server = cpu_of(process.pid), home.server_cpu()
            phases = [_phase(home, port, path, count, rate) for path, rate in zip(files[2:], rates, strict=True)]
            cpu, peak = cpu_of(process.pid) - cpu, peak_of(process.pid)
            server = home.server_cpu() - server
        walls = [wall for wall, _ in phases]
        waits = sorted(_waits(home))
    return {
        "messages_s": 2 * count / sum(walls), "messages_cpu_s": 2 * count / cpu, "wall_s": sum(walls), "cpu_s": cpu,
        "peak_mb": peak, "orders_s": count / walls[0], "shipments_s": count / walls[1],
        "p50_ms": _quantile(waits, 0.5) * 1000, "p99_ms": _quantile(waits, 0.99) * 1000,
        "late_ms": max(late for _, late in phases) * 1000, **({"server_cpu_s": server} if home.server else {}),
    }  # fmt: skip


def _phase(home: Home, port: int, path: Path, count: int, rate: float) -> tuple[float, float]:
    """Seconds from the arrival of the first webhook until the last message was recorded as sent, and by how many
    the shop fell behind its rate because all its connections were waiting."""
    before, known = home.sent(), home.number("SELECT coalesce(max(id), 0) FROM inbox")
    told = child("client", port, f"/in/{home.source}", path, CONNECTIONS, rate)
    if told["accepted"] != count:
        raise RuntimeError(f"{told['accepted']} of {count} webhooks were taken")
    last, moved = before, time.monotonic()
    while (sent := home.sent()) < before + count:
        if sent != last:
            last, moved = sent, time.monotonic()
        if time.monotonic() - moved > PATIENCE:
            raise RuntimeError(f"{sent - before} of {count} messages were sent: {home.states()}")
        time.sleep(0.05)
    began = moment(home.ask(f"SELECT min(received_at) FROM inbox WHERE id > {known}")[0][0])
    return moment(home.ask("SELECT max(sent_at) FROM message")[0][0]) - began, told["late_s"]


def _waits(home: Home) -> list[float]:
    """Seconds from the arrival of a webhook to the commit that records its message as accepted, warm-up left out."""
    rows = sorted((moment(row[2]), moment(row[1])) for row in home.ask(WAITS))
    return [sent - received for sent, received in rows[2 * WARM :]]


def _quantile(ordered: Sequence[float], part: float) -> float:
    return ordered[min(len(ordered) - 1, int(len(ordered) * part))]


if __name__ == "__main__":
    asked = argparse.ArgumentParser()
    asked.add_argument("orders", type=int)
    asked.add_argument("rates", type=float, nargs="*", default=(0, 0))
    asked.add_argument("--database", default="sqlite")
    asked.add_argument("--broker", default="memory")
    given = asked.parse_args()
    print(json.dumps(run(given.orders, given.rates, given.database, given.broker)))
