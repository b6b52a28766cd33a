"""One round of Celery + Redis: a producer that verifies and enqueues, four worker processes that write and send."""

from __future__ import annotations

import hmac
import json
import os
import signal
import subprocess
import sys
import time
from base64 import b64decode
from collections.abc import Sequence
from datetime import UTC, datetime

from bench import workload
from bench.limit import WARM
from bench.rounds import ROOT, cpu_here, cpu_of, peak_of
from bench.sink import sink, wait_for
from bench.workload import Recorded
from tests.services.ports import free_port

WORKERS = os.cpu_count() or 4


def run(count: int) -> dict[str, float]:
    """`count` orders, then their shipments."""
    now, port = datetime.now(UTC), free_port()
    redis = subprocess.Popen(
        ["redis-server", "--port", str(port), "--save", "", "--appendonly", "no"], stdout=subprocess.DEVNULL
    )
    try:
        wait_for(port)
        with sink() as mail:
            os.environ |= {"BENCH_REDIS": f"redis://127.0.0.1:{port}/0", "BENCH_SMTP": str(mail.port)}
            words = ["-m", "celery", "-A", "bench.usual.tasks", "worker", "-c", str(WORKERS), "-l", "ERROR"]
            worker = subprocess.Popen([sys.executable, *words], cwd=ROOT, stdout=subprocess.DEVNULL)
            try:
                work = [list(make(number, now, first)) for make, number, first in workload.plan(count, WARM)]
                for one in work[:2]:
                    _phase(one)
                wall, cpu, store = time.perf_counter(), cpu_here() + cpu_of(worker.pid), cpu_of(redis.pid)
                for one in work[2:]:
                    _phase(one)
                wall = time.perf_counter() - wall
                cpu, store = cpu_here() + cpu_of(worker.pid) - cpu, cpu_of(redis.pid) - store
                peak = peak_of(worker.pid)
            finally:
                worker.send_signal(signal.SIGTERM)
                worker.wait(timeout=60)
    finally:
        redis.terminate()
        redis.wait()
    return {
        "messages_s": 2 * count / wall, "messages_cpu_s": 2 * count / cpu, "wall_s": wall, "cpu_s": cpu,
        "server_cpu_s": store, "peak_mb": peak,
    }  # fmt: skip


def _phase(deliveries: Sequence[Recorded]) -> None:
    """Enqueue them and wait until all are sent. Raises TimeoutError."""
    from bench.usual.tasks import counter, notify

    before = int(counter().get("done") or 0)
    for one in deliveries:
        told = b64decode(one.headers["x-shopify-hmac-sha256"])
        if not hmac.compare_digest(told, hmac.digest(workload.SECRET.encode(), one.body, "sha256")):
            raise ValueError("a signature does not fit")
        notify.delay(one.headers["x-shopify-topic"], one.body.decode())
    until = time.monotonic() + 300
    while (now := int(counter().get("done") or 0)) < before + len(deliveries):
        if time.monotonic() > until:
            raise TimeoutError(f"{now - before} of {len(deliveries)} were sent")
        time.sleep(0.05)


if __name__ == "__main__":
    print(json.dumps(run(int(sys.argv[1]))))
