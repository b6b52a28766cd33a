"""One round: recorded deliveries through the real `todoke ingest`, in this process, until all mail is accepted.

The installation is composed once and that start-up is not counted, as it is not for the others.
"""

from __future__ import annotations

import contextlib
import cProfile
import io
import json
import os
import sqlite3
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from bench import workload
from bench.installation import Home, installed
from bench.limit import WARM
from bench.rounds import cpu_here, peak_here
from bench.sink import sink


def run(count: int, profile: str | None = None) -> dict[str, float]:
    """`count` orders, then their shipments. Raises RuntimeError unless every order has its two messages sent."""
    with sink() as mail, installed(mail) as home:
        now = datetime.now(UTC)
        files = [home.path / f"{name}.jsonl" for name in ("warm-orders", "warm-shipments", "orders", "shipments")]
        for path, (make, number, first) in zip(files, workload.plan(count, WARM), strict=True):
            workload.write(path, make(number, now, first))
        os.environ.update(home.env)
        import cli

        app = cli.compose()
        cli.compose = lambda clock=None: app  # type: ignore[assignment]
        for path in files[:2]:
            _ingest(cli.app, home, path)
        profiler = cProfile.Profile(time.process_time) if profile else contextlib.nullcontext()
        wall, cpu = time.perf_counter(), cpu_here()
        with profiler:
            for path in files[2:]:
                _ingest(cli.app, home, path)
        wall, cpu = time.perf_counter() - wall, cpu_here() - cpu
        if profile and isinstance(profiler, cProfile.Profile):
            profiler.dump_stats(profile)
        sent = count_sent(home) - 2 * WARM
        if sent != 2 * count:
            raise RuntimeError(f"{sent} messages were sent, expected {2 * count}: {states(home)}")
    return {
        "messages_s": sent / wall, "messages_cpu_s": sent / cpu, "wall_s": wall, "cpu_s": cpu, "peak_mb": peak_here(),
    }  # fmt: skip


def _ingest(command: Callable[..., object], home: Home, path: Path) -> None:
    with contextlib.redirect_stdout(io.StringIO()):
        command(["ingest", home.source, str(path), "--json"], standalone_mode=False)


def count_sent(home: Home) -> int:
    """Messages that the mail server has accepted, as the installation recorded it."""
    with contextlib.closing(sqlite3.connect(f"file:{home.database}?mode=ro", uri=True)) as db:
        number: int = db.execute("SELECT count(*) FROM message WHERE status = 'sent'").fetchone()[0]
        return number


def states(home: Home) -> list[tuple[str, str, str, int]]:
    """(template, status, reason, how many), for the error that says what went wrong."""
    with contextlib.closing(sqlite3.connect(f"file:{home.database}?mode=ro", uri=True)) as db:
        return list(db.execute("SELECT template, status, reason, count(*) FROM message GROUP BY 1, 2, 3"))


if __name__ == "__main__":
    print(json.dumps(run(int(sys.argv[1]), *map(str, map(Path, sys.argv[2:])))))
