"""A provider over HTTP that answers everything with the same body, after a pause; a process of its own.

It reads as little as a server can: the length of a request, and its end. What it costs is not counted.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from bench.sink import wait_for
from tests.services.ports import free_port


@contextmanager
def answers(body: str, *, status: int = 200, after: float = 0.0) -> Iterator[str]:
    """The address of such a provider; `after` is its latency in seconds. It ends with the block."""
    port = free_port()
    process = subprocess.Popen([sys.executable, "-m", "bench.answers", str(port), str(after), str(status), body])
    try:
        wait_for(port)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait()


class _Provider(asyncio.Protocol):
    def __init__(self, reply: bytes, after: float) -> None:
        self._reply, self._after = reply, after
        self._held = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if isinstance(transport, asyncio.Transport):
            self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._held += data
        while (end := self._held.find(b"\r\n\r\n")) >= 0:
            head = self._held[:end].lower()
            at = head.find(b"content-length:")
            length = int(head[at + 15 :].split(b"\r\n", 1)[0]) if at >= 0 else 0
            if len(self._held) < end + 4 + length:
                return
            self._held = self._held[end + 4 + length :]
            if self._after:
                asyncio.get_running_loop().call_later(self._after, self._answer)
            else:
                self._answer()

    def _answer(self) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(self._reply)


async def serve(port: int, after: float, status: int, body: str) -> None:
    """Until somebody ends the process."""
    raw = body.encode()
    head = f"HTTP/1.1 {status} OK\r\ncontent-type: application/json\r\ncontent-length: {len(raw)}\r\n\r\n"
    reply = head.encode() + raw
    server = await asyncio.get_running_loop().create_server(
        lambda: _Provider(reply, after), "127.0.0.1", port, backlog=4_096
    )
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3]), sys.argv[4]))
