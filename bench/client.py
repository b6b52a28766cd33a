"""The shop's side, in a process of its own: posts recorded deliveries over kept connections, at a rate or at will."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections import Counter, deque
from collections.abc import Mapping
from pathlib import Path

from bench import workload


def request(path: str, headers: Mapping[str, str], body: bytes) -> bytes:
    """One POST as it goes over the wire."""
    lines = [f"POST {path} HTTP/1.1", "host: 127.0.0.1", f"content-length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join((*lines, "", "")).encode() + body


async def answer(reader: asyncio.StreamReader) -> int:
    """The status of the next answer, read to its end."""
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    length = int(head.partition(b"content-length:")[2].partition(b"\r\n")[0] or 0)
    await reader.readexactly(length)
    return int(head.split(b" ", 2)[1])


class Shop:
    """Posts everything once. With `rate` (a second) each has its moment, whether or not the last was answered."""

    def __init__(self, port: int, path: str, deliveries: Path, rate: float) -> None:
        self._port, self._rate = port, rate
        self._todo = deque(enumerate(request(path, one.headers, one.body) for one in workload.read(deliveries)))
        self._began = 0.0
        self.statuses: Counter[int] = Counter()
        self.late = 0.0  # seconds by which the shop itself fell behind its rate

    async def run(self, connections: int) -> float:
        """Seconds that it took. Raises OSError when the server hangs up."""
        self._began = time.perf_counter()
        async with asyncio.TaskGroup() as group:
            for _ in range(connections):
                group.create_task(self._connection())
        return time.perf_counter() - self._began

    async def _connection(self) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        while self._todo:
            number, wire = self._todo.popleft()
            if self._rate:
                ahead = self._began + number / self._rate - time.perf_counter()
                self.late = max(self.late, -ahead)
                await asyncio.sleep(max(0.0, ahead))
            writer.write(wire)
            self.statuses[await answer(reader)] += 1
        writer.close()


def main() -> None:
    """python -m bench.client PORT PATH DELIVERIES CONNECTIONS RATE"""
    port, path, deliveries, connections, rate = sys.argv[1:]
    shop = Shop(int(port), path, Path(deliveries), float(rate))
    seconds = asyncio.run(shop.run(int(connections)))
    accepted = sum(count for status, count in shop.statuses.items() if status < 300)
    print(json.dumps({"seconds": seconds, "accepted": accepted, "late_s": shop.late}))


if __name__ == "__main__":
    main()
