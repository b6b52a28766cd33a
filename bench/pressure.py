"""Posts signed deliveries, each with a new id, for some seconds: by wrk where it is installed, else by asyncio."""

from __future__ import annotations

import asyncio
import json
import secrets
import shutil
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from bench import workload
from bench.client import answer, request
from bench.rounds import child

WRK = shutil.which("wrk")
SCRIPT = Path(__file__).resolve().parent / "pressure.lua"


def press(port: int, path: str, connections: int, seconds: float) -> dict[str, float]:
    """{requests, seconds, failed, p50_ms, p99_ms}; the client is a process of its own."""
    if WRK is None:
        return child("pressure", port, path, connections, seconds)
    body, headers = _delivery()
    with TemporaryDirectory(prefix="todoke-bench-") as folder:
        file = Path(folder) / "body.json"
        file.write_bytes(body)
        words = [f"{name}={value}" for name, value in headers.items()]
        command = [
            WRK, "-t", str(min(2, connections)), "-c", str(connections), "-d", f"{seconds:.0f}s", "--timeout", "30s",
            "-s", str(SCRIPT),
            f"http://127.0.0.1:{port}{path}", "--", str(file), secrets.token_hex(6), *words,
        ]  # fmt: skip
        told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    figures: dict[str, float] = json.loads(told.splitlines()[-1])
    return figures


def _delivery() -> tuple[bytes, dict[str, str]]:
    one = next(workload.orders(1, datetime.now(UTC)))
    return one.body, {name: value for name, value in one.headers.items() if name != "x-shopify-webhook-id"}


async def _press(port: int, path: str, connections: int, seconds: float) -> dict[str, float]:
    body, headers = _delivery()
    took: list[float] = []
    failed = 0
    until, seed = time.perf_counter() + seconds, secrets.token_hex(6)

    async def one(number: int) -> None:
        nonlocal failed
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        count = 0
        while (began := time.perf_counter()) < until:
            count += 1
            name = {"x-shopify-webhook-id": f"{seed}-{number}-{count}"}
            writer.write(request(path, {**headers, **name}, body))
            failed += await answer(reader) >= 300
            took.append(time.perf_counter() - began)
        writer.close()

    await asyncio.gather(*(one(number) for number in range(connections)))
    took.sort()
    p50, p99 = (took[int(len(took) * part)] * 1000 for part in (0.5, 0.99))
    return {"requests": len(took), "seconds": seconds, "failed": failed, "p50_ms": p50, "p99_ms": p99}


if __name__ == "__main__":
    where, posted_to, many, long = sys.argv[1:]
    print(json.dumps(asyncio.run(_press(int(where), posted_to, int(many), float(long)))))
