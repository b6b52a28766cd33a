"""One round: recorded deliveries through the real `todoke ingest`, in this process, until all mail is accepted.

The installation and its command line are composed once and that start-up is not counted, as it is not for the others.
"""

from __future__ import annotations

import argparse
import contextlib
import cProfile
import io
import json
import os
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from typer.main import get_command

from bench import workload
from bench.installation import Home, installed
from bench.limit import WARM
from bench.rounds import cpu_here, peak_here
from bench.sink import sink


def run(count: int, profile: str | None = None, database: str = "sqlite") -> dict[str, float]:
    """`count` orders, then their shipments. Raises RuntimeError unless every order has its two messages sent."""
    with sink() as mail, installed(mail, database) as home:
        now = datetime.now(UTC)
        files = [home.path / f"{name}.jsonl" for name in ("warm-orders", "warm-shipments", "orders", "shipments")]
        for path, (make, number, first) in zip(files, workload.plan(count, WARM), strict=True):
            workload.write(path, make(number, now, first))
        os.environ.update(home.env)
        import cli

        app = cli.compose()
        cli.compose = lambda clock=None: app  # type: ignore[assignment]
        command = get_command(cli.app)
        for path in files[:2]:
            _ingest(command, home, path)
        profiler = cProfile.Profile(time.process_time) if profile else contextlib.nullcontext()
        wall, cpu, server = time.perf_counter(), cpu_here(), home.server_cpu()
        with profiler:
            for path in files[2:]:
                _ingest(command, home, path)
        wall, cpu, server = time.perf_counter() - wall, cpu_here() - cpu, home.server_cpu() - server
        if profile and isinstance(profiler, cProfile.Profile):
            profiler.dump_stats(profile)
        sent = home.sent() - 2 * WARM
        if sent != 2 * count:
            raise RuntimeError(f"{sent} messages were sent, expected {2 * count}: {home.states()}")
        app.store.close()
    return {
        "messages_s": sent / wall, "messages_cpu_s": sent / cpu, "wall_s": wall, "cpu_s": cpu, "peak_mb": peak_here(),
        **({"server_cpu_s": server} if database != "sqlite" else {}),
    }  # fmt: skip


def _ingest(command: Callable[..., object], home: Home, path: Path) -> None:
    with contextlib.redirect_stdout(io.StringIO()):
        command(["ingest", home.source, str(path), "--json"], standalone_mode=False)


if __name__ == "__main__":
    asked = argparse.ArgumentParser()
    asked.add_argument("orders", type=int)
    asked.add_argument("--profile")
    asked.add_argument("--database", default="sqlite")
    given = asked.parse_args()
    print(json.dumps(run(given.orders, given.profile, given.database)))
