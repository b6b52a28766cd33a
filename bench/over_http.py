"""One round: signed webhooks posted to a real `todoke up`, until the mail server has accepted every message."""

from __future__ import annotations

import contextlib
import json
import sqlite3
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench import workload
from bench.ingest import states
from bench.installation import Home, installed, running
from bench.limit import WARM
from bench.rounds import child, cpu_of, peak_of
from bench.sink import sink

CONNECTIONS = 32
PATIENCE = 300  # seconds without any progress
WAITS = """
SELECT message.id, (julianday(message.sent_at) - julianday(inbox.received_at)) * 86400.0, message.sent_at
FROM message JOIN observation USING (subject_id) JOIN inbox ON inbox.id = observation.inbox_id
WHERE message.status = 'sent' AND inbox.topic = CASE message.template
      WHEN 'order_confirmed' THEN 'orders/create' ELSE 'fulfillments/create' END
"""


def run(count: int, rates: Sequence[float] = (0, 0)) -> dict[str, float]:
    """`count` orders, then their shipments, each at its rate (deliveries a second; 0: as fast as they are taken).

    Raises RuntimeError when a webhook is refused or a message is not sent.
    """
    with sink() as mail, installed(mail) as home:
        now = datetime.now(UTC)
        files = [home.path / f"{name}.jsonl" for name in ("warm-orders", "warm-shipments", "orders", "shipments")]
        for path, (make, number, first) in zip(files, workload.plan(count, WARM), strict=True):
            workload.write(path, make(number, now, first))
        with running(home, "up") as (process, port):
            for path in files[:2]:
                _phase(home, port, path, WARM, 0)
            cpu = cpu_of(process.pid)
            phases = [_phase(home, port, path, count, rate) for path, rate in zip(files[2:], rates, strict=True)]
            cpu, peak = cpu_of(process.pid) - cpu, peak_of(process.pid)
        walls = [wall for wall, _ in phases]
        waits = sorted(_waits(home))
    return {
        "messages_s": 2 * count / sum(walls), "messages_cpu_s": 2 * count / cpu, "wall_s": sum(walls), "cpu_s": cpu,
        "peak_mb": peak, "orders_s": count / walls[0], "shipments_s": count / walls[1],
        "p50_ms": _quantile(waits, 0.5) * 1000, "p99_ms": _quantile(waits, 0.99) * 1000,
        "late_ms": max(late for _, late in phases) * 1000,
    }  # fmt: skip


def _phase(home: Home, port: int, path: Path, count: int, rate: float) -> tuple[float, float]:
    """Seconds from the arrival of the first webhook until the last message was recorded as sent, and by how many
    the shop fell behind its rate because all its connections were waiting."""
    before, known = _sent(home), _ask(home, "SELECT coalesce(max(id), 0) FROM inbox")[0][0]
    told = child("client", port, f"/in/{home.source}", path, CONNECTIONS, rate)
    if told["accepted"] != count:
        raise RuntimeError(f"{told['accepted']} of {count} webhooks were taken")
    last, moved = before, time.monotonic()
    while (sent := _sent(home)) < before + count:
        if sent != last:
            last, moved = sent, time.monotonic()
        if time.monotonic() - moved > PATIENCE:
            raise RuntimeError(f"{sent - before} of {count} messages were sent: {states(home)}")
        time.sleep(0.05)
    began = _moment(home, f"SELECT min(received_at) FROM inbox WHERE id > {known}")
    return _moment(home, "SELECT max(sent_at) FROM message") - began, told["late_s"]


def _sent(home: Home) -> int:
    return int(_ask(home, "SELECT count(*) FROM message WHERE status = 'sent'")[0][0])


def _moment(home: Home, query: str) -> float:
    return datetime.fromisoformat(str(_ask(home, query)[0][0])).replace(tzinfo=UTC).timestamp()


def _waits(home: Home) -> list[float]:
    """Seconds from the arrival of a webhook to the commit that records its message as accepted, warm-up left out."""
    rows = sorted((row[2], row[1]) for row in _ask(home, WAITS))
    return [wait for _, wait in rows[2 * WARM :]]


def _ask(home: Home, query: str) -> list[tuple[Any, ...]]:
    with contextlib.closing(sqlite3.connect(f"file:{home.database}?mode=ro", uri=True)) as db:
        return list(db.execute(query))


def _quantile(ordered: Sequence[float], part: float) -> float:
    return ordered[min(len(ordered) - 1, int(len(ordered) * part))]


if __name__ == "__main__":
    print(json.dumps(run(int(sys.argv[1]), [float(rate) for rate in sys.argv[2:4]] or (0, 0))))
