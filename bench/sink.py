"""The receiving mail server: Debian's smtp-sink (package postfix), because it is faster than anything we measure.

Without it an asyncio sink of our own stands in; the output says so, because its CPU may then be the limit.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.services.ports import free_port

PROGRAM = shutil.which("smtp-sink", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/lib/postfix/sbin")


@dataclass(frozen=True)
class Sink:
    """Where mail goes, and which program takes it."""

    port: int
    program: str

    @property
    def url(self) -> str:
        """For `todoke connect smtp --set url=`."""
        return f"smtp://127.0.0.1:{self.port}"


@contextmanager
def sink() -> Iterator[Sink]:
    """A mail server on a free port that accepts and forgets everything; ended afterwards."""
    port = free_port()
    if PROGRAM is None:
        print("smtp-sink is missing (apt-get install postfix): using a slower asyncio sink", file=sys.stderr)
        command = [sys.executable, __file__, str(port)]
    else:
        who = ["-u", "nobody"] if os.geteuid() == 0 else []
        command = [PROGRAM, *who, f"127.0.0.1:{port}", "1000"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_for(port)
        yield Sink(port=port, program=Path(command[0]).name if PROGRAM else "asyncio")
    finally:
        process.terminate()
        process.wait()


def wait_for(port: int, seconds: float = 30) -> None:
    """Return when something listens there. Raises TimeoutError."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            time.sleep(0.02)
    raise TimeoutError(f"nothing listens on port {port} after {seconds} s")


async def _take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"220 sink\r\n")
    while line := await reader.readline():
        match line[:4].upper():
            case b"DATA":
                writer.write(b"354 go on\r\n")
                await reader.readuntil(b"\r\n.\r\n")
                writer.write(b"250 2.0.0 Ok\r\n")
            case b"QUIT":
                writer.write(b"221 bye\r\n")
                break
            case _:
                writer.write(b"250 2.1.0 Ok\r\n")
    writer.close()


async def _serve(port: int) -> None:
    server = await asyncio.start_server(_take, "127.0.0.1", port, limit=10_000_000)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_serve(int(sys.argv[1])))
